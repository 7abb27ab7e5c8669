"""A stage in blocks and its records in shards: what is done stays done, whoever did it, and nobody reads half of it."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_documents import corpus

from corpus_tuner import documents, sections
from corpus_tuner.blocks import Block, Done, Outcome, Run
from corpus_tuner.corpus import Corpus
from corpus_tuner.errors import CorpusTunerError, MissingExtra
from corpus_tuner.fetch import dump, dump_blocks
from corpus_tuner.records import Document, Reason, Section
from corpus_tuner.store import file_digest, read_jsonl, remembered, shards
from corpus_tuner.workers import ordered

HEAD = '<mediawiki xml:lang="en"><siteinfo><base>https://en.wikipedia.org/wiki/Main_Page</base></siteinfo>\n'
SMALL = "from corpus_tuner import documents; from corpus_tuner.fetch import dump; documents.MANY = 15; dump.GROUP = 1; "


def multistream(path: Path, pages: int, each: int = 5, first: int = 0) -> Path:
    """A dump of articles, `each` a block, every tenth page a redirect."""
    data = bz2.compress(HEAD.encode())
    for at in range(first, first + pages, each):
        data += bz2.compress("".join(map(_page, range(at, min(at + each, first + pages)))).encode())
    path.write_bytes(data + bz2.compress(b"</mediawiki>\n"))
    return path


def _page(number: int) -> str:
    text = f"'''Port {number}''' was opened in {1800 + number}. {'It has ships. ' * 50}\n== Ships ==\nIt holds [[ship|{number} ships]].\n== Notes ==\n"
    text = "#REDIRECT [[Port 1]]" if number % 10 == 9 else text
    return f"<page><title>Port {number}</title><ns>0</ns><id>{number}</id><revision><id>1</id><text>{text}</text></revision></page>\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of a dump is a piece, and more than fifteen documents are many."""
    monkeypatch.setattr(documents, "MANY", 15)
    monkeypatch.setattr(dump, "GROUP", 1)
    for stage in (documents, sections):
        monkeypatch.setattr(stage, "cores", lambda: 1)


def tree(made: Corpus) -> dict[str, bytes]:
    """Every file that fetch and clean leave, but for times."""
    files = {path for path in made.place.folder.rglob("*") if path.is_file()}
    own = {"manifest.json", ".lock", ".digests.json"}
    return {str(path.relative_to(made.place.folder)): path.read_bytes() for path in files if path.name not in own}


# ------------------------------------------------------------------------------------------------------------ shards


