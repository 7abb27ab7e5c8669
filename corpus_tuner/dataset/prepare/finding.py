"""What a check finds, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["stop", "necessary", "recommended", "optional", "note"]
"""stop: nothing can be trained; necessary: done at once, the rows could not be trained otherwise; recommended: done if
asked or with --yes; optional: takes something away that may matter, done by name only; note: nothing to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the user's file. `number` counts from 1, and stays what it was when other rows go."""

    number: int
    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values.get(key)

    def having(self, **values: Any) -> Row:
        """The row with other values."""
        return Row(self.number, {**self.values, **values})


Rows = list[Row]
Remedy = Callable[[Rows], Rows]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. `before` and `after` show the first row that a remedy would change."""

    check: str
    level: Level
    message: str
    rows: tuple[int, ...] = ()
    before: str = ""
    after: str = ""
    action: str = ""  # what the remedy does, in the imperative
    remedy: Remedy | None = field(default=None, compare=False, repr=False)


def dropping(check: str, level: Level, message: str, gone: list[Row], action: str) -> Finding | None:
    """A finding about rows that are to go; None if there are none. `message` and `action` may hold `{count}`."""
    if not gone:
        return None
    numbers = frozenset(row.number for row in gone)

    def remedy(rows: Rows) -> Rows:
        return [row for row in rows if row.number not in numbers]

    words = {"count": len(gone), "rows": "row" if len(gone) == 1 else "rows"}
    return Finding(
        check, level, message.format(**words), tuple(sorted(numbers)), shown(gone[0].values), "", action.format(**words), remedy
    )


def changing(
    check: str, level: Level, message: str, rows: Rows, key: str, change: Callable[[str], str], action: str
) -> Finding:
    """A finding whose remedy changes the text of `key` in every row."""

    def remedy(rows: Rows) -> Rows:
        return [row.having(**{key: change(row[key])}) for row in rows]

    changed = [row for row in rows if change(row[key]) != row[key]]
    before, after = (changed[0][key], change(changed[0][key])) if changed else ("", "")
    return Finding(check, level, message, tuple(row.number for row in changed), shown(before), shown(after), action, remedy)


def shown(value: Any) -> str:
    """A value on one line, at most 160 characters, with what is invisible made visible."""
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= 160 else f"{text[:100]} … {text[-50:]}"
