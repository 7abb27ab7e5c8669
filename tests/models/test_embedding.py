"""Retrieval by embeddings: of a host that is paid once, and of a tiny encoder made on the spot."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from corpus_tuner.errors import CorpusTunerError, Declined, MissingExtra, Transient
from corpus_tuner.models.embedding import BATCH, Embedding, Local, Remote
from corpus_tuner.records import Section
from corpus_tuner.store import Calls
from corpus_tuner.text import sentences, words

TEXTS = (
    "Frank Borman commanded the mission in 1968. James Lovell was the pilot of the command module.",
    "The flight cost 310 million dollars. It lifted off from Kennedy Space Center.",
)
SECTIONS = [Section(f"s{n}", "d", "Apollo 8", (f"Part {n}",), text, sentences(text), "", "en") for n, text in enumerate(TEXTS)]
KNOWN = sorted({word for text in TEXTS for word in words(text)})


def counted(text: str) -> list[float]:
    """How often each known word stands in a text: an encoder that can be foretold."""
    found = words(text)
    return [float(found.count(word)) for word in KNOWN] + [0.01]


def usual(body: dict[str, Any]) -> Any:
    """What a host says, its rows in another order than the texts."""
    rows = [{"object": "embedding", "index": n, "embedding": counted(text)} for n, text in enumerate(body["input"])]
    return {"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": len(rows), "total_tokens": len(rows)}}


@contextmanager
def host(say: Callable[[dict[str, Any]], Any] = usual, status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server of /v1/embeddings on loopback, and the requests that it got."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append({"path": self.path, **body})
            said = json.dumps(say(body)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None: ...

    server = type("Server", (ThreadingHTTPServer,), {"request_queue_size": 64})(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def test_the_nearest_sentence_answers_and_its_section_comes_first(tmp_path: Path) -> None:
    """Whatever order the host sends its vectors in."""
    with host() as (url, asked):
        arm = Embedding(SECTIONS, Remote(url, "", "e"), tmp_path)
        assert arm.answer("Who was the pilot of the command module?") == "James Lovell was the pilot of the command module."
        assert [section.id for section, _ in arm.sections("What did the flight cost?", 2)] == ["s1", "s0"]
        assert len(arm.sections("What did the flight cost?", 1)) == 1
        assert {one["path"] for one in asked} == {"/v1/embeddings"}
        assert asked[0]["input"][0].startswith("Apollo 8 > Part ")


def test_nothing_is_embedded_twice(tmp_path: Path) -> None:
    """A second run finds the corpus on disk and the question among the calls; without the file, all among the calls."""
    with host() as (url, asked):
        for run in range(3):
            calls = Calls(tmp_path / "calls.jsonl")
            arm = Embedding(SECTIONS, Remote(url, "", "e", calls), tmp_path)
            assert arm.answer("Who commanded?").startswith("Frank Borman")
            calls.close()
            assert len(asked) == 3, run
            if run == 1:
                next(tmp_path.glob("embeddings-*.npy")).unlink()
        calls = Calls(tmp_path / "calls.jsonl")
        assert sum(one["usage"]["prompt_tokens"] for one in calls) == 5
        Embedding(SECTIONS[:1], Remote(url, "", "e", calls), tmp_path).answer("Who commanded?")
        assert len(asked) == 3, "a section that did not change was embedded again"
        assert len(list(tmp_path.glob("embeddings-*.npy"))) == 1


def test_many_threads_embed_the_corpus_once(tmp_path: Path) -> None:
    """Sixteen first questions at the same time cost the corpus once."""
    from concurrent.futures import ThreadPoolExecutor

    with host() as (url, asked):
        arm = Embedding(SECTIONS, Remote(url, "", "e"), tmp_path)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(arm.answer, [f"Who was number {n}?" for n in range(16)]))
        assert len(asked) == 2 + 16


def test_a_long_section_goes_in_slices() -> None:
    """No request has more texts than a host takes."""
    text = " ".join(f"Ship {n} sailed." for n in range(2 * BATCH + 1))
    with host() as (url, asked):
        Embedding([Section("s", "d", "Ships", (), text, sentences(text))], Remote(url, "", "e")).answer("Which ship?")
        assert sorted(len(one["input"]) for one in asked) == [1, 1, BATCH, BATCH]


def test_base64_is_read_as_numbers_are() -> None:
    """Some hosts send it whatever they are asked for."""

    def packed(body: dict[str, Any]) -> Any:
        said = usual(body)
        for row in said["data"]:
            row["embedding"] = base64.b64encode(struct.pack(f"<{len(row['embedding'])}f", *row["embedding"])).decode()
        return said

    with host() as (url, _), host(packed) as (other, _):
        one, two = (Remote(where, "", "e").embed([TEXTS[0]]) for where in (url, other))
        assert one.tolist() == two.tolist()


@pytest.mark.parametrize(
    ("said", "status", "error"),
    [
        ({"data": []}, 200, Declined),
        ({"data": [{"index": 0, "embedding": [1.0]}]}, 200, Declined),
        ({"object": "list"}, 200, Transient),
        ({"error": {"message": "overloaded"}}, 200, Transient),
        ({"error": {"message": "no such route"}}, 404, CorpusTunerError),
    ],
)
def test_a_host_without_embeddings_is_one_clear_line(said: Any, status: int, error: type[Exception]) -> None:
    """Too few vectors, no list of them, an error in a good response, and no such route."""
    with host(lambda _: said, status) as (url, _), pytest.raises(error) as raised:
        Remote(url, "", "e").embed(["one", "two"])
    assert "\n" not in str(raised.value)


def test_a_corpus_without_sentences_has_no_answer() -> None:
    """Nothing is asked of the encoder either."""
    arm = Embedding([], Remote("http://localhost:9/v1", "", "e"))
    assert arm.answer("Who?") == ""
    assert arm.sections("Who?", 3) == []


# -------------------------------------------------------------------------------------------------- a local encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer BERT of random weights with a word tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("encoder")
    known = {word: n for n, word in enumerate(["[PAD]", "[UNK]", *KNOWN, "who", "which"])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(known), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_padding_has_no_part_in_the_mean(encoder: Path) -> None:
    """A text alone and beside a longer one has the same vector, of length 1; one that is too long is cut."""
    import numpy as np

    local = Local(str(encoder))
    alone = local.embed(["commanded the mission"])
    beside = local.embed(["commanded the mission", TEXTS[0].lower() * 20])
    assert np.allclose(alone[0], beside[0], atol=1e-5)
    assert np.allclose(np.linalg.norm(beside, axis=1), 1)


def test_a_sentence_is_nearest_to_itself_and_its_vectors_lie_on_disk(encoder: Path, tmp_path: Path) -> None:
    """The second arm reads them; other weights under the same name do not."""
    asked = f"{SECTIONS[1].heading}: {SECTIONS[1].sentence(2)}"
    assert Embedding(SECTIONS, Local(str(encoder)), tmp_path).answer(asked) == SECTIONS[1].sentence(2)
    (kept,) = tmp_path.glob("embeddings-*.npy")
    first = Local(str(encoder)).identity()
    assert Embedding(SECTIONS, Local(str(encoder)), tmp_path).answer(asked) == SECTIONS[1].sentence(2)
    assert list(tmp_path.glob("embeddings-*.npy")) == [kept]
    other = Local(str(encoder))
    other._loaded[0].embeddings.word_embeddings.weight.data += 1.0
    other._loaded[0].encoder.layer[0].output.dense.weight.data *= -1.0
    assert other.identity() != first


def test_what_is_no_encoder_and_what_is_not_installed_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder names itself; without transformers the extra is named."""
    with pytest.raises(CorpusTunerError, match="no encoder in safetensors"):
        Local(str(tmp_path)).embed(["x"])
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"corpus-tuner\[local\]"):
        Local(str(tmp_path)).embed(["x"])
