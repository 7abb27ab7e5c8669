"""The lines of PDF pages in reading order: columns one after the other, rows of tables together, running heads apart."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from statistics import median

MARGIN = 0.12  # of the page's height, at top and bottom, in which running heads and page numbers stand
SHARE = 0.3  # of the pages on which a running head must stand: left and right pages have their own
COLUMN_LINES = 4  # that each column must have at least
_PAGE_NUMBER = re.compile(r"(?:page|seite|p\.)?\s*[-–—(\[]?\s*(?:\d{1,4}|[ivxlc]{1,7})\s*[-–—)\]]?(?:\s*(?:/|of|von)\s*\d{1,4})?", re.IGNORECASE)
CONTENTS = 4  # lines of a page that lead by dots to a number: fewer may be anything
_LEADER = re.compile(r"(?:\.\s?){4,}\s*(?:\d{1,4}|[ivxlc]{1,7})?\s*$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")


@dataclass(slots=True)
class Line:
    """A line of text, or a cell of a table's row; lengths in points, from the upper left corner of page `page`."""

    page: int
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool
    text: str
    is_row: bool = False
    column: tuple[float, float] = (0.0, 0.0)  # left and right edge of the column that it stands in

    @property
    def width(self) -> float:
        """Its length."""
        return self.right - self.left


@dataclass(slots=True)
class Page:
    """A page and its lines."""

    height: float
    lines: list[Line]


def take_running(pages: list[Page]) -> list[Line]:
    """Takes the running heads and page numbers out of the pages, and returns them."""
    if len(pages) < 2:
        return []
    seen: Counter[tuple[bool, str]] = Counter()
    for page in pages:
        seen.update({_key(line, page) for line in page.lines if _in_margin(line, page)})
    least = max(2, round(SHARE * len(pages)))
    places = _places(pages, seen, least)
    taken = []
    for page in pages:
        running = [line for line in page.lines if _in_margin(line, page) and _is_running(line, page, seen, least, places)]
        taken += running
        page.lines = [line for line in page.lines if line not in running]
    return taken


def take_unmapped(pages: list[Page]) -> int:
    """Takes the lines out whose characters are mostly no Unicode, as of fonts without a map to it, and returns how many."""
    count = 0
    for page in pages:
        kept = [line for line in page.lines if not _is_unmapped(line.text)]
        count += len(page.lines) - len(kept)
        page.lines = kept
    return count


def _is_unmapped(text: str) -> bool:
    """A control, private or replacement character is a sign that nothing names; a bullet may be one."""
    seen = [character for character in text if not character.isspace()]
    return len(seen) > 2 and 2 * sum(character == "\ufffd" or unicodedata.category(character) in ("Cc", "Co", "Cn") for character in seen) > len(seen)


def take_contents(pages: list[Page]) -> list[Line]:
    """Takes the lines that lead by dots to a page number out of the pages, and the numbers beside them, and returns them."""
    taken = []
    for page in pages:
        led = [line for line in page.lines if _LEADER.search(line.text)]
        beside = [
            line for line in page.lines
            if _PAGE_NUMBER.fullmatch(line.text.strip()) and any(abs(line.bottom - one.bottom) < 2 and line.left >= one.right - 1 for one in led)
        ]  # fmt: skip
        if len(led) >= CONTENTS:
            taken += led
            gone = {id(line) for line in (*led, *beside)}
            page.lines = [line for line in page.lines if id(line) not in gone]
    return taken


def _places(pages: list[Page], seen: Counter[tuple[bool, str]], least: int) -> set[tuple[int, float]]:
    """Where lines stand whose words come again: on so many pages that whatever stands there is a running head, though each
    chapter or section has its own."""
    places: Counter[tuple[int, float]] = Counter()
    for page in pages:
        places.update({_place(line) for line in page.lines if _in_margin(line, page) and seen[_key(line, page)] > 1})
    return {place for place, count in places.items() if count >= max(3, least)}


def _place(line: Line) -> tuple[int, float]:
    return round(line.bottom / 2), line.size


def _in_margin(line: Line, page: Page) -> bool:
    return line.bottom < MARGIN * page.height or line.top > (1 - MARGIN) * page.height


def _key(line: Line, page: Page) -> tuple[bool, str]:
    """Where and what, whatever the number of the page."""
    return line.top < page.height / 2, _DIGITS.sub("#", line.text.lower()).strip()


