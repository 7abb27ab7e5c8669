"""What the cleaners' tests share: short documents, and the real pages of tests/data/clean."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from corpus_tuner.clean.part import Part
from corpus_tuner.records import Document

DATA = Path(__file__).resolve().parent.parent / "data" / "clean"
INDEX = json.loads((DATA / "index.json").read_text(encoding="utf-8"))["files"]


def document(text: str, form: str = "wikitext", language: str = "en", title: str = "Test", url: str = "") -> Document:
    """A document of `text` alone."""
    return Document("id", title, url, form, text, language)


def page(name: str) -> Document:
    """A real page."""
    entry = next(entry for entry in INDEX if entry["file"] == name)
    form = {"wiki": "wikitext", "md": "markdown", "html": "html"}[name.rpartition(".")[2]]
    language = name.split(".")[1] if form == "wikitext" else "en"
    return Document(name, entry["title"], entry["origin"], form, (DATA / name).read_text(encoding="utf-8"), language)


def growth(parse: Callable[[Document], Iterable[Part]], unit: str, count: int, tail: str = "") -> tuple[float, float]:
    """(seconds for `count` units, how many times longer than for a tenth): the least of three runs each, CPU time, collector off."""

    def seconds(text: str) -> float:
        times = []
        gc.collect()
        gc.disable()
        for _ in range(3):
            start = time.process_time()
            for _part in parse(document(text)):
                pass
            times.append(time.process_time() - start)
        gc.enable()
        return min(times)

    small, large = seconds(unit * (count // 10) + tail), seconds(unit * count + tail)
    return large, large / max(small, 0.002)
