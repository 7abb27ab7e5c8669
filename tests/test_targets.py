"""What a user may name, and how flags reach the TOML."""

from pathlib import Path

import pytest

from corpus_tuner import settings as toml
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.targets import name_of, resolve

URL = "https://en.wikipedia.org/wiki/Apollo_8"


def test_a_url_writes_its_small_toml_first(tmp_path) -> None:
    """One line of intent goes in; flags of the first build are kept."""
    target = resolve(URL, tmp_path, flags={"generate.writer": "llm", "per_section": 5, "source.sections": ["Mission/*"]})
    assert target.path == tmp_path / "sources" / "apollo-8.toml"
    assert toml.read(target.path) == target.settings
    assert target.settings.source[0].locator == URL
    assert target.settings.source[0].sections == ("Mission/*",)
    assert target.settings.generate.writer == "llm"
    assert target.settings.generate.kinds == {"basic": 5, "detailed": 5}


def test_the_same_url_again_finds_its_toml(tmp_path) -> None:
    """Building twice is building once."""
    first = resolve(URL, tmp_path)
    before = first.path.read_bytes()
    assert resolve(URL, tmp_path).settings == first.settings
    assert resolve("apollo-8", tmp_path).settings == first.settings
    assert resolve(str(first.path), tmp_path).settings == first.settings
    assert first.path.read_bytes() == before


def test_another_url_of_the_same_name_is_told_apart(tmp_path) -> None:
    """Two corpora never share a folder by accident."""
    resolve(URL, tmp_path)
    with pytest.raises(CorpusTunerError, match="--name"):
        resolve("https://de.wikipedia.org/wiki/Apollo_8", tmp_path)
    assert resolve("https://de.wikipedia.org/wiki/Apollo_8", tmp_path, name="apollo-8-de").settings.corpus.name == "apollo-8-de"


def test_a_flag_that_differs_is_refused_unless_saved(tmp_path) -> None:
    """The TOML stays the one truth; a comment in it survives --save."""
    path = resolve(URL, tmp_path).path
    path.write_text("# mine\n" + path.read_text())
    with pytest.raises(CorpusTunerError, match=r"generate\.writer.*--save"):
        resolve("apollo-8", tmp_path, flags={"generate.writer": "llm"})
    assert toml.read(path).generate.writer == "rules"
    assert resolve("apollo-8", tmp_path, flags={"generate.writer": "llm"}, save=True).settings.generate.writer == "llm"
    assert path.read_text().startswith("# mine")
    assert resolve("apollo-8", tmp_path, flags={"generate.writer": "llm"}).settings.generate.writer == "llm"


@pytest.mark.parametrize(("flags", "keys"), [
    ({"train.trainer": "remote", "base_url": "http://x/v1"}, {"train"}),
    ({"generate.writer": "llm", "base_url": "http://x/v1"}, {"generate"}),
    ({"generate.writer": "llm", "train.trainer": "remote", "base_url": "http://x/v1"}, {"train", "generate"}),
])
def test_base_url_goes_to_the_part_that_is_remote(tmp_path, flags, keys) -> None:
    """One flag serves the writer, the trainer, or both."""
    settings = resolve(URL, tmp_path, flags=flags).settings
    assert {name for name in ("train", "generate") if getattr(settings, name).base_url == "http://x/v1"} == keys


def test_base_url_beside_a_trainer_leaves_the_writers_endpoint_alone(tmp_path) -> None:
    """A corpus may be written by one host and tuned at another."""
    resolve(URL, tmp_path, flags={"generate.writer": "llm", "base_url": "http://writer/v1"})
    settings = resolve(URL, tmp_path, flags={"train.trainer": "remote", "base_url": "http://host/v1"}, save=True).settings
    assert (settings.generate.base_url, settings.train.base_url) == ("http://writer/v1", "http://host/v1")


def test_a_local_folder_is_named_relative_to_its_toml(tmp_path) -> None:
    """The checkout can move to another machine."""
    (tmp_path / "notes").mkdir()
    target = resolve(str(tmp_path / "notes"), tmp_path)
    assert target.settings.source[0].locator == "../notes"
    assert target.settings.corpus.name == "notes"


def test_an_unknown_target_names_the_nearest(tmp_path) -> None:
    """One line that says what there is."""
    resolve(URL, tmp_path)
    with pytest.raises(CorpusTunerError, match="did you mean 'apollo-8'"):
        resolve("apolo-8", tmp_path)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 65, "a\n", "nul..l"])
