"""The commands that ask a model: ask and chat."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from corpus_tuner.cli.edge import common
from corpus_tuner.cli.flags import read_corpus
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.watching import harmless


@click.command()
@click.argument("name")
@click.argument("question", required=False)
@click.option(
    "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="One question a line."
)
@click.option("--model", metavar="NAME", default="expert", help="An arm of the evaluation (expert, base, retrieval, nearest, reader), or a model of --base-url.")
@click.option("--base-url", metavar="URL", default="", help="OpenAI-compatible endpoint of a model that is no arm.")
@click.option("--grounded", is_flag=True, help="Mark each answer: supported, unsupported or contradicted by the corpus.")
@click.option("--abstain", is_flag=True, help="Mark it, and withhold what the corpus does not support.")
@common
def ask(
    name: str, question: str | None, file: Path | None, model: str, base_url: str, root: Path, as_json: bool, **checks: bool
) -> None:
    """Ask the expert of corpus NAME; each answer comes with the passages that support it, or says that none does."""
    if (question is None) == (file is None):
        raise CorpusTunerError('give one question, or --file with one a line: corpus-tuner ask NAME "question"')
    asker = read_corpus(name, root).asker(model, base_url)
    for line in [question] if file is None else _questions(file):
        _print_response(asker.ask(line, **checks), as_json, titled=file is not None)


def _questions(file: Path) -> list[str]:
    try:
        found = [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise CorpusTunerError(f"{file} is not UTF-8 at byte {error.start}: save it as UTF-8") from None
    if not found:
        raise CorpusTunerError(f"{file} holds no question: write one a line")
    return found


def _print_response(response: Any, as_json: bool, titled: bool = False) -> None:
    if as_json:
        from corpus_tuner.store import to_json

        click.echo(json.dumps(to_json(response), ensure_ascii=False))
        return
    click.echo(harmless("\n".join(_lines(response, titled))))


def _lines(response: Any, titled: bool) -> Iterator[str]:
    if titled:
        yield f"> {response.question}"
    withheld = response.verdict in ("unsupported", "contradicted") and not response.answer
    yield response.answer or ("(withheld)" if withheld else "(no answer)")
    if response.verdict:
        yield f"  {response.verdict}{f', says {response.judge}' if response.judge else ''}"
    for how, passages in (("supported", response.support), ("contradicted", response.against)):
        for one in passages:
            yield f"  {how} by {one['heading']}: {one['text']}"
            yield from [f"    {one['url']}"] if one["url"] else []
    if response.answer and not response.verdict and not response.support:
        yield "  nothing in the corpus supports this answer"


@click.command()
@click.argument("name")
@click.option("--model", metavar="NAME", default="expert", help="An arm of the evaluation (expert, base, retrieval, nearest, reader), or a model of --base-url.")
@click.option("--base-url", metavar="URL", default="", help="OpenAI-compatible endpoint of a model that is no arm.")
@common
def chat(name: str, model: str, base_url: str, root: Path, as_json: bool) -> None:
    """Ask one question after another; an empty line or Ctrl-D ends."""
    asker = read_corpus(name, root).asker(model, base_url)
    while sys.stdin:  # None where it was closed
        try:
            line = click.prompt("you", prompt_suffix="> ", default="", show_default=False, err=True)
        except click.Abort:
            line = ""
        if not line.strip():
            return
        _print_response(asker.ask(line), as_json)
