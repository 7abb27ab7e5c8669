"""Rows of a file, whatever its format: CSV, TSV, XLSX, JSON, JSONL, TXT, Parquet. Nothing is changed in a value."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from corpus_tuner.dataset.prepare.finding import Finding, Row, Rows
from corpus_tuner.errors import CorpusTunerError, MissingExtra
from corpus_tuner.text import csv_separator

FORMATS = (".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".txt", ".parquet")


def read(path: Path) -> tuple[Rows, list[Finding]]:
    """The rows of `path`, and what is to say about its format. Raises CorpusTunerError for one that cannot be read."""
    kind = path.suffix.lower()
    if kind not in FORMATS:
        has = f"ends with {path.suffix}" if path.suffix else "has no extension"
        raise CorpusTunerError(f"{path} {has}: it must be one of {', '.join(FORMATS)}")
    if not path.is_file():
        raise CorpusTunerError(f"there is no {path}")
    values, kind, notes = _READERS[kind](path)
    rows = [Row(number, value) for number, value in values]
    if not rows:
        raise CorpusTunerError(f"{path} has no rows")
    if kind != ".jsonl" or path.suffix.lower() != ".jsonl":
        notes.append(Finding("format", "necessary", f"The file is {kind[1:].upper()}.", action="Convert to JSONL"))
    return rows, notes


Read = tuple[list[tuple[int, Mapping[str, Any]]], str, list[Finding]]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusTunerError(f"{path} is not UTF-8 text (byte {error.start + 1}): save it as UTF-8") from None


def _delimited(path: Path) -> Read:
    """Cells between tabs in a .tsv, and in a .csv whatever parts its first line most."""
    text = _text(path)
    csv.field_size_limit(2**31 - 1)
    separator = "\t" if path.suffix.lower() == ".tsv" else csv_separator(text)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        table = list(lines)
    except csv.Error as error:
        raise CorpusTunerError(f'{path}, line {lines.line_num} cannot be read: {error} (a cell with a " is quoted, its " doubled)') from None
    return _from_cells(table), path.suffix.lower(), []


def _from_cells(table: Iterable[Iterable[Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Rows under the names of the first; an empty line is none, a short row's missing cells are empty."""
    lines = [["" if cell is None else str(cell) for cell in line] for line in table]
    lines = [line for line in lines if any(line)]
    if not lines:
        return []
    names = [name.strip() for name in lines[0]]
    found = []
    for number, line in enumerate(lines[1:], start=1):
        if len(line) > len(names):
            raise CorpusTunerError(f"row {number} has {len(line)} cells, the first line names {len(names)} columns: quote a separator")
        found.append((number, dict(zip(names, [*line, *[""] * (len(names) - len(line))]))))
    return found


def _xlsx(path: Path) -> Read:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise MissingExtra("reading XLSX", "xlsx", "python-calamine") from None
    try:
        book = CalamineWorkbook.from_path(str(path))
        table = book.get_sheet_by_index(0).to_python()
    except (CalamineError, OSError) as error:
        raise CorpusTunerError(f"{path} is no Excel workbook that can be read: {error}") from None
    notes = []
    if len(book.sheet_names) > 1:
        said = f"The workbook has {len(book.sheet_names)} sheets; only the first, {book.sheet_names[0]!r}, is read."
        notes.append(Finding("sheets", "note", said))
    cells = [[int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in line] for line in table]
    return _from_cells(cells), ".xlsx", notes


def _parquet(path: Path) -> Read:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra("reading Parquet", "parquet", "pyarrow") from None
    try:
        values = parquet.read_table(path).to_pylist()
    except (ArrowException, OSError) as error:
        raise CorpusTunerError(f"{path} is no Parquet file that can be read: {error}") from None
    return list(enumerate(values, start=1)), ".parquet", []


def _txt(path: Path) -> Read:
    """Each line is a completion with an empty prompt; the last line's break begins no further one."""
    lines = _text(path).splitlines()
    return [(number, {"prompt": "", "completion": line}) for number, line in enumerate(lines, start=1)], ".txt", []


def _json(path: Path) -> Read:
    """A JSON array of objects, or JSONL, whichever the file is: its name is not believed."""
    text = _text(path)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    try:
        whole = json.loads(text)
    except ValueError:
        return [_object(path, number, line) for number, line in lines], ".jsonl", []
    except RecursionError:
        raise CorpusTunerError(f"{path} is nested too deep") from None
    if isinstance(whole, dict) and len(lines) == 1 and not all(isinstance(value, dict) for value in whole.values()):
        return [(lines[0][0], whole)], ".jsonl", []
    values = whole if isinstance(whole, list) else [whole]
    if not all(isinstance(value, dict) for value in values):
        raise CorpusTunerError(f"{path} must hold objects, in an array or one a line")
    return list(enumerate(values, start=1)), ".json", []


def _object(path: Path, number: int, line: str) -> tuple[int, Mapping[str, Any]]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusTunerError(f"{path}, line {number} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise CorpusTunerError(f"{path}, line {number} is not an object")
    return number, value


_READERS: dict[str, Any] = {
    ".csv": _delimited, ".tsv": _delimited, ".xlsx": _xlsx, ".json": _json, ".jsonl": _json, ".txt": _txt,
    ".parquet": _parquet,
}  # fmt: skip
