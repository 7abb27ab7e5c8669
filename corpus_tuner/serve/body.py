"""The JSON body of a request."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from corpus_tuner.serve.problem import Problem, invalid
from corpus_tuner.serve.strict import loads

Asked = TypeVar("Asked", bound=BaseModel)

JSON = re.compile(r"application/([\w.-]+\+)?json\s*(;|$)", re.IGNORECASE)


def read(kind: type[Asked]) -> Callable[[Request], Awaitable[Asked]]:
    """A dependency that reads a request's body as `kind`. Raises Problem (400, 415) for one that is not."""

    async def asked(request: Request) -> Asked:
        _check_kind(request.headers.get("content-type", ""))
        try:
            return kind.model_validate(loads((await request.body()).decode("utf-8-sig")))
        except ValidationError as error:
            raise invalid(error.errors()) from None
        except ValueError as error:
            raise Problem(400, f"We could not parse the JSON body of your request: {error}.", "invalid_json") from None

    return asked


def _check_kind(kind: str) -> None:
    if not JSON.match(kind):
        said = f"Unsupported content type: {kind[:100]!r}. Send JSON, with the header 'Content-Type: application/json'."
        raise Problem(415, said, "unsupported_content_type")
