#!/usr/bin/env python3
"""Scores the wikitext cleaner against MediaWiki's own rendering, and times it, beside other tools in the same run.

  score_cleaning.py GOLD_FOLDER SCORER.py [--gold FILE] [--out FOLDER] [--all]

GOLD_FOLDER  gold.json ({page: sections}), index.json ({"pages": [{"file", "title", "lang"}]}) and the wikitext files
SCORER.py    called as `SCORER.py GOLD.json SECTIONS.jsonl --json`; prints one JSON object of figures
--gold       another gold, such as scripts/render_gold.py writes; default that of the folder
--out        where the sections go, one JSON object a line; default a temporary folder
--all        times every page of the folder, not only those with gold, and names the slowest

Rates are megabytes of UTF-8 wikitext per second of process CPU time, on one core; ours is the median of five runs. `sections`
adds what makes a Section of a Part: the digest and the sentence splitter. The other tools take part where they are
installed (pip install mwparserfromhell wikitextparser wikiextractor gensim). Each is asked as its own documentation shows,
and gets its headings read for it: wikiextractor tells no levels, and takes those of the page; gensim leaves heading lines
as they are, and they are split by a regular expression. wikiextractor has no templates here, as it has none without a dump.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from corpus_tuner.clean import clean_document
from corpus_tuner.clean.outline import Outline
from corpus_tuner.clean.wikitext import parse
from corpus_tuner.records import Document, Section

HEADING = re.compile(r"^(={1,6})\s*(.+?)\s*={1,6}[ \t]*$", re.MULTILINE)
Rows = Iterable[tuple[tuple[str, ...], str]]
FIGURES = ("placed", "exact", "precision", "prose", "list", "table", "paths", "residue", "holes", "clean", "captions")


def ours(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths and texts of what this project keeps."""
    return ((part.path, part.text) for part in parse(document) if part.reason is None and part.text.strip())


def ours_as_sections(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """The same through `clean_document`."""
    return ((item.path, item.text) for item in clean_document(document) if isinstance(item, Section))


def mwparserfromhell(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a script of three lines gets: get_sections, strip_code."""
    import mwparserfromhell as library

    outline = Outline()
    for section in library.parse(document.text).get_sections(flat=True, include_lead=True):
        headings = section.filter_headings()
        path = outline.enter(headings[0].level, headings[0].title.strip_code().strip()) if headings else ()
        for heading in headings:
            section.remove(heading)
        yield path, section.strip_code()


def wikitextparser(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """get_sections, plain_text."""
    import wikitextparser as library

    outline = Outline()
    for section in library.parse(document.text).get_sections(include_subsections=False):
        title = library.parse(section.title or "").plain_text().strip()
        yield outline.enter(section.level, title), library.parse(section.contents).plain_text()


def wikiextractor(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """Extractor.clean_text with its headings marked."""
    from wikiextractor.extract import Extractor

    lines = Extractor("0", "0", "", document.title, []).clean_text(document.text, mark_headers=True, expand_templates=False, html_safe=False)
    levels = [(len(found[1]), found[2]) for found in HEADING.finditer(document.text)]
    outline, path, block = Outline(), (), []
    for line in lines:
        if not line.startswith("## "):
            block.append(line)
            continue
        yield path, "\n".join(block)
        block, title = [], line[3:].removesuffix(".")
        level = next((number for number, (_, written) in enumerate(levels) if letters(written) == letters(title)), None)
        path = outline.enter(levels[level][0] if level is not None else 2, title)
        levels = levels[level + 1 :] if level is not None else levels
    yield path, "\n".join(block)


def gensim(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    """filter_wiki, the cleaner of WikiCorpus."""
    from gensim.corpora.wikicorpus import filter_wiki

    outline, path, start = Outline(), (), 0
    text = filter_wiki(document.text)
    for found in HEADING.finditer(text):
        yield path, text[start : found.start()]
        path, start = outline.enter(len(found[1]), found[2].strip("'")), found.end()
    yield path, text[start:]


def letters(text: str) -> str:
    """What of a heading survives any cleaning."""
    return "".join(character for character in text.casefold() if character.isalnum())


def rate(clean: Callable[[Document], Rows], documents: list[Document], runs: int) -> float:
    """Median MB of wikitext per second of CPU time."""
    size = sum(len(document.text.encode()) for document in documents) / 1e6
    times = []
    for _ in range(runs):
        start = time.process_time()
        for document in documents:
            for _row in clean(document):
                pass
        times.append(time.process_time() - start)
    return size / statistics.median(times)


def score(clean: Callable[[Document], Rows], documents: dict[str, Document], gold: Path, scorer: Path, out: Path) -> dict[str, float]:
    """The scorer's figures for one cleaner; its sections stay in `out`."""
    with out.open("w", encoding="utf-8") as file:
        for page, document in documents.items():
            for path, text in clean(document):
                file.write(json.dumps({"page": page, "path": path, "text": text}, ensure_ascii=False) + "\n")
    answer = subprocess.run([sys.executable, scorer, gold, out, "--json"], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scorer", type=Path)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    out = options.out or Path(tempfile.mkdtemp(prefix="score-cleaning-"))
    out.mkdir(parents=True, exist_ok=True)
    gold = options.gold or options.folder / "gold.json"
    pages = json.loads(gold.read_text(encoding="utf-8"))
    index = json.loads((options.folder / "index.json").read_text(encoding="utf-8"))["pages"]
    every = {
        entry["file"].removesuffix(".wiki"): Document(
            entry["file"], entry["title"], "", "wikitext", (options.folder / entry["file"]).read_text("utf-8"), entry["lang"]
        )
        for entry in index
    }
    documents = {page: every[page] for page in pages}
    print(f"{'':18}" + "".join(f"{figure:>10}" for figure in (*FIGURES, "MB/s")))
    others = (mwparserfromhell, wikitextparser, wikiextractor, gensim)
    there = [other for other in others if importlib.util.find_spec(other.__name__)]
    for name, clean, runs in (("corpus_tuner", ours, 5), ("  as sections", ours_as_sections, 3), *((other.__name__, other, 1) for other in there)):
        figures = score(clean, documents, gold, options.scorer, out / f"{clean.__name__}.jsonl")
        figures["MB/s"] = round(rate(clean, list(documents.values()), runs), 2)
        print(f"{name:18}" + "".join(f"{figures[figure]:>10}" for figure in (*FIGURES, "MB/s")))
    print(f"{len(documents)} pages, sections in {out}")
    if missing := [other.__name__ for other in others if other not in there]:
        print(f"not installed, and so not compared: {', '.join(missing)}")
    if options.all:
        times = sorted((len(document.text.encode()) / 1e6 / rate(ours, [document], 3), page) for page, document in every.items())
        print(f"all {len(every)} pages: {rate(ours, list(every.values()), 5):.1f} MB/s, slowest {times[-1][1]} in {times[-1][0]:.3f} s")


if __name__ == "__main__":
    main()
