"""What a document says of itself: title, language and licence, from its opening or its metadata."""

from __future__ import annotations

import html
import itertools
import re
import tomllib
from dataclasses import dataclass
from typing import Any

from corpus_tuner.archive import Archive, Damaged

HEAD = 1 << 16  # characters in which a document's own title must stand
_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)\n?^(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_ATTRIBUTES = re.compile(r"\s*\{(?:/.*?/|:?\s*[#.][^{}]*)\}\s*$")  # of a heading: `{#anchor}`
_HTML_HEADING = re.compile(r"<h1\b[^>]*>(.*?)</h1\s*>", re.DOTALL | re.IGNORECASE)
_ELEMENT = re.compile(r"<[^<>]*>")
_DC = "{http://purl.org/dc/elements/1.1/}"
_XMP_TITLE = re.compile(rb"<dc:title>\s*<rdf:Alt>\s*<rdf:li[^>]{0,100}>([^<]{1,400})</rdf:li>")
_INFO_TITLE = re.compile(rb"/Title\s*\(((?:[^()\\]|\\.){1,400})\)", re.DOTALL)
_PDF_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_MADE_UP = re.compile(r"^(?:untitled|microsoft word - .*|.*\.(?:docx?|dvi|tex|indd|pdf|qxd|rtf|odt|html?))$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Own:
    """Each "" where the document does not say."""

    title: str = ""
    language: str = ""
    licence: str = ""


def of_text(form: str, text: str) -> Own:
    """What the first `HEAD` characters of a text document of format `form` say."""
    head = text[:HEAD]
    if form == "markdown":
        return _of_markdown(head)
    return _of_html(head) if form == "html" else Own()


def of_bytes(form: str, content: bytes) -> Own:
    """What the metadata of a binary document say: Dublin Core in EPUB and DOCX, XMP or the information dictionary in PDF."""
    if form == "pdf":
        return Own(_pdf_title(content))
    try:
        archive = Archive(content)
        root = archive.xml("docProps/core.xml" if form == "docx" else _package(archive))
    except Damaged:
        return Own()  # the cleaner says what is wrong with it
    found = {name: " ".join((root.findtext(f".//{_DC}{name}") or "").split()) for name in ("title", "language", "rights")}
    title = "" if form == "docx" and _MADE_UP.match(found["title"]) else found["title"]
    return Own(title, _language(found["language"]), found["rights"][:300])


def _package(archive: Archive) -> str:
    """The name of an EPUB's package document (https://www.w3.org/TR/epub-33/#sec-container-metainf)."""
    root = archive.xml("META-INF/container.xml").find(".//{*}rootfile")
    return "" if root is None else root.get("full-path", "")


def _of_markdown(head: str) -> Own:
    """Front matter in YAML or TOML; without a title there, the first heading of level 1."""
    matter = _FRONT_MATTER.match(head)
    found = _front_matter(matter[1], matter[2]) if matter else {}
    title = _scalar(found, "title") or _first_heading(head[matter.end() :] if matter else head)
    return Own(title, _language(_scalar(found, "lang", "language")), _scalar(found, "licence", "license"))


def _front_matter(fence: str, text: str) -> dict[str, Any]:
    """The table of a front matter; {} for one with mistakes."""
    import yaml

    try:
        found = tomllib.loads(text) if fence == "+++" else yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  strings only
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _scalar(table: dict[str, Any], *keys: str) -> str:
    """The first of `keys` that has a string or a number."""
    for key, value in table.items():
        if str(key).lower() in keys and isinstance(value, str | int | float):
            return " ".join(str(value).split())
    return ""


def _first_heading(text: str) -> str:
    """The words of the first heading of level 1, as the Markdown cleaner reads it; "" if there is none."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark", {"maxNesting": 60}).parse(text)
    for token, inline in itertools.pairwise([*tokens, *tokens[-1:]]):
        found = ""
        if token.type == "heading_open" and token.tag == "h1":
            kept = (child.content if child.type in ("text", "code_inline") else " " * child.type.endswith("break") for child in inline.children or ())
            found = _ATTRIBUTES.sub("", "".join(kept))
        elif token.type == "html_block" and (heading := _HTML_HEADING.search(token.content)):
            found = html.unescape(_ELEMENT.sub(" ", heading[1]))
        if found.strip():
            return " ".join(found.split())
    return ""


def _of_html(head: str) -> Own:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(re.sub(r"\A\s*<\?xml[^>]*>", "", head), "lxml")  # XHTML's first line, or it warns
    title = soup.head.title.get_text() if soup.head and soup.head.title else ""
    return Own(title, str(soup.html.get("lang", "")) if soup.html else "")


def _language(value: str) -> str:
    return value if _LANGUAGE.fullmatch(value) else ""


def _pdf_title(content: bytes) -> str:
    """The title in a PDF's XMP packet or information dictionary, where it stands uncompressed; "" for a made-up one.

    The file itself is opened only by the cleaner, in a process of its own.
    """
    xmp = _XMP_TITLE.search(content)
    if xmp:
        title = html.unescape(xmp[1].decode("utf-8", "replace"))
    else:
        place = max(content.rfind(b"/Producer"), content.rfind(b"/Creator"))
        info = content[max(0, content.rfind(b" obj", 0, place)) : content.find(b"endobj", place)] if place >= 0 else b""
        found = _INFO_TITLE.search(info[:20_000])
        title = _pdf_string(found[1]) if found else ""
    title = " ".join(title.split())
    return "" if _MADE_UP.match(title) or not any(character.isalpha() for character in title) else title


def _pdf_string(raw: bytes) -> str:
    """A PDF text string (ISO 32000-1, 7.9.2.2): UTF-16 by its mark, else Latin-1 as far as PDFDocEncoding goes with it."""
    plain = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b""}
    data = _PDF_ESCAPE.sub(lambda m: bytes([int(m[1], 8) & 255]) if m[1].isdigit() else plain.get(m[1], m[1]), raw)
    return data.decode("utf-16-be" if data.startswith(b"\xfe\xff") else "latin-1", "replace").lstrip("\ufeff")
