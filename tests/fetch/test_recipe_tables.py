"""Tables for a recipe: one document of rows, whatever the format; what cannot be read is one line with the way out."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from corpus_tuner.clean import clean_document
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch.files import Files
from corpus_tuner.fetch.grid import Grid
from corpus_tuner.settings import parse
from corpus_tuner.settings.recipe import LOCATOR

RECIPE = {"items": "rows", "prompt": "Review: $text", "answer": "$label"}
ROWS = [
    {"text": "A film to see.", "label": "positive"},
    {"text": "=cmd|' /C calc'!A0", "label": "negative"},
    {"text": "Two lines,\nand a \"quote\" — 不错", "label": "neutral"},
]


def read(path: Path, **recipe: object) -> list[dict[str, str]]:
    """The rows of a file, through the cleaner as a build reads them."""
    settings = parse({"corpus": {"name": "a"}, "source": [{"locator": str(path)}], "recipe": RECIPE | recipe}, "a.toml")
    (document,) = Files(settings).fetch(str(path), {})
    sections = list(clean_document(document))
    assert [section.path for section in sections] == [(f"row {n}",) for n in range(1, len(sections) + 1)]
    return [json.loads(section.text) for section in sections]


def csv_of(rows: list[dict[str, str]], separator: str = ",") -> str:
    """A table with every cell in quotes."""
    lines = [list(rows[0]), *([row[name] for name in rows[0]] for row in rows)]
    return "\n".join(separator.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)


def xlsx_of(lines: list[list[object]]) -> bytes:
    """The smallest workbook: numbers, and texts inline."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/"

    def cell(value: object, place: str) -> str:
        if isinstance(value, int | float):
            return f'<c r="{place}"><v>{value}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'

    def related(kind: str, target: str) -> str:
        return f'<Relationships xmlns="{package}relationships"><Relationship Id="r1" Type="{office}/{kind}" Target="{target}"/></Relationships>'

    rows = (f'<row r="{n}">{"".join(cell(value, f"{chr(65 + c)}{n}") for c, value in enumerate(line))}</row>' for n, line in enumerate(lines, 1))
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": related("officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related("worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{"".join(rows)}</sheetData></worksheet>',
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.xlsx", "semicolons.csv"])
def test_the_same_table_in_any_format_is_the_same_rows(tmp_path, name) -> None:
    """A formula, a line break and a quotation mark in a cell are text."""
    path = tmp_path / name
    if name.endswith("xlsx"):
        pytest.importorskip("python_calamine")
        path.write_bytes(xlsx_of([list(ROWS[0]), *(list(row.values()) for row in ROWS)]))
    elif name.endswith("jsonl"):
        path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")
    else:
        path.write_text(csv_of(ROWS, {"t.csv": ",", "t.tsv": "\t", "semicolons.csv": ";"}[name]), encoding="utf-8")
    assert read(path) == ROWS


def test_only_the_columns_that_the_recipe_names_are_taken_under_its_names(tmp_path) -> None:
    """A column's name may have spaces; others stay where they are."""
    path = tmp_path / "t.csv"
    path.write_text("Review Text,Author,Sentiment\nGood.,Ann,positive\n", encoding="utf-8")
    assert read(path, columns={"text": "Review Text", "label": "Sentiment"}) == [{"text": "Good.", "label": "positive"}]


def test_a_missing_column_is_one_line_with_the_nearest_name(tmp_path) -> None:
    """And with those that there are."""
    path = tmp_path / "t.csv"
    path.write_text("text,lable\nGood.,positive\n", encoding="utf-8")
    with pytest.raises(CorpusTunerError, match=r"has no column 'label' \(it has text, lable\): did you mean 'lable'\?"):
        read(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text,label\ncafé,a\n".encode() + "café,b\n".encode("latin-1"), "mixes encodings: it opens as UTF-8, and line 3 is none"),
        ("text,label\ncafé,a\n".encode("latin-1"), r"is not text in UTF-8.*byte 0xE9 in line 2"),
        ("text,label\ncafé,a\n".encode("utf-16-le"), "is not text"),
        (b"text,label\nGreat, really,positive\n", "has 3 cells in line 2 and names 2 columns: put a cell that holds ',' in quotes"),
        (b"text,label\n", "has no row below its header"),
        (b"", "has no row"),
    ],
)
def test_a_table_that_cannot_be_read_with_certainty_is_refused_by_its_line(tmp_path, content, told) -> None:
    """Never a guess: no damaged letter, and no half of a text for a label."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(CorpusTunerError, match=told):
        read(path)


def test_values_of_other_types_are_spelled_as_people_do(tmp_path) -> None:
    """A list of turns becomes its lines, true stays true, and a sheet's 1 is no 1.0."""
    path = tmp_path / "t.jsonl"
    values = [{"text": ["Customer: Hello", "Agent: Hello!"], "label": True}, {"label": 3}, {"text": "half \ud800", "label": None}]
    path.write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
    assert read(path) == [
        {"text": "Customer: Hello\nAgent: Hello!", "label": "true"}, {"text": "", "label": "3"}, {"text": "half \ufffd", "label": ""},
    ]  # fmt: skip
    pytest.importorskip("python_calamine")
    sheet = tmp_path / "t.xlsx"
    sheet.write_bytes(xlsx_of([["text", "label"], ["Good.", 1], ["Fair.", 0.5]]))
    assert read(sheet) == [{"text": "Good.", "label": "1"}, {"text": "Fair.", "label": "0.5"}]


def test_a_grid_is_every_combination_once_and_the_last_attribute_changes_fastest() -> None:
    """One document, whose revision is its content."""
    table = {"corpus": {"name": "a", "title": "Copy"}, "recipe": {"prompt": "$x $y", "answer": "$x", "grid": {"x": ["a", "b"], "y": ["1", "2", "3"]}}}
    settings = parse(table, "a.toml")
    assert [source.locator for source in settings.source] == [LOCATOR]
    assert Grid(settings).claims(LOCATOR)
    assert not Grid(settings).claims("https://example.org/grid")
    (document,) = Grid(settings).fetch(LOCATOR, {})
    rows = [json.loads(section.text) for section in clean_document(document)]
    assert rows == [{"x": x, "y": y} for x in "ab" for y in "123"]
    assert (document.title, document.format) == ("Copy", "rows")
