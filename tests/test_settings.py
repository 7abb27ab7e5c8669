"""The TOML of a corpus: what fits is read, what does not is one line that names file, key and way out."""

import dataclasses
from pathlib import Path

import pytest

from corpus_tuner import settings as toml
from corpus_tuner.errors import CorpusTunerError

GOOD = """
[corpus]
name = "apollo-8"
title = "Apollo 8"

[[source]]
locator = "https://en.wikipedia.org/wiki/Apollo_8"
sections = ["Mission/*"]

[[source]]
locator = "notes.md"

[generate]
writer = "llm"
kinds = { basic = 3, cross = 1 }

[dataset]
paraphrase = 0

[train]
trainer = "remote"
learning_rate = 2

[evaluate]
arms = ["base"]
"""


def write(tmp_path: Path, text: str) -> Path:
    """A TOML file of this text."""
    path = tmp_path / "apollo-8.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    """The line with which a file of this text is refused."""
    path = write(tmp_path, text)
    with pytest.raises(CorpusTunerError) as caught:
        toml.read(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    assert caught.value.exit_code == 2
    return line


def changed(table: str, line: str) -> str:
    """The good file with one more line in a table."""
    return GOOD.replace(f"[{table}]\n", f"[{table}]\n{line}\n", 1)


def test_a_file_becomes_frozen_settings_with_defaults_for_the_rest(tmp_path) -> None:
    """Lists become tuples, whole numbers become shares where a share is meant, and nothing can be changed."""
    settings = toml.read(write(tmp_path, GOOD))
    assert [source.locator for source in settings.source] == ["https://en.wikipedia.org/wiki/Apollo_8", "notes.md"]
    assert settings.source[0].sections == ("Mission/*",)
    assert settings.generate.kinds == {"basic": 3, "cross": 1}
    assert (settings.dataset.paraphrase, settings.train.learning_rate) == (0.0, 2.0)
    assert isinstance(settings.dataset.paraphrase, float)
    assert settings.train.epochs == toml.TrainSettings().epochs == "auto"
    assert settings.evaluate.arms == ("base",)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.train.base = "other"


def test_the_smallest_file_is_a_name_and_a_locator(tmp_path) -> None:
    """Everything else has a default."""
    settings = toml.read(write(tmp_path, '[corpus]\nname = "a"\n[[source]]\nlocator = "b.md"\n'))
    assert settings.generate == toml.GenerateSettings()
    assert settings.train == toml.TrainSettings()


@pytest.mark.parametrize(
    ("table", "line", "near"),
    [
        ("generate", "writter = 'rules'", "writer"),
        ("generate", "concurency = 3", "concurrency"),
        ("train", "epoch = 3", "epochs"),
        ("corpus", "langauge = 'en'", "language"),
        ("dataset", "paraphrases = 0.1", "paraphrase"),
        ("[source]", "locater = 'x'", "locator"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest_known_one(tmp_path, table, line, near) -> None:
    """The line names the wrong key and the one that was probably meant."""
    told = refusal(tmp_path, changed(table, line))
    assert repr(line.split(" ")[0]) in told
    assert f"did you mean {near!r}?" in told


def test_a_misspelt_table_is_refused_with_the_nearest_known_one(tmp_path) -> None:
    """`[trian]` is a key, too."""
    assert "did you mean 'train'?" in refusal(tmp_path, GOOD.replace("[train]", "[trian]"))


def test_a_key_like_no_other_is_refused_with_all_known_ones(tmp_path) -> None:
    """Where nothing is near, the list helps."""
    assert "known keys: writer, " in refusal(tmp_path, changed("generate", "zzz = 1"))


@pytest.mark.parametrize(
    ("table", "line", "told"),
    [
        ("generate", "concurrency = '64'", "concurrency = '64' must be a whole number"),
        ("generate", "concurrency = 6.5", "must be a whole number"),
        ("generate", "concurrency = true", "must be a whole number"),
        ("generate", "model = 5", "must be a string"),
        ("generate", "model = ['a']", "must be a string"),
        ("generate", "base_url = ['http://a/v1', 5]", "must be a string"),
        ("generate", "base_url = 5", "must be a string"),
        ("dataset", "unseen = 'a tenth'", "must be a number"),
        ("dataset", "unseen = false", "must be a number"),
        ("dataset", "formats = 'csv'", "must be a list"),
        ("dataset", "formats = [1]", "must be a string"),
        ("train", "epochs = 2.5", "must be a string or a whole number"),
        ("train", "seed = 1979-05-27", "must be a whole number"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_its_key(tmp_path, table, line, told) -> None:
    """The line says which key, what it was and what it must be."""
    line_told = refusal(tmp_path, changed(table, line))
    assert told in line_told
    assert line.split(" ")[0] in line_told


@pytest.mark.parametrize(("old", "new"), [("[generate]", "[[generate]]"), ("[[source]]", "[source]")])
def test_a_table_where_a_list_is_meant_is_refused_and_the_other_way_round(tmp_path, old, new) -> None:
    """Brackets matter."""
    one_source = GOOD.replace('[[source]]\nlocator = "notes.md"\n', "")
    assert "must be a" in refusal(tmp_path, one_source.replace(old, new, 1))


def test_held_out_shares_must_leave_something_to_train_on(tmp_path) -> None:
    """Each in its range, and together still no more than everything."""
    told = refusal(tmp_path, GOOD.replace("paraphrase = 0\n", "paraphrase = 0.6\nvalidation = 0.5\n"))
    assert "add up to more than 1" in told


def test_arms_are_some_and_each_one_of_them(tmp_path) -> None:
    """Nobody to ask is a slip, and one asked twice stands twice in every table."""
    for arms in ("[]", '["base", "expert", "base"]'):
        assert "evaluate.arms" in refusal(tmp_path, GOOD.replace('["base"]', arms))


def test_kinds_must_be_a_table_of_whole_numbers(tmp_path) -> None:
    """No list, no share, no true, no empty table, nothing out of range."""
    for kinds in ("['basic']", "{}", "{ basic = 0 }", "{ basic = 1.5 }", "{ basic = true }", "{ basic = 1001 }"):
        assert "kinds" in refusal(tmp_path, GOOD.replace("{ basic = 3, cross = 1 }", kinds))


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("dataset", "unseen = 1.5"),
        ("dataset", "unseen = -0.1"),
        ("dataset", "unseen = nan"),
        ("generate", "max_rejected = inf"),
        ("generate", "concurrency = 0"),
        ("generate", "max_tokens = 0"),
        ("generate", "max_section_words = -5"),
        ("generate", "limit = -1"),
        ("train", "epochs = 'some'"),
        ("train", "epochs = 0"),
        ("train", "batch_size = -8"),
        ("train", "seed = -1"),
        ("train", "seed = 99999999999999999999"),
        ("train", "base_url = 'localhost:8000/v1'"),
        ("generate", "base_url = []"),
        ("generate", "base_url = ['']"),
        ("evaluate", "judge_base_url = 'ftp://x/v1'"),
        ("train", "rank = 0"),
        ("train", "max_length = 0"),
        ("evaluate", "sample = -3"),
        ("dataset", "formats = ['xlsx']"),
        ("dataset", "validation = 1.01"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_key(tmp_path, table, line) -> None:
    """The right type is not enough."""
    assert f"{table}.{line.split(' ')[0]}" in refusal(tmp_path, changed(table, line))


LINES = [
    "processes = 0", "early_stopping = -1", "tokens_at_once = 0", "replay_share = 0.0", "replay_share = 1.0", "full = true\nfour_bit = true",
]  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_key_of_the_lora_trainer_out_of_range_is_refused(tmp_path, line) -> None:
    """Each by its name."""
    said = refusal(tmp_path, changed("train", line).replace('trainer = "remote"', 'trainer = "lora"'))
    assert f"train.{line.splitlines()[-1].split(' ')[0]}" in said


@pytest.mark.parametrize("trainer", ["scratch", "remote"])
@pytest.mark.parametrize("line", ["full = true", "replay = 'general.jsonl'", "early_stopping = 2", "processes = 2", "packing = true"])
def test_a_key_of_the_lora_trainer_is_refused_beside_another(tmp_path, trainer, line) -> None:
    """It would be passed over in silence."""
    said = refusal(tmp_path, changed("train", line).replace('trainer = "remote"', f'trainer = "{trainer}"'))
    assert f"train.{line.split(' ')[0]}" in said
    assert trainer in said


@pytest.mark.parametrize(
    ("train", "way"),
    [("base = 'Qwen/Qwen3-0.6B'", 'trainer = "lora"'), ("trainer = 'scratch'\nbase = 'x'", 'trainer = "lora"'), ("trainer = 'lora'", "train.base")],
)
def test_a_base_that_its_trainer_would_not_tune_is_refused(tmp_path, train, way) -> None:
    """A student from nothing has no base, and an adapter has nothing to adapt without one: the wrong model is never trained in silence."""
    assert way in refusal(tmp_path, GOOD.replace('trainer = "remote"', train))


@pytest.mark.parametrize("rate", ["nan", "inf", "0", "-0.1", "'fast'"])
def test_a_learning_rate_is_a_finite_number_above_nothing(tmp_path, rate) -> None:
    """Or "auto"."""
    assert "train.learning_rate" in refusal(tmp_path, GOOD.replace("learning_rate = 2", f"learning_rate = {rate}"))


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/../b", "a..b", "/etc", "a/b", "a\\\\b", ".hidden", "-flag", "_x", "a b", "a:b", "naïve", "月", "ſ", "a\\n", "x" * 65],
)  # fmt: skip
def test_a_name_is_never_a_path(tmp_path, name) -> None:
    """Only what can be a folder's name anywhere is a corpus name."""
    assert "cannot be a corpus name" in refusal(tmp_path, GOOD.replace('name = "apollo-8"', f'name = "{name}"'))


