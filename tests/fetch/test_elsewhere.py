"""Files that lie elsewhere: what fsspec reaches is read as a file here would be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_documents import corpus

from corpus_tuner.errors import CorpusTunerError, MissingExtra, Unavailable
from corpus_tuner.fetch import dump, remote
from corpus_tuner.fetch.dump import Dump
from corpus_tuner.fetch.files import Files
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings

DATA = Path(__file__).parents[1] / "data" / "fetch"
EXCERPT = DATA / "enwiki-excerpt-pages-articles-multistream.xml.bz2"


@pytest.fixture
def bucket() -> Iterator[Any]:
    """A place in memory that fsspec reaches as memory://bucket."""
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("upath")
    files = fsspec.filesystem("memory")
    yield files
    files.rm("/bucket", recursive=True) if files.exists("/bucket") else None


def pull(locator: str, **source: object) -> list[Any]:
    """What the source of files gives."""
    return list(Files(Settings(source=(SourceSettings(locator=locator, **source),))).fetch(locator, {}))


def test_a_folder_elsewhere_gives_what_the_same_folder_here_gives(bucket: Any, tmp_path: Path) -> None:
    """Ids, titles, texts and rejects; what is hidden is passed over, and no name leads anywhere."""
    for name, content in {"a.md": "# A", "b/c d.txt": "deep", "b/.git/x.md": "hidden", "p.png": "x", "n.txt": b"\xff\xfe\x00", "t.csv": "name,text\nA,B\n"}.items():
        data = content if isinstance(content, bytes) else content.encode()
        bucket.pipe(f"/bucket/docs/{name}", data)
        (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / name).write_bytes(data)
    here = pull(str(tmp_path / "docs"))
    assert pull("memory://bucket/docs") == here
    assert pull(f"file://{tmp_path}/docs") == here
    assert {item.id for item in here if isinstance(item, Document)} >= {"a.md", "b/c d.txt"}
    bucket.pipe("/bucket/docs/../../etc.md", b"# above")
    assert pull("memory://bucket/docs") == here
    assert [one.reason for one in pull("memory://bucket/docs", include=("*.md",)) if isinstance(one, Reject)].count(Reason.NOT_SELECTED) == 4


def test_one_file_elsewhere_is_one_document(bucket: Any) -> None:
    """Known by its name, whatever lies above it; binary formats come with their bytes."""
    bucket.pipe("/bucket/x/notes.md", b"# Notes\n\nText.")
    (document,) = pull("memory://bucket/x/notes.md")
    assert (document.id, document.title, document.text) == ("notes.md", "Notes", "# Notes\n\nText.")
    with pytest.raises(CorpusTunerError, match="there is no such file"):
        pull("memory://bucket/x/not-there.md")
    bucket.mkdir("/bucket/empty")
    with pytest.raises(CorpusTunerError, match="holds no file"):
        pull("memory://bucket/empty")


def test_a_dump_elsewhere_is_read_by_its_blocks_and_by_title(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same items as from the file here; only the bytes of a block are asked for."""
    monkeypatch.setattr(dump, "GROUP", 1)
    bucket.pipe(f"/bucket/{EXCERPT.name}", EXCERPT.read_bytes())
    here, locator = list(Dump(Settings()).fetch(str(EXCERPT), {})), f"memory://bucket/{EXCERPT.name}"
    assert Dump(Settings()).claims(locator)
    assert list(Dump(Settings()).fetch(locator, {})) == here
    asked = []
    span = remote.span
    monkeypatch.setattr("corpus_tuner.fetch.dump_blocks.span", lambda path, start, end: asked.append(end - start) or span(path, start, end))
    pieces = Dump(Settings()).blocks(locator)
    assert [item for _, piece in pieces for item in piece()] == here
    assert sum(asked) <= EXCERPT.stat().st_size
    titles = [item.title for item in Dump(Settings()).fetch(f"{locator}#Jim%20Pewter", {})]
    assert titles == ["Jim Pewter"]


def test_a_corpus_is_built_from_elsewhere(bucket: Any, tmp_path: Path) -> None:
    """End to end, with its locator kept; again, nothing is done."""
    bucket.pipe("/bucket/docs/a.md", b"# A\n\nThe harbour was opened in 1852.")
    made = corpus(tmp_path, "memory://bucket/docs")
    assert made.clean().counts["clean"]["sections"] == 1
    assert next(made.show("documents")).locator == "memory://bucket/docs"
    assert made.clean().ran == ()


@pytest.mark.parametrize(("locator", "message"), [("s3://bucket/a.md", r"s3:// needs s3fs: pip install s3fs$"), ("gs://bucket/a.md", r"gs:// needs gcsfs: pip install gcsfs$")])
def test_a_missing_protocol_is_one_line_that_names_its_package(locator: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether for files or for a dump."""
    pytest.importorskip("upath")
    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CorpusTunerError, match=message):
        pull(locator)
    with pytest.raises(CorpusTunerError, match=message):
        Dump(Settings()).blocks(locator.replace("a.md", "a-multistream.xml.bz2"))


def test_without_fsspec_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a file here needs none of it."""
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(MissingExtra, match=r"s3:// needs .*: pip install 'corpus-tuner\[remote\]'"):
        pull("s3://bucket/a.md")
    assert pull(str(Path(__file__).parents[1] / "data" / "fetch" / "README.md"))


def test_what_no_library_reads_is_claimed_by_nobody(tmp_path: Path) -> None:
    """An unknown scheme, and those by which fsspec would leave the place that was named."""
    for locator in ("foo://x/a.md", "github://a:b@c/x.md", "zip://a.md", "data://x", "https://x/a.xml.bz2"):
        assert not Files(Settings()).claims(locator)
        assert not Dump(Settings()).claims(locator)
    with pytest.raises(CorpusTunerError, match="no source can fetch foo://x"):
        corpus(tmp_path, "foo://x/a.md").fetch()


def test_what_a_client_fails_with_is_one_line_that_names_the_place(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package's own error is the world's: no bug of ours, and the same command goes on later."""

    class NoEndpoint(Exception):  # as packages name theirs
        pass

    bucket.pipe("/bucket/a.txt", b"A text.")
    for name in ("info", "find", "open"):
        with monkeypatch.context() as broken:
            broken.setattr(type(bucket), name, lambda *_, **__: (_ for _ in ()).throw(NoEndpoint("no route\nto host")))
            with pytest.raises(Unavailable, match=r"bucket.* cannot be read: no route to host: run the same command again later"):
                pull("memory://bucket")


def test_a_server_that_cannot_be_reached_is_named(bucket: Any) -> None:
    """The system's error has no name in it; to run again later is all that there is to do."""
    with pytest.raises(Unavailable, match=r"ftp://127\.0\.0\.1:9/a\.md cannot be reached"):
        remote.path_of("ftp://127.0.0.1:9/a.md")
