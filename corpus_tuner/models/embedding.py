"""Retrieval by embeddings: the sentence that an encoder places nearest to the question.

The encoder is a Hugging Face model on this machine or a model behind any OpenAI-compatible /embeddings; both need no more
than `embed`. What a host embedded is recorded as every paid exchange is, and the corpus's own vectors lie on disk.
"""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from corpus_tuner import hub
from corpus_tuner.errors import Declined
from corpus_tuner.models.dialect import counted
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.models.retrieval import Baseline
from corpus_tuner.records import Reply, Section
from corpus_tuner.store import digest, write_bytes

if TYPE_CHECKING:
    import numpy as np

FEATURE = "embedding with a local model"
BATCH = 32  # texts of one request or forward pass
LONGEST = 512  # tokens of a text; what is longer is cut
PROBE = "Which encoder is this?"


class Encoder(Protocol):
    """Texts to vectors of length 1."""

    concurrency: int  # threads that may call `embed` at once

    def identity(self) -> str:
        """The same for two encoders only if their vectors may be mixed."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """(n texts, dimensions), float32."""
        ...


class Remote(Endpoint):
    """An encoder at an OpenAI-compatible endpoint; each slice of a call is one exchange, paid once."""

    _sort = "list of embeddings"

    def identity(self) -> str:
        """Where it is asked, and its name."""
        return digest(self.urls[0], self.model)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Raises Declined where the host sends fewer or other vectors than it was asked for."""
        import numpy as np

        found = []
        for start in range(0, len(texts), BATCH):
            asked = list(texts[start : start + BATCH])
            said = self._recorded({"model": self.model, "input": asked, "encoding_format": "float"}).text
            vectors = np.frombuffer(base64.b64decode(said), dtype="<f4")
            if not len(vectors) or len(vectors) % len(asked):
                raise Declined(f"{self.model} at {self.urls[0]} sent no embedding for some of the texts")
            found.append(vectors.reshape(len(asked), -1))
        return _unit(np.concatenate(found))

    def _resource(self, client: Any) -> Any:
        return client.embeddings

    def _reply(self, found: Mapping[str, Any]) -> Reply:
        """The vectors in the order of the texts, as float32 in base64."""
        import numpy as np

        rows = sorted(found["data"], key=lambda row: row["index"])
        vectors = np.asarray([_floats(row["embedding"]) for row in rows], dtype="<f4")
        return Reply(base64.b64encode(vectors.tobytes()).decode(), "stop", counted(found.get("usage")))


class Local:
    """A Hugging Face encoder: the mean of its last hidden states over the text's tokens.

    Raises MissingExtra without the packages, CorpusTunerError for what is no such model, at the first text.
    """

    concurrency = 1

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()  # a tokenizer that two threads use at once raises

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        return hub.load_encoder(self._name, FEATURE)

    def identity(self) -> str:
        """By what it makes of a text, so that other weights under the same name are told apart."""
        return digest(self._name, [round(float(value), 3) for value in self.embed([PROBE])[0]])

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """In batches of like length, whose padding has no part in the mean."""
        import numpy as np

        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        rows: dict[int, np.ndarray] = {}
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            with self._lock:
                rows |= dict(zip(places, self._means([texts[place] for place in places])))
        return _unit(np.stack([rows[place] for place in range(len(texts))]))

    def _means(self, texts: list[str]) -> np.ndarray:
        import torch

        model, tokenizer = self._loaded
        longest = min(LONGEST, tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", LONGEST))
        read = tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt").to(model.device)
        with torch.no_grad():
            hidden = model(input_ids=read["input_ids"], attention_mask=read["attention_mask"]).last_hidden_state.float()
        mask = read["attention_mask"].unsqueeze(-1)
        return ((hidden * mask).sum(1) / mask.sum(1).clamp(min=1)).cpu().numpy()


class Embedding(Baseline):
    """The sentence whose embedding, under its heading, is nearest to the question's; "" for a corpus without sentences.

    `folder` keeps the sentences' vectors, in a file whose name says of what encoder and texts.
    """

    name = "embedding"

    def __init__(self, sections: Sequence[Section], encoder: Encoder, folder: Path | None = None) -> None:
        self._sections = [section for section in sections if section.sentences]
        self._places = [(section, n) for section in self._sections for n in range(1, len(section.sentences) + 1)]
        self._encoder, self._folder = encoder, folder
        self._lock = threading.Lock()  # the corpus is embedded once, however many threads ask
        self.concurrency = encoder.concurrency

    def answer(self, question: str) -> str:
        """The nearest sentence."""
        if not self._places:
            return ""
        section, number = self._places[int(self._nearness(question).argmax())]
        return section.sentence(number)

    def sections(self, question: str, top: int) -> list[tuple[Section, float]]:
        """The `top` sections that hold the nearest sentences, with the cosine of each one's nearest."""
        best: dict[str, tuple[Section, float]] = {}
        nearness = self._nearness(question) if self._places else ()
        for (section, _), near in zip(self._places, nearness):
            if section.id not in best or near > best[section.id][1]:
                best[section.id] = section, float(near)
        return sorted(best.values(), key=lambda one: -one[1])[:top]

    def _nearness(self, question: str) -> np.ndarray:
        with self._lock:
            vectors = self._vectors
        return vectors @ self._encoder.embed([question])[0]

    @cached_property
    def _vectors(self) -> np.ndarray:
        import numpy as np

        groups = [[f"{s.heading}: {s.sentence(n)}" for n in range(1, len(s.sentences) + 1)] for s in self._sections]
        path = self._folder and self._folder / f"embeddings-{digest(self._encoder.identity(), groups)}.npy"
        if path and path.is_file():
            return np.load(path, allow_pickle=False)
        with ThreadPoolExecutor(self._encoder.concurrency) as pool:
            vectors = np.concatenate(list(pool.map(self._encoder.embed, groups)))
        if path:
            packed = io.BytesIO()
            np.save(packed, vectors, allow_pickle=False)
            for old in path.parent.glob("embeddings-*.npy"):
                old.unlink()
            write_bytes(path, packed.getvalue())
        return vectors


def _floats(embedding: Any) -> Any:
    """A list of numbers, or what some hosts send whatever they are asked for: float32 in base64."""
    import numpy as np

    return np.frombuffer(base64.b64decode(embedding), dtype="<f4") if isinstance(embedding, str) else embedding


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Each row divided by its length."""
    import numpy as np

    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
