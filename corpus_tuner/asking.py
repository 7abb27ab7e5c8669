"""Who answers: the arms of a corpus by name, one question with the sections that support its answer, the evaluation."""

from __future__ import annotations

import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

from corpus_tuner.arms import open_arm, splits
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.place import Counts, Place
from corpus_tuner.records import Document, Example, Progress, Question, Reject, Section
from corpus_tuner.store import digest, file_digest, read_jsonl, to_json, write_text


@dataclass(frozen=True, slots=True)
class Response:
    """An answer to a person, with the passages of the corpus that support it; none if nothing does."""

    question: str
    answer: str
    model: str
    support: tuple[Mapping[str, Any], ...]


class Asker:
    """One opened model and the corpus beside it: opening costs, asking does not."""

    def __init__(self, place: Place, model: str = "expert", base_url: str = "") -> None:
        from corpus_tuner.models.retrieval import Retrieval

        sections = list(read_jsonl(place.sections, Section))
        self._corpus = Retrieval(sections)
        self.model = open_arm(place, model, sections, base_url)

    def ask(self, question: str, max_tokens: int = 256) -> Response:
        """Raises CorpusTunerError for an empty question."""
        if not question.strip():
            raise CorpusTunerError("the question is empty")
        reply = self.model.complete([{"role": "user", "content": question.strip()}], max_tokens=max_tokens)
        found = [one for one in self._corpus.passages(question, reply.text) if one.supported]
        return Response(question, reply.text.strip(), self.model.name, tuple(to_json(one) for one in found))


# ---------------------------------------------------------------------------------------------------------- evaluate


def evaluate(place: Place, progress: Progress) -> Counts:
    """The same questions to every arm; report.json and report.html in evaluation/RUN."""
    from corpus_tuner.evaluate import evaluate as compare
    from corpus_tuner.evaluate import table

    sections = list(read_jsonl(place.sections, Section))
    examples = list(read_jsonl(place.examples, Example))
    asked = questions(place, examples)
    with closing(place.calls()) as calls:
        arms = {name: open_arm(place, name, sections, calls=calls, questions=asked) for name in place.settings.evaluate.arms}
        results = compare(asked, arms, sections, examples, run_folder(place), _meta(place), progress)
    write_text(run_folder(place) / "table.txt", table(results) + "\n")
    return {"questions": len(asked), "arms": len(arms)}


def questions(place: Place, examples: list[Example]) -> list[Question]:
    """Held-out and trained questions of the dataset, then those of the user's own file."""
    from corpus_tuner.evaluate import questions as build

    asked = build.from_examples(examples, splits(place))
    if place.settings.evaluate.questions:
        asked += build.from_file(place.toml.parent / place.settings.evaluate.questions)
    if place.settings.evaluate.sample:
        asked = build.sample(asked, place.settings.evaluate.sample, place.settings.train.seed)
    return asked


def evaluate_inputs(place: Place) -> Any:
    """All that an evaluation depends on."""
    own = place.settings.evaluate.questions
    return [
        file_digest(place.expert / "expert.json"),
        file_digest(place.folder / "splits.jsonl"),
        file_digest(place.sections),
        asdict(place.settings.evaluate),
        file_digest(place.toml.parent / own) if own else "",
    ]


def run_folder(place: Place) -> Any:
    """The folder of the evaluation that belongs to what lies on disk now."""
    return place.folder / "evaluation" / digest(evaluate_inputs(place))[:8]


def _meta(place: Place) -> dict[str, Any]:
    """What the report tells of the corpus beside its figures."""
    manifest = place.manifest()
    log = place.expert / "log.jsonl"
    coverage = place.folder / "coverage.json"
    return {
        "name": place.settings.corpus.name,
        "title": place.title,
        "documents": [
            {"title": d.title, "url": d.url, "revision": d.revision, "licence": d.licence}
            for d in read_jsonl(place.documents, Document)
        ],
        "stages": {name: entry.get("counts", {}) for name, entry in manifest.items()},
        "seconds": {name: entry.get("seconds", 0) for name, entry in manifest.items()},
        "rejects": dict(Counter(str(reject.reason) for reject in read_jsonl(place.rejects, Reject)).most_common()),
        "coverage": json.loads(coverage.read_text(encoding="utf-8")) if coverage.exists() else {},
        "loss": [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else [],
        "expert": to_json(place.receipt()),
        "writer": place.settings.generate.writer,
        "version": importlib.metadata.version("corpus-tuner"),
    }
