"""The cleaner of PDF, on a handbook set in two columns with running heads (tests/data/clean/handbook.typ, our own text)."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from corpus_tuner.clean import clean_document, pdf
from corpus_tuner.clean.pdf_headings import Heading, by_fonts
from corpus_tuner.clean.pdf_layout import Line, Page, in_order, take_contents, take_running, take_unmapped
from corpus_tuner.records import Document, Reason, Reject, Section

pytest.importorskip("pypdfium2")
HANDBOOK = (Path(__file__).parent.parent / "data/clean/handbook.pdf").read_bytes()
TREE = [
    ("1 Approach",), ("1 Approach", "1.1 Lights"), ("1 Approach", "1.2 Depths"), ("2 Mooring",), ("2 Mooring", "2.1 Tariffs"),
    ("2 Mooring", "2.2 Departure"), ("3 Emergencies",),
]  # fmt: skip


def clean(content: bytes) -> list[Section | Reject]:
    """Sections and rejects of a PDF."""
    document = Document(id="d", title="Harbour Handbook", url="", format="pdf", text="", language="en", blob="x")
    return list(clean_document(document, (), lambda _: content))


@pytest.fixture(scope="module")
def sections() -> dict[tuple[str, ...], str]:
    """Texts of the handbook by path."""
    return {one.path: one.text for one in clean(HANDBOOK) if isinstance(one, Section)}


def test_the_outline_is_the_tree(sections: dict[tuple[str, ...], str]) -> None:
    """Every bookmark is a section, in order and at its depth."""
    assert [path for path in sections if path] == TREE


def test_without_an_outline_fonts_give_the_same_tree() -> None:
    """Sizes and numbers of headings say what the outline does."""
    _, pages = pdf._read(HANDBOOK)
    take_running(pages)
    lines = [line for page in pages for line in in_order(page.lines)]
    found = by_fonts(lines, "Harbour Handbook")
    assert [heading.title for _, heading in sorted(found.items())] == [path[-1] for path in TREE]
    levels = [heading.level for _, heading in sorted(found.items())]
    assert [level == min(levels) for level in levels] == [len(path) == 1 for path in TREE]


def test_columns_are_read_one_after_the_other(sections: dict[tuple[str, ...], str]) -> None:
    """No line of one column stands between two of the other: each section's sentences are those that were written."""
    written = (Path(__file__).parent.parent / "data/clean/handbook.typ").read_text()
    for sentence in re.findall(r"^(?:[A-Z][^.\n#]+\.)", written, re.MULTILINE):
        assert any(sentence in text for text in sections.values()), sentence


def test_hyphens_of_line_ends_are_undone_and_those_of_words_kept(sections: dict[tuple[str, ...], str]) -> None:
    """What the typesetter broke is whole again."""
    assert "well-known rule" in sections["2 Mooring", "2.2 Departure"]
    assert not [text for text in sections.values() if re.search(r"[a-z]-\s|\u00ad|[a-z]- ", text)]


def test_running_heads_and_page_numbers_are_boilerplate(sections: dict[tuple[str, ...], str]) -> None:
    """They are out of the text, and counted."""
    assert not [text for text in sections.values() if "spring edition" in text]
    (reject,) = [one for one in clean(HANDBOOK) if isinstance(one, Reject) and one.reason == Reason.BOILERPLATE]
    assert reject.detail == "Harbour Handbook > Running heads and page numbers"


def page(*texts: tuple[float, str], size: float = 10.0, bold: bool = False) -> Page:
    """A page of lines of their own: (distance from the top, words)."""
    return Page(800, [Line(0, 50, top, 50 + 5 * len(text), top + size, size, bold, text) for top, text in texts])


def test_a_running_head_of_each_section_is_told_by_its_place() -> None:
    """What stands where other pages have what repeats is a running head, though its own words come once."""
    pages = [page((20, f"Part {'AABBCCD'[n]}"), (60, f"Text number {'zyqwbut'[n]} begins here.")) for n in range(7)]
    assert [line.text for line in take_running(pages)] == [f"Part {letter}" for letter in "AABBCCD"]
    assert [len(one.lines) for one in pages] == [1] * 7


def test_a_printed_table_of_contents_is_no_text() -> None:
    """Lines that lead by dots to a page go; a few dots in a page of text stay."""
    contents = page(*((100.0 + 20 * n, f"{n} Chapter . . . . . . . . {n + 3}") for n in range(6)))
    text = page((100, "So it went ........ 12"), (120, "and ended."))
    assert len(take_contents([contents, text])) == 6
    assert (len(contents.lines), len(text.lines)) == (0, 2)


def heading(top: float, text: str, size: float = 14.0, bold: bool = True) -> Line:
    """A line that looks like a heading."""
    return Line(0, 50, top, 200, top + size, size, bold, text)


