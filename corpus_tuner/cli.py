"""The command line: one short function per command, no logic. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus_tuner import improve_command
from corpus_tuner.dataset.prepare import command as prepare_command
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.serve import command as serve_command
from corpus_tuner.store import indented
from corpus_tuner.train import command as jobs_command

if TYPE_CHECKING:
    from corpus_tuner.corpus import Built, Corpus

_KEYS = {  # flag -> the key of the TOML that it stands for
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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="corpus-tuner", prog_name="corpus-tuner")
def app() -> None:
    """From a corpus to a domain expert that you own, with proof of what it learned.

    TARGET is a name in sources/, a TOML file, a URL, or a local file or folder.
    """


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """--root, --json and --debug, and one line with the right exit code for whatever goes wrong."""

    @click.option(
        "--root", type=click.Path(path_type=Path), default=Path(), help="Folder that holds sources/ and generated/."
    )
    @click.option("--json", "as_json", is_flag=True, help="The result as JSON on stdout, and nothing else there.")
    @click.option("--debug", is_flag=True, help="A traceback instead of one line.")
    @functools.wraps(command)
    def wrapped(*args: Any, debug: bool, **options: Any) -> None:
        try:
            command(*args, **options)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(1)
        except KeyboardInterrupt:
            _fail("stopped: the same command goes on from here", 130, debug)
        except CorpusTunerError as error:
            _fail(str(error), error.exit_code, debug)
        except OSError as error:
            _fail(
                f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}; the same command goes on from here",
                1,
                debug,
            )
        except Exception as error:  # noqa: BLE001  the outermost edge: one line for a person, --debug for us
            _fail(f"{type(error).__name__}: {error} (this is a bug or a broken file; --debug shows where)", 1, debug)

    return wrapped


def _fail(line: str, code: int, debug: bool) -> None:
    if debug:
        raise  # noqa: PLE0704  called in an except block
    click.echo(f"corpus-tuner: {' '.join(line.split())}", err=True)
    sys.exit(code)


def _build_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """The flags that stand for keys of the TOML."""
    options = (
        click.option("--name", default="", help="Name of a new corpus (default: from the URL or file)."),
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
        click.option("--writer", help="Who writes the questions: rules (offline) or llm."),
        click.option("--model", help="The writing model (llm)."),
        click.option("--base-url", help="OpenAI-compatible endpoint of the llm writer or the remote trainer."),
        click.option("--base", help="Model to tune: scratch, a Hugging Face id or folder, a host's model name."),
        click.option("--trainer", help="scratch, lora or remote."),
        click.option("--per-section", type=click.IntRange(1), metavar="N", help="Pairs of each kind for a section."),
        click.option("--concurrency", type=click.IntRange(1), metavar="N", help="Requests in flight (64)."),
        click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N sections."),
        click.option(
            "--max-cost", type=click.FloatRange(0, min_open=True), metavar="X", help="Stop before a call that might pass this sum."
        ),
        click.option("--format", multiple=True, help="A further export: prompt-completion, csv, parquet. Repeatable."),
        click.option("--questions", metavar="FILE", help="Your own questions to evaluate with: JSONL, CSV or SQuAD's format."),
        click.option("--sample", type=click.IntRange(1), metavar="N", help="Evaluate with N questions of each class (train.seed)."),
        click.option("--engine", type=click.Choice(["local", "ray"]), help="Who fetches and cleans a dump: all cores, or Ray's cluster."),
        click.option("--fresh", is_flag=True, help="Run the stages that are up to date too; answered calls stay paid."),
        click.option("--save", is_flag=True, help="Write flags that differ into the TOML."),
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


def _open(target: str, root: Path, name: str = "", save: bool = False, engine: str | None = None, **flags: Any) -> Corpus:
    from corpus_tuner.corpus import Corpus

    for flag in ("questions", "templates"):
        if flags.get(flag):
            flags[flag] = str(Path(flags[flag]).absolute())  # from here, not from beside the TOML
    given = {_KEYS[flag]: list(value) if isinstance(value, tuple) else value for flag, value in flags.items() if value}
    return Corpus.open(target, root, name=name, flags=given, save=save, engine=engine or "local")


def _stage_command(stage: str, help_text: str) -> None:
    """Registers the command that runs every stale stage up to and including `stage`."""

    @app.command("build" if stage == "build" else stage, help=help_text)
    @click.argument("target")
    @_build_flags
    @_common
    def command(target: str, root: Path, as_json: bool, fresh: bool, **flags: Any) -> None:
        from corpus_tuner.watching import watcher

        corpus = _open(target, root, **flags)
        built = corpus.build("evaluate" if stage == "build" else stage, fresh=fresh, watcher=watcher())
        click.echo(indented(built)) if as_json else _print_built(built, corpus)


for _stage, _help in {
    "build": "Run every stale stage: fetch, clean, generate, dataset, train, evaluate.",
    "fetch": "Pull the documents of TARGET.",
    "clean": "Up to the sections: markup stripped, headings kept.",
    "generate": "Up to the question/answer pairs, each with its evidence.",
    "dataset": "Up to the training files and their card.",
    "train": "Up to the expert.",
    "evaluate": "Up to the report: base against expert against retrieval.",
}.items():
    _stage_command(_stage, _help)


@app.command()
@click.argument("target")
@_build_flags
@_common
def estimate(target: str, root: Path, as_json: bool, fresh: bool, **flags: Any) -> None:  # noqa: ARG001
    """Requests, tokens, cost and time of `generate --writer llm`, before anything is sent to a model."""
    from corpus_tuner.estimates import lines
    from corpus_tuner.watching import watcher

    found = _open(target, root, **flags).estimate(watcher())
    click.echo(indented(found)) if as_json else click.echo("\n".join(lines(found)))


def _print_built(built: Built, corpus: Corpus) -> None:
    if not built.ran:
        click.echo(f"{built.name} is up to date")
    for name, path in built.paths.items():
        click.echo(f"{name:8} {path}")
    if "evaluate" in built.ran:
        click.echo()
        click.echo(corpus.table())


@app.command()
@click.argument("name")
@click.argument("question", required=False)
@click.option(
    "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="One question a line."
)
@click.option("--model", default="expert", help="expert, base, retrieval, nearest, or a model of --base-url.")
@click.option("--base-url", default="", help="OpenAI-compatible endpoint of a model that is none of the four.")
@click.option("--grounded", is_flag=True, help="Mark each answer: supported, unsupported or contradicted by the corpus.")
@click.option("--abstain", is_flag=True, help="Mark it, and withhold what the corpus does not support.")
@_common
def ask(
    name: str, question: str | None, file: Path | None, model: str, base_url: str, root: Path, as_json: bool, **checks: bool
) -> None:
    """Ask the expert of corpus NAME; each answer comes with the passages that support it, or says that none does."""
    if (question is None) == (file is None):
        raise CorpusTunerError('give one question, or --file with one a line: corpus-tuner ask NAME "question"')
    asker = _open(name, root).asker(model, base_url)
    lines = [question] if file is None else filter(str.strip, file.read_text(encoding="utf-8").splitlines())
    for line in lines:
        _print_response(asker.ask(line, **checks), as_json, titled=file is not None)


def _print_response(response: Any, as_json: bool, titled: bool = False) -> None:
    if as_json:
        from corpus_tuner.store import to_json

        click.echo(json.dumps(to_json(response), ensure_ascii=False))
        return
    if titled:
        click.echo(f"> {response.question}")
    withheld = response.verdict in ("unsupported", "contradicted") and not response.answer
    click.echo(response.answer or ("(withheld)" if withheld else "(no answer)"))
    if response.verdict:
        click.echo(f"  {response.verdict}{f', says {response.judge}' if response.judge else ''}")
    for how, passages in (("supported", response.support), ("contradicted", response.against)):
        for one in passages:
            click.echo(f"  {how} by {one['heading']}: {one['text']}" + (f"\n    {one['url']}" if one["url"] else ""))
    if not response.verdict and not response.support:
        click.echo("  nothing in the corpus supports this answer")


@app.command()
@click.argument("name")
@click.option("--model", default="expert", help="expert, base, retrieval, nearest, or a model of --base-url.")
@click.option("--base-url", default="", help="OpenAI-compatible endpoint of a model that is none of the four.")
@_common
def chat(name: str, model: str, base_url: str, root: Path, as_json: bool) -> None:
    """Ask one question after another; an empty line or Ctrl-D ends."""
    asker = _open(name, root).asker(model, base_url)
    while True:
        try:
            line = click.prompt("you", prompt_suffix="> ", default="", show_default=False, err=as_json)
        except click.Abort:
            line = ""
        if not line.strip():
            return
        _print_response(asker.ask(line), as_json)


@app.command()
@click.argument("name")
@click.argument("first")
@click.argument("second")
@click.option("--arm", default="expert", help="Whose answers are compared (expert).")
@_common
def compare(name: str, first: str, second: str, arm: str, root: Path, as_json: bool) -> None:
    """What got better and what worse from run FIRST to run SECOND of corpus NAME (folders of its evaluation/)."""
    found = _open(name, root).compare(first, second, arm)
    if as_json:
        click.echo(indented(found))
        return
    from corpus_tuner.evaluate.comparison import table

    click.echo(table(found))


@app.command()
@click.argument("name")
@click.option("--format", "kind", type=click.Choice(["adapter", "merged", "gguf"]), default="merged", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A new or empty folder.")
@_common
def export(name: str, kind: str, out: Path, root: Path, as_json: bool) -> None:
    """Write the expert of corpus NAME, or the service's model NAME (ft:...), for other programs.

    adapter: for PEFT; merged: safetensors with tokenizer and chat template; gguf: one file for llama.cpp (Llama, Qwen 2 and 3).
    """
    from corpus_tuner.models.export import export as write
    from corpus_tuner.serve.experts import find

    if name.startswith("ft:"):
        (expert, folder), label = find(root, name), "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in name)
    else:
        place = _open(name, root).place
        expert, folder, label = place.receipt(), place.folder, place.settings.corpus.name
    path = write(expert, folder, kind, out, label)
    click.echo(indented({"path": str(path)}) if as_json else path)


@app.command()
@click.argument("name")
@_common
def status(name: str, root: Path, as_json: bool) -> None:
    """What there is of corpus NAME, and what was dropped and why."""
    found = _open(name, root).status()
    if as_json:
        click.echo(indented(found))
        return
    for stage, entry in found["stages"].items():
        counts = ", ".join(f"{count:,} {what}" for what, count in entry["counts"].items())
        click.echo(f"{stage:9} {entry['state']:8} {counts}")
    for row in found["rejects"]:
        click.echo(f"dropped   {row['count']:6,}  {row['stage']}: {row['reason']}")
    for one in found["unknown_templates"][:5]:
        name = one["name"] if one["name"].startswith("<") else f"{{{{{one['name']}}}}}"
        click.echo(f"unknown   {one['uses']:6,}  {name}: {one['characters']:,} characters dropped")
    for what, path in found["paths"].items():
        click.echo(f"{what:9} {path}")


@app.command()
@click.argument("name")
@click.argument("kind", type=click.Choice(["documents", "sections", "examples", "rejects"]))
@click.option("--limit", type=click.IntRange(1), help="Only the first N.")
@_common
def show(name: str, kind: str, limit: int | None, root: Path, as_json: bool) -> None:
    """Print the documents, sections, examples or rejects of corpus NAME."""
    from itertools import islice

    from corpus_tuner.store import to_json

    for record in islice(_open(name, root).show(kind), limit):
        click.echo(json.dumps(to_json(record), ensure_ascii=False) if as_json else _plain(kind, record))


def _plain(kind: str, record: Any) -> str:
    if kind == "documents":
        return f"{record.title}  {record.url}  {record.format}, revision {record.revision or '-'}, {record.licence or 'no licence stated'}"
    if kind == "sections":
        return f"## {record.heading}  [{record.id}]\n{record.text}\n"
    if kind == "examples":
        return (
            f"{record.kind:9} Q: {record.question}\n          A: {record.answer}\n          {_cited(record.evidence)}"
        )
    return f"{record.stage:9} {record.reason}: {record.item_id}  {record.detail}"


def _cited(evidence: Iterable[tuple[str, int]]) -> str:
    return "rests on " + (", ".join(f"{section}:{number}" for section, number in evidence) or "nothing")


for _command in (improve_command, prepare_command, serve_command, jobs_command):
    _command.add_to(app, _common)


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
