"""The arms of an evaluation by name: each is a Model over what one corpus has on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import open_model
from corpus_tuner.place import Place
from corpus_tuner.records import Example, Model, Question, Section
from corpus_tuner.store import Calls, read_jsonl

if TYPE_CHECKING:
    from corpus_tuner.models.embedding import Embedding
    from corpus_tuner.models.retrieval import Retrieval

TOP = 3  # sections that go before a question
SEARCHES = ("retrieval", "embedding")
ARMS = (
    *(who + beside for who in ("base", "expert") for beside in ("", "+retrieval", "+embedding", "+section")),
    "retrieval", "embedding", "nearest", "reader", "expert+reader",
)  # fmt: skip


def check_arm(place: Place, name: str, base_url: str = "") -> None:
    """Raises CorpusTunerError for what `open_arm` would not open."""
    wanted = place.settings
    if name in ARMS and name.endswith("embedding") and not wanted.evaluate.embedding:
        raise CorpusTunerError("retrieval by embeddings needs an encoder: name it in evaluate.embedding (and its evaluate.embedding_base_url)")
    if name not in ARMS and not base_url and wanted.generate.writer != "llm":
        raise CorpusTunerError(f"there is no model {name!r} here: {', '.join(ARMS)}, or a model of --base-url")


def open_arm(
    place: Place,
    name: str,
    sections: Sequence[Section],
    base_url: str = "",
    calls: Calls | None = None,
    questions: Iterable[Question] = (),
    shared: dict[str, Any] | None = None,
) -> Model:
    """The model that `name` stands for: an arm of the evaluation, or a model at an OpenAI-compatible endpoint.

    base, expert; retrieval, nearest, reader, embedding: no model; expert+reader: the reader, with what the expert says as a
    vote; base+retrieval, expert+retrieval (or +embedding): the same with the best sections before the question;
    base+section, expert+section: with the sections that `questions` say it rests on, which is what a perfect search would
    give.

    What is large is put into `shared` and taken from it: base and expert where they run on this machine, and the searches. With
    one `shared` for all arms of an evaluation, each is loaded once.
    """
    from corpus_tuner.models.index import language_of
    from corpus_tuner.models.retrieval import Nearest

    check_arm(place, name, base_url)
    shared = {} if shared is None else shared
    if name in SEARCHES:
        return _search(place, name, sections, calls, shared)
    if name in ("reader", "expert+reader"):
        from corpus_tuner.models.reader import Reader

        expert = _opened(place, "expert", calls, shared) if name == "expert+reader" else None
        return Reader(sections, trained(place), expert)
    if name == "nearest":
        return Nearest(((one.question, one.answer) for one in trained(place)), language_of(sections))
    if name in ARMS:
        return _model(place, name, sections, calls, questions, shared)
    from corpus_tuner.models.endpoint import Endpoint

    wanted = place.settings.generate
    return Endpoint(base_url or wanted.base_url, wanted.api_key_env, name, calls)


def _model(
    place: Place, name: str, sections: Sequence[Section], calls: Calls | None, questions: Iterable[Question], shared: dict[str, Any]
) -> Model:
    """Base or expert, as its own best prompt asks it: the expert was trained on bare questions, and a student from
    nothing knows no instruction."""
    from corpus_tuner.models.prompted import Prompted

    who, _, beside = name.partition("+")
    model = _opened(place, who, calls, shared)
    if beside in SEARCHES:
        search = _search(place, beside, sections, calls, shared)
        return Prompted(model, place.title, lambda question: [one for one, _ in search.sections(question, TOP)], name)
    if beside == "section":
        right = _sections_of(questions, sections)
        return Prompted(model, place.title, lambda question: right.get(question, ()), name)
    return model if who == "expert" or place.receipt().backend == "scratch" else Prompted(model, place.title)


def _opened(place: Place, who: str, calls: Calls | None, shared: dict[str, Any]) -> Model:
    """Base or expert. That of a host is small, and each arm has one of its own, by which its calls are told apart."""
    receipt = place.receipt()
    if receipt.backend == "endpoint" or who not in shared:
        shared[who] = open_model(receipt, place.folder, base=who == "base", calls=calls)
    return shared[who]


def _search(place: Place, name: str, sections: Sequence[Section], calls: Calls | None, shared: dict[str, Any]) -> Embedding | Retrieval:
    from corpus_tuner.models.retrieval import Retrieval

    if name not in shared:
        shared[name] = Retrieval(sections) if name == "retrieval" else _embedding(place, sections, calls)
    return shared[name]


def _embedding(place: Place, sections: Sequence[Section], calls: Calls | None) -> Embedding:
    """Retrieval by the encoder that the settings name."""
    from corpus_tuner.models.embedding import Embedding, Local, Remote

    wanted = place.settings.evaluate
    if not wanted.embedding_base_url:
        return Embedding(sections, Local(wanted.embedding), place.folder)
    url, key = wanted.embedding_base_url, place.settings.generate.api_key_env
    return Embedding(sections, Remote(url, key, wanted.embedding, calls or place.calls(), concurrency=16), place.folder)


def _sections_of(questions: Iterable[Question], sections: Iterable[Section]) -> dict[str, list[Section]]:
    """The sections that each question rests on, by its text; none for a question of a user's own file, which names none."""
    by_id = {section.id: section for section in sections}
    return {
        one.text: [by_id[name] for name in dict.fromkeys(name for name, _ in one.evidence) if name in by_id]
        for one in questions
    }


def trained(place: Place) -> list[Example]:
    """The pairs that the expert was trained on."""
    known = splits(place)
    return [one for one in pairs(place) if known.get(one.id) == "train"]


def pairs(place: Place) -> list[Example]:
    """All pairs of a corpus: those of its generate stage, then those that were written later."""
    return [*read_jsonl(place.examples, Example), *read_jsonl(place.improved, Example)]


def splits(place: Place) -> dict[str, str]:
    """The split of each example, by its id."""
    from corpus_tuner.dataset.split import Split

    return {one.id: one.split for one in read_jsonl(place.splits, Split)}
