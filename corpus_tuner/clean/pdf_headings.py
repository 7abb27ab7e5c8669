"""The headings among the lines of a PDF."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from corpus_tuner.clean.pdf_layout import Line

NUMBERED = 5  # headings with a number, from which on numbers tell the levels
LABEL = 3  # times that a label without a number comes
LARGER = 1.08  # times the size of running text
LONG = 60  # lines from which on a second size may be that of running text, too
SHARE = 0.2  # of the letters that it then has
LONGEST = 20  # words of a heading without an outline
_ITEM = re.compile(r"[•‣▪●○◦■–—·∙→-]|\(?[a-z]\)")
_NUMBERED = re.compile(r"(?:chapter|section|part|appendix|kapitel|teil)?\s*(?:\d{1,3}|[A-Z]|[IVX]{1,5})((?:\.\d{1,3})*)[.)]?\s+\S", re.IGNORECASE)
_PART = re.compile(r"(?:(?:chapter|appendix|kapitel|anhang)\s+)?(?:\d{1,3}(?:\.\d{1,3})*[.)]?|[A-Z](?:\.\d{1,3})+[.)]?|[A-Z]\.)\s+\S", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading and how many lines it takes; 0 where only an outline knows of it."""

    level: int
    title: str
    lines: int


def by_outline(lines: list[Line], bookmarks: list[list[Any]]) -> dict[int, Heading]:
    """The document's own outline, each bookmark by the number of the line where it begins: the one on its page that has its
    words, nearest to where it points, or else the first at or below that place. {} without an outline."""
    found: dict[int, Heading] = {}
    first: dict[int, int] = {}
    for number, line in enumerate(lines):
        first.setdefault(line.page, number)
    start = 0
    for level, title, page, top in bookmarks:
        title = " ".join(title.split())
        if page is None or not title or page not in first:
            continue
        at, count = _place(lines, first[page], title, top, start, found)
        if at in found:  # two bookmarks at one place without words of their own
            continue
        found[at] = Heading(level, title, count)
        start = at + count
    return found


def _place(lines: list[Line], first: int, title: str, top: float | None, start: int, found: dict[int, Heading]) -> tuple[int, int]:
    """(number, count) of the lines with the words of `title` on the page that begins at `first`, or on the next; count 0 where
    there are none."""
    wanted = _letters(title)
    best: tuple[float, int, int] | None = None
    number = first
    while number < len(lines) and lines[number].page <= lines[first].page + 1:
        count = _matches(lines, number, wanted) if number not in found and number >= start else 0
        if count:
            away = abs(lines[number].top - (top or 0.0)) + 10_000 * (lines[number].page - lines[first].page)
            if best is None or away < best[0]:
                best = (away, number, count)
        number += 1
    if best:
        return best[1], best[2]
    page = lines[first].page
    number = max(first, start)
    while number < len(lines) and (number in found or (lines[number].page == page and top is not None and lines[number].bottom < top)):
        number += 1
    return number, 0


def _matches(lines: list[Line], number: int, wanted: str) -> int:
    """How many lines from `number` on have just the letters of `wanted`, perhaps after a number; 0 if they do not."""
    got = ""
    for count in range(1, 5):
        if number + count > len(lines) or lines[number + count - 1].page != lines[number].page:
            return 0
        got += _letters(lines[number + count - 1].text)
        if got == wanted or (got.endswith(wanted) and _is_number(got[: -len(wanted)])) or (wanted.endswith(got) and got and _is_number(wanted[: -len(got)])):
            return count
        if len(got) > len(wanted) + 12:
            return 0
    return 0


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"(?:chapter|section|part|appendix|kapitel|teil)?(?:\d{1,6}|[a-z]\d{0,4}|[ivx]{1,5})", text))


def by_fonts(lines: list[Line], title: str) -> dict[int, Heading]:
    """Headings by their look: larger than running text, or bold where it is not, short, and not a sentence. The larger, the
    higher; numbers such as 2.1 part equal looks. The largest line of all, once at the very start, is the title."""
    if not lines:
        return {}
    sizes: Counter[float] = Counter()
    bolds: Counter[bool] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = _body(sizes, len(lines))
    for line in lines:
        bolds[line.bold] += len(line.text) * (line.size == body)
    bold_text = bolds[True] > bolds[False]
    groups = _groups(lines, [number for number, line in enumerate(lines) if _stands_out(line, body, bold_text)])
    groups = [group for group in groups if _is_heading(lines, group)]
    groups = _without_bylines(lines, groups[_title(lines, groups, title) :])
    candidates = [(group[0], len(group), _text(lines, group), _look(lines[group[0]])) for group in groups]
    levels = _by_numbers(candidates) or _by_looks(candidates)
    return {at: Heading(level, text, count) for (at, count, text, _), level in zip(candidates, levels, strict=True) if level}


Candidate = tuple[int, int, str, tuple[float, bool]]
"""Number of its first line, how many lines, its text, and its look."""


