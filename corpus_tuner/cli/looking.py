"""The commands that show what there is of a corpus, or hand it on: status, show, compare, export."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from corpus_tuner.cli.edge import common
from corpus_tuner.cli.flags import read_corpus
from corpus_tuner.store import indented
from corpus_tuner.watching import harmless, told


@click.command()
@click.argument("name")
@click.argument("first")
@click.argument("second")
@click.option("--arm", default="expert", help="Whose answers are compared (expert).")
@common
def compare(name: str, first: str, second: str, arm: str, root: Path, as_json: bool) -> None:
    """What got better and what worse from run FIRST to run SECOND of corpus NAME (folders of its evaluation/)."""
    found = read_corpus(name, root).compare(first, second, arm)
    if as_json:
        click.echo(indented(found))
        return
    from corpus_tuner.evaluate.comparison import table

    click.echo(harmless(table(found)))


@click.command()
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(["adapter", "merged", "gguf"]), default="merged", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new or empty folder.")
@common
def export(name: str, kind: str, out: Path, root: Path, as_json: bool) -> None:
    """Write the expert of corpus NAME, or the service's model NAME (ft:...), for other programs.

    adapter: for PEFT; merged: safetensors with tokenizer and chat template; gguf: one file for llama.cpp (Llama, Qwen 2 and 3).
    """
    from corpus_tuner.models.export import export as write
    from corpus_tuner.serve.experts import find

    if name.startswith("ft:"):
        (expert, folder), label = find(root, name), "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name)
    else:
        place = read_corpus(name, root).place
        expert, folder, label = place.receipt(), place.folder, place.settings.corpus.name
    path = write(expert, folder, kind, out, label)
    click.echo(indented({"path": str(path)}) if as_json else path)


@click.command()
@click.argument("name")
@common
def status(name: str, root: Path, as_json: bool) -> None:
    """What there is of corpus NAME, and what was dropped and why."""
    found = read_corpus(name, root).status()
    if as_json:
        click.echo(indented(found))
        return
    for stage, entry in found["stages"].items():
        click.echo(f"{stage:9} {entry['state']:8} {told(entry['counts'])}".rstrip())
    for row in found["rejects"]:
        click.echo(f"dropped   {row['count']:6,}  {row['stage']}: {row['reason']}")
    for one in found["unknown_templates"][:5]:
        name = one["name"] if one["name"].startswith("<") else f"{{{{{one['name']}}}}}"
        click.echo(harmless(f"unknown   {one['uses']:6,}  {name}: {one['characters']:,} characters dropped"))
    for what, path in found["paths"].items():
        click.echo(f"{what:9} {path}")


@click.command()
@click.argument("name")
@click.argument("kind", type=click.Choice(["documents", "sections", "examples", "rejects"]))
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N.")
@common
def show(name: str, kind: str, limit: int | None, root: Path, as_json: bool) -> None:
    """Print the documents, sections, examples or rejects of corpus NAME."""
    from itertools import islice

    from corpus_tuner.store import to_json

    for record in islice(read_corpus(name, root).show(kind), limit):
        click.echo(json.dumps(to_json(record), ensure_ascii=False) if as_json else harmless(_plain(kind, record)))


def _plain(kind: str, record: Any) -> str:
    if kind == "documents":
        return f"{record.title}  {record.url or record.id}  {record.format}, revision {record.revision or '-'}, {record.licence or 'no licence stated'}"
    if kind == "sections":
        return f"## {record.heading}  [{record.id}]\n{record.text}\n"
    if kind == "examples":
        return (
            f"{record.kind:9} Q: {record.question}\n          A: {record.answer}\n          {_cited(record.evidence)}"
        )
    return f"{record.stage:9} {record.reason}: {record.item_id}  {record.detail}"


def _cited(evidence: Iterable[tuple[str, int]]) -> str:
    return "rests on " + (", ".join(f"{section}:{number}" for section, number in evidence) or "nothing")
