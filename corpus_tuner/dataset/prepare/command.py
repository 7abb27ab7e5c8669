"""`corpus-tuner prepare`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corpus_tuner.errors import CorpusTunerError

if TYPE_CHECKING:
    from corpus_tuner.dataset.prepare import Prepared
    from corpus_tuner.dataset.prepare.finding import Finding

MARKS = {"stop": "✗", "necessary": "!", "recommended": "?", "optional": "·", "note": " "}


def add_to(app: click.Group, common: Callable[..., Any]) -> None:
    """Registers the command; `common` is what every command of the group shares (--root, --json, --debug, errors)."""

    @app.command()
    @click.argument("file", type=click.Path(path_type=Path))
    @click.option("-y", "--yes", is_flag=True, help="Do all that is recommended, without a question.")
    @click.option("--apply", "named", multiple=True, metavar="CHECK", help="Do what this check proposes, too. Repeatable.")
    @click.option("--check", "only_check", is_flag=True, help="Write nothing; exit with 1 if anything should be done.")
    @click.option("--to", type=click.Choice(["keep", "chat", "pairs"]), default="keep", help="Convert to chat messages or to prompt/completion.")
    @click.option("--split", type=click.FloatRange(0, 1, min_open=True, max_open=True), metavar="SHARE", help="Split: so much to train, the rest to validate.")
    @click.option("--validation", type=click.Path(path_type=Path), help="A validation file, compared with FILE.")
    @click.option("--prompt", default="", metavar="COLUMN", help="The column that is the prompt.")
    @click.option("--completion", default="", metavar="COLUMN", help="The column that is the completion.")
    @click.option("--model", default="scratch", show_default=True, help="The model of the next command.")
    @click.option("--base-url", default="http://127.0.0.1:8321/v1", show_default=True, help="The host of the next command.")
    @click.option("--tokenizer", type=click.Path(path_type=Path), help="The model's tokenizer.json, to count tokens exactly.")
    @click.option("--max-tokens", type=click.IntRange(1), default=65_536, show_default=True, help="Tokens of one row that the model reads.")
    @click.option("--price", type=click.FloatRange(0), help="US dollars for a million trained tokens at the host.")
    @common
    def prepare(root: Path, as_json: bool, **options: Any) -> None:  # noqa: ARG001 - FILE stands where it stands
        """Look the training FILE over, and write a better one beside it (CSV, TSV, XLSX, JSON, JSONL, TXT, Parquet).

        FILE itself is never changed. Without --yes a question is asked on a terminal, and elsewhere only what is
        necessary is done. What may take away something that matters is done by --apply CHECK alone.
        """
        run(as_json, **options)

    del prepare


def run(
    as_json: bool, file: Path, yes: bool, named: tuple[str, ...], only_check: bool, to: str, split: float | None,
    validation: Path | None, prompt: str, completion: str, model: str, base_url: str, tokenizer: Path | None, max_tokens: int,
    price: float | None,
) -> None:  # fmt: skip
    """Prints what was found and writes the new files. Exits with 1 where `only_check` found something."""
    from corpus_tuner.dataset.prepare import Wanted, output
    from corpus_tuner.dataset.prepare import prepare as look

    def choose(found: Finding) -> bool:
        if found.check in named:
            return True
        if found.level != "recommended" or only_check:
            return False
        if yes or as_json or not sys.stdin.isatty():
            return yes
        _print(found)
        return click.confirm(f"    {found.action}?", default=True, err=True)

    counter = _counter(tokenizer)
    prepared = look(file, Wanted(to, prompt, completion, max_tokens, counter), choose, validation)
    _check_names(named, prepared)
    model = output.model_for(prepared, model)
    said: dict[str, Any] = {"findings": prepared.findings, "done": prepared.done, "rows": len(prepared.rows)}
    if prepared.stopped is None:
        said |= {"tokens": output.tokens(prepared, counter), "exact": tokenizer is not None, "advice": output.advice(prepared)}
        if model == "scratch":
            said["seconds"] = round(output.seconds(len(prepared.rows)))
        said["cost"] = 0.0 if price is None else round(price * said["tokens"] / 1e6, 4)
    if prepared.stopped is None and not only_check:
        is_split = split is not None or (prepared.task == "classification" and yes)
        written = output.write(file, prepared, split, is_split)
        said |= {"files": [str(path) for path in (written.train, written.valid) if path], "next": output.next_command(prepared, written, model, base_url)}
    _emit(said) if as_json else _print_all(said, prepared, price)
    if prepared.stopped is not None or (only_check and prepared.open):
        sys.exit(2 if prepared.stopped is not None and not only_check else 1)


def _counter(path: Path | None) -> Callable[[str], int]:
    from corpus_tuner.dataset.prepare.chats import estimate

    if path is None:
        return estimate
    from tokenizers import Tokenizer

    if not path.is_file():
        raise CorpusTunerError(f"there is no {path}: --tokenizer takes a model's tokenizer.json")
    tokenizer = Tokenizer.from_file(str(path))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _check_names(named: tuple[str, ...], prepared: Prepared) -> None:
    offered = [found.check for found in prepared.findings if found.remedy is not None]
    for name in named:
        if name not in offered:
            raise CorpusTunerError(f"--apply {name!r}: no check of that name proposes anything here; there are {', '.join(offered) or 'none'}")


def _emit(said: dict[str, Any]) -> None:
    from dataclasses import asdict, replace

    findings = [{key: value for key, value in asdict(replace(found, remedy=None)).items() if key != "remedy"} for found in said["findings"]]
    click.echo(json.dumps({**said, "findings": findings}, ensure_ascii=False, indent=1))


def _print(found: Finding) -> None:
    click.echo(f"{MARKS[found.level]} {found.check}: {found.message}", err=True)
    if found.rows:
        more = f" and {len(found.rows) - 20:,} more" if len(found.rows) > 20 else ""
        click.echo(f"    rows {', '.join(map(str, found.rows[:20]))}{more}", err=True)
    if found.before:
        click.echo(f"    before {found.before}" + (f"\n    after  {found.after}" if found.after else ""), err=True)


def _print_all(said: dict[str, Any], prepared: Prepared, price: float | None) -> None:
    for found in prepared.findings:
        _print(found)
        if found.action:
            state = "done" if found.action in prepared.done else "--yes does it" if found.level == "recommended" else f"--apply '{found.check}' does it"
            click.echo(f"    {found.action}: {state}", err=True)
    if "tokens" in said:
        about = "" if said["exact"] else "about "
        time = f", about {said['seconds']} s to train scratch on this kind of machine" if "seconds" in said else ""
        cost = f", {said['cost']:.2f} US dollars an epoch" if price is not None else ""
        click.echo(f"{said['rows']:,} rows, {about}{said['tokens']:,} tokens{time}{cost}", err=True)
        for line in said["advice"]:
            click.echo(line, err=True)
    for path in said.get("files", ()):
        click.echo(path)
    if "next" in said:
        click.echo(said["next"])
