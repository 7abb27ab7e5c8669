"""Looks a training file over, says what is wrong with it row by row, and writes a better one beside it.

The successor of the removed `openai tools fine_tunes.prepare_data`. The user's file is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from corpus_tuner.dataset.prepare import chats, pairs, shapes, tables
from corpus_tuner.dataset.prepare.finding import Finding, Row, Rows
from corpus_tuner.errors import CorpusTunerError

Choose = Callable[[Finding], bool]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks for."""

    to: str = "keep"  # keep, chat or pairs
    prompt: str = ""  # the column that is the prompt, and the one that is the completion
    completion: str = ""
    limit: int = 65_536  # tokens of one row that the chosen model reads (OpenAI's of gpt-4o-mini)
    tokens: Callable[[str], int] = field(default=chats.estimate)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows as they would be written, and everything that was found on the way."""

    rows: tuple[Row, ...]
    validation: tuple[Row, ...]
    shape: str  # pairs, chat or preference
    task: str
    findings: tuple[Finding, ...]
    done: tuple[str, ...]  # actions, in their order

    @property
    def stopped(self) -> Finding | None:
        """What makes the file useless as it is."""
        return next((found for found in self.findings if found.level == "stop"), None)

    @property
    def open(self) -> tuple[Finding, ...]:
        """What `--check` complains about: all that asks for an action, done or not."""
        return tuple(found for found in self.findings if found.level in ("stop", "necessary", "recommended"))


def prepare(path: Path, wanted: Wanted, choose: Choose, validation: Path | None = None) -> Prepared:
    """Everything that is found in `path`, in order; what is necessary and what `choose` says yes to is done.

    A later check sees the rows as the earlier remedies left them. Raises CorpusTunerError for what cannot be read.
    """
    run = _Run(choose)
    rows, notes = tables.read(path)
    rows = _named(rows, wanted)
    for note in notes:
        run.meet(rows, note)
    rows = run.meet(rows, shapes.foreign(rows))
    shape = shape_of(rows)
    rows = run.pairs(rows, wanted) if shape == "pairs" else run.chats(rows)
    task = pairs.infer_task(rows) if shape == "pairs" and not run.stopped else ""
    others: Rows = []
    if not run.stopped:
        if shape == "pairs" and wanted.to == "chat":
            rows, shape = [to_chat(row) for row in rows], "chat"
            run.done.append("Turn prompts and completions into chat messages")
        elif shape == "chat" and wanted.to == "pairs":
            rows, shape = [to_pair(row) for row in rows], "pairs"
            run.done.append("Turn chat messages into prompts and completions")
        rows = run.about_all(rows, wanted)
        others = run.against(rows, validation, wanted) if validation else []
    return Prepared(tuple(rows), tuple(others), shape, task, tuple(run.findings), tuple(run.done))


class _Run:
    """The findings so far."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self.findings: list[Finding] = []
        self.done: list[str] = []

    @property
    def stopped(self) -> bool:
        return any(found.level == "stop" for found in self.findings)

    def meet(self, rows: Rows, found: Finding | None) -> Rows:
        """Takes note of a finding; the rows after its remedy, if that is necessary or wanted."""
        if found is None:
            return rows
        self.findings.append(found)
        if found.action and (found.level == "necessary" or (found.remedy is not None and self._choose(found))):
            self.done.append(found.action)
            rows = found.remedy(rows) if found.remedy is not None else rows
            if not rows:
                self.findings.append(Finding(found.check, "stop", "No row is left."))
        return rows

    def pairs(self, rows: Rows, wanted: Wanted) -> Rows:
        """The fifteen checks; a chat model's template needs no separators, so three are left out on the way to one."""
        rows = self.meet(rows, pairs.count(rows))
        for found in pairs.columns(rows):
            rows = self.meet(rows, found)
        if self.stopped:
            return rows
        rows = self._as_texts(rows)
        for check in pairs.CHECKS:
            if self.stopped:
                break
            found = check(rows)
            if found is not None and not (wanted.to == "chat" and found.check in pairs.LEGACY and found.level != "stop"):
                rows = self.meet(rows, found)
        return rows

    def _as_texts(self, rows: Rows) -> Rows:
        """Every prompt and completion as text: null is none, a number is written out."""
        odd = [row for row in rows if not all(isinstance(row[key], str) for key in ("prompt", "completion"))]
        if odd:
            def remedy(rows: Rows) -> Rows:
                return [row.having(**{key: _text(row[key]) for key in ("prompt", "completion")}) for row in rows]

            numbers = tuple(row.number for row in odd)
            said = f"{len(odd)} rows hold a prompt or completion that is no text."
            rows = self.meet(rows, Finding("text", "necessary", said, numbers, action="Write numbers out, null as nothing", remedy=remedy))
        return rows

    def chats(self, rows: Rows) -> Rows:
        """The checks of messages and preference rows."""
        rows = self.meet(rows, chats.extra_keys(rows))
        for found in chats.malformed(rows):
            rows = self.meet(rows, found)
            if self.stopped:
                return rows
        rows = self.meet(rows, chats.duplicates(rows))
        rows = self.meet(rows, chats.count(rows))
        return rows if self.stopped else self.meet(rows, chats.system_drift(rows))

    def about_all(self, rows: Rows, wanted: Wanted) -> Rows:
        """What goes for rows of any shape."""
        for found in chats.secrets(rows):
            rows = self.meet(rows, found)
        return self.meet(rows, chats.too_long(wanted.limit, wanted.tokens)(rows))

    def against(self, rows: Rows, path: Path, wanted: Wanted) -> Rows:
        """The rows of the validation file, those that are trained left out if that is wanted."""
        others, _ = tables.read(path)
        others = _named(others, wanted)
        others = self.meet(others, shapes.foreign(others))
        if shape_of(others) == "pairs":
            others = [row for row in _renamed(others) if row["completion"]]
            others = [to_chat(row) for row in others] if rows[0]["messages"] is not None else others
        else:
            for found in chats.malformed(others):
                others = self.meet(others, replace(found, check="validation messages"))
        return self.meet(others, chats.overlap(rows, others)) if others else others


