"""What is sent to the writer model: the prompt files, filled, and long sections in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Message, Reason, Section
from corpus_tuner.text import words

PAIRS_PER_SENTENCE = 3  # more than that is asked of no sentence: models fill up with inventions

PROBLEMS = {
    Reason.EMPTY_REPLY: "it was empty",
    Reason.REFUSAL: "it declined, and the task is a harmless one",
    Reason.UNPARSABLE: "it was not valid JSON",
    Reason.CUT: "it was cut off before its end, so write shorter answers",
    Reason.TOO_LONG: "it was far too long",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One request to come: a kind of pair for a section, or for a piece of a long one."""

    section: Section
    kind: str
    lines: str  # numbered sentences
    count: int
    piece: int  # from 0
    pieces: int

    @property
    def id(self) -> str:
        """Names the task in rejects."""
        part = f" {self.piece + 1}/{self.pieces}" if self.pieces > 1 else ""
        return f"{self.section.id} {self.kind}{part}"


def tasks(section: Section, kind: str, count: int, most_words: int) -> Iterator[Task]:
    """The requests for `count` pairs of a section: one, or as many as it has pieces of `most_words` words."""
    pieces = _pieces(section, most_words)
    wanted = min(count, PAIRS_PER_SENTENCE * len(section.sentences))
    for number, lines in enumerate(pieces):
        share = wanted * (number + 1) // len(pieces) - wanted * number // len(pieces)
        if share:
            yield Task(section, kind, lines, share, number, len(pieces))


def messages(task: Task, fault: Reason | None = None) -> list[Message]:
    """The prompt of a task; after a `fault` with what was wrong, so that the beginning stays in the provider's cache."""
    asked = template("passage").substitute(
        title=_line(task.section.title),
        section=_line(" > ".join(task.section.path)) or "(introduction)",
        language=task.section.language or "that of the sentences",
        sentences=task.lines,
        count=task.count,
    )
    if fault is not None:
        asked += "\n" + template("again").substitute(problem=PROBLEMS[fault])
    return [{"role": "system", "content": kind_prompt(task.kind)}, {"role": "user", "content": asked}]


def reply_schema() -> dict[str, Any]:
    """JSON Schema of a reply, within the subset that strict structured output allows."""
    number, text = {"type": "integer"}, {"type": "string"}
    fields = {"evidence": {"type": "array", "items": number}, "question": text, "answer": text}
    pair = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    pairs = {"pairs": {"type": "array", "items": pair}}
    return {"type": "object", "properties": pairs, "required": ["pairs"], "additionalProperties": False}


@cache
def template(name: str) -> Template:
    """The prompt file `prompts/NAME.md`."""
    return Template(resources.files(__package__).joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip())


def kinds() -> list[str]:
    """The kinds of pairs that have a prompt."""
    folder = resources.files(__package__).joinpath("prompts")
    names = (file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md"))
    return sorted(set(names) - {"passage", "again"})


def kind_prompt(kind: str) -> str:
    """The static prompt of a kind. Raises CorpusTunerError for a kind that has none."""
    if kind not in kinds():
        raise CorpusTunerError(f"the llm writer knows no kind {kind!r}: choose from {', '.join(kinds())}")
    return template(kind).substitute()


def _line(text: str) -> str:
    return " ".join(text.split())


def _pieces(section: Section, most_words: int) -> list[str]:
    """The numbered sentences of a section, `[12] The crew ...`, in pieces of at most `most_words` words."""
    numbered = range(1, len(section.sentences) + 1)
    lines = [f"[{number}] {_line(section.sentence(number))}" for number in numbered]
    if len(section.text) <= 2 * most_words or _length("\n".join(lines)) <= most_words:
        return ["\n".join(lines)] if lines else []
    from langchain_text_splitters import CharacterTextSplitter

    lines = [part for number, line in zip(numbered, lines) for part in _parts(line, f"[{number}] ", most_words)]
    splitter = CharacterTextSplitter("\n", chunk_size=most_words, chunk_overlap=0, length_function=_length)
    return splitter.split_text("\n".join(lines))


def _parts(line: str, label: str, most_words: int) -> list[str]:
    """A line, or, of a sentence that alone is too long, several with the same number."""
    if _length(line) <= most_words:
        return [line]
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    marks = ["; ", ", ", " ", ""]
    splitter = RecursiveCharacterTextSplitter(
        marks, chunk_size=most_words - 1, chunk_overlap=0, length_function=_length, keep_separator="end"
    )
    return [label + part for part in splitter.split_text(line.removeprefix(label))]


def _length(text: str) -> int:
    return len(words(text))
