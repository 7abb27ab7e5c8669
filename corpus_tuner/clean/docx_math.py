"""Formulas of Office (OMML, ECMA-376 part 1, 22.1) as one line: `x^2`, `(a+b)/c`, `√(x)`, `∑_(n=1)^∞ n`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def linear(element: Any) -> str:
    """What a formula, or a part of one, says; a piece of several signs stands in brackets where its place would not show it."""
    name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if name == "t":
        return element.text or ""
    write = _WRITERS.get(name)
    return write(element) if write else _joined(element)


def _joined(element: Any) -> str:
    """The parts one after the other; a letter behind a script or a fraction stands apart from it: `a_n x`."""
    out = ""
    apart = False
    for child in element:
        piece = linear(child)
        out += " " * (apart and out[-1:].isalnum() and piece[:1].isalnum()) + piece
        apart = isinstance(child.tag, str) and child.tag.rpartition("}")[2] in _WRITERS
    return out


def _of(element: Any, name: str) -> str:
    part = element.find(M + name)
    return linear(part).strip() if part is not None else ""


def _grouped(text: str) -> str:
    return text if len(text) < 2 or text.isalpha() or text.isdecimal() else f"({text})"


def _scripted(element: Any) -> str:
    base, below, above = (_of(element, name) for name in ("e", "sub", "sup"))
    limit = _of(element, "lim")
    below, above = (below, above or limit) if element.tag == M + "limUpp" else (below or limit, above)
    return _grouped(base) + (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")


def _property(element: Any, group: str, name: str, otherwise: str) -> str:
    found = element.find(f"{M}{group}/{M}{name}")
    return otherwise if found is None else found.get(M + "val", "")


def _fraction(element: Any) -> str:
    top, below = _grouped(_of(element, "num")), _grouped(_of(element, "den"))
    return f"({top} {below})" if _property(element, "fPr", "type", "") == "noBar" else f"{top}/{below}"


def _root(element: Any) -> str:
    degree = _of(element, "deg")
    return f"{_grouped(degree)}√{_grouped(_of(element, 'e'))}"


def _sum(element: Any) -> str:
    below, above = _of(element, "sub"), _of(element, "sup")
    sign = _property(element, "naryPr", "chr", "∫")
    return f"{sign}{f'_{_grouped(below)}' if below else ''}{f'^{_grouped(above)}' if above else ''} {_of(element, 'e')}"


def _bracketed(element: Any) -> str:
    opening, between, closing = (_property(element, "dPr", name, sign) for name, sign in (("begChr", "("), ("sepChr", "|"), ("endChr", ")")))
    return opening + between.join(linear(part) for part in element.findall(M + "e")) + closing


def _function(element: Any) -> str:
    return f"{_of(element, 'fName')} {_of(element, 'e')}"


def _matrix(element: Any) -> str:
    return "; ".join(", ".join(linear(cell) for cell in row.findall(M + "e")) for row in element.findall(M + "mr"))


def _lines(element: Any) -> str:
    return "; ".join(linear(part) for part in element.findall(M + "e"))


_WRITERS: dict[str, Callable[[Any], str]] = {
    "sSup": _scripted, "sSub": _scripted, "sSubSup": _scripted, "limLow": _scripted, "limUpp": _scripted,
    "f": _fraction, "rad": _root, "nary": _sum, "d": _bracketed, "func": _function, "m": _matrix, "eqArr": _lines,
}  # fmt: skip
