"""Tables, titles and globs of local files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from corpus_tuner import archive
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import titles
from corpus_tuner.fetch.files import Files
from corpus_tuner.fetch.globs import Chosen
from corpus_tuner.records import Blob, Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings

ROWS = [{"id": 1, "title": "One", "body": "Text; of\n\none."}, {"id": 2, "title": "", "body": "Zwölf"}, {"id": 3, "title": "None", "body": ""}]


def fetch(path: Path, **source: object) -> list[Document | Blob | Reject]:
    """All that a path gives."""
    return list(Files(Settings(source=(SourceSettings(locator=str(path), **source),))).fetch(str(path), {}))  # type: ignore[arg-type]


def table(path: Path) -> Path:
    """The rows above in the format that the suffix names."""
    if path.suffix in (".csv", ".tsv"):
        import csv

        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, ["id", "title", "body"], delimiter="\t" if path.suffix == ".tsv" else ";")
            writer.writeheader()
            writer.writerows(ROWS)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS) + "\n\n")
    elif path.suffix == ".parquet":
        pytest.importorskip("pyarrow")
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    else:
        pytest.importorskip("python_calamine")
        path.write_bytes(workbook([["id", "title", "body"], *([str(cell) for cell in row.values()] for row in ROWS)]))
    return path


def workbook(rows: list[list[str]]) -> bytes:
    """A minimal XLSX of inline strings."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/"
    cells = "".join(
        f'<row r="{n}">' + "".join(f'<c r="{chr(65 + c)}{n}" t="inlineStr"><is><t xml:space="preserve">{cell}</t></is></c>' for c, cell in enumerate(row)) + "</row>"
        for n, row in enumerate(rows, start=1)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("[Content_Types].xml", f'<Types xmlns="{package}content-types"><Default Extension="xml" ContentType="application/xml"/></Types>')
        target.writestr("_rels/.rels", f'<Relationships xmlns="{package}relationships"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        target.writestr("xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>')
        target.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}relationships"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        target.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>')
    return out.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".xlsx", ".parquet"])
def test_every_row_is_a_document_or_a_reject(tmp_path: Path, suffix: str) -> None:
    """The first column is the title, the others are the text; five formats give the same."""
    one, two, three = fetch(table(tmp_path / f"t{suffix}"), columns=("title", "body"))
    assert isinstance(one, Document)
    assert isinstance(two, Document)
    assert isinstance(three, Reject)
    assert (one.id, one.title, one.text) == (f"t{suffix}#1", "One", "Text; of\n\none.")
    assert (two.title, two.text) == (f"t{suffix} 2", "Zwölf")
    assert (three.item_id, three.reason) == (f"t{suffix}#3", Reason.EMPTY)


@pytest.mark.parametrize(
    ("columns", "message"),
    [((), r"name the columns .* \(it has id, title, body\)"), (("title", "text"), r"has no column 'text' \(it has id, title, body\)")],
)
def test_columns_must_be_named_as_they_are(tmp_path: Path, columns: tuple[str, ...], message: str) -> None:
    """One line says what there is."""
    with pytest.raises(CorpusTunerError, match=message):
        fetch(table(tmp_path / "t.csv"), columns=columns)


def test_a_table_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    """In a folder the break is a Reject of the file."""
    (tmp_path / "t.jsonl").write_text('{"body": "a"}\n{"body": \n')
    document, reject = fetch(tmp_path, columns=("body",))
    assert isinstance(document, Document)
    assert isinstance(reject, Reject)
    assert reject.detail.startswith("is not JSON in line 2")