def test_a_name_is_never_a_path(tmp_path, name) -> None:
    """A name with a path in it writes nothing."""
    if name:
        with pytest.raises(CorpusTunerError, match="cannot be a corpus name"):
            resolve(URL, tmp_path, name=name)
    (tmp_path / "bad.toml").write_text(f"[corpus]\nname = {name!r}\n[[source]]\nlocator = 'x'\n".replace("\\n", ""))
    if name not in ("a\n",):
        with pytest.raises(CorpusTunerError, match="cannot be a corpus name"):
            resolve(str(tmp_path / "bad.toml"), tmp_path)
    assert not (tmp_path / "sources").exists()


@pytest.mark.parametrize("url", [
    "https://de.wikipedia.org/wiki/%F0%9F%9A%80/../../etc", "https://zh.wikipedia.org/wiki/柏林", "https://x.org/", "https://x.org/w/index.php?title=../..",
])
def test_the_name_of_any_url_is_safe(url) -> None:
    """Slashes, dots, emoji and other scripts give a name that is a plain folder name."""
    toml.check_name(name_of(url), url)


@pytest.mark.parametrize("target", ["", " "])
def test_an_empty_target_is_not_the_current_folder(tmp_path, target) -> None:
    """A variable of a script that is empty makes no corpus of where the script stands."""
    with pytest.raises(CorpusTunerError, match="the TARGET is empty"):
        resolve(target, tmp_path)
    assert not (tmp_path / "sources").exists()


def test_reading_makes_no_corpus(tmp_path: Path) -> None:
    """What only looks at a corpus leaves no TOML for a path that is none yet, and says what to do."""
    (tmp_path / "notes.md").write_text("# Notes\n\nApollo 8 flew in 1968.\n")
    with pytest.raises(CorpusTunerError, match="is no corpus yet: corpus-tuner build"):
        resolve(str(tmp_path / "notes.md"), tmp_path, mode="read")
    assert not (tmp_path / "sources").exists()


def test_a_toml_in_sources_has_its_files_name(tmp_path: Path) -> None:
    """One copied from another would build over the other's folder."""
    path = resolve(URL, tmp_path).path
    copy = path.with_name("mine.toml")
    copy.write_text(path.read_text())
    with pytest.raises(CorpusTunerError, match='write "mine"'):
        resolve("mine", tmp_path)
    elsewhere = tmp_path / "any.toml"
    elsewhere.write_text(path.read_text())
    assert resolve(str(elsewhere), tmp_path).settings.corpus.name == "apollo-8"


def test_flags_are_written_beside_a_byte_order_mark(tmp_path: Path) -> None:
    """Some editors open a file with one; it goes, and all else stays."""
    path = resolve(URL, tmp_path).path
    path.write_text("\ufeff" + path.read_text(), encoding="utf-8")
    assert resolve("apollo-8", tmp_path, flags={"generate.limit": 3}, save=True).settings.generate.limit == 3


@pytest.mark.parametrize("flags", [{"generate.model": "m"}, {"base_url": "http://x/v1"}])
def test_a_model_or_a_server_that_nobody_would_ask_is_refused(tmp_path: Path, flags) -> None:
    """Whoever forgets --writer llm would get the pairs of the rules, and take them for the model's."""
    with pytest.raises(CorpusTunerError, match="add --writer llm"):
        resolve(URL, tmp_path, flags=flags)
    assert not (tmp_path / "sources").exists()
    resolve(URL, tmp_path, flags={"generate.writer": "llm", **flags})
    assert resolve("apollo-8", tmp_path, flags=flags).settings.generate.writer == "llm"


def test_a_plug_in_that_there_is_not_never_reaches_a_toml(tmp_path: Path) -> None:
    """The next command would stumble over the slip of this one."""
    for flags in ({"generate.writer": "poet"}, {"train.trainer": "hamster"}):
        with pytest.raises(CorpusTunerError, match="choose from"):
            resolve(URL, tmp_path, flags=flags, save=True)
    assert not (tmp_path / "sources").exists()


def test_an_estimate_tries_flags_of_the_writer_without_keeping_them(tmp_path: Path) -> None:
    """Those of other stages must still be the TOML's, for what they change is done, not tried."""
    resolve("https://x.org/a", tmp_path)
    path = tmp_path / "sources" / "a.toml"
    before = path.read_text()
    tried = resolve("a", tmp_path, flags={"generate.writer": "llm", "generate.model": "m"}, mode="try")
    assert (tried.settings.generate.writer, tried.settings.generate.model) == ("llm", "m")
    assert path.read_text() == before
    with pytest.raises(CorpusTunerError, match=r"train\.trainer: add --save"):
        resolve("a", tmp_path, flags={"train.trainer": "remote"}, mode="try")
