"""Examples as the rows that trainers and people read: chat messages, prompt/completion, CSV, Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from corpus_tuner.errors import CorpusTunerError, MissingExtra
from corpus_tuner.records import Example, Section
from corpus_tuner.settings import DatasetSettings
from corpus_tuner.store import replacing, write_jsonl


def messages(example: Example) -> dict[str, Any]:
    """One row of OpenAI's chat format."""
    pair = (("user", example.question), ("assistant", example.answer))
    return {"messages": [{"role": role, "content": content} for role, content in pair]}


def place(section: Section | None, title: str) -> str:
    """Where a question belongs, as tutorials write it: `Apollo 8, Section Mission, subsection Lunar orbit`."""
    if section is None:
        return title
    names = ("Section", "subsection", *["subsubsection"] * len(section.path))
    return ", ".join([section.title, *(f"{name} {heading}" for name, heading in zip(names, section.path))])


def prompt_completion(example: Example, where: str, settings: DatasetSettings) -> dict[str, str]:
    """One row of the older prompt/completion format, with the separator and the stop sequence of the settings.

    Raises CorpusTunerError for a template with an unknown placeholder.
    """
    try:
        prompt = Template(settings.prompt_template).substitute(place=where, question=example.question)
    except (KeyError, ValueError) as error:
        raise CorpusTunerError(
            f"dataset.prompt_template: {error}: the placeholders are $place and $question, and $$ is a dollar sign"
        ) from None
    return {"prompt": prompt + settings.separator, "completion": f" {example.answer}{settings.stop}"}


def table(examples: Iterable[Example], sections: Mapping[str, Section]) -> Iterable[dict[str, Any]]:
    """Flat rows for people and data frames, with the supporting sentences in words."""
    for example in examples:
        found = [(sections[section], number) for section, number in example.evidence if section in sections]
        yield {
            "id": example.id,
            "kind": example.kind,
            "question": example.question,
            "answer": example.answer,
            "section": found[0][0].heading if found else "",
            "evidence": " ".join(section.sentence(number) for section, number in found),
            "url": found[0][0].url if found else "",
            "writer": example.writer,
        }


def export(
    name: str,
    examples: list[Example],
    sections: Mapping[str, Section],
    title: str,
    settings: DatasetSettings,
    path: Path,
) -> None:
    """Writes one export of `settings.formats` to `path` (its suffix is added), atomically."""
    if name == "prompt-completion":
        rows = (prompt_completion(e, place(_section(e, sections), title), settings) for e in examples)
        write_jsonl(path.with_name(f"{path.name}.jsonl"), rows)
        return
    import pandas as pd

    frame = pd.DataFrame(list(table(examples, sections)), columns=_COLUMNS)
    if name == "csv":
        with replacing(path.with_name(f"{path.name}.csv")) as temporary:
            frame.map(_disarm).to_csv(temporary, index=False)
        return
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtra("the parquet export", "parquet", "pyarrow") from None
    with replacing(path.with_name(f"{path.name}.parquet")) as temporary:
        frame.to_parquet(temporary, index=False)


_COLUMNS = ["id", "kind", "question", "answer", "section", "evidence", "url", "writer"]


def _section(example: Example, sections: Mapping[str, Section]) -> Section | None:
    return sections.get(example.evidence[0][0]) if example.evidence else None


def _disarm(cell: Any) -> Any:
    """A spreadsheet runs a cell that opens with one of these as a formula: an apostrophe keeps it text (OWASP's list, with
    the full-width signs that East Asian versions read as the others)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) else cell
