"""JSON as other programs read it: of requests, and of the lines of a training file."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a surrogate pair, as which a character beyond U+FFFF may be escaped


def loads(text: str) -> Any:
    """The value of a JSON text as RFC 8259 has it. Raises ValueError for what is none.

    Python reads more: NaN, and half of a surrogate pair, which no tokenizer and no file takes.
    """
    try:
        value = json.loads(text, parse_constant=_no_number)
        if _ESCAPED_HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair, which is not a character") from None
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")