def _named(rows: Rows, wanted: Wanted) -> Rows:
    """Rows whose prompt and completion are the columns that the user named."""
    given = {name: to for name, to in ((wanted.prompt, "prompt"), (wanted.completion, "completion")) if name}
    missing = [name for name in given if not any(name in row.values for row in rows)]
    if missing:
        raise CorpusTunerError(f"there is no column {missing[0]!r}: there are {', '.join(map(str, rows[0].values))}")
    if not given:
        return rows
    taken = [name for name in given.values() if name not in given]
    return [
        Row(row.number, {given.get(name, name): value for name, value in row.values.items() if name not in taken}) for row in rows
    ]


def _renamed(rows: Rows) -> Rows:
    lower = [Row(row.number, {str(name).lower(): value for name, value in row.values.items()}) for row in rows]
    return [row.having(prompt=_text(row["prompt"]), completion=_text(row["completion"])) for row in lower]


def shape_of(rows: Rows) -> str:
    """pairs, chat or preference, by what most rows have."""
    for shape, key in (("chat", "messages"), ("preference", "preferred_output")):
        if sum(key in row.values for row in rows) > len(rows) / 2:
            return shape
    return "pairs"


def to_chat(row: Row) -> Row:
    """A pair as messages, without the separators, the leading space and the stop sequence that only pairs need."""
    prompt = row["prompt"]
    for mark in (*pairs.SEPARATORS, pairs.LAST_SEPARATOR):
        prompt = prompt.removesuffix(mark)
    completion = row["completion"].strip(" \n")
    for mark in (" END", pairs.LAST_ENDING, "***", "+++", "&&&", "$$$", "@@@", "%%%"):
        completion = completion.removesuffix(mark)
    said = [("user", prompt), ("assistant", completion)] if prompt else [("assistant", completion)]
    return Row(row.number, {"messages": [{"role": role, "content": content} for role, content in said]})


def to_pair(row: Row) -> Row:
    """The last answer as the completion of all that was said before it."""
    messages = row["messages"]
    last = max(place for place, message in enumerate(messages) if message["role"] == "assistant")
    prompt = "\n\n".join(message["content"] for message in messages[:last])
    return Row(row.number, {"prompt": prompt, "completion": messages[last]["content"]})


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def lines(rows: Iterator[Row] | tuple[Row, ...]) -> Iterator[dict]:
    """Rows as a training file has them."""
    for row in rows:
        yield dict(row.values)
