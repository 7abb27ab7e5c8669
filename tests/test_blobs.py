"""A document of a binary format on its way through a corpus."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from corpus_tuner.corpus import Corpus

pytest.importorskip("pypdfium2")
HANDBOOK = (Path(__file__).parent / "data/clean/handbook.pdf").read_bytes()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A corpus of one PDF and one text."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "handbook.pdf").write_bytes(HANDBOOK)
    (tmp_path / "docs" / "note.txt").write_text("A note of its own.")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "port.toml").write_text('[corpus]\nname = "port"\n[[source]]\nlocator = "../docs"\n')
    return Corpus.open("port", tmp_path)


def test_the_bytes_lie_in_raw_under_their_digest(corpus: Corpus) -> None:
    """The document names them, the cleaner reads them, and the next build finds all up to date."""
    corpus.build("clean")
    (document,) = [one for one in corpus.show("documents") if one.blob]
    assert document.blob == hashlib.sha256(HANDBOOK).hexdigest()
    assert corpus.place.raw(document.blob).read_bytes() == HANDBOOK
    assert ("3 Emergencies",) in [one.path for one in corpus.show("sections")]
    assert corpus.build("clean").ran == ()


def test_lost_bytes_are_fetched_again_and_unused_ones_go(corpus: Corpus, tmp_path: Path) -> None:
    """raw/ holds what the documents name, no more and no less."""
    corpus.build("clean")
    (path,) = (corpus.place.folder / "raw").iterdir()
    path.unlink()
    assert "fetch" in corpus.build("clean").ran
    assert path.read_bytes() == HANDBOOK
    (tmp_path / "docs" / "handbook.pdf").unlink()
    corpus.build("clean")
    assert list((corpus.place.folder / "raw").iterdir()) == []
