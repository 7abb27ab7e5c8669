"""Tables as documents: each row of a CSV, TSV, XLSX, JSONL or Parquet file is one, its text in named columns."""

from __future__ import annotations

import csv
import difflib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from corpus_tuner.archive import Archive, Damaged
from corpus_tuner.errors import MissingExtra
from corpus_tuner.fetch.encoding import decode
from corpus_tuner.fetch.line import one_line
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.store import digest
from corpus_tuner.text import csv_separator

CELL = 8 << 20  # characters of one cell
END = '\0"'  # a line that no text that was decoded holds; within quotes it ends them, and loses its own
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
    for number, row in enumerate(_READERS[suffix](content, columns), start=1):
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
    for row in _READERS[suffix](content, tuple(columns.values())):
        if not lines:
            _check_columns(tuple(columns.values()), row, "the recipe")
        lines.append(json.dumps({key: _lines(row.get(column)) for key, column in columns.items()}, ensure_ascii=False))
    if not lines:
        raise Unfit("has no row below its header")
    text = "\n".join(lines)
    title = one_line(name.rpartition("/")[2][: -len(suffix)].replace("_", " ")) or name
    return Document(name, title, "", "rows", text, language=language, revision=digest(text))


def _check_names(names: Sequence[Any], columns: tuple[str, ...]) -> None:
    """Raises Unfit where a column that is read is there twice: nothing tells which is meant."""
    for column in columns:
        if names.count(column) > 1:
            raise Unfit(f"has {names.count(column)} columns named {column!r}: give each a name of its own")


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
    if len(text) > CELL:
        raise Unfit(f"has a cell of {len(text):,} characters, more than {CELL:,}, in its row that begins {one_line(text, 60)!r}: split it")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()


def _from_csv(content: bytes, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows of CSV: commas, or the semicolons and tabs of other countries' spreadsheets, as the header line shows."""
    text = _decoded(content)
    yield from _delimited(text, csv_separator(text), columns)


def _from_tsv(content: bytes, columns: tuple[str, ...]) -> Iterator[Row]:
    yield from _delimited(_decoded(content), "\t", columns)


def _delimited(text: str, delimiter: str, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows under a header. The line END follows the last, so that a quote that never ends is seen to have taken it in."""
    csv.field_size_limit(CELL)
    reader = csv.reader(chain(io.StringIO(text, newline=""), [END]), delimiter=delimiter, strict=False)
    names: list[str] = []
    try:
        for cells in filter(None, _whole_rows(reader)):
            if not names:
                names = cells
                _check_names(names, columns)
                continue
            if any(cells[len(names) :]):
                where = f"has {len(cells)} cells in line {reader.line_num}"
                raise Unfit(f"{where} and names {len(names)} columns: put a cell that holds {delimiter!r} in quotes")
            yield dict(zip_longest(names, cells[: len(names)]))
    except csv.Error as error:
        raise Unfit(f"breaks off in line {reader.line_num}: {error}") from error


def _whole_rows(reader: Any) -> Iterator[list[str]]:
    """The rows of csv's reader before END. Raises Unfit for one with END inside a cell."""
    first = 1
    for cells in reader:
        if cells == [END]:
            return
        if any(END[0] in cell for cell in cells):
            raise Unfit(f'has a quote (") in line {first} or below that never ends: close it, or take it away')
        yield cells
        first = reader.line_num + 1


def _from_jsonl(content: bytes, columns: tuple[str, ...]) -> Iterator[Row]:
    def once(pairs: list[tuple[str, Any]]) -> Row:
        row = dict(pairs)
        if len(row) < len(pairs):
            _check_names([name for name, _ in pairs], columns)
        return row

    for number, line in enumerate(_decoded(content).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=once)
        except Unfit as fault:
            raise Unfit(f"{fault} (line {number})") from None
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
    return "holds a NUL, which no text does: convert it first"


def _from_xlsx(content: bytes, columns: tuple[str, ...]) -> Iterator[Row]:
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
    _check_names(header, columns)
    for row in sheet[1:]:  # a sheet has no whole numbers of its own
        yield dict(zip(header, (int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in row)))


def _from_parquet(content: bytes, columns: tuple[str, ...]) -> Iterator[Row]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra("reading Parquet", "parquet", "pyarrow") from None
    try:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
        _check_names(file.schema_arrow.names, columns)
        for batch in file.iter_batches(batch_size=256):
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise Unfit(f"cannot be read as Parquet: {one_line(error)}") from error


_READERS: dict[str, Callable[[bytes, tuple[str, ...]], Iterator[Row]]] = {
    ".csv": _from_csv, ".tsv": _from_tsv, ".jsonl": _from_jsonl, ".ndjson": _from_jsonl, ".xlsx": _from_xlsx, ".parquet": _from_parquet,
}  # fmt: skip
