"""Lines of a page to paragraphs: hyphens at line ends undone, items of lists and rows of tables kept apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from statistics import median

from corpus_tuner.clean.pdf_layout import Line

SOFT = "\u00ad"
_ITEM = re.compile(r"(?:[•‣▪●○◦■–—*·∙-]\s*|\(?\d{1,3}[.)]\s|\(?[a-z][.)]\s)\S")
_BULLET = re.compile(r"[•‣▪●○◦■·∙]\s*")


def paragraphs(lines: list[Line], words: set[str]) -> Iterator[tuple[str, str]]:
    """(kind, text) of each paragraph, item and row. `words` are those of the whole document in lower case: a word that
    stands there with its hyphen keeps it."""
    pitch = _pitch(lines)
    group: list[Line] = []
    for line in lines:
        if group and (line.is_row or group[-1].is_row or _begins(group, line, pitch)):
            yield _block(group, words)
            group = []
        group.append(line)
    if group:
        yield _block(group, words)


def _pitch(lines: list[Line]) -> float:
    """The usual distance of two lines, in points."""
    steps = [after.top - before.top for before, after in itertools.pairwise(lines) if before.page == after.page and 0 < after.top - before.top < 4 * after.size]
    return median(steps) if steps else 0.0


def _begins(group: list[Line], line: Line, pitch: float) -> bool:
    """Whether `line` begins a new paragraph behind `group`: by its distance, its font, its indent, or a marker."""
    before = group[-1]
    if _ITEM.match(line.text) and not before.text.endswith((SOFT, "-")) and (_BULLET.match(line.text) or _ITEM.match(group[0].text) or _is_short(before)):
        return True
    if abs(line.size - before.size) > 1.0 or (line.bold != before.bold and (_is_short(before) or line.size != before.size)):
        return True
    moved = line.page != before.page or line.top < before.top  # to the next column or page
    if not moved and pitch and line.top - before.top > 1.4 * pitch:
        return True
    if _ITEM.match(group[0].text):
        return line.left < group[0].left + 1 and not moved and _is_short(before) and line.left <= group[0].left - 5
    indent = line.left - line.column[0]
    first = group[0].left - group[0].column[0]
    if 0.7 * line.size < indent < 0.25 * (line.column[1] - line.column[0] or 1) and indent > before.left - before.column[0] + 0.7 * line.size and len(group) >= 1:
        return not before.text.endswith(SOFT) and (first >= 0)
    return _is_short(before) and before.text.rstrip().endswith((".", "!", "?", ":", "”", "\"")) and not before.text.endswith(SOFT)


def _is_short(line: Line) -> bool:
    """Whether a line ends well before the edge of its column."""
    return line.right < line.column[1] - 0.12 * (line.column[1] - line.column[0])


def _block(group: list[Line], words: set[str]) -> tuple[str, str]:
    if group[0].is_row:
        return "row", " ".join(group[0].text.replace(SOFT, "-").split())
    text = group[0].text
    for line in group[1:]:
        text = _joined(text, line.text, words)
    text = " ".join(text.replace(SOFT, "").split())
    if _BULLET.match(text):
        return "item", "- " + _BULLET.sub("", text, count=1)
    return ("item" if _ITEM.match(text) else "paragraph"), text


def _joined(before: str, after: str, words: set[str]) -> str:
    """Two lines as one; a hyphen that only broke a word is left out."""
    if not before.endswith((SOFT, "-", "\u2010")) or len(before) < 2 or not before[-2].isalpha():
        return f"{before} {after}"
    head, tail = before[:-1].split(" ")[-1], after.split(" ")[0]
    kept = f"{head}-{tail}".lower().strip(".,;:!?()")
    if kept in words or not tail[:1].islower():
        return before[:-1] + "-" + after
    return before[:-1] + after
