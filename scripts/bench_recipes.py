#!/usr/bin/env python3
"""The three tutorials of docs/recipes.md, each from its TOML to a trained expert, and what that answers.

  python scripts/bench_recipes.py [--only marketing|pig-latin|rust-blog] [--epochs N]

Builds in a temporary folder. `marketing` runs twice: with the sentence of its TOML, and with 162 rows "written" by
scripts/copywriter.py, a stand-in that composes sentences and is no model. Prints the share of exact answers by class and arm, and for
each class two questions with the expert's answer, whatever it is.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus_tuner import Corpus

ROOT = Path(__file__).parent.parent
TUTORIALS = ("marketing", "marketing by a writer", "pig-latin", "rust-blog")


@contextmanager
def copywriter() -> Iterator[str]:
    """The stand-in's base URL."""
    command = [sys.executable, str(ROOT / "scripts/copywriter.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def build(name: str, root: Path, epochs: int) -> tuple[Corpus, float]:
    """The corpus of a tutorial, built, and the seconds that it took."""
    shutil.copytree(ROOT / "sources", root / "sources")
    flags = {"train.epochs": epochs} if epochs else {}
    started = time.monotonic()
    if name == "marketing by a writer":
        with copywriter() as url:
            flags |= {"generate.writer": "llm", "generate.model": "stand-in", "generate.base_url": url}
            corpus = Corpus.open("marketing", root, flags=flags, save=True)
            corpus.build()
    else:
        corpus = Corpus.open(name, root, flags=flags, save=True)
        corpus.build()
    return corpus, time.monotonic() - started


def show(name: str, corpus: Corpus, seconds: float) -> None:
    """One line for each class of questions, then what the expert says to one of each."""
    report = json.loads((Path(corpus.paths()["report"]).with_name("report.json")).read_text(encoding="utf-8"))
    rows = corpus.status()["stages"]["generate"]["counts"]["examples"]
    print(f"\n{name}: {rows} rows, {seconds:.1f} s")
    for cls in report["classes"]:
        cells = [cell for cell in report["cells"] if (cell["class"], cell["kind"]) == (cls, "all")]
        figures = "  ".join(f"{cell['arm']} {100 * cell['exact']['value']:.1f}" for cell in cells)
        print(f"  {cls:10} exact, %, n = {cells[0]['n'] if cells else 0}: {figures}")
    folder = Path(corpus.paths()["report"]).parent
    asked = [json.loads(line) for line in (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    said = [json.loads(line)["text"] for line in (folder / "answers-expert.jsonl").read_text(encoding="utf-8").splitlines()]
    for cls in report["classes"]:
        found = [(question, text) for question, text in zip(asked, said) if question["cls"] == cls]
        for question, text in found[:2]:
            print(f"  {cls:10} {question['text']} -> {text}   (right: {' | '.join(question['answers'])})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=TUTORIALS)
    parser.add_argument("--epochs", type=int, default=0, help="0: until recall, as the tutorials say")
    options = parser.parse_args()
    for name in [options.only] if options.only else TUTORIALS:
        with tempfile.TemporaryDirectory() as folder:
            show(name, *build(name, Path(folder), options.epochs))


if __name__ == "__main__":
    main()
