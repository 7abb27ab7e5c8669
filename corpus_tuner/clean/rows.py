"""The rows of a recipe's table: each is a section, its text a JSON object of its values by name."""

from __future__ import annotations

from collections.abc import Iterator

from corpus_tuner.clean.part import Part
from corpus_tuner.records import Document


def parse(document: Document) -> Iterator[Part]:
    """One part for each line, under the heading `row N` with rows counted from 1. There is no lead."""
    for number, line in enumerate(document.text.split("\n"), start=1):
        yield Part((f"row {number}",), line)
