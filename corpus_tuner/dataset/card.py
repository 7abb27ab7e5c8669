"""The dataset card: what the rows are, where the text came from, under which licence (Hugging Face's README.md)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from corpus_tuner.records import Document

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LICENCES = (
    (r"\bBY[- ]SA[- ]?4", "cc-by-sa-4.0"),
    (r"\bBY[- ]SA[- ]?3", "cc-by-sa-3.0"),
    (r"\bBY[- ]?4", "cc-by-4.0"),
    (r"\bCC0\b", "cc0-1.0"),
    (r"\bMIT\b", "mit"),
    (r"\bApache[- ]2", "apache-2.0"),
)


_PAIRS = (
    "each rests on sentences of its source (see `../examples.jsonl`).",
    "The test and validation splits are held out by the sentence that a pair rests on: a paraphrase question asks for "
    "a fact that other, differently worded pairs train; an unseen question rests on a sentence that no pair trains.",
)
_ROWS = (
    "each is a row of a recipe: its question is a template filled with the row's values (see `../sections.jsonl`).",
    "The test and validation splits hold prompts, or groups of rows, that no trained row has.",
)


def card(
    title: str, documents: Sequence[Document], counts: Mapping[str, int], rejects: Counter[str], writer: str, rows: bool = False
) -> str:
    """The card as Markdown with its YAML head; everything from a document is quoted, never interpreted. `rows` of a recipe
    rest on no sentence."""
    total = sum(counts.values())
    basis, held_out = (_ROWS if rows else _PAIRS)
    lines = [
        "---",
        *_head(title, documents, counts),
        "---",
        "",
        f"# Question/answer pairs about {_plain(title)}",
        "",
        f"{total} pairs as chat messages, written by the `{writer}` writer of corpus_tuner from the documents below; {basis}",
        "",
        "| split | pairs |",
        "|---|---|",
        *(f"| {split} | {count} |" for split, count in counts.items()),
        "",
        held_out,
        "",
        *_losses(rejects),
        *_sources(documents),
    ]
    return "\n".join(lines) + "\n"


def _head(title: str, documents: Sequence[Document], counts: Mapping[str, int]) -> list[str]:
    """The YAML that the Hugging Face hub and `datasets` read."""
    total = sum(counts.values())
    files = [
        f"  - split: {split}\n    path: {split}.jsonl" for split in ("train", "validation", "test") if counts.get(split)
    ]
    languages = sorted(
        {document.language for document in documents if re.fullmatch(r"[A-Za-z-]{2,12}", document.language)}
    )
    return [
        f"pretty_name: {json.dumps(title + ' question/answer pairs', ensure_ascii=False)}",
        f"license: {licence_tag(documents)}",
        *([f"language: [{', '.join(languages)}]"] if languages else []),
        "task_categories: [question-answering, text-generation]",
        f"size_categories: [{next((tag for bound, tag in _SIZES if total < bound), 'n>1M')}]",
        "configs:",
        "- config_name: default",
        "  data_files:",
        *(files or ["  []"]),
    ]


def _sources(documents: Sequence[Document]) -> list[str]:
    return [
        "## Sources and licence",
        "",
        "The questions and answers quote and adapt these documents and stand under the same licence. "
        "Who passes them on must name the source and keep the licence.",
        "",
        "| document | revision | licence |",
        "|---|---|---|",
        *(
            f"| {_link(document)} | {_plain(document.revision)} | {_plain(document.licence) or 'not stated'} |"
            for document in documents
        ),
    ]


def licence_tag(documents: Sequence[Document]) -> str:
    """The Hugging Face tag of the documents' licence; `other` where they differ, `unknown` where none is stated."""
    tags = {_tag(document.licence) for document in documents}
    return tags.pop() if len(tags) == 1 else "other" if tags else "unknown"


def _tag(licence: str) -> str:
    return next(
        (tag for pattern, tag in _LICENCES if re.search(pattern, licence, re.IGNORECASE)),
        "other" if licence else "unknown",
    )


def _losses(rejects: Counter[str]) -> list[str]:
    if not rejects:
        return []
    return [
        "Pairs and pieces that were dropped on the way, by reason:",
        "",
        *(f"- {reason}: {count}" for reason, count in rejects.most_common()),
        "",
    ]


def _plain(text: str) -> str:
    """Text that Markdown cannot read as markup or as a table's border."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _link(document: Document) -> str:
    url = (
        document.url
        if re.fullmatch(r"https?://[^\s<>()\[\]|]+(?:\([^\s<>()|]*\))?[^\s<>()\[\]|]*", document.url)
        else ""
    )
    return f"[{_plain(document.title)}](<{url}>)" if url else _plain(document.title)
