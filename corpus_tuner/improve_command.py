"""`corpus-tuner improve`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from corpus_tuner.store import indented


def add_to(app: click.Group, common: Callable[..., Any]) -> None:
    """Registers the command; `common` is what every command of the group shares (--root, --json, --debug, errors)."""
    app.command()(common(improve))


@click.argument("name")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, metavar="N", help="At most so many rounds.")
@click.option(
    "--max-cost", type=click.FloatRange(0, min_open=True), default=None, metavar="X",
    help="What improving this corpus may cost, in all runs together.",
)  # fmt: skip
def improve(name: str, rounds: int, max_cost: float | None, root: Path, as_json: bool) -> None:
    """Write more pairs for what the expert of corpus NAME is weak in, and train again; the better expert is kept."""
    from corpus_tuner.corpus import Corpus
    from corpus_tuner.improve.wording import text
    from corpus_tuner.watching import watcher

    found = Corpus.open(name, root).improve(rounds, max_cost or 0.0, watcher=watcher())
    click.echo(indented(found) if as_json else text(found))