def test_no_reader_knows_whether_records_lie_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents, sections, rejects, counts and digests: the same records by the same calls, in one file and in shards."""
    path = multistream(tmp_path / "d-multistream.xml.bz2", 60)
    found = []
    for folder, many in (("file", 10**9), ("shards", 20)):
        monkeypatch.setattr(documents, "MANY", many)
        monkeypatch.setattr(dump, "GROUP", 300)
        made = corpus(tmp_path / folder, str(path))
        counts = made.clean().counts
        rejects = sorted(made.show("rejects"), key=str)
        found.append((counts, list(made.show("documents")), list(made.show("sections")), rejects, made.status()["rejects"]))
        assert made.clean().ran == ()
        assert file_digest(made.place.sections)
        assert made.place.title == "Port 0"
    assert found[0] == found[1]
    assert sorted(path.name for path in (tmp_path / "shards/generated/c").iterdir() if path.name[0] != ".") == ["documents", "manifest.json", "rejects", "rejects.jsonl", "sections"]
    assert sorted(path.name for path in (tmp_path / "file/generated/c").iterdir() if path.name[0] != ".") == ["documents.jsonl", "manifest.json", "rejects.jsonl", "sections.jsonl"]


def test_later_stages_build_on_shards(tmp_path: Path, small: None) -> None:
    """Pairs and the dataset are made from them, and their rejects stand beside those of the shards."""
    made = corpus(tmp_path, str(multistream(tmp_path / "d-multistream.xml.bz2", 40)))
    built = made.dataset()
    assert built.counts["generate"]["examples"] > 36
    assert {reject.stage for reject in made.show("rejects")} >= {"fetch", "clean", "dataset"}
    assert "Port 3" in (made.place.dataset / "README.md").read_text()
    before = list(made.show("rejects"))
    assert made.build("dataset", fresh=True).ran == ("fetch", "clean", "generate", "dataset")
    assert list(made.show("rejects")) == before


@pytest.mark.parametrize("sizes", [(60, 10), (10, 60)])
def test_a_corpus_that_grows_or_shrinks_changes_its_form(tmp_path: Path, small: None, sizes: tuple[int, int]) -> None:
    """Nothing of the other form stays behind."""
    for size in sizes:
        made = corpus(tmp_path, str(multistream(tmp_path / "d-multistream.xml.bz2", size)))
        made.clean()
        assert (made.place.folder / "documents").is_dir() == (made.place.folder / "rejects").joinpath("fetch").is_dir() == (size > 15)
        assert (made.place.folder / "documents.jsonl").is_file() == (made.place.folder / "sections.jsonl").is_file() == (size < 15)
        assert sum(1 for _ in made.show("documents")) == size * 9 // 10
        assert sum(1 for one in made.show("rejects") if one.reason == Reason.REDIRECT) == size // 10


def test_shards_open_with_any_tool(tmp_path: Path, small: None) -> None:
    """They are gzip of JSONL, the index names each with its count, and `datasets` reads the folder."""
    made = corpus(tmp_path, str(multistream(tmp_path / "d-multistream.xml.bz2", 60)))
    made.clean()
    for path, record in ((made.place.documents, Document), (made.place.sections, Section)):
        rows = [json.loads(line) for shard in sorted(shards.folder_of(path).glob("*.gz")) for line in gzip.decompress(shard.read_bytes()).splitlines()]
        assert [row["id"] for row in rows] == [one.id for one in read_jsonl(path, record)]
        assert sum(shard.records for shard in shards.shards(path)) == shards.counted(path)[""] == len(rows)
    assert shards.counted(made.place.rejects) == {"redirect": 6, "boilerplate": 54}


# ------------------------------------------------------------------------------------------------------------ damage


def _truncate(shard: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:-20])


def _flip(shard: Path) -> None:
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 0xFF
    shard.write_bytes(data)


def _empty(shard: Path) -> None:
    shard.write_bytes(b"")


HARMS = [("documents", harm) for harm in (Path.unlink, _truncate, _flip, _empty)]


@pytest.mark.parametrize(("kind", "harm"), [*HARMS, ("sections", _empty), ("rejects/fetch", _flip), ("rejects/clean", Path.unlink)])
def test_a_harmed_shard_is_told_and_made_again(tmp_path: Path, small: None, harm: Callable[[Path], None], kind: str) -> None:
    """A reader raises one line that names it; the next build makes the same bytes again."""
    made = corpus(tmp_path, str(multistream(tmp_path / "d-multistream.xml.bz2", 60)))
    made.clean()
    want = tree(made)
    harm(made.place.folder / kind / "00001.jsonl.gz")
    with pytest.raises(CorpusTunerError, match=rf"{kind}/00001\.jsonl\.gz"):
        list(made.show(kind.partition("/")[0]))
    assert made.clean().ran
    assert tree(made) == want


def test_a_file_that_no_index_names_is_no_shard(tmp_path: Path, small: None) -> None:
    """A copy that somebody left in the folder adds no record."""
    made = corpus(tmp_path, str(multistream(tmp_path / "d-multistream.xml.bz2", 60)))
    made.clean()
    before = list(made.show("documents"))
    folder = made.place.folder / "documents"
    (folder / "00000 (copy).jsonl.gz").write_bytes((folder / "00000.jsonl.gz").read_bytes())
    assert list(made.show("documents")) == before
    (folder / "index.json").write_text("{")
    with pytest.raises(CorpusTunerError, match=r"index\.json is damaged"):
        list(made.show("documents"))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_changes_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """One line, exit code 1, the old shards; with room again the blocks that were done are kept."""
    path = multistream(tmp_path / "d-multistream.xml.bz2", 60)
    made = corpus(tmp_path, str(path))
    assert _run(tmp_path).returncode == 0
    before = tree(made)
    multistream(path, 61)
    full = _run(tmp_path, "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400)); ")
    assert full.returncode == 1
    assert "File too large" in full.stderr
    assert {name: data for name, data in tree(made).items() if ".partial" not in name} == before
    assert _run(tmp_path).returncode == 0
    assert not list(made.place.folder.rglob("*.tmp"))  # meanwhile a worker that was ended may have left one among its own
    assert sum(1 for _ in made.show("documents")) == 55


def _run(root: Path, before: str = "") -> subprocess.CompletedProcess:
    """`corpus-tuner clean c` in a process of its own, every block a piece."""
    return subprocess.run(_command(root, before), capture_output=True, text=True)


def _command(root: Path, before: str = "") -> list[str]:
    code = f"{SMALL}{before}import sys; from corpus_tuner.cli import main; sys.argv = ['corpus-tuner', 'clean', 'c', '--root', {str(root)!r}]; main()"
    return [sys.executable, "-c", code]


# ------------------------------------------------------------------------------------------------------------ resume


@pytest.mark.parametrize("stage", ["fetch", "clean"])
def test_after_kill_9_the_blocks_that_were_done_are_not_done_again(tmp_path: Path, small: None, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real kill in the middle, by several processes; then only the rest is worked on, and the end is the same bytes."""
    path = multistream(tmp_path / "d-multistream.xml.bz2", 500)
    whole, killed = (corpus(tmp_path / name, str(path)) for name in ("whole", "killed"))
    whole.clean()
    if stage == "clean":
        killed.fetch()
    process = subprocess.Popen(_command(tmp_path / "killed"), stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and len(_notes(killed, stage)) < 10:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = -1
    while before != len(_notes(killed, stage)):  # its processes end within a second
        before = len(_notes(killed, stage))
        time.sleep(1.3)
    total = len(list(dump_blocks.blocks(path))) if stage == "fetch" else len(shards.shards(whole.place.documents))
    assert 10 <= before < total
    worked: list[object] = []
    module, name = (dump_blocks, "read_block") if stage == "fetch" else (sections, "parse_jsonl")
    function = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: worked.append(given) or function(*given))
    assert getattr(killed, stage)().ran == (stage,)
    assert len(worked) == total - before
    killed.clean()
    assert tree(killed) == tree(whole)


