"""The page about adapters, taken at its word: its plug-in is installed in a new environment and builds a corpus."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import parse

DOCS = Path(__file__).parents[2] / "docs" / "adapters.md"
MAIL = """From ann@example.org Thu Jan  1 00:00:00 2026
Message-ID: <1@example.org>
Subject: The harbour

The harbour of Kiel was opened by Ada Keller in 1852.

From bob@example.org Thu Jan  1 00:00:00 2026
Message-ID: <2@example.org>
Subject: A picture
Content-Type: image/png

AAAA

"""


def blocks(language: str) -> list[str]:
    """The fenced blocks of the page in a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def environment(folder: Path) -> str:
    """A new environment that sees the packages of this one; its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = str(folder / "bin" / "python")
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    ).stdout.strip()
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(packages, "running.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in sorted(paths)))
    return python


@pytest.mark.skipif(sys.platform == "win32" or not (find_spec("setuptools") and find_spec("pip")), reason="needs pip and setuptools")
def test_the_plug_in_of_the_page_builds_a_corpus(tmp_path: Path) -> None:
    """Class and line as they stand on the page: installed, its documents become sections, and what it refuses is counted."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "corpus_tuner_mbox.py").write_text(blocks("python")[0])
    (package / "pyproject.toml").write_text(blocks("toml")[0])
    (tmp_path / "list.mbox").write_text(MAIL)
    python = environment(tmp_path / "venv")
    install = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", str(package)]
    subprocess.run(install, check=True, capture_output=True, text=True)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [python, "-m", "corpus_tuner.cli", *words, "--root", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    built = run("clean", str(tmp_path / "list.mbox"), "--json")
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["counts"] == {"fetch": {"documents": 1, "rejects": 1}, "clean": {"sections": 1, "rejects": 0}}
    (section,) = map(json.loads, run("show", "list", "sections", "--json").stdout.splitlines())
    assert (section["title"], section["text"]) == ("The harbour", "The harbour of Kiel was opened by Ada Keller in 1852.")
    assert "image/png" in run("show", "list", "rejects").stdout
    assert "is up to date" in run("clean", "list").stdout


def test_without_the_plug_in_nobody_reads_a_mailbox(tmp_path: Path) -> None:
    """The same target is a clear line: it was the plug-in that read it."""
    from corpus_tuner.corpus import Corpus

    (tmp_path / "list.mbox").write_text(MAIL)
    with pytest.raises(CorpusTunerError, match=r"list\.mbox"):
        Corpus.open(str(tmp_path / "list.mbox"), tmp_path).fetch()


def test_every_key_of_the_page_exists() -> None:
    """The TOML of the page is valid, and registers under the name of the sources."""
    tables = [parse({"corpus": {"name": "x"}, **tomllib.loads(one)}, "docs").source for one in blocks("toml") if "[[source]]" in one]
    sources = tables[-1]
    assert sources[0].titles == ("Apollo 8", "Apollo 11", "Lunar orbit")
    assert "corpus_tuner.sources" in tomllib.loads(blocks("toml")[0])["project"]["entry-points"]
