"""What a client did wrong, or what is wrong here, in the shape and with the codes of OpenAI's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Problem(Exception):
    """An HTTP error. `again=False` tells OpenAI's SDK, which repeats 409, 429 and 5xx, not to."""

    def __init__(
        self, status: int, message: str, code: str | None = None, param: str | None = None, *, again: bool = True
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.again = status, message, code, param, again

    @property
    def body(self) -> dict[str, Any]:
        """`{"error": {message, type, param, code}}`: all four keys, always."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    @property
    def type(self) -> str:
        """OpenAI's sort of error for the status."""
        if self.status == 429:
            return "rate_limit_error"
        return "server_error" if self.status >= 500 else "invalid_request_error"

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that go with it."""
        return {} if self.again else {"x-should-retry": "false"}


def unknown_file(name: str) -> Problem:
    """404 for a file that is not there, or is another key's."""
    return Problem(404, f"No such File object: {name}", None, "id")


def unknown_job(name: str) -> Problem:
    """404 for a job that is not there, or is another key's."""
    return Problem(404, f"Could not find fine tune: {name}", "fine_tune_not_found", "fine_tune_id")


def unknown_model(name: str) -> Problem:
    """404 for a model that is not there, or is another key's."""
    return Problem(404, f"The model '{name}' does not exist or you do not have access to it.", "model_not_found", "model")


INSTEAD = {  # paths of OpenAI's, older or of other services, that clients ask for -> what there is
    "/v1/fine-tunes": "Fine-tunes are jobs now, at /v1/fine_tuning/jobs.",
    "/v1/engines": "Engines are models now: name one as 'model' in the request.",
    "/v1/responses": "This server has no responses: ask /v1/chat/completions.",
}


def unknown_url(method: str, path: str) -> Problem:
    """404 for a path that is none of ours, with what its client may have meant."""
    begun = next((old for old in INSTEAD if path == old or path.startswith(f"{old}/")), None)
    hint = f" {INSTEAD[begun]}" if begun else "" if path.startswith("/v1") else " The paths of the protocol begin with /v1."
    return Problem(404, f"Invalid URL ({method} {path[:200]}).{hint}", "unknown_url")


def full_disk() -> Problem:
    """507 where there is no room left; what was there is unharmed."""
    return Problem(507, "The server's disk is full; nothing was stored.", "disk_full", again=False)


CODES = {  # pydantic's sort of error -> OpenAI's code
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "greater_than_equal": "integer_below_min_value",
    "greater_than": "integer_below_min_value",
    "less_than_equal": "integer_above_max_value",
    "string_too_long": "string_above_max_length",
    "string_too_short": "string_below_min_length",
    "too_long": "array_above_max_length",
    "too_short": "array_below_min_length",
    "string_type": "invalid_type",
    "int_type": "invalid_type",
    "int_from_float": "invalid_type",
    "float_type": "invalid_type",
    "bool_type": "invalid_type",
    "list_type": "invalid_type",
    "dict_type": "invalid_type",
    "model_type": "invalid_type",
    "model_attributes_type": "invalid_type",
}
SAID = {
    "missing": "Missing required parameter: '{where}'.",
    "extra_forbidden": "Unknown parameter: '{where}'.",
    "model_type": "Invalid '{where}': Input should be an object.",
}


def invalid(errors: list[Mapping[str, Any]]) -> Problem:
    """400 for what pydantic says of a request: the most telling of its errors."""
    error = min(errors, key=lambda error: (error["type"] not in CODES, -len(error["loc"])))
    parts = [part for part in error["loc"] if not _is_branch(part)]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".") or "body"
    code = CODES.get(error["type"], "invalid_value")
    if any(isinstance(bound, float) for bound in error.get("ctx", {}).values()):
        code = code.replace("integer", "decimal")
    said = SAID.get(error["type"], "Invalid '{where}': {said}.").format(where=where, said=error["msg"].rstrip("."))
    return Problem(400, said, code, where)


def _is_branch(part: Any) -> bool:
    """Whether a part of a location is pydantic's name for a branch of a union, not the client's for a field."""
    return isinstance(part, str) and (
        part in ("body", "query", "path", "int", "float", "str", "bool") or part.startswith("constrained-") or "[" in part or part[:1].isupper()
    )