@pytest.mark.parametrize("name", ["a", "apollo-8", "Apollo_8.v2", "8", "x" * 64])
def test_a_plain_name_is_taken_as_it_is(tmp_path, name) -> None:
    """Letters, digits, dots, hyphens and underscores."""
    assert toml.read(write(tmp_path, GOOD.replace("apollo-8", name))).corpus.name == name


@pytest.mark.parametrize("table", ["generate", "train"])
def test_a_key_in_place_of_its_variables_name_is_refused_and_not_repeated(tmp_path, table) -> None:
    """Whoever writes the key itself into the TOML is told so, and the line does not spread it."""
    told = refusal(tmp_path, changed(table, "api_key_env = 'sk-proj-4f9a7c2e1b'"))
    assert f"{table}.api_key_env" in told
    assert "4f9a7c2e1b" not in told


def test_without_a_source_or_with_one_that_has_no_locator_there_is_nothing_to_build(tmp_path) -> None:
    """Both are refused by name."""
    assert "no [[source]]" in refusal(tmp_path, '[corpus]\nname = "a"\n')
    assert "no locator" in refusal(tmp_path, '[corpus]\nname = "a"\n[[source]]\nlicence = "x"\n')
    assert "no locator" in refusal(tmp_path, '[corpus]\nname = "a"\n[[source]]\nlocator = " "\n')


