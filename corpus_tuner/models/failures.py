"""What an HTTP failure means to the caller: to ask again, to give this request up, or to stop and call the user."""

from __future__ import annotations

from typing import Any

from corpus_tuner.access import retry_after
from corpus_tuner.errors import CorpusTunerError, Declined, Transient, Unavailable
from corpus_tuner.models.hosts import Host


def failure(error: Any, text: str, host: Host, model: str, key_env: str) -> CorpusTunerError:
    """The error that an HTTP status stands for; `text` is what the server said, without the key."""
    status = error.status_code
    if status in (401, 403):
        return CorpusTunerError(f"the endpoint {host.name} refused the key in ${key_env} ({status}): {text}")
    if status == 404:
        return CorpusTunerError(f"{host.name} knows no model {model!r}, or {host.url} is not its API (404): {text}")
    if status == 402 or "insufficient_quota" in text:
        return Unavailable(f"{host.name} wants to be paid before it goes on ({status}): {text}")
    after = retry_after(error.response.headers)
    if status == 429:
        return Transient(f"{host.name} is busy (429): {text}", after, refused=True, status=status)
    if status in (408, 409, 425) or status >= 500:
        return Transient(f"{host.name} failed ({status}): {text}", after, status=status)
    return Declined(f"{host.name} declined the request ({status}): {text}")


def unreachable(error: Exception, text: str, host: str) -> Transient:
    """A connection that could not be made cost nothing; one that broke may have."""
    refused = "connect" in type(error.__cause__).__name__.lower()
    return Transient(f"{host} cannot be reached: {text}", refused=refused)
