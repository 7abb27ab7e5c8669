"""Fetch and clean as streams: a dump end to end, the same bytes by one process or many, in little memory."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import mediawiki as real_mediawiki
import pytest

from corpus_tuner import sections, workers
from corpus_tuner.corpus import Corpus
from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.fetch import mediawiki_pages
from corpus_tuner.fetch.mediawiki_pages import Reader
from corpus_tuner.records import Reason, silent

EXCERPT = Path(__file__).parent / "data" / "fetch" / "enwiki-excerpt-pages-articles-multistream.xml.bz2"


def corpus(root: Path, *locators: str, more: str = "") -> Corpus:
    """A corpus of these sources."""
    (root / "sources").mkdir(parents=True, exist_ok=True)
    tables = "".join(f"[[source]]\nlocator = '{locator}'\n{more}" for locator in locators)
    (root / "sources" / "c.toml").write_text(f'[corpus]\nname = "c"\n{tables}')
    return Corpus.open("c", root)


def dump(path: Path, pages: int, comment: int = 0) -> Path:
    """A dump of articles, each with two sections and an empty one, and a comment of so many characters."""
    with path.open("w") as file:
        file.write('<mediawiki xml:lang="en"><siteinfo><base>https://en.wikipedia.org/wiki/Main_Page</base></siteinfo>\n')
        for number in range(pages):
            text = f"'''Port {number}''' was opened in {1800 + number}. It has ships. &lt;!--{'x' * comment}--&gt;\n== Ships ==\nIt holds [[ship|{number} ships]].\n== Notes ==\n"
            file.write(f"<page><title>Port {number}</title><ns>0</ns><id>{number}</id><revision><id>1</id><text>{text}</text></revision></page>\n")
        file.write("</mediawiki>\n")
    return path


def files(made: Corpus) -> list[bytes]:
    return [path.read_bytes() for path in (made.place.documents, made.place.sections, made.place.rejects)]


def test_a_dump_is_built_end_to_end(tmp_path: Path) -> None:
    """Documents with their licence, sections of all of them, rejects counted by reason; again, nothing is done."""
    made = corpus(tmp_path, str(EXCERPT))
    built = made.clean()
    assert built.counts["fetch"] == {"documents": 5, "rejects": 4}
    assert {document.licence for document in made.show("documents")} == {"CC BY-SA 4.0"}
    assert {section.title for section in made.show("sections")} == {document.title for document in made.show("documents")}
    assert made.clean().ran == ()


def test_many_processes_write_the_same_bytes(tmp_path: Path) -> None:
    """Cleaned by one process and by a pool in small batches, the files are identical."""
    made = corpus(tmp_path, str(dump(tmp_path / "d.xml", 300)))
    made.fetch()
    results = []
    for many in (10**9, 1):
        counts = sections.clean(made.place, silent, many)
        results.append((counts, files(made)))
    assert results[0] == results[1]
    assert results[0][0] == {"sections": 600, "rejects": 300}


def test_a_named_page_of_a_dump_is_stale_when_the_dump_changes(tmp_path: Path) -> None:
    """`dump.xml#Title` depends on the dump's bytes."""
    path = dump(tmp_path / "sources.xml", 3)
    made = corpus(tmp_path, "../sources.xml#Port 2")
    assert made.clean().ran == ("fetch", "clean")
    assert [document.title for document in made.show("documents")] == ["Port 2"]
    assert made.clean().ran == ()
    dump(path, 4)
    assert made.clean().ran[0] == "fetch"


def test_a_page_of_a_dump_can_be_named_on_the_command_line(tmp_path: Path) -> None:
    """It is named after its title, lies in the TOML relative to it, and two commands are one corpus."""
    path = dump(tmp_path / "d.xml", 3)
    made = Corpus.open(f"{path}#Port 2", tmp_path)
    assert made.name == "port-2"
    assert made.place.settings.source[0].locator == "../d.xml#Port 2"
    assert made.fetch().counts["fetch"] == {"documents": 1, "rejects": 0}
    assert Corpus.open(f"{path}#Port 2", tmp_path).fetch().ran == ()


