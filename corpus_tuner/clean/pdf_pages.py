"""The lines of a PDF with their places and fonts, read by PDFium in a process of its own.

Run as a script: the file comes on stdin; JSON lines go to stdout, first {"outline": [[level, title, page, top]]}, then for
each page {"width", "height", "lines": [[left, top, right, bottom, font size, is bold, text]]}, in points from the upper
left corner, a segment of a line apiece: a gap wider than a word space begins a new one. Exit code 3: not a PDF, or damaged;
4: encrypted. The process takes no more memory and processor time than the bounds below, so that a hostile file ends here.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

MAX_MEMORY = 4 << 30
MAX_SECONDS = 300
MAX_PAGES = 5000
MAX_CHARACTERS = 200_000  # of one page
SMALLEST = 3.0  # points; no text to be read is set smaller
GAP = 1.6  # times the font size: what is wider separates columns and cells, not words
_BREAKS = frozenset("\r\n")
_HYPHENS = frozenset("\x02\ufffe\u00ad")  # how PDFium shows a hyphen at which a word is broken
SOFT = "\u00ad"
_ADOBE = {chr(0xF730 + n): str(n) for n in range(10)} | {chr(0xF761 + n): chr(65 + n) for n in range(26)}
"""Old-style figures and small capitals as fonts of Adobe name them (its Glyph List, corporate use subarea)."""


def main() -> int:
    """Reads stdin, writes stdout, returns the exit code."""
    _bound()
    import pypdfium2
    import pypdfium2.raw as raw

    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
    except pypdfium2.PdfiumError:
        return 4 if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD else 3
    _write({"outline": list(_outline(document))})
    for number in range(min(len(document), MAX_PAGES)):
        _write(_page(document, number, raw))
    return 0


def _bound() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such bounds; the parent's clock still holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))


def _write(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


def _outline(document: Any) -> Any:
    """[level from 1, title, page from 0 or None, distance from the top or None] of each bookmark."""
    for bookmark in document.get_toc(max_depth=12):
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        top = None
        if page is not None and 0 <= page < len(document):
            view = target.get_view()[1]
            height = document.get_page_size(page)[1]
            top = height - view[1] if len(view) > 1 and view[1] else None
        yield [bookmark.level + 1, bookmark.get_title() or "", page, top]


def _page(document: Any, number: int, raw: Any) -> dict[str, Any]:
    page = document[number]
    width, height = page.get_size()
    text = page.get_textpage()
    lines = []
    try:
        for characters in _segments(text, raw):
            lines.append(_line(characters, height))
    finally:
        text.close()
        page.close()
    return {"width": round(width, 1), "height": round(height, 1), "lines": lines}


def _segments(text: Any, raw: Any) -> Any:
    """Lists of (character, left, bottom, right, top, size, is bold), cut at line ends and at wide gaps."""
    import ctypes

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    segment: list[tuple[Any, ...]] = []
    for index in range(min(text.count_chars(), MAX_CHARACTERS)):
        code = raw.FPDFText_GetUnicode(text, index)
        character = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        character = _ADOBE.get(character, character)
        if character in _BREAKS:
            if segment:
                yield segment
            segment = []
            continue
        raw.FPDFText_GetCharBox(text, index, left, right, bottom, top)
        size = raw.FPDFText_GetFontSize(text, index)
        if size < SMALLEST:
            size = _scaled(text, index, size, raw)
        box = (left.value, bottom.value, right.value, top.value)
        last = next((one for one in reversed(segment) if not one[0].isspace()), None)
        if last and not character.isspace() and _is_apart(last, box, size):
            yield segment
            segment = []
        weight = raw.FPDFText_GetFontWeight(text, index)
        segment.append((SOFT if character in _HYPHENS else character, *box, size, weight >= 600))
    if segment:
        yield segment


def _scaled(text: Any, index: int, size: float, raw: Any) -> float:
    """A font's size on the page, where the page's matrix enlarges it: many writers set text at size 1."""
    matrix = raw.FS_MATRIX()
    if not raw.FPDFText_GetMatrix(text, index, matrix):
        return size
    return max(size, 1.0) * (matrix.c**2 + matrix.d**2) ** 0.5


def _is_apart(last: tuple[Any, ...], box: tuple[float, ...], size: float) -> bool:
    """Whether a character stands too far from the last one to be of the same line of text."""
    size = max(size, last[5], 1.0)
    height = max(last[4] - last[2], box[3] - box[1], 1.0)
    return box[0] - last[3] > GAP * min(size, 2 * height) or box[0] < last[1] - 2 * height or box[1] > last[4] + height or box[3] < last[2] - height


def _line(characters: list[tuple[Any, ...]], height: float) -> list[Any]:
    seen = [one for one in characters if not one[0].isspace()] or characters
    size = Counter(round(max(one[5], 0.0) * 2) / 2 for one in seen).most_common(1)[0][0]
    bold = sum(one[6] for one in seen) * 2 > len(seen)
    if size <= 1.0:  # the size is in the page's matrix: the letters tell
        size = round(max(one[4] - one[2] for one in seen) * 2) / 2
    box = (min(one[1] for one in seen), height - max(one[4] for one in seen), max(one[3] for one in seen), height - min(one[2] for one in seen))
    return [*(round(value, 1) for value in box), size, bold, "".join(one[0] for one in characters).strip()]


if __name__ == "__main__":
    sys.exit(main())
