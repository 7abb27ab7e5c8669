"""The key of an endpoint, read from the environment."""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress

from corpus_tuner.errors import CorpusTunerError

DUMMY_KEY = "none"  # the SDK wants one even where the server does not


def api_key(variable: str, host: str) -> str:
    """The key, or a dummy for a server that wants none: one on this machine, or where no variable is named."""
    key = os.environ.get(variable, "").strip() if variable else DUMMY_KEY
    if not key and not is_loopback(host):
        raise CorpusTunerError(f"set the environment variable {variable} to your API key for {host}")
    return key or DUMMY_KEY


def is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
