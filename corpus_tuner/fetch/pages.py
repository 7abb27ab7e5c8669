"""What a web server sent, as a document."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import links, titles
from corpus_tuner.fetch.client import Response
from corpus_tuner.fetch.encoding import charset, decode_declared
from corpus_tuner.fetch.feeds import Entry
from corpus_tuner.fetch.formats import BINARY, of_answer
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.site import validator
from corpus_tuner.records import Blob, Document, Reason
from corpus_tuner.store import digest


class Unfit(CorpusTunerError):
    """An answer that is no document: one line of why, and the reason it counts under."""

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


def read(answer: Response, language: str) -> tuple[Document | Blob, links.Facts]:
    """The document in an answer, and what it says of itself if it is HTML. Its id is its canonical URL of the same
    origin, or the URL where the redirects ended. Raises Unfit for a status other than 200 and for what no cleaner reads."""
    url = links.normal(answer.url)
    if answer.status != HTTPStatus.OK:
        raise Unfit(f"{one_line(url)} answers {answer.status} {_phrase(answer.status)}", Reason.UNREADABLE)
    header = answer.headers.get("Content-Type", "")
    form = of_answer(header, urlsplit(url).path, answer.body)
    if not form:
        raise Unfit(f"{one_line(url)} is {one_line(header) or 'of no stated type'}, which cannot be read", Reason.UNSUPPORTED)
    if form in BINARY:
        return _binary(answer, url, form, language), links.Facts()
    text = decode_declared(answer.body, charset(header), markup=form == "html")
    if text is None:
        raise Unfit(f"{one_line(url)} is not text in an encoding that it names", Reason.UNREADABLE)
    found = links.facts(text, url) if form == "html" else links.Facts()
    own = titles.of_text(form, text) if form == "markdown" else titles.Own(found.title, found.language, found.licence)
    place = found.canonical if found.canonical and links.origin(found.canonical) == links.origin(url) else url
    return _document(answer, place, form, own, language, text=text), found


def article(entry: Entry, feed: str, text: str, language: str) -> Document:
    """The article that a feed holds itself; `text` is its HTML."""
    url = links.normal(entry.link)
    return Document(
        id=url or f"{feed}#{digest(entry.title, text)[:16]}",
        title=one_line(entry.title) or _name(url or feed),
        url=url or feed,
        format="html",
        text=text,
        language=language,
        revision=digest(text),
        fetched_at=_now(),
        revised_at=entry.revised_at,
    )


def unchanged(item: Document | Blob, before: Document | None) -> Document | Blob:
    """The document as it was known, with its new revision, where the content is the same; `item` where it is not."""
    new = item.document if isinstance(item, Blob) else item
    if before is None or (before.text, before.blob, before.title) != (new.text, new.blob, new.title):
        return item
    return replace(before, revision=new.revision)


def _binary(answer: Response, url: str, form: str, language: str) -> Blob:
    blob = hashlib.sha256(answer.body).hexdigest()
    document = _document(answer, url, form, titles.of_bytes(form, answer.body), language, blob=blob)
    return Blob(document, answer.body)


def _document(
    answer: Response, url: str, form: str, own: titles.Own, language: str, *, text: str = "", blob: str = ""
) -> Document:
    return Document(
        id=url,
        title=one_line(own.title) or _name(url),
        url=url,
        format=form,
        text=text,
        language=own.language or language,
        revision=validator(answer) or blob[:32] or digest(text),
        licence=one_line(own.licence),
        fetched_at=_now(),
        revised_at=_changed(answer.headers.get("Last-Modified", "")),
        blob=blob,
    )


def _name(url: str) -> str:
    """A title out of a URL: the last step of its path, or its host."""
    parts = urlsplit(url)
    step = one_line(unquote(parts.path).rstrip("/").rpartition("/")[2]).replace("_", " ")
    return step.rpartition(".")[0] or step or parts.netloc


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _changed(header: str) -> str:
    try:
        return parsedate_to_datetime(header).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return ""
