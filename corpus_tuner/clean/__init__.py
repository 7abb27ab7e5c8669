"""A Document to Sections: each format's cleaner yields Parts, which become Sections or counted Rejects here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any
from urllib.parse import quote

from corpus_tuner import plugins
from corpus_tuner.clean.part import Part, Unreadable
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Document, Reason, Reject, Section
from corpus_tuner.store import digest
from corpus_tuner.text import sentences

__all__ = ["Part", "Unreadable", "clean_document", "selects"]


def clean_document(
    document: Document, select: tuple[str, ...] = (), content: Callable[[str], bytes] | None = None, templates: str = ""
) -> Iterator[Section | Reject]:
    """One Section or Reject for the lead and for each heading of `document`, in order: headings + 1 in all, and a last
    Reject of `unknown templates` where wikitext lost some.

    `select` are globs on the heading path as `selects` reads them; without any, everything is taken. `content` gives
    the bytes of a document that has a `blob`; a file that is damaged, or would grow beyond all measure, is one Reject.
    `templates` is a TOML table of what a wiki's own templates say, in the notation of `clean/templates/common.toml`.
    Raises CorpusTunerError for a format that no cleaner reads or a table that is none, and MissingExtra where it needs a package.
    """
    parse = plugins.load("cleaners", document.format)
    if templates and document.format == "wikitext":
        parse = partial(parse, own=_own(templates))
    ordinals: Counter[tuple[str, ...]] = Counter()
    for part in _parts(parse, document, content):
        if isinstance(part, Reject):
            yield part
            continue
        identity = digest(document.id, part.path, ordinals[part.path])
        ordinals[part.path] += 1
        text = part.text.strip()
        reason = part.reason or (None if text else Reason.EMPTY) or (None if selects(select, part.path) else Reason.NOT_SELECTED)
        if reason:
            yield Reject("clean", identity, reason, part.detail or " > ".join((document.title, *part.path)))
            continue
        yield Section(
            id=identity,
            document_id=document.id,
            title=document.title,
            path=part.path,
            text=text,
            sentences=sentences(text, document.language),
            url=_with_anchor(document.url, part.anchor),
            language=document.language,
        )


@cache
def _own(templates: str) -> Any:
    from corpus_tuner.clean.wikitext import read_definitions

    return read_definitions(templates)


def _parts(
    parse: Callable[..., Iterator[Part]], document: Document, content: Callable[[str], bytes] | None
) -> Iterator[Part | Reject]:
    if not document.blob:
        yield from parse(document)
        return
    if content is None:
        raise CorpusTunerError(f"{document.title} is {document.format}: its cleaner needs the bytes of the file")
    try:
        yield from parse(document, content(document.blob))
    except Unreadable as fault:
        yield Reject("clean", document.id, fault.reason, f"{document.title}: {fault}")


def selects(globs: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether one of `globs` takes the section at `path`; no globs take all.

    A glob is headings joined by "/", without regard to case; `*` stands for any text within one heading, `?` for one
    character. "Mission" takes the text of Mission alone. A last step "*" takes every subsection below, at any depth: "Mission/*"
    all of Mission's subsections, "*" everything but the lead. "" takes the lead. A heading's own "/" is matched by "/" too.
    """
    return not globs or any(_pattern(glob).fullmatch("/".join(path)) for glob in globs)


def _pattern(glob: str) -> re.Pattern[str]:
    deep = glob == "*" or glob.endswith("/*")
    steps = glob[:-1] if deep else glob
    pattern = "".join({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character) for character in steps)
    return re.compile(pattern + (".+" if deep else ""), re.IGNORECASE | re.DOTALL)


def _with_anchor(url: str, anchor: str) -> str:
    if not url or not anchor:
        return url
    return url.partition("#")[0] + "#" + quote(anchor, safe="!$&'()*+,;=:@/?~-._")
