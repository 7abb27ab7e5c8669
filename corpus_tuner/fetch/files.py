"""The source of local documents: one text file, or a folder of them."""

from __future__ import annotations

import codecs
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch.line import one_line
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import Settings
from corpus_tuner.store import digest

FORMATS = {
    ".wiki": "wikitext", ".wikitext": "wikitext", ".mediawiki": "wikitext",
    ".md": "markdown", ".markdown": "markdown",
    ".txt": "text", ".text": "text",
    ".html": "html", ".htm": "html", ".xhtml": "html",
}  # fmt: skip
MAX_BYTES = 64 << 20
HEAD = 1 << 16  # characters in which a document's own title must stand
_MARKS = (  # longest first: UTF-32's little-endian mark opens with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*[:=][ \t]*(\S.*)$", re.MULTILINE)


class Files:
    """Fetches a file, or each file below a folder whose suffix is in `FORMATS`.

    An unchanged file gives an identical Document on any machine: the id is the path below the locator (of a single
    file its name), the revision is the digest of the text, and `fetched_at` stays empty, since neither the clock nor
    a file's time survives a copy. Line ends become "\\n" and a byte order mark is left out; nothing else is changed.
    """

    def __init__(self, settings: Settings) -> None:
        self._language = settings.corpus.language

    def claims(self, locator: str) -> bool:
        """Whether `locator` is a path and not a URL; that it exists is for `fetch` to say."""
        return bool(locator) and not re.match(r"[a-z][a-z0-9+.-]*://", locator, re.IGNORECASE)

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Document | Reject]:  # noqa: ARG002 - read anew
        """The documents of `locator`, a folder's in the order of their paths. Files are read anew whatever is `known`.

        Hidden files and folders are passed over. In a folder, what cannot be a document becomes a Reject; of a single
        file the same raises CorpusTunerError, as do a locator that is not there and a folder without any file.
        """
        path = Path(locator)
        if os.path.isdir(path):  # unlike Path.is_dir, False for a name that no system could hold
            yield from self._folder(path)
            return
        found = self._read(path, _name(path.name))
        if isinstance(found, Reject):
            formats = "" if path.suffix.lower() in FORMATS else f" (a document is one of {', '.join(FORMATS)})"
            raise CorpusTunerError(f"{one_line(path, 1000)}: {found.detail}{formats}")
        yield found

    def _folder(self, root: Path) -> Iterator[Document | Reject]:
        found = sorted(_walk(root), key=lambda item: item[0].split("/"))
        if not found:
            raise CorpusTunerError(f"{root} holds no file: put documents there ({', '.join(FORMATS)}), or name another folder")
        for name, path in found:
            yield path if isinstance(path, Reject) else self._read(path, name)

    def _read(self, path: Path, name: str) -> Document | Reject:
        """The document in `path`, known as `name`."""
        suffix = path.suffix.lower()
        try:
            status = path.stat()  # before the suffix, so that a missing file is called missing
            problem = _unfit(status, suffix)
            if problem:
                return Reject("fetch", name, Reason.UNSUPPORTED, problem)
            with path.open("rb") as file:
                text = decode(file.read(MAX_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            return _unreadable(name, "there is no such file or folder: check the locator")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            return _unreadable(name, f"cannot be read: {getattr(error, 'strerror', None) or error}")
        if text is None:
            return _unreadable(name, "is not text in UTF-8, or UTF-16 with its byte order mark: convert it first")
        title, language = _own(FORMATS[suffix], text[:HEAD])
        return Document(
            id=name,
            title=one_line(title or name.rpartition("/")[2][: -len(suffix)].replace("_", " ")) or name,
            url="",
            format=FORMATS[suffix],
            text=text,
            language=language or self._language,
            revision=digest(text),
        )


def decode(data: bytes) -> str | None:
    """The text of `data`: UTF-8, or what its byte order mark says; None if it is neither, or holds a NUL as no text does."""
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.replace("\r\n", "\n").replace("\r", "\n")


def _unfit(status: os.stat_result, suffix: str) -> str:
    """Why a file of this status and suffix is not opened; "" if it is."""
    if not stat.S_ISREG(status.st_mode):  # a pipe would wait for ever
        return "is not a regular file"
    if suffix not in FORMATS:
        return f"{one_line(suffix) or 'a name without a suffix'} is not a format that can be read"
    if status.st_size > MAX_BYTES:
        return f"has {status.st_size:,} bytes, more than {MAX_BYTES:,}: split it"
    return ""


def _unreadable(name: str, detail: str) -> Reject:
    return Reject("fetch", name, Reason.UNREADABLE, detail)


def _walk(root: Path) -> Iterator[tuple[str, Path | Reject]]:
    """(path below `root` with "/", file) of all that is not hidden; a Reject for a link that leads out of `root`, and
    for a folder that cannot be listed. A link to a folder within is passed over: its files have a path of their own."""
    inside = root.resolve()
    failures: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=failures.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            path = Path(folder) / name
            if name.startswith("."):
                continue
            identity = _name(path.relative_to(root).as_posix())
            if path.is_symlink() and not _within(path, inside):
                yield identity, Reject("fetch", identity, Reason.UNSUPPORTED, "is a link that leads out of the folder")
            elif name not in links:
                yield identity, path
    for error in failures:
        identity = _name(Path(error.filename).relative_to(root).as_posix())
        yield identity, _unreadable(identity, f"cannot be listed: {error.strerror}")


def _within(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a circle of links
        return False


def _name(path: str) -> str:
    """A path as an id: composed characters as on every system; bytes that are no UTF-8 and control characters escaped."""
    text = unicodedata.normalize("NFC", os.fsencode(path).decode("utf-8", "backslashreplace"))
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _own(kind: str, head: str) -> tuple[str, str]:
    """(title, language) as the opening of a document gives them itself; "" where it does not."""
    if kind == "markdown":
        matter = _FRONT_MATTER.match(head)
        title = _TITLE.search(matter[2]) if matter else None
        return (_scalar(title[1]) if title else ""), ""
    if kind == "html":
        from bs4 import BeautifulSoup

        soup = BeautifulSoup(re.sub(r"\A\s*<\?xml[^>]*>", "", head), "lxml")  # XHTML's first line, or it warns
        return soup.head.title.get_text() if soup.head and soup.head.title else "", str(soup.html.get("lang", "")) if soup.html else ""
    return "", ""


def _scalar(value: str) -> str:
    """A one-line value of YAML or TOML without its quotes or comment; "" for a value that goes on in further lines."""
    value = value.strip()
    quoted = re.match(r"""\"((?:[^"\\]|\\.)*)\"|'((?:[^']|'')*)'""", value)
    if quoted:
        return quoted[1].replace('\\"', '"') if quoted[1] is not None else quoted[2].replace("''", "'")
    return "" if value[0] in "|>[{" else re.sub(r"\s+#.*", "", value)
