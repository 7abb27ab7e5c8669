"""Wikitext to sections: a linear scan of our own, with what templates say as data (`clean/templates/*.toml`).

strip (comments, extension tags) -> expand (templates, links) -> tags (HTML, quotes) -> blocks (lines, lists, tables)
-> tidy. Every step is linear in the page; docs: the modules' own first lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from corpus_tuner.clean.outline import Outline
from corpus_tuner.clean.part import Part
from corpus_tuner.clean.wikitext.blocks import Reader
from corpus_tuner.clean.wikitext.definitions import Words, load_definitions, project_of, read_definitions
from corpus_tuner.clean.wikitext.expand import Expander
from corpus_tuner.clean.wikitext.losses import Losses, read_losses
from corpus_tuner.clean.wikitext.names import load_names
from corpus_tuner.clean.wikitext.strip import Stripper, without_control
from corpus_tuner.clean.wikitext.tags import reduce_tags
from corpus_tuner.clean.wikitext.tidy import tidy
from corpus_tuner.records import Document, Reason

__all__ = ["parse", "read_definitions", "read_losses"]


def parse(document: Document, own: Mapping[str, Words] | None = None) -> Iterator[Part]:
    """The lead and one part for each heading, in order; appendices come with the reason `boilerplate`.

    `own` are definitions that go before those of the tables, as `read_definitions` gives them. Where a template or tag was
    dropped that no table knows, a last part with the reason `unknown templates` tells which, and what they cost.
    """
    losses = Losses()
    yield from _parts(document, own or {}, losses)
    if told := losses.told():
        yield Part((), "", Reason.UNKNOWN_TEMPLATES, detail=told)


def _parts(document: Document, own: Mapping[str, Words], losses: Losses) -> Iterator[Part]:
    names = load_names()
    text = without_control(document.text)
    if names.redirect.match(text):
        yield Part((), "")
        return
    language = names.wiki_language(text, document.language.lower().partition("-")[0])
    definitions = load_definitions(language, project_of(document.url))
    definitions = {**definitions, **own} if own else definitions
    stripper = Stripper(definitions, losses)
    expander = Expander(names, definitions, document.title, language, losses)
    text = reduce_tags(expander.expand(stripper.strip(text)), names.switches)
    outline = Outline(names.is_appendix)
    anchors: Counter[str] = Counter()
    for written in Reader().read(text):
        title = stripper.restore(tidy(written.title)).strip()
        path = outline.enter(written.level, title)
        reason = Reason.BOILERPLATE if outline.in_appendix else None
        yield Part(path, stripper.restore(tidy(written.text())), reason, _anchor(title, anchors) if path else "")


def _anchor(title: str, seen: Counter[str]) -> str:
    """The fragment that MediaWiki gives to a heading: underscores for spaces, a number from the second equal one on."""
    anchor = title.replace(" ", "_")
    seen[anchor.lower()] += 1
    return anchor if seen[anchor.lower()] == 1 else f"{anchor}_{seen[anchor.lower()]}"
