"""The corpus that a command works on, and the flags that stand for keys of its TOML."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from corpus_tuner.corpus import Corpus
    from corpus_tuner.targets import Mode

KEYS = {  # flag -> the key of the TOML that it stands for
    "writer": "generate.writer",
    "model": "generate.model",
    "base": "train.base",
    "trainer": "train.trainer",
    "concurrency": "generate.concurrency",
    "limit": "generate.limit",
    "max_cost": "generate.max_cost",
    "sections": "source.sections",
    "linked": "source.linked",
    "depth": "source.depth",
    "max_documents": "source.max_documents",
    "crawl": "source.crawl",
    "include": "source.include",
    "exclude": "source.exclude",
    "columns": "source.columns",
    "titles": "source.titles",
    "templates": "source.templates",
    "per_section": "per_section",
    "format": "dataset.formats",
    "base_url": "base_url",
    "questions": "evaluate.questions",
    "sample": "evaluate.sample",
}


def build_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that stand for keys of the TOML."""
    options = (
        click.option("--name", default="", metavar="NAME", help="Name of a new corpus (default: from the URL or file)."),
        click.option(
            "--sections", multiple=True, metavar="GLOB", help="Only these heading paths, as in 'Mission/*'. Repeatable."
        ),
        click.option("--linked", type=click.IntRange(1), metavar="N", help="Of a wiki page: N of the pages it links to, too."),
        click.option("--depth", type=click.IntRange(1), metavar="N", help="Of a wiki category: N levels of subcategories, too."),
        click.option("--max-documents", type=click.IntRange(1), metavar="N", help="Of a list, site or dump: N documents at most."),
        click.option("--titles", multiple=True, metavar="TITLE", help="Of a wiki or dump: only this page. Repeatable."),
        click.option("--crawl", type=click.Choice(["links", "sitemap"]), help="Of a web page: the pages below it, too."),
        click.option("--include", multiple=True, metavar="GLOB", help="Of a folder or site: only these paths. Repeatable."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Of a folder or site: not these paths. Repeatable."),
        click.option("--columns", multiple=True, metavar="NAME", help="Of a table: the title's column, then those of the text. Repeatable."),
        click.option("--templates", metavar="FILE", help="Of a wiki: a TOML file of what its own templates say."),
        click.option("--writer", metavar="rules|llm", help="Who writes the questions: rules works offline."),
        click.option("--model", metavar="NAME", help="The writing model (llm)."),
        click.option("--base-url", metavar="URL", help="OpenAI-compatible endpoint of the llm writer or the remote trainer."),
        click.option("--base", metavar="MODEL", help="Model to tune: scratch, a Hugging Face id or folder (lora), a host's model name (remote)."),
        click.option("--trainer", metavar="scratch|lora|remote", help="Who tunes it."),
        click.option("--per-section", type=click.IntRange(1), metavar="N", help="Pairs of each kind for a section."),
        click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Requests in flight (64)."),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N sections."),
        click.option(
            "--max-cost", type=click.FloatRange(0, min_open=True), metavar="X", help="Stop before a call that might pass this sum."
        ),
        click.option("--format", multiple=True, metavar="FORMAT", help="A further export: prompt-completion, csv, parquet. Repeatable."),
        click.option("--questions", metavar="FILE", help="Your own questions to evaluate with: JSONL, CSV or SQuAD's format."),
        click.option("--sample", type=click.IntRange(1), metavar="N", help="Evaluate with N questions of each class (train.seed)."),
        click.option("--engine", type=click.Choice(["local", "ray"]), help="Who fetches and cleans a dump: all cores, or Ray's cluster."),
        click.option("--fresh", is_flag=True, help="Run the stages that are up to date too; answered calls stay paid."),
        click.option("--save", is_flag=True, help="Write flags that differ into the TOML."),
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


def read_corpus(name: str, root: Path) -> Corpus:
    """A corpus that is there."""
    from corpus_tuner.corpus import Corpus

    return Corpus.open(name, root, mode="read")


def open_corpus(
    target: str, root: Path, name: str = "", save: bool = False, engine: str | None = None, mode: Mode = "build", **flags: Any
) -> Corpus:
    """The corpus of a building command, its flags as keys of the TOML."""
    from corpus_tuner.corpus import Corpus

    for flag in ("questions", "templates"):
        if flags.get(flag):
            flags[flag] = str(Path(flags[flag]).absolute())  # from here, not from beside the TOML
    given = {KEYS[flag]: list(value) if isinstance(value, tuple) else value for flag, value in flags.items() if value}
    return Corpus.open(target, root, name=name, flags=given, save=save, engine=engine or "local", mode=mode)
