"""What DOCX keeps apart from its text: the styles of paragraphs, and how lists are numbered."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BODY = 9  # the outline level of running text; headings have 0 to 8
_HEADING = re.compile(r"heading ([1-9])")
_CODE = re.compile(r"\b(?:source ?code|code ?block|code|html preformatted|preformatted(?: text)?|macro text|verbatim)\b")


@dataclass(frozen=True, slots=True)
class Style:
    """What matters of a style, inherited values included."""

    name: str = ""  # Word keeps the English name of a built-in style whatever language it shows; lower case
    level: int = BODY
    number: tuple[str, int] | None = None  # (list, level in it)
    is_code: bool = False


class Styles:
    """The styles of a document by id (ECMA-376 part 1, 17.7)."""

    def __init__(self, root: Any) -> None:
        self._elements = {} if root is None else {style.get(f"{W}styleId"): style for style in root.iter(f"{W}style")}
        self._read: dict[str, Style] = {}
        self._default = next((key for key, style in self._elements.items() if style.get(f"{W}default") in ("1", "true") and style.get(f"{W}type") == "paragraph"), "")

    def of(self, paragraph: Any) -> Style:
        """The style of a paragraph."""
        named = paragraph.find(f"{W}pPr/{W}pStyle")
        return self._style(named.get(f"{W}val", "") if named is not None else self._default)

    def level(self, paragraph: Any, style: Style) -> int:
        """The level of a heading from 1; 0 for running text. The paragraph's own outline level goes before its style's."""
        own = _outline(paragraph.find(f"{W}pPr"))
        level = style.level if own is None else own
        return level + 1 if level < BODY else 0

    def _style(self, key: str) -> Style:
        chain = []
        at = key
        while at in self._elements and at not in chain:
            if at in self._read:
                break
            chain.append(at)
            based = self._elements[at].find(f"{W}basedOn")
            at = based.get(f"{W}val", "") if based is not None else ""
        for one in reversed(chain):
            self._read[one] = self._of_element(self._elements[one], self._read.get(at, Style()))
            at = one
        return self._read.get(key, Style())

    def _of_element(self, element: Any, base: Style) -> Style:
        name = element.find(f"{W}name")
        name = name.get(f"{W}val", "").lower() if name is not None else ""
        properties = element.find(f"{W}pPr")
        heading = _HEADING.fullmatch(name)
        level = _outline(properties)
        if level is None:
            level = int(heading[1]) - 1 if heading else base.level
        own = _number(properties)
        return Style(name, level, own or base.number, bool(_CODE.search(name)) or base.is_code)


class Numbers:
    """The markers of list items (17.9)."""

    def __init__(self, root: Any) -> None:
        self._formats: dict[tuple[str, int], tuple[str, int]] = {}
        self._counts: Counter[tuple[str, int]] = Counter()
        if root is None:
            return
        abstract = {one.get(f"{W}abstractNumId"): one for one in root.iter(f"{W}abstractNum")}
        for number in root.iter(f"{W}num"):
            of = number.find(f"{W}abstractNumId")
            for level in abstract[of.get(f"{W}val")].iter(f"{W}lvl") if of is not None and of.get(f"{W}val") in abstract else ():
                form, start = level.find(f"{W}numFmt"), level.find(f"{W}start")
                self._formats[number.get(f"{W}numId"), _whole(level.get(f"{W}ilvl"))] = (
                    form.get(f"{W}val", "") if form is not None else "decimal",
                    _whole(start.get(f"{W}val"), 1) if start is not None else 1,
                )

    def marker(self, paragraph: Any, of_style: tuple[str, int] | None) -> str | None:
        """What stands before an item, its indent included: `  - ` or `2. `; None for a paragraph that is no item."""
        number = _number(paragraph.find(f"{W}pPr")) or of_style
        if number is None or number[0] == "0":  # 0 takes a paragraph out of its style's list
            return None
        name, level = number
        form, start = self._formats.get((name, level), ("bullet", 1))
        for deeper in range(level + 1, 9):
            self._counts.pop((name, deeper), None)
        self._counts[name, level] += 1
        value = start + self._counts[name, level] - 1
        return "  " * min(level, 8) + ("- " if form in ("bullet", "none", "") else f"{value}. ")


def _number(properties: Any) -> tuple[str, int] | None:
    found = properties.find(f"{W}numPr") if properties is not None else None
    name = found.find(f"{W}numId") if found is not None else None
    if name is None:
        return None
    level = found.find(f"{W}ilvl")
    return name.get(f"{W}val", ""), _whole(level.get(f"{W}val")) if level is not None else 0


def _outline(properties: Any) -> int | None:
    found = properties.find(f"{W}outlineLvl") if properties is not None else None
    return None if found is None else _whole(found.get(f"{W}val"), BODY)


def _whole(text: str | None, otherwise: int = 0) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else otherwise
