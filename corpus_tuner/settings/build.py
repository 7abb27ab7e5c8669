"""A parsed TOML table as frozen records: every value by the type of its field, an unknown key by the nearest known one."""

from __future__ import annotations

import dataclasses
import difflib
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from corpus_tuner.errors import CorpusTunerError

_CALLED = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def build(cls: type, table: Any, where: str) -> Any:
    """A record of `cls`. Raises CorpusTunerError for a key that it has not, and for a value of another type."""
    if not isinstance(table, dict):
        raise CorpusTunerError(f"{where} must be a table")
    hints = get_type_hints(cls)
    values = {}
    for key, value in table.items():
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(hints)}"
            raise CorpusTunerError(f"{where}: unknown key {key!r:.80}; {hint}")
        values[key] = _value(hints[key], value, f"{where}: {key}")
    return cls(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)
    if isinstance(value, list) and get_origin(hint) is UnionType:
        hint = next((one for one in get_args(hint) if get_origin(one) is tuple), hint)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise CorpusTunerError(f"{where} must be a list")
        return tuple(_value(get_args(hint)[0], item, where) for item in value)
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise CorpusTunerError(f"{where} must be a table")
        return dict(value)
    kinds = tuple(one for one in get_args(hint) if get_origin(one) is not tuple) if get_origin(hint) is UnionType else (hint,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kinds) or isinstance(value, bool) != (bool in kinds):
        raise CorpusTunerError(f"{where} = {value!r:.80} must be {' or '.join(_CALLED[kind] for kind in kinds)}")
    if isinstance(value, str) and "\0" in value:
        raise CorpusTunerError(f"{where} = {value!r:.80} holds a NUL, which no path and no text has")
    return value
