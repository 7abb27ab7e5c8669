"""The commands that make something of a corpus: build and its stages, estimate, improve."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus_tuner.cli.edge import common
from corpus_tuner.cli.flags import build_flags, open_corpus, read_corpus
from corpus_tuner.store import indented

if TYPE_CHECKING:
    from corpus_tuner.corpus import Built, Corpus


def _stage_command(name: str, until: str, help_text: str) -> click.Command:
    """The command that runs every stale stage up to and including `until`."""

    @click.command(name, help=help_text)
    @click.argument("target")
    @build_flags
    @common
    def command(target: str, root: Path, as_json: bool, fresh: bool, **flags: Any) -> None:
        from corpus_tuner.watching import watcher

        corpus = open_corpus(target, root, **flags)
        with _announced(corpus):
            built = corpus.build(until, fresh=fresh, watcher=watcher())
        click.echo(indented(built)) if as_json else _print_built(built, corpus, _next(until, corpus.name, root))

    return command


STAGES = (
    _stage_command("build", "evaluate", "Run every stale stage: fetch, clean, generate, dataset, train, evaluate."),
    _stage_command("fetch", "fetch", "Pull the documents of TARGET."),
    _stage_command("clean", "clean", "Up to the sections: markup stripped, headings kept."),
    _stage_command("generate", "generate", "Up to the question/answer pairs, each with its evidence."),
    _stage_command("dataset", "dataset", "Up to the training files and their card."),
    _stage_command("train", "train", "Up to the expert."),
    _stage_command("evaluate", "evaluate", "Up to the report: base against expert against retrieval."),
)


@contextmanager
def _announced(corpus: Corpus) -> Iterator[None]:
    """Says, whatever becomes of it, by what name a corpus is known from now on whose TOML was written just now."""
    try:
        yield
    finally:
        if corpus.is_new and corpus.place.toml.exists():  # it goes again where nothing was found
            click.echo(f"{corpus.name} is a new corpus: {corpus.place.toml} describes it", err=True)


def _next(until: str, name: str, root: Path) -> str:
    """What a person may want after that stage."""
    shown = {"fetch": "show {} documents", "clean": "show {} sections", "generate": "show {} examples", "dataset": "train {}"}
    command = shown.get(until, 'ask {} "a question"').format(name)
    return f"corpus-tuner {command}{'' if root == Path() else f' --root {shlex.quote(str(root))}'}"


def _print_built(built: Built, corpus: Corpus, afterwards: str) -> None:
    if not built.ran:
        click.echo(f"{built.name} is up to date")
    for name, path in built.paths.items():
        click.echo(f"{name:9} {path}")
    if "evaluate" in built.ran:
        click.echo(f"\n{corpus.table()}\n")
    click.echo(f"{'next':9} {afterwards}")


@click.command()
@click.argument("target")
@build_flags
@common
def estimate(target: str, root: Path, as_json: bool, fresh: bool, **flags: Any) -> None:  # noqa: ARG001
    """Requests, tokens, cost and time of `generate --writer llm`, before anything is sent to a model."""
    from corpus_tuner.estimates import lines
    from corpus_tuner.watching import watcher

    corpus = open_corpus(target, root, mode="try", **flags)
    with _announced(corpus):
        found = corpus.estimate(watcher())
    click.echo(indented(found)) if as_json else click.echo("\n".join(lines(found)))


@click.command()
@click.argument("name")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="At most so many rounds.")
@click.option(
    "--max-cost", type=click.FloatRange(0, min_open=True), default=None, metavar="X",
    help="What improving this corpus may cost, in all runs together.",
)  # fmt: skip
@common
def improve(name: str, rounds: int, max_cost: float | None, root: Path, as_json: bool) -> None:
    """Write more pairs for what the expert of corpus NAME is weak in, and train again; the better expert is kept."""
    from corpus_tuner.improve.wording import text
    from corpus_tuner.watching import harmless, watcher

    found = read_corpus(name, root).improve(rounds, max_cost or 0.0, watcher=watcher())
    click.echo(indented(found) if as_json else harmless(text(found)))
