"""The source of MediaWiki dumps: pages-articles.xml, plain, gzip, bzip2 or multistream; streamed, never whole in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import groupby
from pathlib import Path
from urllib.parse import quote, unquote

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import dump_blocks
from corpus_tuner.fetch.dump_blocks import Block
from corpus_tuner.fetch.dump_xml import MAX_TEXT, Damaged, Export, Page, Site, pages
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.mediawiki_text import is_disambiguation, is_redirect, redirect_target
from corpus_tuner.fetch.remote import is_path, is_remote, is_url, path_of
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings
from corpus_tuner.store import digest

HEAD = 4096  # bytes in which an export must open as one
REDIRECTS = 3  # that a page named by its title is looked for behind
GROUP = 4 << 20  # compressed bytes of a dump that are read at a time: some 18 MB of XML
_LOCATOR = re.compile(r"(?P<path>.*?\.xml(?:-p\d+p\d+)?(?:\.bz2|\.gz)?)(?:#(?P<title>.+))?", re.IGNORECASE | re.DOTALL)
_ROOTS = tuple("<mediawiki".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))

Item = Document | Reject


class Dump:
    """Fetches the articles of a dump file, or those that are named: `dump.xml.bz2#Title`, or `titles` in the [[source]].

    `settings.source` holds the one [[source]] that is asked for.
    """

    def __init__(self, settings: Settings) -> None:
        self._source = settings.source[0] if settings.source else SourceSettings()
        self._language = settings.corpus.language
        self._namespaces = self._source.namespaces or (0,)

    def claims(self, locator: str) -> bool:
        """Whether `locator` has a dump's suffix; a file that is here must open as an export does."""
        match = _match(locator)
        if match is None or is_remote(match["path"]):
            return match is not None
        path = path_of(match["path"])
        return not path.is_file() or _looks_like_an_export(path)

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Item]:  # noqa: ARG002 - a file is read anew
        """The documents in the order of the dump, and a Reject for every page that is none: a redirect, one of another
        namespace than `source.namespaces`, a disambiguation, one that is not wikitext, is hidden or too long.

        Of pages named by their titles, the documents in the order of the names, redirects followed; a name that is
        not there is a Reject, and an error if it is the only one. Raises CorpusTunerError for a file that is missing,
        damaged or no export, and says how far it got.
        """
        path, title = _split(locator)
        if path is None or not path.is_file():
            raise _missing(locator)
        titles = (*((title,) if title else ()), *self._source.titles)
        try:
            yield from self._named(path, titles) if titles else _bounded(self._all(path), self._source.max_documents, path)
        except Damaged as fault:
            raise _damaged(path, fault) from None

    def blocks(self, locator: str) -> list[tuple[str, Callable[[], Iterator[Item]]]] | None:
        """What `fetch` gives, in parts of about `GROUP` bytes of the dump that can be read by themselves (see
        `records.Divided`); None where it cannot be divided: a dump that is not multistream, some pages of one, or a bound.

        Raises CorpusTunerError as `fetch` does.
        """
        path, title = _split(locator)
        if path is None or title or self._source.titles or self._source.max_documents or not dump_blocks.is_multistream(path):
            return None
        try:
            site, status = dump_blocks.site_of(path), path.stat()
            groups = list(dump_blocks.grouped(dump_blocks.blocks(path), GROUP))
        except Damaged as fault:
            raise _damaged(path, fault) from None
        except FileNotFoundError:
            raise _missing(locator) from None
        stamp = digest(status.st_size, status.st_mtime)[:8]
        reads = (partial(read_items, path, block, site, self._namespaces, self._language) for block in groups)
        return [(f"{number:05}-{stamp}-{block.start}-{block.end}", read) for number, (block, read) in enumerate(zip(groups, reads))]

    def _all(self, path: Path) -> Iterator[Item]:
        """Page after page."""
        export = Export()
        try:
            with dump_blocks.opened(path) as file:
                for page in pages(dump_blocks.chunks(file), export):
                    yield outcome(page, export.site or Site(), self._namespaces, self._language)
        except Damaged as fault:
            raise Damaged(f"{fault}, after {export.count:,} pages{f' (the last: {export.last!r})' if export.last else ''}") from None

    def _named(self, path: Path, titles: tuple[str, ...]) -> Iterator[Item]:
        site = dump_blocks.site_of(path) or Site()
        wanted = list(dict.fromkeys(site.title(title) for title in titles))
        found = _found(path, site, wanted)
        if len(wanted) == 1 and wanted[0] not in found:
            raise CorpusTunerError(f"there is no {wanted[0]!r} in {path.name}: check the spelling and the capital letters")
        seen = set()
        for title in wanted:
            page = _behind_redirects(found, site, title)
            if page is None:
                yield Reject("fetch", title, Reason.MISSING, f"is not in {path.name}")
            elif page.title not in seen:
                seen.add(page.title)
                yield outcome(page, site, None, self._language)


def read_items(path: Path, block: Block, site: Site | None, namespaces: tuple[int, ...] | None, language: str) -> Iterator[Item]:
    """What one block of a multistream dump holds. Raises CorpusTunerError where it is damaged, and OSError."""
    last = ""
    try:
        for page in dump_blocks.read_block(path, block, site):
            yield outcome(page, site or Site(), namespaces, language)
            last = one_line(page.title)
    except Damaged as fault:
        place = f"in the block of bytes {block.start:,} to {block.end:,}{f' (its last whole page: {last!r})' if last else ''}"
        raise _damaged(path, Damaged(f"{fault}, {place}")) from None


