"""From a wiki's page with templates of its own to what `status` tells of them, and to their words by the user's table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from pages import DATA

from corpus_tuner import Corpus
from corpus_tuner.cli import app
from corpus_tuner.errors import CorpusTunerError

PAGE = "maurische-netzwuehle.de.wiki"
OWN = '["words of this page"]\n"Lebensraum: {{{Verbreitung|}}} Art: {{{Taxon_WissName|}}}" = ["Taxobox"]\n"" = ["iucn"]\n'


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The page, and a table of the user's own."""
    (tmp_path / "own.toml").write_text(OWN, encoding="utf-8")
    file = tmp_path / PAGE
    file.write_bytes((DATA / PAGE).read_bytes())
    return file


def told(name: str, root: Path) -> dict[str, int]:
    """Characters by unknown template, as `status --json` has it."""
    found = CliRunner().invoke(app, ["status", name, "--root", str(root), "--json"])
    assert found.exit_code == 0, found.output
    return {one["name"]: one["characters"] for one in json.loads(found.stdout)["unknown_templates"]}


def test_status_names_the_template_that_cost_the_most_and_a_table_gives_it_words(page: Path, tmp_path: Path) -> None:
    """The infobox leads the list; with the user's table its words are in the text, and it is in the list no more."""
    corpus = Corpus.open(str(page), tmp_path, name="netzwuehle")
    corpus.clean()
    before = told("netzwuehle", tmp_path)
    assert next(iter(before)) == "taxobox"
    lines = CliRunner().invoke(app, ["status", "netzwuehle", "--root", str(tmp_path)]).stdout.splitlines()
    assert [line.split() for line in lines if "{{taxobox}}" in line] == [["unknown", "1", "{{taxobox}}:", f"{before['taxobox']:,}", "characters", "dropped"]]

    flags = {"source.templates": str(tmp_path / "own.toml")}
    built = Corpus.open("netzwuehle", tmp_path, flags=flags, save=True).clean()
    assert built.ran == ("clean",)
    assert "taxobox" not in told("netzwuehle", tmp_path)
    assert "Art: Blanus cinereus" in next(corpus.show("sections")).text

    (tmp_path / "own.toml").write_text(OWN.replace("Art:", "Name:"), encoding="utf-8")
    assert Corpus.open("netzwuehle", tmp_path).clean().ran == ("clean",)
    assert "Name: Blanus cinereus" in next(corpus.show("sections")).text


def test_the_flag_of_a_first_build_is_written_down(page: Path, tmp_path: Path) -> None:
    """`--templates` names the table from here, and the new TOML keeps it."""
    arguments = ["clean", str(page), "--name", "n", "--templates", str(tmp_path / "own.toml"), "--root", str(tmp_path)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert Corpus.open("n", tmp_path).place.settings.source[0].templates == str(tmp_path / "own.toml")


def test_a_table_that_is_not_there_is_told_in_a_line(page: Path, tmp_path: Path) -> None:
    """The line names the key and the file."""
    with pytest.raises(CorpusTunerError, match=r"source\.templates = 'none\.toml' cannot be read"):
        Corpus.open(str(page), tmp_path, flags={"source.templates": "none.toml"}).clean()
