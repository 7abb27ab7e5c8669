"""The events of a web page to headings with their blocks, without what is there for the site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from corpus_tuner.clean.boilerplate import Main, is_boilerplate, is_box, is_chapter, is_named_for_the_site, main_of
from corpus_tuner.clean.html_blocks import Blocks
from corpus_tuner.clean.outline import Written

SHARE = 0.3  # of a page's letters that its main part has at least


@dataclass(slots=True)
class _Marked:
    """An element that is marked as the main part; the letters up to its begin, then those in it."""

    kind: Main
    number: int
    depth: int
    letters: int


class Reader(Blocks):
    """Of a page all but the site's own parts; of one read with `main`, what stands in the elements of these numbers.

    A first heading before them, of level 1, stays, too: a page's title often stands above its article.
    """

    def __init__(self, main: Collection[int] = ()) -> None:
        super().__init__()
        self.mediawiki = False
        self._number = 0  # of the element that began last
        self._site: tuple[int, Written, bool] | None = None  # depth and the section that it interrupts; whether beyond doubt
        self._opened = False  # whether the page's own text has begun: its first main, article or h1
        self._chapters: list[int] = []  # the depths of the open parts of a book
        self._marked: list[_Marked] = []
        self._open: list[_Marked] = []
        self._letters = 0
        self._main = main
        self._home = self._current  # where the main part goes on
        self._within = 0  # the depth of the open main part
        if main:
            self._current = Written(0, "", boilerplate=True)

    def main_part(self) -> Collection[int]:
        """The numbers of the elements that are marked as the page's main part: by schema.org or by name as the body of an
        article, as an article, or as main, whichever comes first and has a `SHARE` of the page. Empty if none has."""
        for kind in Main:
            found = [marked for marked in self._marked if marked.kind is kind]
            total = sum(marked.letters for marked in found)
            if found and total >= SHARE * self._letters:
                largest = max(found, key=lambda marked: marked.letters)
                return [largest.number] if 2 * largest.letters >= total else [marked.number for marked in found]
        return ()

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._number += 1
        super().start(tag, attributes)

    def _enter(self, tag: str, attributes: Mapping[str, str]) -> None:
        if attributes:
            if attributes.get("id") in ("mw-content-text", "firstHeading"):
                self.mediawiki = True
            if is_chapter(attributes):
                self._chapters.append(self._depth)
        if not self._opened and (tag in ("main", "article") or (tag == "h1" and not (self._site and self._site[2]))):
            self._opened = True
            self._leave_site()  # what holds the page's text is no part of the site, whatever its name
        if self._site is None:
            sure = is_boilerplate(tag, attributes) and not self._is_box(attributes)
            if sure or is_named_for_the_site(tag, attributes):
                self._flush()
                self._site = (self._depth, self._current, sure)
                self._current = Written(0, "", boilerplate=True)
            else:
                self._mark(tag, attributes)

    def _mark(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._main:
            if self._number in self._main and not self._within:
                self._flush()
                self._within = self._depth
                self._current = self._home
            return
        kind = main_of(tag, attributes)
        if kind and all(marked.kind is not kind for marked in self._open):
            self._flush()
            self._open.append(_Marked(kind, self._number, self._depth, self._letters))

    def _leave(self) -> None:
        depth = self._depth + 1
        if self._chapters and self._chapters[-1] == depth:
            self._chapters.pop()
        if self._site and depth == self._site[0]:
            self._leave_site()
        elif self._within == depth:
            self._flush()
            self._within = 0
            self._home, self._current = self._current, Written(0, "", boilerplate=True)
        elif self._open and self._open[-1].depth == depth:
            self._flush()
            marked = self._open.pop()
            marked.letters = self._letters - marked.letters
            self._marked.append(marked)

    def _leave_site(self) -> None:
        if self._site:
            self._flush()
            self._current, self._site = self._site[1], None

    def _is_box(self, attributes: Mapping[str, str]) -> bool:
        return is_box(attributes) and self._chapters[-1:] == [self._depth - 1]

    def _open_section(self, written: Written) -> None:
        outside = bool(self._main) and not self._within
        if outside and not self._site and written.level == 1 and self._home is self._sections[0]:
            self._home = written
            self._sections.append(written)
            self._current = Written(0, "", boilerplate=True)
            return
        written.boilerplate = outside or self._site is not None
        super()._open_section(written)

    def _add(self, kind: str, text: str) -> None:
        if not self._current.boilerplate:
            self._letters += len(text)
        super()._add(kind, text)
