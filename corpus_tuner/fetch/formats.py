"""Which cleaner reads what: by the suffix of a name, by the media type of an answer, and by the first bytes."""

from __future__ import annotations

import re
from urllib.parse import unquote

FORMATS = {
    ".wiki": "wikitext", ".wikitext": "wikitext", ".mediawiki": "wikitext",
    ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown",
    ".txt": "text", ".text": "text",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".pdf": "pdf", ".docx": "docx", ".epub": "epub",
}  # fmt: skip
BINARY = frozenset({"pdf", "docx", "epub"})
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".parquet")
SUFFIXES = (*FORMATS, *TABLES)
_MEDIA = {
    "text/html": "html", "application/xhtml+xml": "html",
    "text/markdown": "markdown", "text/x-markdown": "markdown",
    "text/plain": "text",
    "application/pdf": "pdf", "application/x-pdf": "pdf",
    "application/epub+zip": "epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}  # fmt: skip
_PAGE = re.compile(rb"\s{0,256}<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_VAGUE = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream", "application/zip", "application/x-zip-compressed"})


def suffix_of(path: str) -> str:
    """The suffix of the last step of a URL's path, in lower case, with its dot; "" if it has none."""
    name = unquote(path).rpartition("/")[2]
    return name[name.rfind(".") :].lower() if "." in name[1:] else ""


def of_answer(content_type: str, path: str, body: bytes) -> str:
    """The cleaner of what a server sent; "" if none reads it. A PDF shows by its first bytes, whatever it is called. A media
    type that says little (`text/plain`, a mere stream of bytes) gives way to the suffix of the path; none at all, and one
    of a binary format, to what opens as a web page does."""
    if body[:5] == b"%PDF-":
        return "pdf"
    media = content_type.partition(";")[0].strip().lower()
    named = FORMATS.get(suffix_of(path), "") if media in _VAGUE else ""
    form = named or _MEDIA.get(media, "")
    return "html" if (not media or form in BINARY) and _PAGE.match(body) else form