@pytest.mark.parametrize(("name", "content"), [("t.xlsx", b"PK"), ("t.parquet", b"PAR1"), ("t.csv", b"\xff\xfe\xfd"), ("t.csv", b""), ("t.jsonl", b"[" * 100_000)])
def test_a_damaged_table_is_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    """Whatever is wrong with it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusTunerError) as caught:
        fetch(tmp_path / name, columns=("a",))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".xlsx", ".parquet"])
def test_a_column_that_is_there_twice_is_not_guessed(tmp_path: Path, suffix: str) -> None:
    """Of two columns of one name neither is read, in five formats; where neither is wanted they do no harm."""
    path = tmp_path / f"t{suffix}"
    if suffix in (".csv", ".tsv"):
        path.write_text("a,b,a\n1,2,3\n".replace(",", "," if suffix == ".csv" else "\t"))
    elif suffix == ".jsonl":
        path.write_text('{"a": "1", "b": "2", "a": "3"}\n')
    elif suffix == ".xlsx":
        pytest.importorskip("python_calamine")
        path.write_bytes(workbook([["a", "b", "a"], ["1", "2", "3"]]))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet")


        pyarrow.parquet.write_table(pyarrow.table([["1"], ["2"], ["3"]], names=["a", "b", "a"]), path)
    with pytest.raises(CorpusTunerError, match="has 2 columns named 'a': give each"):
        fetch(path, columns=("b", "a"))
    (document,) = fetch(path, columns=("b",))
    assert isinstance(document, Document)
    assert document.text == "2"


@pytest.mark.parametrize("tail", ['"never closed,b\nd,e\nf,g\n', 'c,"never\nclosed', '"', 'c,"'])
def test_a_quote_that_never_ends_swallows_no_row(tmp_path: Path, tail: str) -> None:
    """What stands behind it is no cell of it; the line where it opens is named."""
    (tmp_path / "t.csv").write_text("text,label\n1,2\n\n" + tail)
    with pytest.raises(CorpusTunerError, match=r'quote .* in line [34] or below that never ends'):
        fetch(tmp_path / "t.csv", columns=("text",))
    (tmp_path / "t.csv").write_text('text,label\n1,2\n\n"whole\nagain",""\n\n\n')
    assert [one.text for one in fetch(tmp_path / "t.csv", columns=("text",)) if isinstance(one, Document)] == ["1", "whole\nagain"]


def test_a_cell_beyond_measure_is_named_and_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a text is left out in silence."""
    monkeypatch.setattr("corpus_tuner.fetch.tables.CELL", 100)
    (tmp_path / "t.jsonl").write_text(json.dumps({"text": "word " * 21}))
    with pytest.raises(CorpusTunerError, match="a cell of 105 characters, more than 100"):
        fetch(tmp_path / "t.jsonl", columns=("text",))


def test_a_workbook_that_would_grow_beyond_measure_is_not_opened(tmp_path: Path) -> None:
    """The directory of the archive tells its size."""
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("xl/worksheets/sheet1.xml", b" " * (archive.MAX_BYTES + 1))
    with pytest.raises(CorpusTunerError, match="unpacks to"):
        fetch(tmp_path / "t.xlsx", columns=("a",))


@pytest.mark.parametrize(
    ("glob", "path", "taken"),
    [("*.md", "a/b.md", True), ("a/*.md", "a/b.md", True), ("a/*.md", "a/c/b.md", False), ("a/**", "a/c/b.md", True), ("**/c/*", "c/b", True),
     ("**/c/*", "x/y/c/b", True), ("guide/**", "guide/", True), ("?.md", "ab.md", False), ("[a].md", "[a].md", True)],
)  # fmt: skip
def test_globs(glob: str, path: str, taken: bool) -> None:
    """As documented at Chosen."""
    assert Chosen((glob,)).takes(path) is taken
    assert Chosen(exclude=(glob,)).takes(path) is not taken


def test_what_globs_leave_out_is_counted(tmp_path: Path) -> None:
    """A Reject each, and nothing is read."""
    for name in ("a.md", "b.txt", "drafts/c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = fetch(tmp_path, include=("*.md",), exclude=("drafts/**",))
    assert [item.id for item in found if isinstance(item, Document)] == ["a.md"]
    assert {item.item_id: item.reason for item in found if isinstance(item, Reject)} == {"b.txt": Reason.NOT_SELECTED, "drafts/c.md": Reason.NOT_SELECTED}


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("# Harbours\n\n## Lighthouse", titles.Own("Harbours")),
        ("---\ntitle: A\nlang: de\nlicense: CC BY 4.0\n---\n# B", titles.Own("A", "de", "CC BY 4.0")),
        ('+++\ntitle = "A"\nlanguage = "fr"\n[extra]\nlicence = "no"\n+++\n', titles.Own("A", "fr")),
        ("---\ntags: [x]\n---\n# A `b` *c*", titles.Own("A b c")),
        ("```\n# code\n```\n\nTitle\n=====\n", titles.Own("Title")),
        ("---\na: &a [x]\nb: [*a, *a\n---\n# T", titles.Own("T")),
        ("+++\ntitle = \n+++\n# T", titles.Own("T")),
        ("## Only second", titles.Own()),
        ("# Teleport {#teleport}\n", titles.Own("Teleport")),
        ('<h1 align="center">\n  <img alt="logo">A <b>&amp;</b> B\n</h1>\n\n# C', titles.Own("A & B")),
    ],
)
def test_what_markdown_says_of_itself(text: str, own: titles.Own) -> None:
    """Front matter first; without a title there, the first heading of level 1; broken front matter says nothing."""
    assert titles.of_text("markdown", text) == own
