"""Who may speak to the server through a browser, and what is said to the browser of it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from corpus_tuner.serve.problem import Problem

OTHER_NAME = (
    "This server has no keys and answers to its loopback address only. "
    "To be asked under another name, make a key first: corpus-tuner serve --new-key NAME, then start it again."
)
OTHER_SITE = "Requests from pages of other sites are refused while this server has no keys."


def is_loopback(name: str) -> bool:
    """Whether a host name or address, without a port, can only mean the machine that it is said on."""
    with suppress(ValueError):
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    return name.lower().removesuffix(".") == "localhost"


def check(headers: Mapping[str, str], keyed: bool) -> None:
    """Lets pass what no key is needed to trust. Raises Problem (403) for the rest.

    While there are no keys, whoever reaches the server may do everything. So it answers to loopback names only (a site
    whose name is made to point here still sends its own), and to no page but its own and those served from this
    machine, whose programs could ask it anyway. With keys every page may ask, as each request must bring one: a browser
    sends none by itself. A request without a host is of HTTP/1.0, so of no browser.
    """
    host, origin = headers.get("host"), headers.get("origin")
    if keyed:
        return
    if host is not None and not is_loopback(re.sub(r":\d*$", "", host)):
        raise Problem(403, OTHER_NAME, "forbidden_host")
    if origin is not None and not _is_here(origin):
        raise Problem(403, OTHER_SITE, "forbidden_origin")


def _is_here(origin: str) -> bool:
    with suppress(ValueError):
        found = urlsplit(origin)
        return found.scheme in ("http", "https") and is_loopback(found.hostname or "")
    return False


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a browser asks if a page's request would be welcome."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight(headers: Mapping[str, str]) -> dict[str, str]:
    """What a browser is to know beforehand: all that the protocol needs is welcome."""
    return {
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": headers.get("access-control-request-headers", ""),
        "access-control-max-age": "600",
    }


def shared(path: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What lets a page of another origin read the response: of the protocol's paths, and without cookies."""
    if "origin" not in headers or not path.startswith("/v1/"):
        return {}
    return {
        "access-control-allow-origin": headers["origin"],
        "access-control-expose-headers": "x-request-id, x-should-retry, openai-processing-ms",
        "vary": "Origin",
    }
