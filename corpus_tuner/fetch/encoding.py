"""Bytes to text: what a byte order mark, a header or the document itself says of its encoding, and never a guess."""

from __future__ import annotations

import codecs
import re

_MARKS = (  # longest first: UTF-32's little-endian mark opens with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(rb"<(?:meta|\?xml)[^>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_LATIN = frozenset({"ascii", "iso8859-1"})  # browsers read these as windows-1252 (https://encoding.spec.whatwg.org/#names-and-labels)


def decode(data: bytes) -> str | None:
    """The text of `data`: UTF-8, or what its byte order mark says; None if it is neither, or holds a NUL as no text does."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        return None
    return _plain(text)


def decode_declared(data: bytes, header: str = "", *, markup: bool = False) -> str | None:
    """The text of `data` as `decode` reads it, or else in the encoding that `header` (a charset) or, in `markup`, a <meta>
    or the XML declaration names. None if there is none, or it does not fit."""
    text = decode(data)
    if text is not None:
        return text
    declared = _META.search(data[:4096]) if markup else None
    for label in (header, declared[1].decode("ascii") if declared else ""):
        name = _known(label)
        try:
            if name:
                return _plain(data.decode(name, "replace" if markup else "strict"))
        except UnicodeDecodeError:
            continue
    return None


def charset(content_type: str) -> str:
    """The charset of a Content-Type header; "" without one."""
    found = re.search(r"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    return found[1] if found else ""


def _known(label: str) -> str:
    """Python's name of a text encoding; "" for none that it knows."""
    try:
        name = codecs.lookup(label).name
        b"".decode(name)  # refuses codecs that are not from bytes to text
    except (LookupError, ValueError):
        return ""
    return "windows-1252" if name in _LATIN else name


def _plain(text: str) -> str | None:
    return None if "\0" in text else text.replace("\r\n", "\n").replace("\r", "\n")