@pytest.mark.parametrize("text", ["[corpus\n", "name = ", "a = 1\na = 2\n", "\x00", "x = 1" + "0" * 5000])
def test_what_is_no_toml_is_refused_by_its_file(tmp_path, text) -> None:
    """With the parser's own words."""
    assert "not valid TOML" in refusal(tmp_path, text)


def test_values_that_no_reader_takes_are_refused_and_cut_short(tmp_path) -> None:
    """A NUL would be an error of the system's later on, nesting one of Python's, and a megabyte no line."""
    assert "holds a NUL" in refusal(tmp_path, GOOD.replace("notes.md", "notes\\u0000.md"))
    assert "nested too deeply" in refusal(tmp_path, GOOD + "[x]\ny = " + 5000 * "[" + 5000 * "]")
    assert len(refusal(tmp_path, GOOD.replace("learning_rate = 2", f"rank = '{'x' * 1_000_000}'"))) < 500


def test_bytes_that_are_no_text_a_folder_and_nothing_are_refused_by_name(tmp_path) -> None:
    """No traceback for a wrong path."""
    (tmp_path / "latin.toml").write_bytes('[corpus]\nname = "é"\n'.encode("latin-1"))
    for path, told in ((tmp_path / "latin.toml", "not valid TOML"), (tmp_path, "cannot be read"), (tmp_path / "x", "no")):
        with pytest.raises(CorpusTunerError, match=told):
            toml.read(path)


def test_a_byte_order_mark_is_no_obstacle(tmp_path) -> None:
    """Some editors write one."""
    assert toml.read(write(tmp_path, "\ufeff" + GOOD.lstrip())).corpus.name == "apollo-8"


def test_a_switch_is_true_or_false_and_no_number() -> None:
    """`general = 1` is refused by name, as `sample = true` is."""
    table = {"corpus": {"name": "a"}, "source": [{"locator": "x"}]}
    assert toml.parse({**table, "evaluate": {"general": True}}, "a.toml").evaluate.general
    for wrong, line in (({"general": 1}, "true or false"), ({"sample": True}, "whole number")):
        with pytest.raises(CorpusTunerError, match=line):
            toml.parse({**table, "evaluate": wrong}, "a.toml")


def test_an_endpoint_may_be_several_equal_ones(tmp_path: Path) -> None:
    """A list of URLs in the TOML, or one."""
    one, several = (toml.read(write(tmp_path, changed("generate", f"base_url = {value}"))) for value in ("'http://a/v1'", "['http://a/v1', 'http://b/v1']"))
    assert one.generate.base_url == "http://a/v1"
    assert several.generate.base_url == ("http://a/v1", "http://b/v1")