def test_numbers_tell_the_levels_where_there_are_some() -> None:
    """1.1 is below its chapter whatever stands between; a label that comes again and again, and a numbered step, are no headings."""
    written = [("Harbour", 18.0), ("1.1 Lights", 14.0), ("Note", 12.0), ("1.2 Depths", 14.0), ("1. Slow down", 12.0), ("Note", 12.0), ("1.2.1 Sand", 12.0),
               ("Mooring", 18.0), ("2.1 Tariffs", 14.0), ("Note", 12.0), ("Exceptions", 12.0), ("2.2 Departure", 14.0)]  # fmt: skip
    lines = []
    for number, (text, size) in enumerate(written):
        lines += [heading(100 * number, text, size), *(heading(100 * number + 20 * n, "Words of a long line of text.", 10.0, False) for n in (1, 2, 3))]
    found = by_fonts(lines, "")
    assert [(one.level, one.title) for _, one in sorted(found.items())] == [
        (1, "Harbour"), (2, "1.1 Lights"), (2, "1.2 Depths"), (3, "1.2.1 Sand"), (1, "Mooring"), (2, "2.1 Tariffs"), (21, "Exceptions"), (2, "2.2 Departure"),
    ]  # fmt: skip


def test_code_in_a_smaller_size_does_not_make_headings_of_the_text() -> None:
    """Where most letters are code, text in a larger size is still text."""
    code = [heading(20 * n, "let x = a + b + c + d + e + f;", 9.0, False) for n in range(60)]
    text = [heading(20 * n, "This is a line of the text.", 10.5, False) for n in range(40)]
    found = by_fonts([*code, heading(0, "Real heading"), *text], "")
    assert [one.title for one in found.values()] == ["Real heading"]


def test_rows_of_a_table_and_items_of_a_list_are_lines(sections: dict[tuple[str, ...], str]) -> None:
    """Cells stand together; items keep their marks."""
    assert "North quay; 9 metres\nSouth quay; 7 metres" in sections["1 Approach", "1.2 Depths"]
    assert sections["2 Mooring", "2.1 Tariffs"].startswith("- Vessels under twelve metres pay nothing for the first night.\n- Commercial")


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", b"not a PDF", HANDBOOK[:2000], b"%PDF-1.4\n" + b"[" * 100_000])
def test_a_broken_file_is_one_reject(content: bytes) -> None:
    """Damage is told in a line, and raises nothing."""
    (reject,) = clean(content)
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.detail) == (Reason.UNREADABLE, "Harbour Handbook: is damaged, or not a PDF")


def test_a_reader_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the parent ends it."""
    monkeypatch.setattr(pdf, "SECONDS", 0.001)
    (reject,) = clean(HANDBOOK)
    assert isinstance(reject, Reject)
    assert "takes more than" in reject.detail


def test_columns_below_a_title_across_the_page() -> None:
    """What spans the page comes before both columns, and the left one before the right."""
    def line(left: float, top: float, right: float, text: str) -> Line:
        return Line(0, left, top, right, top + 9, 9.0, False, text)

    lines = [line(50, 40, 550, "A title that spans both of the columns")]
    lines += [line(x, 60 + 12 * n, x + 230, f"{side} line number {n} of running text") for n in range(8) for side, x in (("left", 50), ("right", 320))]
    texts = [one.text.split()[0] for one in in_order(lines)]
    assert texts == ["A"] + ["left"] * 8 + ["right"] * 8


def test_what_no_font_names_is_no_text() -> None:
    """Lines of fonts without a map to Unicode are control characters; a bullet or a sign of one's own spoils no line."""
    texts = ["\x03\x04\x05\x06", "\ufffd\ufffd\ufffd a", "\uf0b7 one", "two", "\x0c", "三十"]
    page = Page(800, [Line(0, 0, 10 * n, 50, 10 * n + 8, 10, False, text) for n, text in enumerate(texts)])
    assert take_unmapped([page]) == 2
    assert [line.text for line in page.lines] == texts[2:]


def test_a_document_without_text_is_told_to_be_a_scan() -> None:
    """It is one reject that says what to do."""
    import pypdfium2

    out = io.BytesIO()
    empty = pypdfium2.PdfDocument.new()
    empty.new_page(200, 200)
    empty.save(out)
    [reject] = clean(out.getvalue())
    assert reject.reason == Reason.UNREADABLE
    assert reject.detail.startswith("Harbour Handbook: has no text: a scan must go through OCR first")


def test_bookmarks_behind_the_last_line_end_the_document() -> None:
    """An outline may point below all text: its headings have none, and the reader comes to an end."""
    lines = [Line(0, 0, 10, 50, 20, 10, False, "a"), Line(0, 0, 30, 50, 40, 10, False, "b")]
    found = pdf._sections(lines, {0: Heading(1, "A", 1), 1: Heading(2, "B", 0), 2: Heading(1, "C", 0)})
    assert [(one.title, one.text()) for one in found] == [("", ""), ("A", ""), ("B", "b"), ("C", "")]
