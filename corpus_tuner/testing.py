"""Public fakes with the shape of the real things, for tests of plug-ins and of corpora: no network, no weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus_tuner.records import Document, Expert, Message, Progress, Reply, silent
from corpus_tuner.settings import Settings
from corpus_tuner.store import file_digest, write_json


class ScriptedSource:
    """A Source that serves the documents it was given, each under its URL; it counts what it fetched."""

    def __init__(self, settings: Settings | None = None, documents: Iterable[Document] = ()) -> None:
        self.settings = settings
        self.documents = {document.url: document for document in documents}
        self.fetched: list[str] = []

    def claims(self, locator: str) -> bool:
        """Whether a document has this URL."""
        return locator in self.documents

    def fetch(self, locator: str, known: Mapping[str, Document]) -> Iterator[Document]:
        """The document; the known one, where its revision still holds."""
        document = self.documents[locator]
        old = known.get(document.id)
        if old is not None and old.revision == document.revision:
            yield old
            return
        self.fetched.append(locator)
        yield document


class ScriptedModel:
    """A Model that says what it was told to, in order, or what a function of the messages returns.

    A string becomes a Reply; an exception is raised. `asked` keeps every request: its messages and its options.
    Raises AssertionError when the script is at its end.
    """

    def __init__(
        self, script: Iterable[str | Reply | Exception] | Callable[[Sequence[Message]], str], name: str = "scripted"
    ) -> None:
        self.name = name
        self.asked: list[tuple[tuple[Message, ...], dict[str, Any]]] = []
        self._answer = script if callable(script) else None
        self._script = iter(()) if callable(script) else iter(script)

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
        """The next line of the script."""
        options = {"max_tokens": max_tokens, "temperature": temperature, "stop": tuple(stop), "schema": schema}
        self.asked.append((tuple(messages), {**options, "sample": sample, "attempt": attempt}))
        said = self._answer(messages) if self._answer else next(self._script, None)
        if said is None:
            raise AssertionError(f"the script of {self.name!r} is at its end")
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Reply) else Reply(said)


class ParrotTrainer:
    """A Trainer whose expert repeats the answer of the training question it is asked word for word, and else nothing."""

    def train(
        self,
        train: Path,
        validation: Path | None,  # noqa: ARG002
        settings: Any,  # noqa: ARG002
        folder: Path,
        progress: Progress = silent,
    ) -> Expert:
        """Writes `parrot.json`, {question: answer}, into `folder`."""
        rows = [json.loads(line)["messages"] for line in train.read_text(encoding="utf-8").splitlines()]
        learned = {row[-2]["content"]: row[-1]["content"] for row in rows}
        write_json(folder / "parrot.json", learned)
        progress(len(rows), len(rows), "")
        return Expert(name="parrot", base="nothing", backend="parrot", dataset_digest=file_digest(train))

    @staticmethod
    def open_expert(expert: Expert, root: Path, *, base: bool = False, calls: Any = None) -> ScriptedModel:  # noqa: ARG004
        """The Model of such an expert; its base knows nothing. (An entry point of `corpus_tuner.models`.)"""
        learned = {} if base else json.loads((root / expert.folder / "parrot.json").read_text(encoding="utf-8"))
        return ScriptedModel(lambda messages: learned.get(messages[-1]["content"], ""), expert.name)
