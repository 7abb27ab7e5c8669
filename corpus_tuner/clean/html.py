"""HTML to sections: libxml2's parser as a stream of events, so that neither depth nor size of the markup matters.

lxml's event target was chosen over a tree (which libxml2 cuts off below 2,048 levels) and over html.parser, on which
BeautifulSoup builds as well (100 against 9 MB/s on documentation pages). Navigation, forms, cookie banners and footers
are out; a heading that stands in them is boilerplate, so that every heading of the page is accounted for.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpus_tuner.clean.html_reader import Reader
from corpus_tuner.clean.outline import Outline
from corpus_tuner.clean.part import Part
from corpus_tuner.clean.wikitext.names import load_names
from corpus_tuner.records import Document, Reason


def parse(document: Document) -> Iterator[Part]:
    """The lead and one part for each heading with text, in order. On a page of MediaWiki's the appendices are boilerplate.

    Where the page marks its main part (see `Reader.main_part`), it is read once more, and the rest is the site's.
    """
    reader = Reader()
    feed(document.text, reader)
    if main := reader.main_part():
        reader = Reader(main)
        feed(document.text, reader)
    outline = Outline()
    for written in reader.finish():
        if written.boilerplate:
            yield Part((written.title,), written.text(), Reason.BOILERPLATE)
            continue
        path = outline.enter(written.level, written.title)
        appendix = reader.mediawiki and any(load_names().is_appendix(heading) for heading in path[:2])
        yield Part(path, written.text(), Reason.BOILERPLATE if appendix else None, written.anchor)


def feed(text: str, reader: Reader) -> None:
    """Hands the events of a page to `reader`."""
    from lxml import etree

    if not text.strip():
        return
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    parser.feed(text.encode("utf-8", "replace").replace(b"\0", b""))
    parser.close()