def _by_looks(candidates: list[Candidate]) -> list[int]:
    """Levels: the larger, the higher."""
    looks = sorted({look for *_, look in candidates}, reverse=True)
    return [(looks.index(look) + 1) * 10 + _depth(text) for _, _, text, look in candidates]


def _by_numbers(candidates: list[Candidate]) -> list[int]:
    """Levels of a document whose headings are numbered: as the numbers say. What has none is a chapter where it looks like
    more than the sections `1.1`, or like them if no chapter has a number, and else stands below the last that has one; labels such as "Note", which come again and
    again, and numbered steps that look like less than those sections, are no headings (0). [] where numbers are few."""
    depths = [_depth(text) + 1 if _PART.match(text) else 0 for _, _, text, _ in candidates]
    if sum(map(bool, depths)) < max(NUMBERED, 0.2 * len(candidates)):
        return []
    section = 2 if 2 in depths else 1
    look_of_sections = Counter(look for (*_, look), depth in zip(candidates, depths, strict=True) if depth == section).most_common(1)
    if not look_of_sections:
        return []
    usual = look_of_sections[0][0]
    is_open = section == 1 or not any(depth == 1 and look >= usual for (*_, look), depth in zip(candidates, depths, strict=True))
    times = Counter(text for _, _, text, _ in candidates)
    smaller = sorted({look for *_, look in candidates if look <= usual}, reverse=True)
    levels = []
    for (_, _, text, look), depth in zip(candidates, depths, strict=True):
        if depth:
            levels.append(0 if depth < section and look < usual else depth)
        elif look > usual or (look == usual and is_open):
            levels.append(1)
        else:
            levels.append(0 if times[text] >= LABEL else 20 + smaller.index(look))
    return levels


def _body(sizes: Counter[float], lines: int) -> float:
    """The size of running text: the commonest, or a larger one that a good part of a long document is set in. The
    commonest of a manual may be its code's."""
    common = sizes.most_common(1)[0][0]
    if lines < LONG:
        return common
    return max(size for size, letters in sizes.items() if size == common or letters >= SHARE * sizes.total())


def _stands_out(line: Line, body: float, bold_text: bool) -> bool:
    larger = line.size >= LARGER * body
    return not line.is_row and (larger or (line.bold and not bold_text and line.size >= body))


def _groups(lines: list[Line], numbers: list[int]) -> list[list[int]]:
    """Neighbours of one look, a heading of several lines."""
    groups: list[list[int]] = []
    for number in numbers:
        line = lines[number]
        before = lines[groups[-1][-1]] if groups and groups[-1][-1] == number - 1 else None
        close = before is not None and before.page == line.page and 0 <= line.top - before.top < 1.8 * line.size
        if close and _look(before) == _look(line) and not _NUMBERED.match(line.text):
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _is_heading(lines: list[Line], group: list[int]) -> bool:
    text = _text(lines, group)
    number = _NUMBERED.match(text)
    words = text[number.end() - 1 :] if number else text
    letters = sum(character.isalpha() for character in words)
    if _ITEM.match(text):
        return False
    ends = text.endswith((".", ",", ";", ":")) and not number
    return len(group) <= 4 and len(text.split()) <= LONGEST and letters >= 2 and not ends and 2 * letters >= len(words.replace(" ", ""))


def _title(lines: list[Line], groups: list[list[int]], title: str) -> int:
    """1 if the first heading is the document's title, which stands in no path: at the very start, with the title's words or
    larger than every other, of which there is one at least."""
    if not groups or groups[0][0] > 3 or lines[groups[0][0]].page:
        return 0
    size = lines[groups[0][0]].size
    alone = len(groups) > 1 and all(lines[group[0]].size < size for group in groups[1:])
    return int(alone or _letters(_text(lines, groups[0])) == _letters(title))


def _without_bylines(lines: list[Line], groups: list[list[int]]) -> list[list[int]]:
    """The groups but for authors, dates and the like: a heading does not stand right before a higher one."""
    kept: list[list[int]] = []
    for group in reversed(groups):
        below = kept[-1] if kept and kept[-1][0] == group[-1] + 1 else None
        look = _look(lines[group[0]])
        is_byline = below is not None and (_look(lines[below[0]]) > look or (below[-1] < 0 and _look(lines[below[0]]) == look))
        kept.append([*group, -1] if is_byline else group)  # a byline keeps its place, for the line before it
    return [group for group in reversed(kept) if group[-1] >= 0]


def _look(line: Line) -> tuple[float, bool]:
    return line.size, line.bold


def _text(lines: list[Line], group: list[int]) -> str:
    joined = " ".join(lines[number].text for number in group)
    return " ".join(re.sub(r"\u00ad ?", "", joined).split())


def _depth(text: str) -> int:
    """How deep the number of a heading says that it is: 0 for `2 Methods` and for none, 1 for `2.1 Data`."""
    match = _NUMBERED.match(text)
    return min(match[1].count("."), 8) if match else 0
