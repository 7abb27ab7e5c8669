"""Tables as documents: each row of a CSV, TSV, XLSX, JSONL or Parquet file is one, its text in named columns."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from corpus_tuner.archive import Archive, Damaged
from corpus_tuner.errors import MissingExtra
from corpus_tuner.fetch.encoding import decode
from corpus_tuner.fetch.line import one_line
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.store import digest

CELL = 8 << 20  # characters of one cell
_HALF = re.compile(r"[\ud800-\udfff]")  # of a character, as JSON can spell it: no file can hold it
Row = Mapping[str, Any]


class Unfit(ValueError):
    """A table that cannot be read, or not with these columns: one line of why."""


def rows(name: str, suffix: str, content: bytes, columns: tuple[str, ...], language: str) -> Iterator[Document | Reject]:
    """A Document for each row, its id `name#number` with rows counted from 1, and a Reject for one without text.

    The first of several `columns` is the title, the others are the text, between blank lines; a single one is the
    text. Raises Unfit for a table without these columns or without any row, MissingExtra for a format whose package is
    not installed. A file that breaks off gives the rows before the break, and raises then.
    """
    number = 0
    for number, row in enumerate(_READERS[suffix](content), start=1):
        if number == 1 or not columns:
            _check_columns(columns, row)
        identity = f"{name}#{number}"
        title, text = _title_and_text(row, columns, f"{name.rpartition('/')[2]} {number}")
        if not text:
            yield Reject("fetch", identity, Reason.EMPTY, f"row {number} has no text in {', '.join(columns)}")
            continue
        yield Document(
            id=identity, title=title, url="", format="text", text=text, language=language, revision=digest(text)
        )
    if not number:
        raise Unfit("has no row below its header")


def whole(name: str, suffix: str, content: bytes, columns: Mapping[str, str], language: str) -> Document:
    """The table as one Document of the format `rows`, for a recipe: a line of JSON for each row, {name: its cell in `columns[name]`}.

    A list of texts in a cell becomes their lines. Raises as `rows` does.
    """
    lines = []
    for row in _READERS[suffix](content):
        if not lines:
            _check_columns(tuple(columns.values()), row, "the recipe")
        lines.append(json.dumps({key: _lines(row.get(column)) for key, column in columns.items()}, ensure_ascii=False))
    if not lines:
        raise Unfit("has no row below its header")
    text = "\n".join(lines)
    title = one_line(name.rpartition("/")[2][: -len(suffix)].replace("_", " ")) or name
    return Document(name, title, "", "rows", text, language=language, revision=digest(text))


def _check_columns(columns: tuple[str, ...], row: Row, which: str = "columns") -> None:
    there = ", ".join(one_line(key, 60) for key in list(row)[:20])
    if not columns:
        raise Unfit(f'is a table: name the columns of its title and text in the TOML, as in columns = ["title", "text"] (it has {there})')
    missing = [column for column in columns if column not in row]
    if missing:
        near = difflib.get_close_matches(missing[0], [str(key) for key in row], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"correct {which} in the TOML"
        raise Unfit(f"has no column {missing[0]!r} (it has {there}): {hint}")


def _title_and_text(row: Row, columns: tuple[str, ...], otherwise: str) -> tuple[str, str]:
    cells = [_cell(row.get(column)) for column in columns]
    title, *rest = cells if len(cells) > 1 else ["", *cells]
    return one_line(title) or otherwise, "\n\n".join(cell for cell in rest if cell)


def _lines(value: Any) -> str:
    """A cell's text, that of a list of texts one a line."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = "\n".join(value)
    return _cell(value)


def _cell(value: Any) -> str:
    """A cell's text; "" for none, and for a number that is none."""
    if value is None or value != value:
        return ""
    if isinstance(value, dict | list | bool):
        value = json.dumps(value, ensure_ascii=False)
    text = _HALF.sub("\ufffd", str(value))
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()[:CELL]


def _from_csv(content: bytes) -> Iterator[Row]:
    """Rows of CSV: commas, or the semicolons and tabs of other countries' spreadsheets, as the header line shows."""
    text = _decoded(content)
    header = text.partition("\n")[0]
    yield from _delimited(text, max(",;\t", key=header.count))


def _from_tsv(content: bytes) -> Iterator[Row]:
    yield from _delimited(_decoded(content), "\t")


def _delimited(text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(CELL)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
        for row in reader:
            more = row.pop(None, [])  # type: ignore[call-overload]  # the cells that no column is named for
            if any(more):
                where = f"has {len(row) + len(more)} cells in line {reader.line_num}"
                raise Unfit(f"{where} and names {len(row)} columns: put a cell that holds {delimiter!r} in quotes")
            yield row
    except csv.Error as error:
        raise Unfit(f"breaks off: {error}") from error


def _from_jsonl(content: bytes) -> Iterator[Row]:
    for number, line in enumerate(_decoded(content).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Unfit(f"is not JSON in line {number}: {one_line(error)}") from error
        if not isinstance(row, dict):
            raise Unfit(f"has no JSON object in line {number}")
        yield row


def _decoded(content: bytes) -> str:
    text = decode(content)
    if text is None:
        raise Unfit(_not_text(content))
    return text


def _not_text(content: bytes) -> str:
    """Why `content` is no text, with the line that tells."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        byte, line = f"byte 0x{content[error.start]:02X}", content.count(b"\n", 0, error.start) + 1
        if not content[: error.start].isascii():
            return f"mixes encodings: it opens as UTF-8, and line {line} is none ({byte}): convert it first"
        return f"is not text in UTF-8, or UTF-16 with its byte order mark ({byte} in line {line}): convert it first"
    return "is not text in UTF-8, or UTF-16 with its byte order mark: convert it first"


def _from_xlsx(content: bytes) -> Iterator[Row]:
    """Rows of the first sheet that has any, under its first row."""
    try:
        Archive(content)  # bounds what it unpacks to
    except Damaged as error:
        raise Unfit(str(error)) from error
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise MissingExtra("reading XLSX", "xlsx", "python-calamine") from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheet = next((rows for rows in (book.get_sheet_by_name(name).to_python() for name in book.sheet_names) if rows), [])
    except (CalamineError, OSError, ValueError) as error:
        raise Unfit(f"cannot be read as a workbook: {one_line(error)}") from error
    header = [str(cell).strip() for cell in sheet[0]] if sheet else []
    for row in sheet[1:]:  # a sheet has no whole numbers of its own
        yield dict(zip(header, (int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in row)))


def _from_parquet(content: bytes) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("reading Parquet", "parquet", "pyarrow") from None
    try:
        for batch in pyarrow.parquet.ParquetFile(io.BytesIO(content)).iter_batches(batch_size=256):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise Unfit(f"cannot be read as Parquet: {one_line(error)}") from error


_READERS: dict[str, Callable[[bytes], Iterator[Row]]] = {
    ".csv": _from_csv, ".tsv": _from_tsv, ".jsonl": _from_jsonl, ".ndjson": _from_jsonl, ".xlsx": _from_xlsx, ".parquet": _from_parquet,
}  # fmt: skip