def _notes(made: Corpus, stage: str) -> list[Path]:
    return list(made.place.folder.glob(f".{stage}-*.partial/*.json"))


@pytest.mark.parametrize("sizes", [(30, 20), (30, 10)])
def test_stopped_while_its_shards_take_their_places_a_stage_ends_well(tmp_path: Path, small: None, sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file was the last to be renamed: the stage is stale, and the next run gives the same bytes."""
    path = multistream(tmp_path / "d-multistream.xml.bz2", sizes[1], each=10)
    whole = corpus(tmp_path / "whole", str(path))
    whole.fetch()
    left, renames = 10**9, (Path.rename, Path.replace, os.link)

    def until_now(rename: Callable[..., object]) -> Callable[..., object]:
        def renamed(*given: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise KeyboardInterrupt
            return rename(*given)

        return renamed

    for place, rename in zip((Path, Path, os), renames):
        monkeypatch.setattr(place, rename.__name__, until_now(rename))
    for stop in range(3, 60, 4):
        left = 10**9
        made = corpus(tmp_path / str(stop), str(multistream(path, sizes[0], each=10)))
        made.fetch()
        multistream(path, sizes[1], each=10)
        left = stop
        try:
            made.fetch()
        except KeyboardInterrupt:
            left = 10**9
            assert made.fetch().ran == ("fetch",)
            assert tree(made) == tree(whole)
        else:
            break
    assert 8 < stop < 56


@pytest.mark.parametrize("harm", [_truncate, _flip, Path.unlink])
@pytest.mark.parametrize("suffix", ["jsonl.gz", "rejects.jsonl.gz", "json"])
def test_a_block_that_is_not_as_its_note_says_is_done_again(tmp_path: Path, harm: Callable[[Path], None], suffix: str) -> None:
    """A power cut may leave a file shorter than it was."""
    place = corpus(tmp_path, "x").place
    worked = []

    def outcomes() -> list[Outcome]:
        worked.append(1)
        return [Outcome("", b"a record of some length\n"), Outcome("empty", b"a reject of some length\n")]

    def done() -> Done:
        return next(iter(Run(place, "clean", "inputs").blocks([Block("one", outcomes)], 1)))

    assert done() == done()
    assert len(worked) == 1
    harm(next(place.folder.glob(f".clean-*/one.{suffix}")))
    assert done().counts == {"": 1, "empty": 1}
    assert len(worked) == 2


def test_blocks_of_other_inputs_are_cleared_away(tmp_path: Path) -> None:
    """Settings that changed leave nothing of the cut-off run, and take nothing from it."""
    place = corpus(tmp_path, "x").place
    for inputs in ("old", "new"):
        run = Run(place, "clean", inputs)
        list(run.blocks([Block("one", lambda inputs=inputs: [Outcome("", inputs.encode() + b"\n")])], 1))
    assert len(list(place.folder.glob(".clean-*.partial"))) == 1
    run.finish(place.sections, many=False)
    assert place.sections.read_bytes() == b"new\n"
    assert not list(place.folder.glob(".clean-*"))


def test_a_fresh_run_takes_nothing_from_one_that_was_cut_off(tmp_path: Path, small: None) -> None:
    """Its blocks are done again, and digests read again; where nothing is stale, its blocks are cleared away."""
    made = corpus(tmp_path, str(multistream(tmp_path / "d-multistream.xml.bz2", 60)))
    made.clean()
    left = made.place.folder / ".fetch-12345678.partial"
    left.mkdir()
    made.place.digests.write_text("{}")
    assert made.build("clean", fresh=True).ran == ("fetch", "clean")
    assert not left.exists()
    assert not made.place.digests.exists()
    left.mkdir()
    assert made.clean().ran == ()
    assert not left.exists()


# -------------------------------------------------------------------------------------------- more sources than one


def test_a_page_of_two_dumps_comes_once_whether_or_not_the_first_run_was_cut(tmp_path: Path, small: None) -> None:
    """Blocks with a page that came before are put right; a page that is the same is a counted duplicate."""
    first = multistream(tmp_path / "a-multistream.xml.bz2", 40)
    second = multistream(tmp_path / "b-multistream.xml.bz2", 40, first=20)
    made = corpus(tmp_path, str(first), str(second))
    made.clean()
    assert [document.title for document in made.show("documents")] == [f"Port {number}" for number in range(60) if number % 10 != 9]
    assert sum(1 for reject in made.show("rejects") if reject.reason == Reason.DUPLICATE) == 18
    want = tree(made)
    made.build("clean", fresh=True)
    assert tree(made) == want


# ----------------------------------------------------------------------------------------------------------- engines


def test_ray_gives_what_the_local_engine_gives(tmp_path: Path, small: None) -> None:
    """The same files byte for byte by two workers of each; what a task raises is raised, and leaves what was there."""
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        path = multistream(tmp_path / "d-multistream.xml.bz2", 600, each=100)
        found = []
        for engine in ("local", "ray"):
            corpus(tmp_path / engine, str(path))
            made = Corpus.open("c", tmp_path / engine, engine=engine)
            assert made.clean().ran == ("fetch", "clean")
            found.append(tree(made))
        assert found[0] == found[1]
        path.write_bytes(path.read_bytes()[:-500])
        with pytest.raises(CorpusTunerError, match=r"ends in the middle, in the block of bytes .*download it again"):
            made.clean()
        assert tree(made)["documents/00000.jsonl.gz"] == found[0]["documents/00000.jsonl.gz"]
    finally:
        ray.shutdown()


def test_without_ray_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """And an engine that is none is told, too."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"the engine ray needs Ray Data: pip install 'corpus-tuner\[ray\]'"):
        list(ordered(abs, [1], 1, "ray"))
    with pytest.raises(CorpusTunerError, match="there is no engine 'spark': choose local or ray"):
        list(ordered(abs, [1], 1, "spark"))


# ----------------------------------------------------------------------------------------------- digests remembered


def test_a_large_file_is_read_again_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By size, times or inode; a change of the content that keeps size and modification time is noticed, too."""
    read: list[Path] = []
    monkeypatch.setattr("corpus_tuner.store.digests.file_digest", lambda path: read.append(path) or file_digest(path))
    monkeypatch.setattr("corpus_tuner.store.digests.SETTLED", 0)
    path, note = tmp_path / "large", tmp_path / "note.json"
    path.write_bytes(b"a" * (1 << 20))

    def digest_of() -> str:
        with remembered(note) as found:
            return found(path)

    first = digest_of()
    assert digest_of() == first == file_digest(path)
    assert len(read) == 1
    stat = path.stat()
    time.sleep(0.02)
    path.write_bytes(b"b" * (1 << 20))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digest_of() == file_digest(path) != first
    (tmp_path / "other").write_bytes(b"c" * (1 << 20))
    os.replace(tmp_path / "other", path)
    assert digest_of() == file_digest(path)
    note.write_text("{ damaged")
    assert digest_of() == file_digest(path)
    path.unlink()
    assert digest_of() == ""


def test_a_file_that_changed_just_now_is_not_trusted(tmp_path: Path) -> None:
    """A second change may bear the same time: nothing is noted before it has settled."""
    path = tmp_path / "large"
    path.write_bytes(b"a" * (1 << 20))
    with remembered(tmp_path / "note.json") as digest_of:
        digest_of(path)
    assert not (tmp_path / "note.json").exists()


def test_digests_that_cannot_be_noted_are_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status of a folder that may only be read, or lies on a full disk."""
    monkeypatch.setattr("corpus_tuner.store.digests.SETTLED", 0)
    path = tmp_path / "large"
    path.write_bytes(b"a" * (1 << 20))
    with remembered(path / "below a file" / "note.json") as digest_of:
        assert digest_of(path) == file_digest(path)
