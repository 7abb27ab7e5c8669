"""A multipart upload, written to disk as it comes in: never more of it in memory than one piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from corpus_tuner.serve.problem import Problem

FIELD_BYTES = 4096  # of a field that is no file
FIELDS = 16
BOUNDARY_BYTES = 70  # RFC 2046, 5.1.1
PIECE = 1024 * 1024  # bytes between two writes


class Upload:
    """One form with a part `file` that goes to `path`; the other parts are short texts in `fields`."""

    def __init__(self, content_type: str, path: Path) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        kind, options = parse_options_header(content_type)
        boundary = next((value for name, value in options.items() if name.lower() == b"boundary"), b"")
        if kind.lower() != b"multipart/form-data" or not boundary:
            raise Problem(400, "Send the file as multipart/form-data.", "invalid_content_type", "file")
        if len(boundary) > BOUNDARY_BYTES:
            said = f"The boundary of the form is too long: it may have {BOUNDARY_BYTES} characters."
            raise Problem(400, said, "invalid_form", "file")
        self.path, self.filename, self.bytes = path, "", 0
        self.fields: dict[str, str] = {}
        self._file: Any = None
        self._parse_options = parse_options_header
        self._header, self._value = b"", b""
        self._disposition = b""
        self._name, self._text, self._in_file, self._whole = "", b"", False, False
        calls = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "headers_finished", "end")
        self._parser = MultipartParser(boundary, {f"on_{name}": getattr(self, f"_{name}") for name in calls})

    async def receive(self, stream: AsyncIterator[bytes]) -> None:
        """Reads the whole form. Raises Problem for one that is not whole, or lacks its file."""
        from anyio import to_thread
        from python_multipart.exceptions import MultipartParseError

        pieces, size = [], 0
        try:
            async for piece in stream:
                pieces.append(piece)
                size += len(piece)
                if size >= PIECE:
                    await to_thread.run_sync(self._parser.write, b"".join(pieces))
                    pieces, size = [], 0
            await to_thread.run_sync(self._parser.write, b"".join(pieces))
            self._parser.finalize()
        except MultipartParseError:
            raise Problem(400, "The form cannot be read.", "invalid_form", "file") from None
        finally:
            if self._file is not None:
                self._file.close()
        if not self._whole:
            raise Problem(400, "The form is cut short.", "invalid_form", "file")

    def discard(self) -> None:
        """Removes what was written."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    # ------------------------------------------------------------------------------------------- called by the parser

    def _part_begin(self) -> None:
        self._disposition, self._header, self._value, self._text = b"", b"", b"", b""
        self._name, self._in_file = "", False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _headers_finished(self) -> None:
        _, found = self._parse_options(self._disposition)
        options = {name.lower(): value for name, value in found.items()}
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if len(self.fields) >= FIELDS:
            raise Problem(400, f"The form has more than {FIELDS} parts.", "invalid_form")
        if not self._name:
            raise Problem(400, "A part of the form has no name.", "invalid_form")
        if self._name == "file":
            if self._file is not None:
                raise Problem(400, "The form has more than one file.", "invalid_form", "file")
            if b"filename" not in options:
                raise Problem(400, "'file' must be a file, with a filename.", "invalid_type", "file")
            self.filename = options[b"filename"].decode("utf-8", "replace")
            self._in_file, self._file = True, self.path.open("wb")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.bytes += end - start
            self._file.write(memoryview(data)[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > FIELD_BYTES:
            raise Problem(400, f"'{self._name[:64]}' is too long.", "string_above_max_length", self._name[:64])

    def _part_end(self) -> None:
        if not self._in_file:
            self.fields[self._name] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self._whole = True