@pytest.mark.parametrize(("flag", "value"), [("linked", 5), ("depth", 2), ("max_documents", 7)])
def test_the_bounds_of_a_source_are_flags_too(tmp_path: Path, flag: str, value: int) -> None:
    """The first command writes them into the TOML."""
    made = Corpus.open("https://en.wikipedia.org/wiki/Apollo_8", tmp_path, flags={f"source.{flag}": value})
    assert getattr(made.place.settings.source[0], flag) == value
    command = [sys.executable, "-m", "corpus_tuner.cli", "build", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"--{flag.replace('_', '-')} N" in shown


def test_the_same_page_of_two_sources_comes_once(tmp_path: Path) -> None:
    """It is a counted reject the second time; another text of the same name stays a document of its own."""
    for folder, text in (("a", "One text."), ("b", "Another text."), ("c", "One text.")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.md").write_text(f"# Title\n\n{text}\n")
    made = corpus(tmp_path, *(str(tmp_path / folder) for folder in "abc"))
    made.clean()
    assert [document.text.split("\n")[2] for document in made.show("documents")] == ["One text.", "Another text."]
    assert [reject.reason for reject in made.show("rejects")].count(Reason.DUPLICATE) == 1
    assert len({section.id for section in made.show("sections")}) == 2


def test_a_damaged_dump_changes_nothing(tmp_path: Path) -> None:
    """The files of the last good build stay as they were, and no temporary file is left."""
    path = dump(tmp_path / "d.xml", 20)
    made = corpus(tmp_path, str(path))
    made.clean()
    before = files(made)
    path.write_text(path.read_text()[:-2000])
    with pytest.raises(CorpusTunerError, match=r"ends in the middle, after 1?[0-9] pages"):
        made.clean()
    assert files(made) == before
    assert not list(tmp_path.rglob("*.tmp"))


def _grow(path: str) -> None:
    corpus(Path(path).parent, path).clean()
    own = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())  # ru_maxrss is at least that of who started us
    print(int(own[1]) // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)  # noqa: T201


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_the_same_however_many_pages(tmp_path: Path) -> None:
    """Fetch and clean of 60 MB of XML need no more than those of 6 MB, in the parent and in its processes."""
    peaks = []
    for pages in (300, 3000):
        (tmp_path / str(pages)).mkdir()
        path = dump(tmp_path / str(pages) / "d.xml", pages, comment=20_000)
        code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_documents; test_documents._grow({str(path)!r})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        peaks.append([int(megabytes) for megabytes in done.stdout.split()])
    assert all(large < small + 40 for small, large in zip(*peaks)), peaks
    assert max(peaks[1]) < 250


# --------------------------------------------------------------------------------------------------------- workers


def _late(number: int) -> int:
    time.sleep(0.05 if number % 5 == 0 else 0)
    return number * number


def _die(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _refuse(number: int) -> int:
    raise CorpusTunerError(f"no {number}")


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes: int) -> None:
    """Whichever is ready first; and few items are taken ahead of them."""
    taken = []
    items = (taken.append(number) or number for number in range(60))
    for place, result in enumerate(workers.ordered(_late, items, processes)):
        assert result == place * place
        assert len(taken) <= place + 2 + workers.AHEAD * processes


def test_a_killed_process_is_the_worlds_failure() -> None:
    """One line, exit code 1, and no waiting for ever."""
    with pytest.raises(Unavailable, match="a worker process was ended"):
        list(workers.ordered(_die, range(20), 2))


def test_what_the_function_raises_is_raised() -> None:
    """The error of a process is the error here."""
    with pytest.raises(CorpusTunerError, match="no 0"):
        list(workers.ordered(_refuse, range(5), 2))


def _pid(_: int) -> int:
    time.sleep(0.1)
    return os.getpid()


def _pool() -> None:
    for number in workers.ordered(_pid, range(10_000), 2):
        print(number, flush=True)  # noqa: T201 - read by the test


def test_the_processes_of_a_killed_parent_end() -> None:
    """After kill -9 of a build nothing of it goes on."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_documents; test_documents._pool()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        pids = {int(parent.stdout.readline()) for _ in range(8)}
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if _runs(pid)]


def _runs(pid: int) -> bool:
    """Whether a process is there, and no zombie that nobody waited for."""
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


# --------------------------------------------------------------------------------------- a fetch that was cut off


def test_a_list_that_was_cut_off_goes_on(tmp_path: Path, mediawiki: real_mediawiki.MediaWiki, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came before the wiki went away is not asked for again, a torn line is passed over, and the end is the same."""
    made = Corpus.open(f"{mediawiki.url}/wiki/Category:Craters", tmp_path, flags={"source.max_documents": 60})
    monkeypatch.setattr(mediawiki_pages, "BATCH", 20)
    texts: list[int] = []
    contents = Reader._contents

    def away(reader: Reader, revisions: list[str]) -> dict[str, object]:
        texts.append(len(revisions))
        if len(texts) == 2:
            raise Unavailable("the wiki went away")
        return contents(reader, revisions)

    monkeypatch.setattr(Reader, "_contents", away)
    for _ in range(2):  # twenty pages more each time
        with pytest.raises(Unavailable):
            made.fetch()
        assert texts == [20, 20]
        texts.clear()
        with made.place.partial.open("ab") as file:
            file.write(b'{"id": "torn", "text": "{{a}}')
    assert made.fetch().counts["fetch"] == {"documents": 60, "rejects": 0}
    assert texts == [20]
    assert not made.place.partial.exists()
    assert [document.title for document in made.show("documents")] == [f"Crater {number:02}" for number in range(60)]


def test_what_the_source_passes_over_in_a_folder_makes_nothing_stale(tmp_path: Path, monkeypatch) -> None:
    """An editor's hidden file is none of the corpus, and one file that may not be read is a reject, not the end of all."""
    notes = tmp_path / "sources" / "notes"
    (notes / ".git").mkdir(parents=True)
    for name in ("open.md", "secret.md"):
        (notes / name).write_text("The tower was built in 1901.\n")
    really = Path.open

    def kept_out(path: Path, *how, **more):
        """As for anybody but root, whom no mode keeps out."""
        if path.name == "secret.md":
            raise PermissionError(13, "Permission denied")
        return really(path, *how, **more)

    monkeypatch.setattr(Path, "open", kept_out)
    made = corpus(tmp_path, "notes")
    assert made.clean().counts["fetch"] == {"documents": 1, "rejects": 1}
    (notes / ".git" / "index").write_text("x")
    (notes / ".open.md.swp").write_text("x")
    assert made.clean().ran == ()
    (notes / "open.md").write_text("The tower was built in 1902.\n")
    assert made.clean().ran == ("fetch", "clean")