def _is_running(line: Line, page: Page, seen: Counter[tuple[bool, str]], least: int, places: set[tuple[int, float]]) -> bool:
    """A line whose words stand there on many pages, or in a place where such do; body text that happens to reach the margin
    does not repeat."""
    outermost = not any(
        (other.bottom < line.top - 1 if line.top < page.height / 2 else other.top > line.bottom + 1) and not _PAGE_NUMBER.fullmatch(other.text.strip()) and seen[_key(other, page)] < least
        for other in page.lines
    )
    return outermost and (seen[_key(line, page)] >= least or _place(line) in places or bool(_PAGE_NUMBER.fullmatch(line.text.strip())))


def in_order(lines: list[Line], depth: int = 3) -> list[Line]:
    """The lines of a page as a reader takes them: what spans the page parts it into zones, within each of which the
    columns follow one another. Segments of one row become one line."""
    gutter = _gutter(lines) if depth else None
    if gutter is None:
        edges = (min((line.left for line in lines), default=0.0), max((line.right for line in lines), default=0.0))
        for line in lines:
            line.column = edges
        return _rows(lines)
    ordered: list[Line] = []
    zone: list[Line] = []
    spanning: list[Line] = []
    for line in sorted(lines, key=lambda line: line.top):
        crosses = line.left < gutter < line.right
        if crosses and zone:
            ordered += _columns(zone, gutter, depth)
            zone = []
        elif not crosses and spanning:
            ordered += in_order(spanning, 0)
            spanning = []
        (spanning if crosses else zone).append(line)
    return ordered + in_order(spanning, 0) + _columns(zone, gutter, depth)


def _columns(lines: list[Line], gutter: float, depth: int) -> list[Line]:
    if not lines:
        return []
    left = [line for line in lines if line.right <= gutter]
    return in_order(left, depth - 1) + in_order([line for line in lines if line.right > gutter], depth - 1)


def _gutter(lines: list[Line]) -> float | None:
    """Where a gutter between columns of running text lies; None for a page of one column. Cells of a table are no columns:
    they are short."""
    if len(lines) < 2 * COLUMN_LINES:
        return None
    start, end = min(line.left for line in lines), max(line.right for line in lines)
    best: tuple[int, float] | None = None
    edges = sorted({round(line.left) - 2.0 for line in lines if start + 0.2 * (end - start) < line.left < end - 0.15 * (end - start)})
    for at in edges[:200]:
        left = [line for line in lines if line.right <= at]
        right = [line for line in lines if line.left >= at]
        crossing = len(lines) - len(left) - len(right)
        if min(len(left), len(right)) < COLUMN_LINES or crossing > 0.4 * len(lines):
            continue
        if not all(_is_prose(side, end - start) for side in (left, right)) or not _stand_together(left, right):
            continue
        if best is None or crossing < best[0]:
            best = (crossing, at)
    return best[1] if best else None


def _is_prose(lines: list[Line], width: float) -> bool:
    longest = sorted((line.width for line in lines), reverse=True)[: max(COLUMN_LINES, len(lines) // 2)]
    return median(longest) > 0.2 * width and median(len(line.text) for line in lines) > 15


def _stand_together(left: list[Line], right: list[Line]) -> bool:
    """Whether the two sides are beside one another, and not one below the other."""
    overlap = min(max(line.bottom for line in left), max(line.bottom for line in right)) - max(min(line.top for line in left), min(line.top for line in right))
    return overlap > 3 * median(line.bottom - line.top for line in left)


def _rows(lines: list[Line]) -> list[Line]:
    """Lines from top to bottom; segments that stand beside one another are one row."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.top + line.bottom) / 2):
        middle = (line.top + line.bottom) / 2
        if rows and any(one.top < middle < one.bottom for one in rows[-1]) and all(line.left >= one.right - 1 or line.right <= one.left + 1 for one in rows[-1]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_joined(sorted(row, key=lambda line: line.left)) for row in rows]


def _joined(row: list[Line]) -> Line:
    """One line of the segments of a row: cells between semicolons, but a marker or number before its words by a space."""
    first = row[0]
    if len(row) == 1:
        return first
    main = max(row, key=lambda line: len(line.text))
    marked = len(row) == 2 and len(first.text) <= 6
    text = (" " if marked else "; ").join(line.text for line in row)
    return Line(
        first.page, first.left, min(line.top for line in row), row[-1].right, max(line.bottom for line in row),
        main.size, all(line.bold for line in row), text, not marked, first.column,
    )  # fmt: skip