def _damaged(path: Path, fault: Damaged) -> CorpusTunerError:
    return CorpusTunerError(f"{path.name}: {fault}: download it again, or name another file")


def _missing(locator: str) -> CorpusTunerError:
    return CorpusTunerError(f"{one_line(locator, 1000)}: there is no such file: check the locator")


def outcome(page: Page, site: Site, namespaces: tuple[int, ...] | None, language: str) -> Item:
    """A page of a dump as a Document, or why it is none; `namespaces` None takes any."""
    reject = _unfit(page, site, namespaces)
    if reject:
        return Reject("fetch", one_line(page.title, 300) or f"page {one_line(page.page_id)}", *reject)
    title = one_line(page.title, 300)
    return Document(
        id=f"{site.name}:{page.page_id or title}",
        title=title,
        url=site.pages + quote(title.replace(" ", "_"), safe="/:@!$*,;()~'-._") if site.pages else "",
        format="wikitext",
        text=page.text or "",
        language=site.language or language,
        revision=one_line(page.revision),
        revised_at=one_line(page.timestamp),
        licence=site.licence,
    )


def _unfit(page: Page, site: Site, namespaces: tuple[int, ...] | None) -> tuple[Reason, str] | None:
    number = int(page.namespace) if page.namespace.lstrip("-").isdecimal() else site.namespace(page.title)
    if namespaces is not None and number not in namespaces:
        return Reason.OTHER_NAMESPACE, f"lies in namespace {number}"
    if page.redirect is not None:
        return Reason.REDIRECT, f"to {one_line(page.redirect) or 'another page'}"
    if page.text is None:
        long = page.length > MAX_TEXT
        return (Reason.LIMIT, f"has {page.length:,} characters") if long else (Reason.UNREADABLE, "its text is not in the dump")
    if page.model not in ("", "wikitext"):
        return Reason.UNSUPPORTED, f"is not wikitext but {one_line(page.model)}"
    if is_redirect(page.text):
        return Reason.REDIRECT, f"to {redirect_target(page.text) or 'another page'}"
    return (Reason.DISAMBIGUATION, "") if is_disambiguation(page.text) else None


def _found(path: Path, site: Site, wanted: list[str]) -> dict[str, Page]:
    """The pages of these titles, and those that they redirect to, by title. By the index, where there is one."""
    found: dict[str, Page] = {}
    missing = set(wanted)
    for _ in range(REDIRECTS + 1):
        found |= _look_up(path, site, missing)
        targets = {target for title in missing & found.keys() if (target := _target(found[title], site))}
        missing = targets - found.keys()
        if not missing:
            break
    return found


def _look_up(path: Path, site: Site, titles: set[str]) -> dict[str, Page]:
    if dump_blocks.is_multistream(path) and dump_blocks.index_of(path):
        places = sorted(dump_blocks.find(path, titles).values(), key=lambda block: block.start)
        read = (page for block, _ in groupby(places) for page in dump_blocks.read_block(path, block, site))
        return {page.title: page for page in read if page.title in titles}
    found: dict[str, Page] = {}
    with dump_blocks.opened(path) as file:
        for page in pages(dump_blocks.chunks(file), Export()):
            if page.title in titles:
                found[page.title] = page
                if len(found) == len(titles):
                    break
    return found


def _behind_redirects(found: Mapping[str, Page], site: Site, title: str) -> Page | None:
    for _ in range(REDIRECTS + 1):
        page = found.get(title)
        target = _target(page, site) if page else ""
        if not target or target not in found:
            return page
        title = target
    return found.get(title)


def _target(page: Page, site: Site) -> str:
    """The title that a page redirects to; "" for one that is no redirect."""
    target = page.redirect or redirect_target(page.text or "")
    return site.title(target.partition("#")[0]) if target else ""


def _split(locator: str) -> tuple[Path | None, str]:
    """(the dump's path, the title after "#"); None for what has no dump's suffix, or is a URL of another kind."""
    match = _match(locator)
    if match is None:
        return None, ""
    title = match["title"] or ""
    return path_of(match["path"]), unquote(title) if is_url(match["path"]) else title


def _match(locator: str) -> re.Match[str] | None:
    match = _LOCATOR.fullmatch(locator)
    return match if match and "\0" not in locator and is_path(match["path"]) else None


def _looks_like_an_export(path: Path) -> bool:
    """Whether the file opens as an export does; a damaged one is ours, too, to say so."""
    try:
        with dump_blocks.opened(path) as file:
            head = next(dump_blocks.chunks(file), b"")[:HEAD]
    except (Damaged, OSError):
        return True
    return any(root in head for root in _ROOTS)


def _bounded(items: Iterator[Item], most: int, path: Path) -> Iterator[Item]:
    """At most `most` documents, and a Reject that says so; 0: all."""
    documents = 0
    for item in items:
        if most and documents == most:
            yield Reject("fetch", path.name, Reason.LIMIT, f"the dump goes on after {most} documents: raise source.max_documents")
            return
        documents += isinstance(item, Document)
        yield item
