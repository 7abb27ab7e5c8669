"""What MediaWiki's answers say of pages: which there are, why one cannot be read, the text of a revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch.address import Wanted
from corpus_tuner.fetch.line import one_line
from corpus_tuner.fetch.mediawiki import Wiki
from corpus_tuner.fetch.mediawiki_text import is_redirect
from corpus_tuner.records import Reason

CHAIN = 10  # redirects and conversions between a title and its page


class Unfit(CorpusTunerError):
    """A page that cannot be a document: the user's mistake where it was named alone, a Reject of `reason` in a list."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Listed:
    """A page that a list names."""

    title: str
    namespace: int = 0
    page_id: int = 0  # 0: not known


def existing(found: dict[str, Any], wiki: Wiki, wanted: Wanted) -> dict[str, Any]:
    """The one page of a look-up that can be fetched. Raises Unfit: each way to fail has its own line."""
    try:
        return _existing(found, wiki, wanted)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise CorpusTunerError(f"{wiki.name} answers for {wanted} in a form that is not MediaWiki's") from None


def _existing(found: dict[str, Any], wiki: Wiki, wanted: Wanted) -> dict[str, Any]:
    if found.get("badrevids"):
        raise Unfit(Reason.MISSING, f"{wiki.name} has no {wanted} (deleted?): give the page's URL without oldid")
    if found.get("interwiki"):
        link = found["interwiki"][0]
        raise Unfit(Reason.MISSING, f"{one_line(link['title'])!r} lies in another wiki: give its own URL, {one_line(link.get('url', ''))}")
    if "pages" not in found and found.get("redirects"):
        raise Unfit(Reason.MISSING, f"{wanted} in {wiki.name} redirects to itself: give the URL of the page that you mean")
    page = found["pages"][0]
    name = repr(one_line(page["title"])) if "title" in page else str(wanted)
    if page.get("invalid"):
        raise Unfit(Reason.MISSING, f"{name} is not a valid page title: {one_line(page.get('invalidreason', ''))}")
    if page.get("special"):
        raise Unfit(
            Reason.UNSUPPORTED, f"{name} is a special page, made anew for each reader: give the URL of a page with text of its own"
        )
    if page.get("missing"):
        source = found.get("redirects")
        start = f"{one_line(source[0]['from'])!r} redirects to {name}, which does not exist" if source else f"there is no {name}"
        raise Unfit(Reason.MISSING, f"{start} in {wiki.name}: check the spelling and the capital letters")
    model = one_line(page.get("contentmodel", "wikitext"))
    if model != "wikitext":
        raise Unfit(Reason.UNSUPPORTED, f"{name} in {wiki.name} is not wikitext but {model}: give the URL of an article")
    int(page["pageid"]), int(page["revisions"][0]["revid"])
    return page


def settled(
    found: dict[str, Any], wiki: Wiki, entry: Listed, namespaces: frozenset[int] | None
) -> dict[str, Any] | Unfit:
    """What became of a listed page in the result of asking for many: the page, or why it is none."""
    title, hops = _target(found, entry.title)
    mine = [page for page in dicts(found.get("pages")) if page.get("title") == title or (not hops and entry.page_id and page.get("pageid") == entry.page_id)]
    if mine and namespaces is not None and mine[0].get("ns", 0) not in namespaces:
        return Unfit(Reason.OTHER_NAMESPACE, f"lies in namespace {mine[0]['ns']}: add it to source.namespaces to take it")
    one: dict[str, Any] = {"pages": mine[:1]} if mine else {}
    if hops:
        one["redirects"] = [{"from": entry.title}]
    one["interwiki"] = [] if mine else [link for link in dicts(found.get("interwiki")) if link.get("title") == title]
    if not mine and not one["interwiki"] and not hops:
        return Unfit(Reason.MISSING, f"{wiki.name} gives no answer for {one_line(entry.title)!r}")
    try:
        return existing(one, wiki, Wanted(title=entry.title))
    except Unfit as fault:
        return fault


def _target(found: dict[str, Any], title: str) -> tuple[str, int]:
    """(the title that the wiki made of `title`, how many redirects that took)."""
    steps = {str(step.get("from")): str(step.get("to")) for name in ("normalized", "converted") for step in dicts(found.get(name))}
    redirects = {str(step.get("from")): str(step.get("to")) for step in dicts(found.get("redirects"))}
    hops = 0
    for _ in range(CHAIN):
        if title in redirects:
            title, hops = redirects[title], hops + 1
        elif title in steps:
            title = steps.pop(title)
        else:
            break
    return title, hops


def text_of(wiki: Wiki, revision: str, entry: dict[str, Any] | None) -> tuple[str, str]:
    """(wikitext, timestamp) of a revision's entry. Raises Unfit."""
    if entry is None:
        raise Unfit(Reason.MISSING, f"{wiki.name} does not give revision {revision}: it was deleted just now; try again")
    slots = entry.get("slots")
    slot = slots.get("main", entry) if isinstance(slots, dict) else entry  # slots came with MediaWiki 1.32
    text, model = (slot.get("content"), slot.get("contentmodel", "wikitext")) if isinstance(slot, dict) else (None, "")
    if not isinstance(text, str):
        raise Unfit(Reason.UNREADABLE, f"the text of revision {revision} in {wiki.name} is hidden: give another revision's URL")
    if model != "wikitext":
        raise Unfit(Reason.UNSUPPORTED, f"revision {revision} in {wiki.name} is not wikitext but {one_line(model)}: give the URL of an article")
    if is_redirect(text):
        raise Unfit(Reason.REDIRECT, f"revision {revision} in {wiki.name} was a redirect: give the URL of a revision with text")
    return text, one_line(entry.get("timestamp", ""))


def merge(merged: dict[str, Any], found: dict[str, Any]) -> None:
    """Adds a continued answer: a page's properties come in pieces."""
    pages = {(page.get("pageid"), page.get("title")): page for page in dicts(merged.get("pages"))}
    for name, value in found.items():
        if name == "pages":
            for page in dicts(value):
                pages[page.get("pageid"), page.get("title")] = pages.get((page.get("pageid"), page.get("title")), {}) | page
        elif name not in merged:
            merged[name] = value
    if pages:
        merged["pages"] = list(pages.values())


def dicts(value: Any) -> list[dict[str, Any]]:
    """What a wiki's answer holds at a place of objects; nothing of any other form."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
