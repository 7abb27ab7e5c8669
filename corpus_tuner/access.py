"""Access to a remote host: its key, texts without that key, and how long it asks to wait."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

from corpus_tuner.errors import CorpusTunerError

NO_KEY = "none"  # what the SDK is given where the host wants no key


def api_key(variable: str, host: str) -> str:
    """The key in an environment variable; "" for a host on this machine that wants none, or where no variable is named.

    Raises CorpusTunerError where it is missing, or holds what no HTTP header can.
    """
    key = os.environ.get(variable, "").strip() if variable else ""
    if variable and not key and not is_loopback(host):
        raise CorpusTunerError(f"set the environment variable {variable} to your API key for {host}")
    if not (key.isascii() and key.isprintable()):
        raise CorpusTunerError(f"the key in {variable} cannot be sent: it holds characters that no key has")
    return key


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def without_key(text: str, key: str) -> str:
    """`text` without the key, however the host came to repeat it; a dummy word is no key."""
    telling = len(key) >= 8 or (len(key) >= 4 and not key.isalpha())
    return text.replace(key, "***") if telling else text


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a host asks to wait (Retry-After in seconds or as a date, or retry-after-ms), or None."""
    with suppress(KeyError, ValueError):
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    said = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(said))
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    return None
