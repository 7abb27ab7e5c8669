"""The source of documents in files: one file, or a folder of them, here or where fsspec reaches."""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import tables, titles
from corpus_tuner.fetch.encoding import decode_declared
from corpus_tuner.fetch.formats import BINARY, FORMATS, SUFFIXES, TABLES
from corpus_tuner.fetch.globs import Chosen
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.remote import files_below, is_path, path_of, reaching
from corpus_tuner.records import Blob, Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings
from corpus_tuner.settings.recipe import ROWS
from corpus_tuner.store import digest

MAX_BYTES = 64 << 20

Found = Document | Blob | Reject


class Files:
    """Fetches a file, or each file below a folder whose suffix is in `SUFFIXES` and whose path the source's globs take.

    An unchanged file gives an identical Document on any machine: the id is the path below the locator (of a single
    file its name), the revision is the digest of the content, and `fetched_at` stays empty, since neither the clock nor
    a file's time survives a copy. Line ends become "\\n" and a byte order mark is left out; nothing else of a text is
    changed. A row of a table is a document of its own: see `tables.rows`; for a recipe the whole table is one: `tables.whole`.
    """

    def __init__(self, settings: Settings) -> None:
        source = settings.source[0] if len(settings.source) == 1 else SourceSettings()
        self._language = settings.corpus.language
        self._columns = source.columns
        recipe = settings.recipe
        self._values = {name: recipe.columns.get(name, name) for name in recipe.names()} if recipe.sort == ROWS else {}
        self._chosen = Chosen(source.include, source.exclude)

    def claims(self, locator: str) -> bool:
        """Whether `locator` is a path, or a URL of `remote.SCHEMES`; that it exists is for `fetch` to say."""
        return bool(locator) and is_path(locator)

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Found]:  # noqa: ARG002  read anew
        """The documents of `locator`, a folder's in the order of their paths. Files are read anew whatever is `known`.

        Hidden files and folders are passed over. In a folder, what cannot be a document becomes a Reject; of a single
        file the same raises CorpusTunerError, as do a locator that is not there and a folder without any file.
        """
        path = path_of(locator)
        with reaching(path):
            folder = _is_folder(path)
        if folder:
            yield from self._folder(path)
            return
        name = _name(path.name)
        for item in self._read(path, name):
            if isinstance(item, Reject) and item.item_id == name:
                formats = "" if path.suffix.lower() in SUFFIXES else f" (a document is one of {', '.join(SUFFIXES)})"
                raise CorpusTunerError(f"{one_line(path, 1000)}: {item.detail}{formats}")
            yield item

    def _folder(self, root: Path) -> Iterator[Found]:
        walk = _walk if isinstance(root, Path) else files_below
        with reaching(root):
            found = sorted(walk(root), key=lambda item: item[0].split("/"))
        if not found:
            raise CorpusTunerError(f"{root} holds no file: put documents there ({', '.join(SUFFIXES)}), or name another folder")
        for name, path in found:
            if isinstance(path, Reject):
                yield path
            elif not self._chosen.takes(name):
                yield Reject("fetch", name, Reason.NOT_SELECTED, "left out by the source's include and exclude")
            else:
                yield from self._read(path, name)

    def _read(self, path: Path, name: str) -> Iterator[Found]:
        """What is in `path`, known as `name`: a document, the rows of a table, or a Reject of the whole (its id is `name`)."""
        suffix = path.suffix.lower()
        try:
            status = path.stat()  # before the suffix, so that a missing file is called missing
            problem = _unfit(status, suffix)
            if problem:
                yield Reject("fetch", name, Reason.UNSUPPORTED, problem)
                return
            with reaching(path), path.open("rb") as file:
                content = file.read(MAX_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            yield _unreadable(name, "there is no such file or folder: check the locator")
            return
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            yield _unreadable(name, f"cannot be read: {getattr(error, 'strerror', None) or error}")
            return
        if suffix in TABLES:
            yield from self._rows(name, suffix, content)
        else:
            yield self._document(name, suffix, content)

    def _rows(self, name: str, suffix: str, content: bytes) -> Iterator[Found]:
        try:
            if self._values:
                yield tables.whole(name, suffix, content, self._values, self._language)
            else:
                yield from tables.rows(name, suffix, content, self._columns, self._language)
        except tables.Unfit as fault:
            yield _unreadable(name, str(fault))

    def _document(self, name: str, suffix: str, content: bytes) -> Found:
        form = FORMATS[suffix]
        text = "" if form in BINARY else decode_declared(content, markup=form == "html")
        if text is None:
            return _unreadable(name, "is not text in UTF-8, or UTF-16 with its byte order mark: convert it first")
        own = titles.of_bytes(form, content) if form in BINARY else titles.of_text(form, text)
        blob = hashlib.sha256(content).hexdigest() if form in BINARY else ""
        document = Document(
            id=name,
            title=one_line(own.title or name.rpartition("/")[2][: -len(suffix)].replace("_", " ")) or name,
            url="",
            format=form,
            text=text,
            language=own.language or self._language,
            revision=blob[:32] or digest(text),
            licence=one_line(own.licence),
            blob=blob,
        )
        return Blob(document, content) if blob else document


def _is_folder(path: Path) -> bool:
    if isinstance(path, Path):
        return os.path.isdir(path)  # unlike Path.is_dir, False for a name that no system could hold
    return path.is_dir()


def _unfit(status: os.stat_result, suffix: str) -> str:
    """Why a file of this status and suffix is not opened; "" if it is."""
    if not stat.S_ISREG(status.st_mode):  # a pipe would wait for ever
        return "is not a regular file"
    if suffix not in SUFFIXES:
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
