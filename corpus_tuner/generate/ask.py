"""What is sent to the writer model: the prompt files, filled, and long sections in pieces."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from string import Template
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Message, Reason, Section
from corpus_tuner.store import digest
from corpus_tuner.text import words

PAIRS_PER_SENTENCE = 3  # more than that is asked of no sentence: models fill up with inventions
PAIRS_PER_REQUEST = 24  # of a plan by sentences; longer replies lose in quality (LongGenBench, Wu et al. 2024)
GENRES = (  # of rewritten texts
    "dialogue between a teacher and a pupil",
    "news report",
    "letter to a friend",
    "timeline",
    "lesson for children",
    "interview",
    "catalogue entry",
    "speech to visitors of a museum",
)
_NUMBER = re.compile(r"^\[(\d+)\]", re.MULTILINE)

PROBLEMS = {
    Reason.EMPTY_REPLY: "it was empty",
    Reason.REFUSAL: "it declined, and the task is a harmless one",
    Reason.UNPARSABLE: "it was not valid JSON",
    Reason.CUT: "it was cut off before its end, so write shorter answers",
    Reason.TOO_LONG: "it was far too long",
    Reason.UNCHECKED: "it passed over some of the numbers",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One request to come: a kind of pair for a section, or for a piece of a long one."""

    section: Section
    kind: str
    lines: str  # numbered sentences
    count: int  # of pairs asked for
    piece: int  # from 0
    pieces: int
    numbers: tuple[int, ...] = ()  # the sentences that it asks about; none: all of the passage
    known: tuple[str, ...] = ()  # questions that are asked already
    ask: int = 1  # the round of a plan by sentences
    places: tuple[tuple[str, int], ...] = ()  # where each sentence stands, if the passage is made of two sections

    @property
    def id(self) -> str:
        """Names the task in rejects."""
        part = f" {self.piece + 1}/{self.pieces}" if self.pieces > 1 else ""
        return f"{self.section.id} {self.kind}{part}"

    def place(self, number: int) -> tuple[str, int]:
        """The section and number of sentence `number` of the passage."""
        return self.places[number - 1] if self.places else (self.section.id, number)


def tasks(section: Section, kind: str, count: int, most_words: int) -> Iterator[Task]:
    """The requests for `count` pairs of a section: one, or as many as it has pieces of `most_words` words."""
    pieces = _pieces(section, most_words)
    wanted = min(count, PAIRS_PER_SENTENCE * len(section.sentences))
    for number, lines in enumerate(pieces):
        share = wanted * (number + 1) // len(pieces) - wanted * number // len(pieces)
        if share:
            yield Task(section, kind, lines, share, number, len(pieces))


def sentence_tasks(
    section: Section, kind: str, numbers: Iterable[int], each: int, most_words: int, known: tuple[str, ...] = (), ask: int = 1
) -> Iterator[Task]:
    """The requests for `each` pairs of every sentence of `numbers`, at most PAIRS_PER_REQUEST of them in one."""
    wanted = set(numbers)
    parts = []
    for lines in _pieces(section, most_words):
        here = sorted(wanted & {int(number) for number in _NUMBER.findall(lines)})
        wanted -= set(here)
        parts += [(lines, part) for part in batches(here, each)]
    for number, (lines, asked) in enumerate(parts):
        yield Task(section, kind, lines, each * len(asked), number, len(parts), asked, known, ask)


def batches(numbers: Sequence[int], each: int) -> list[tuple[int, ...]]:
    """`numbers` in as few parts as hold no more than PAIRS_PER_REQUEST at `each` pairs a number, and as equal as can be."""
    parts = math.ceil(len(numbers) / max(1, PAIRS_PER_REQUEST // each))
    cuts = [len(numbers) * part // parts for part in range(parts + 1)] if parts else []
    return [tuple(numbers[start:end]) for start, end in pairwise(cuts)]


def messages(task: Task, fault: Reason | None = None) -> list[Message]:
    """The prompt of a task; after a `fault` with what was wrong."""
    return prompt("rules", task, f"{kind_prompt(task.kind)}\n\n{_order(task)}", fault)


def prompt(rules: str, task: Task, asked: str, fault: Reason | None = None) -> list[Message]:
    """The rules of the prompt file `rules`, the passage of a task, and what is asked of it.

    What all requests about one passage share comes first, so that the later ones find it in the provider's cache.
    """
    said = template("passage").substitute(
        title=_line(task.section.title),
        section=_line(" > ".join(task.section.path)) or "(introduction)",
        language=task.section.language or "that of the sentences",
        sentences=task.lines,
        asked=asked,
    )
    if fault is not None:
        said += "\n" + template("again").substitute(problem=PROBLEMS[fault])
    return [{"role": "system", "content": template(rules).substitute()}, {"role": "user", "content": said}]


def _order(task: Task) -> str:
    if task.kind == "rewrite":
        return template("order_rewrite").substitute(count=task.count, genres=", ".join(_genres(task)))
    if not task.numbers:
        return template("order_abstain" if task.kind == "abstain" else "order").substitute(count=task.count)
    asked = {"count": task.count, "each": task.count // len(task.numbers), "numbers": _ranges(task.numbers)}
    if task.ask == 1:
        return template("each").substitute(asked)
    questions = "\n".join(f"- {_line(question)}" for question in task.known)
    known = template("known").substitute(questions=questions) if questions else ""
    return template("bare").substitute(asked, known=known).strip()


def _genres(task: Task) -> list[str]:
    """As many genres as texts; sections begin at different ones, as left to itself a model always takes the same."""
    start = int(digest(task.section.id)[:8], 16)
    return [GENRES[(start + number) % len(GENRES)] for number in range(task.count)]


def _ranges(numbers: tuple[int, ...]) -> str:
    """`1-4, 7` of 1, 2, 3, 4, 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


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
    return Template(resources.files(__package__).joinpath(*f"prompts/{name}.md".split("/")).read_text(encoding="utf-8").strip())


def kinds() -> list[str]:
    """The kinds of pairs that have a prompt."""
    folder = resources.files(__package__).joinpath("prompts", "kinds")
    return sorted(file.name.removesuffix(".md") for file in folder.iterdir() if file.name.endswith(".md"))


def kind_prompt(kind: str) -> str:
    """The prompt of a kind. Raises CorpusTunerError for a kind that has none."""
    if kind not in kinds():
        raise CorpusTunerError(f"the llm writer knows no kind {kind!r}: choose from {', '.join(kinds())}")
    return template(f"kinds/{kind}").substitute()


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
