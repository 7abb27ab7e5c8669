"""The arguments of a template call, and the parser functions that pages themselves use."""

from __future__ import annotations

import re

NumberFormat = tuple[str, str, int]  # thousands separator, decimal separator, least digits before the first separator
PLAIN_NUMBERS: NumberFormat = (",", ".", 1)

_NUMBER = re.compile(r"([-−+]?)(\d+)(\.\d*)?")


def fields(pieces: list[str]) -> list[list[str]]:
    """The pieces of a call between its pipes; each field alternates as the frame did."""
    found: list[list[str]] = [[]]
    for place, piece in enumerate(pieces):
        if place % 2:
            found[-1].append(piece)
        else:
            first, *rest = piece.split("|")
            found[-1].append(first)
            found += [[part] for part in rest]
    return found


def arguments(pieces: list[str]) -> dict[str, str]:
    """A call's arguments by name; those without one are numbered from 1 and keep their spaces."""
    found: dict[str, str] = {}
    number = 0
    for field in fields(pieces)[1:]:
        for place in range(0, len(field), 2):
            before, equals, after = field[place].partition("=")
            if equals:
                found["".join([*field[:place], before]).strip()] = "".join([after, *field[place + 1 :]]).strip()
                break
        else:
            number += 1
            found[str(number)] = "".join(field)
    return found


def call(function: str, pieces: list[str], numbers: NumberFormat) -> str | None:
    """The result of a parser function that pages themselves use; None for any other."""
    values = ["".join(field).strip() for field in fields(pieces)]
    first, rest = values[0].partition(":")[2].strip(), [*values[1:], "", "", ""]
    match function:
        case "lc":
            return first.lower()
        case "uc":
            return first.upper()
        case "ucfirst":
            return first[:1].upper() + first[1:]
        case "lcfirst":
            return first[:1].lower() + first[1:]
        case "formatnum":
            return first if rest[0] else format_number(first, numbers)
        case "#if":
            return rest[0] if first else rest[1]
        case "#ifeq":
            return rest[1] if first == rest[0] else rest[2]
    return None


def format_number(written: str, numbers: NumberFormat) -> str:
    """`1234567.5` with the separators of a language; anything but a plain number stays as it is."""
    found = _NUMBER.fullmatch(written)
    if found is None or len(written) > 400:
        return written
    sign, whole, fraction = found.groups()
    thousands, point, least = numbers
    if len(whole) >= 3 + least:
        whole = f"{int(whole):,}".replace(",", thousands)
    return sign + whole + (fraction.replace(".", point) if fraction else "")
