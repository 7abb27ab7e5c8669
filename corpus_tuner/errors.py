"""What can go wrong, by whose fault: the exit code of the command line is the error's own."""

from __future__ import annotations


class CorpusTunerError(Exception):
    """The user's mistake (bad settings, a missing page, no key): one line that says what to do."""

    exit_code = 2


class MissingExtra(CorpusTunerError):
    """An optional package is not installed; the message names the `pip install` that brings it."""

    def __init__(self, feature: str, extra: str, package: str) -> None:
        super().__init__(f"{feature} needs {package}: pip install 'corpus-tuner[{extra}]'")


class Unavailable(CorpusTunerError):
    """The world's failure: a service that did not answer after its retries. Running again continues."""

    exit_code = 1


class Detached(CorpusTunerError):
    """The user stopped watching a remote job, which goes on; the message says how to come back."""

    exit_code = 130


class Transient(Unavailable):
    """A failure that may pass: the caller may ask again. `refused`: the service did not take the request on at all
    (429, connection refused), so that it cost nothing; `retry_after`: seconds that the service asked to wait;
    `status`: the HTTP status, 0 where there was none."""

    def __init__(
        self, message: str, retry_after: float | None = None, *, refused: bool = False, status: int = 0
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.refused = refused
        self.status = status


class Declined(CorpusTunerError):
    """The service will not do this one request, however often it is asked (too long, against its policy)."""


class OverBudget(CorpusTunerError):
    """The next call might cost more than is left of what the user allowed; it was not made."""
