"""The nouns of corpus_tuner: frozen records that flow between the stages, and the Protocols they flow through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from corpus_tuner.reasons import Reason

Message = Mapping[str, str]
"""One chat message: {"role": "system" | "user" | "assistant", "content": text}."""

Progress = Callable[[int, int | None, str], None]
"""Called as (done, total or None, note) while long work goes on."""


def silent(done: int, total: int | None, note: str) -> None:
    """The Progress of a caller who does not watch."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as pulled; `revision` pins it. `id` is stable for one place, whatever its revision."""

    id: str
    title: str
    url: str  # where a reader finds it; "" for a local file of unknown origin
    format: str  # the name of a cleaner: wikitext, markdown, html, text
    text: str
    language: str = ""  # BCP 47; "" where unknown
    revision: str = ""
    licence: str = ""
    fetched_at: str = ""  # ISO 8601, UTC
    locator: str = ""  # of the [[source]] that it came from
    revised_at: str = ""  # when this revision was made, as its place says; ISO 8601, UTC
    blob: str = ""  # of a binary format, which has no text: SHA-256 of its bytes, which lie in the corpus's raw/


@dataclass(frozen=True, slots=True)
class Blob:
    """A Document of a binary format on its way from a source, with the bytes that `document.blob` names.

    The fetch stage keeps the bytes in `raw/` and the Document in documents.jsonl; the cleaner of the format is called
    as `parse(document, content)`.
    """

    document: Document
    content: bytes


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a document under its heading path (the lead is `()`), with the spans of its sentences."""

    id: str
    document_id: str
    title: str  # of the document: every prompt and question names it
    path: tuple[str, ...]
    text: str
    sentences: tuple[tuple[int, int], ...]  # (start, end) in `text`
    url: str = ""
    language: str = ""

    def sentence(self, number: int) -> str:
        """The text of sentence `number`, counted from 1 as prompts and evidence do. Raises IndexError."""
        if not 1 <= number <= len(self.sentences):
            raise IndexError(number)
        start, end = self.sentences[number - 1]
        return self.text[start:end]

    @property
    def heading(self) -> str:
        """Title and path as one line: `Apollo 8 > Mission > Lunar orbit`; a first heading that is the title counts once."""
        return " > ".join((self.title, *(self.path[1:] if self.path[:1] == (self.title,) else self.path)))


@dataclass(frozen=True, slots=True)
class Example:
    """A question/answer pair with the sentences that support it."""

    id: str
    kind: str  # basic, detailed, ... or a recipe's own
    question: str
    answer: str
    evidence: tuple[tuple[str, int], ...]  # (section id, sentence number from 1); may be empty
    source_id: str  # key of the call in calls.jsonl, or the section of an offline writer
    writer: str
    form: str = "strict"  # how the reply was read: strict, fenced, repaired, salvaged, again


@dataclass(frozen=True, slots=True)
class Reject:
    """The only way an item leaves the flow."""

    stage: str
    item_id: str
    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What an evaluation asks."""

    id: str
    cls: str  # trained, paraphrase, unseen, or a file's own
    text: str
    answers: tuple[str, ...]
    evidence: tuple[tuple[str, int], ...] = ()
    kind: str = "basic"


@dataclass(frozen=True, slots=True)
class Expert:
    """A receipt: what was trained, from what, and where it answers."""

    name: str
    base: str  # "scratch", a Hugging Face id or folder, or the host's model name
    backend: str  # scratch, transformers, endpoint
    folder: str = ""  # relative to the corpus folder
    base_url: str = ""
    api_key_env: str = ""
    model: str = ""  # the host's id of the tuned model
    dataset_digest: str = ""
    inputs: str = ""  # digest of all that it was trained from
    chat_format: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said to one question, and how it scored."""

    question_id: str
    model: str
    text: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a Model returns."""

    text: str
    finish_reason: str = "stop"
    usage: Mapping[str, int] = field(default_factory=dict)  # prompt_tokens, completion_tokens
    call: str = ""  # key in calls.jsonl, if it was a recorded exchange


class Source(Protocol):
    """Pulls documents from one kind of place."""

    def claims(self, locator: str) -> bool:
        """Whether this source can fetch `locator` (no network, no file access beyond existence)."""
        ...

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Document | Blob | Reject]:
        """Documents of `locator`; one whose revision in `known` (by document id) still holds is yielded as it was,
        without its bytes if it has a blob. A source is made with the settings of its corpus, of which `source` holds
        the one [[source]] that it is asked for."""
        ...


Piece = Callable[[], Iterable[Document | Reject]]
"""A part of what a source has: it can be pickled and read anywhere, and gives the same every time."""


class Divided(Source, Protocol):
    """A source of much that can be read in pieces: by all cores or machines, and after a kill only those that lack."""

    def blocks(self, locator: str) -> Sequence[tuple[str, Piece]] | None:
        """(a name, the piece) for all of what `fetch` gives, in order; None where `locator` cannot be divided. The name
        pins what is in the piece: it is another one when its file has changed."""
        ...


class Writer(Protocol):
    """Writes question/answer pairs."""

    def write(self, sections: Iterable[Section], kind: str, count: int) -> Iterator[Example | Reject]:
        """At most `count` pairs of `kind` for each section, and a Reject for everything that was lost."""
        ...


class Model(Protocol):
    """Answers chat messages: teacher, base, expert, retrieval baseline and judge are all this."""

    name: str

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        stop: Sequence[str] = (),
        schema: Mapping[str, Any] | None = None,
        sample: int = 0,
        attempt: int = 0,
    ) -> Reply:
        """The reply to `messages`. `schema` asks for JSON where the model can be held to it; `sample` and `attempt`
        tell equal requests apart and seed local sampling."""
        ...


class Trainer(Protocol):
    """Turns JSONL of chat messages into an expert."""

    def train(
        self, train: Path, validation: Path | None, settings: Any, folder: Path, progress: Progress = silent
    ) -> Expert:
        """Trains on `train` and writes the expert into `folder`; interrupted, the same call goes on."""
        ...
