"""`corpus-tuner prepare`: the old tool's checks, the chat checks, and nothing taken away unasked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from corpus_tuner.cli import app
from corpus_tuner.dataset.prepare import Wanted, prepare
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.serve.rows import check


def pairs(*given: tuple[str, str]) -> list[dict]:
    return [{"prompt": prompt, "completion": completion} for prompt, completion in given]


def good(count: int = 12) -> list[dict]:
    """Rows that the old tool has nothing against."""
    words = "ash birch cedar elm fir hazel larch maple oak pine rowan spruce".split()
    return pairs(*((f"{word} tree {n}\n\n###\n\n", f" {word[::-1]} wood of {n} years END") for n, word in zip(range(count), words)))


def chat(question: str = "q", answer: str = "a", **more) -> dict:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer, **more}]}


def jsonl(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def look(path: Path, *names: str, yes: bool = True, **wanted):
    """What prepare finds, with all recommended (and the named) remedies done, or none."""
    return prepare(path, Wanted(**wanted), lambda found: found.check in names or (yes and found.level == "recommended"))


def found(prepared, check: str):
    return next((one for one in prepared.findings if one.check == check), None)


def command(*arguments: str, code: int = 0):
    result = CliRunner().invoke(app, ["prepare", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def test_good_rows_are_left_as_they_are(tmp_path) -> None:
    """No remedy, no change; --check agrees."""
    path = jsonl(tmp_path / "a.jsonl", good())
    prepared = look(path)
    assert [dict(row.values) for row in prepared.rows] == good()
    assert prepared.open == ()
    command(path, "--check")


@pytest.mark.parametrize(
    ("rows", "check", "level", "numbers"),
    [
        (good()[:3], "count", "note", ()),
        (pairs(("a", "b"), ("c", "")), "empty completion", "necessary", (2,)),
        (good() + good()[:2], "duplicates", "recommended", (13, 14)),
        ([*good(), *pairs(("x" * 9000 + "\n\n###\n\n", " " + "y" * 1500 + " END"))], "long rows", "optional", (13,)),
        (pairs(("ABCd", " x"), ("EFGh", " y")), "prompt case", "optional", (1, 2)),
        (pairs(("abc", " WHAT"), ("efg", " YES")), "completion case", "optional", (1, 2)),
        (pairs(("abc", " x"), ("def", " y")), "prompt suffix", "recommended", (1, 2)),
        (pairs(("same", " x"), ("same", " y")), "prompt suffix", "stop", ()),
        (pairs(("what is ash?", " x"), ("what is elm?", " y")), "prompt suffix", "note", ()),
        (pairs(("Tell me more of ash", " x"), ("Tell me more of elk", " y")), "prompt prefix", "optional", (1, 2)),
        (pairs(("Question: what is ash", " x"), ("Question: what is elk", " y")), "prompt prefix", "recommended", (1, 2)),
        (pairs(("to ash", " x"), ("to elk", " y")), "prompt prefix", "note", ()),
        (pairs(("a", "Answer: x"), ("b", "Answer: y")), "completion prefix", "recommended", (1, 2)),
        (pairs(("a", "Answer 3"), ("b", "Answer 4")), "completion prefix", "optional", (1, 2)),
        (pairs(("a", " x"), ("b", " y")), "completion suffix", "recommended", (1, 2)),
        (pairs(("a", " x"), ("b", " x")), "completion suffix", "stop", ()),
        (pairs(("a", "x"), ("b", " y")), "leading space", "recommended", (1,)),
    ],
)
def test_each_of_the_old_checks_has_its_trigger(tmp_path, rows, check: str, level: str, numbers) -> None:
    """The rows that it names are the ones that have the fault; without the fault it is silent or a note."""
    one = found(look(jsonl(tmp_path / "a.jsonl", rows), yes=False), check)
    assert (one.level, one.rows) == (level, numbers)
    if level in ("recommended", "optional"):
        assert one.before
        before = found(look(jsonl(tmp_path / "b.jsonl", good())), check)
        assert before is None or before.level == "note"


def test_the_checks_come_in_the_old_order(tmp_path) -> None:
    """Format, count, columns, empty, task, duplicates, long, case, prompt and completion ends, leading space."""
    path = tmp_path / "a.csv"
    long = "LONG " * 2100
    path.write_text(f'Prompt,COMPLETION,more\nASH WOOD NOW 1,ANSWER ONE,\nASH WOOD NOW 2,ANSWER TWO,\nASH WOOD NOW 2,ANSWER TWO,\n"ASH WOOD NOW {long}",ANSWER 5,\nb,,\n')
    order = ["format", "count", "prompt column", "completion column", "extra columns", "empty completion", "task type", "duplicates",
             "long rows", "prompt case", "completion case", "prompt suffix", "prompt prefix", "completion prefix", "completion suffix",
             "leading space", "token limit"]  # fmt: skip
    assert [one.check for one in look(path, yes=False, limit=100).findings] == order


@pytest.mark.parametrize(
    ("rows", "task"),
    [
        (pairs(*(("", f"text {n}") for n in range(9))), "open-ended generation"),
        (pairs(*((f"p {n}", " yes" if n % 2 else " no") for n in range(9))), "classification"),
        (pairs(*((f"p {n}", f" c {n}") for n in range(9))), "conditional generation"),
    ],
)
def test_the_task_decides_which_checks_apply(tmp_path, rows, task: str) -> None:
    """No separator for open-ended texts, no stop sequence but for conditional generation."""
    prepared = look(jsonl(tmp_path / "a.jsonl", rows), yes=False)
    assert prepared.task == task
    assert (found(prepared, "prompt suffix") is None) == (task == "open-ended generation")
    assert (found(prepared, "completion suffix") is None) == (task != "conditional generation")


def test_separators_that_occur_in_the_rows_are_not_proposed(tmp_path) -> None:
    """The first unused one: no arrow where a prompt has a line break, no full stop where a completion has one."""
    rows = pairs(("a\nb", "It is so. Yes\nno"), ("c\n\n###\n\nd", "Well END then"))
    prepared = look(jsonl(tmp_path / "a.jsonl", rows))
    assert all(row["prompt"].endswith("\n\n===\n\n") for row in prepared.rows)
    assert all(row["completion"].endswith("***") for row in prepared.rows)


def test_an_answer_loses_nothing_unasked(tmp_path) -> None:
    """"Answer 3" stays with --yes, for it is no label; "Answer: 3" loses its label; by name anything goes."""
    path = jsonl(tmp_path / "a.jsonl", pairs(("a?", "Answer 3"), ("b?", "Answer 4")))
    assert [row["completion"].strip() for row in look(path).rows] == ["Answer 3", "Answer 4"]
    assert [row["completion"].strip() for row in look(path, "completion prefix").rows] == ["3", "4"]
    path = jsonl(tmp_path / "b.jsonl", pairs(("a?", " Answer: 3"), ("b?", " Answer: 34")))
    assert [row["completion"].rstrip("\n") for row in look(path).rows] == [" 3", " 34"]


def test_every_word_of_every_row_survives_what_yes_does(tmp_path) -> None:
    """The remedies of --yes add marks and drop repeated rows and labels; no other word goes."""
    rows = pairs(*((f"ASK {n} of THIS", f"Line {n} SAYS so {'again ' * n}") for n in range(1, 30)))
    prepared = look(jsonl(tmp_path / "a.jsonl", rows))
    for row, old in zip(prepared.rows, rows):
        for key in ("prompt", "completion"):
            assert set(old[key].split()) <= set(row[key].split())


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "json", "jsonl", "parquet"])
def test_every_format_gives_the_same_rows(tmp_path, kind: str) -> None:
    """Quotes, separators, line breaks, NA and digits come through as they are written."""
    rows = pairs(("a, \"b\"\tc", "NA"), ("007", "first\nsecond"), ("ü 漢", "null"))
    path = tmp_path / f"a.{kind}"
    if kind in ("csv", "tsv"):
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, ["prompt", "completion"], delimiter="," if kind == "csv" else "\t")
            writer.writeheader()
            writer.writerows(rows)
    elif kind == "xlsx":
        sheet = pytest.importorskip("openpyxl").Workbook()
        for line in (("prompt", "completion"), *((row["prompt"], row["completion"]) for row in rows)):
            sheet.active.append(line)
        sheet.create_sheet("second")
        sheet.save(path)
    elif kind == "json":
        path.write_text(json.dumps(rows, indent=1))
    elif kind == "jsonl":
        jsonl(path, rows)
    else:
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    prepared = look(path, yes=False)
    assert [dict(row.values) for row in prepared.rows] == rows
    assert [row.number for row in prepared.rows] == [1, 2, 3]
    assert (found(prepared, "format") is None) == (kind == "jsonl")
    assert (found(prepared, "sheets") is None) == (kind != "xlsx")


SHAPES = {
    "ShareGPT": lambda q, a: {"id": "x", "conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]},
    "Alpaca": lambda q, a: {"instruction": q, "input": "", "output": a},
    "questions": lambda q, a: {"Question": q, "Answer": a, "id": "x"},
}


@pytest.mark.parametrize("name", SHAPES)
def test_rows_of_other_tools_become_chat_messages(tmp_path, name: str) -> None:
    """The same messages from each; what nothing is made of is named; a validation file of that shape is read, too."""
    asked = [(f"q{n}", f"a{n}") for n in range(12)]
    path = jsonl(tmp_path / "a.jsonl", [SHAPES[name](q, a) for q, a in asked])
    prepared = look(path, yes=False)
    assert [dict(row.values) for row in prepared.rows] == [chat(q, a) for q, a in asked]
    assert name in found(prepared, "shape").message
    assert ("other fields: id." in found(prepared, "shape").message) == (name != "Alpaca")
    other = jsonl(tmp_path / "v.jsonl", [SHAPES[name]("q1", "a1"), SHAPES[name]("new", "b")])
    checked = prepare(path, Wanted(), lambda one: True, other)
    assert [dict(row.values) for row in checked.validation] == [chat("new", "b")]


def test_an_instruction_keeps_its_input_its_system_prompt_and_its_history(tmp_path) -> None:
    """In the order in which they were said; a turn that is none is left out."""
    row = {"instruction": "Add.", "input": "1 and 2", "output": 3, "system": "You count.", "history": [["Hi", "Hello"], "odd", ["Ho"]]}
    prepared = look(jsonl(tmp_path / "a.jsonl", [row] * 12), yes=False)
    said = [(message["role"], message["content"]) for message in prepared.rows[0]["messages"]]
    assert said == [
        ("system", "You count."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Ho"), ("assistant", ""),
        ("user", "Add.\n\n1 and 2"), ("assistant", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("turns", [None, "hi", [1], [{"from": "tool", "value": "x"}], [{"from": ["gpt"], "value": 1}], [{}]])
def test_a_conversation_that_is_none_is_left_out_by_number(tmp_path, turns) -> None:
    """As a broken chat row is."""
    rows = [SHAPES["ShareGPT"](f"q{n}", f"a{n}") for n in range(12)]
    prepared = look(jsonl(tmp_path / "a.jsonl", [*rows, {"conversations": turns}]), yes=False)
    assert found(prepared, "messages").rows == (13,)
    assert len(prepared.rows) == 12


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_is_parted_by_what_its_first_line_is_parted_by(tmp_path, separator: str) -> None:
    """Excel writes semicolons where a comma stands in numbers; a sign between quotes parts nothing."""
    path = tmp_path / "a.csv"
    lines = [f'"prompt"{separator}"completion, a; b"', *(f'"is {n}, {n}; {n}?"{separator}"{n},5; yes"' for n in range(12))]
    path.write_text("\n".join(lines), encoding="utf-8")
    prepared = look(path, yes=False, completion="completion, a; b")
    assert [(row["prompt"], row["completion"]) for row in prepared.rows] == [(f"is {n}, {n}; {n}?", f"{n},5; yes") for n in range(12)]


def test_a_text_is_completions_line_by_line(tmp_path) -> None:
    """Empty prompts; the last line's break begins no empty row."""
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    assert [dict(row.values) for row in look(tmp_path / "a.txt", yes=False).rows] == pairs(("", "one"), ("", "two"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.doc", b"x", "must be one of"),
        ("a", b"x", "no extension"),
        ("a.jsonl", b"\xff\xfe", "UTF-8"),
        ("a.jsonl", b'{"prompt": 1}\n{', "line 2"),
        ("a.jsonl", b'{"prompt": 1}\n[]', "line 2"),
        ("a.csv", b"", "no rows"),
        ("a.csv", b"prompt,completion\na,b,c\n", "row 1"),
        ("a.xlsx", b"nothing", "Excel"),
        ("a.parquet", b"nothing", "Parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_in_one_line(tmp_path, name: str, content: bytes, said: str) -> None:
    """CorpusTunerError, exit code 2."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusTunerError, match=said):
        look(tmp_path / name)
    with pytest.raises(CorpusTunerError, match="there is no"):
        look(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": [{"role": "robot", "content": "x"}, {"role": "assistant", "content": "y"}]}, "role 'robot'"),
        ({"messages": [{"role": "user", "content": "x"}]}, "no assistant message"),
        (chat(weight=0), "no assistant message"),
        (chat(weight=0.5), "weight"),
        (chat() | {"tools": [{}]}, "tools"),
        ({"messages": [{"role": "assistant", "content": None}]}, "without text"),
        ({"messages": "x"}, "no list"),
        (chat(colour="red"), "'colour'"),
    ],
)
def test_a_chat_row_that_cannot_be_trained_is_left_out_by_number(tmp_path, row, said: str) -> None:
    """Its number and its fault are named; the others stay."""
    rows = [chat(f"q{n}", f"a{n}") for n in range(12)]
    rows.insert(4, row)
    prepared = look(jsonl(tmp_path / "a.jsonl", rows))
    one = found(prepared, "messages")
    assert one.rows == (5,)
    assert said in one.message
    assert len(prepared.rows) == 12


ODD = [
    {"messages": [{"role": ["user"], "content": "x"}]},
    {"messages": [{"role": "assistant", "content": {"a": 1}}]},
    {"messages": [{"role": "assistant", "content": "x", "name": 5, "refusal": []}]},
    chat() | {"id": 7, "source": "a book"},
    chat() | {"messages": None},
    chat() | {"tools": [], "functions": None},
]


def test_what_was_prepared_is_taken_by_the_service(tmp_path) -> None:
    """Whatever the rows were: fields that it refuses are left out, and named."""
    path = jsonl(tmp_path / "a.jsonl", [*(chat(f"q{n}", f"a{n}") for n in range(12)), *ODD])
    assert found(look(path), "extra fields").message.endswith("id, source.")
    command(path, "--yes")
    assert check(tmp_path / "a_prepared.jsonl", "supervised") == 15
    command(jsonl(tmp_path / "b.jsonl", [SHAPES["questions"](f"q{n}", f"a{n}") for n in range(12)]), "--yes")
    assert check(tmp_path / "b_prepared.jsonl", "supervised") == 12


def test_too_few_chat_rows_stop(tmp_path) -> None:
    """Nine are not enough, ten are; faulty ones do not count."""
    rows = [chat(f"q{n}", f"a{n}") for n in range(10)]
    assert look(jsonl(tmp_path / "a.jsonl", rows)).stopped is None
    rows[3] = chat(weight=0)
    assert look(jsonl(tmp_path / "b.jsonl", rows)).stopped.check == "count"
    command(tmp_path / "b.jsonl", "--yes", code=2)
    assert not list(tmp_path.glob("*_prepared*"))


def test_secrets_are_named_by_row_and_never_shown(tmp_path) -> None:
    """Keys, private keys, passwords, addresses: each row that holds one, and not what it holds."""
    held = {2: "sk-abcdefghijklmnopqrstuvwx", 5: "-----BEGIN RSA PRIVATE KEY-----", 7: "password: hunter22", 9: "jo.do@mail.example.org"}
    rows = [chat(f"q{n}", f"a{n} {held.get(n, '')}") for n in range(1, 13)]
    path = jsonl(tmp_path / "a.jsonl", rows)
    result = command(path, "--json", "--yes")
    said = [one for one in json.loads(result.stdout)["findings"] if one["check"] == "secrets"]
    assert sorted(number for one in said for number in one["rows"]) == sorted(held)
    assert not any(secret in result.stdout for secret in held.values())
    assert len(look(path, "secrets").rows) == 8


def test_a_system_prompt_that_drifts_is_shown(tmp_path) -> None:
    """The rows that begin otherwise than most."""
    rows = [{"messages": [{"role": "system", "content": "Be kind."}, *chat(f"q{n}")["messages"]]} for n in range(12)]
    rows[6] = chat("q6")
    one = found(look(jsonl(tmp_path / "a.jsonl", rows)), "system prompt")
    assert (one.rows, one.after) == ((7,), "Be kind.")


def test_a_validation_file_that_asks_what_is_trained_is_cleaned(tmp_path) -> None:
    """Rows that overlap are named and, with --yes, left out of the prepared validation file."""
    train = jsonl(tmp_path / "a.jsonl", [chat(f"q{n}", f"a{n}") for n in range(12)])
    valid = jsonl(tmp_path / "b.jsonl", [chat("Q3 ", "other"), chat("new")])
    command(train, "--validation", valid, "--yes")
    rows = (tmp_path / "a_prepared_valid.jsonl").read_text().splitlines()
    assert [json.loads(row) for row in rows] == [chat("new")]
    result = command(train, "--validation", valid, "--check", "--json", code=1)
    assert [one["rows"] for one in json.loads(result.stdout)["findings"] if one["check"] == "overlap"] == [[1]]


def test_pairs_become_chat_and_back(tmp_path) -> None:
    """Without separators and stop sequences on the way there; question and answer survive the way back."""
    path = jsonl(tmp_path / "a.jsonl", good())
    chats = look(path, to="chat")
    assert chats.rows[0]["messages"] == chat("ash tree 0", "hsa wood of 0 years")["messages"]
    back = look(jsonl(tmp_path / "b.jsonl", [dict(row.values) for row in chats.rows]), to="pairs")
    assert dict(back.rows[0].values) == {"prompt": "ash tree 0", "completion": "hsa wood of 0 years"}


def test_a_split_holds_every_row_once_and_nothing_is_overwritten(tmp_path) -> None:
    """Train and valid are the file; a second run takes the next free names."""
    path = jsonl(tmp_path / "a.jsonl", [chat(f"q{n}", f"a{n}") for n in range(50)])
    for number in ("", " (1)"):
        command(path, "--split", "0.8")
        parts = [(tmp_path / f"a_prepared_{part}{number}.jsonl").read_text().splitlines() for part in ("train", "valid")]
        assert [len(part) for part in parts] == [40, 10]
        assert sorted(parts[0] + parts[1]) == sorted(path.read_text().splitlines())


def test_columns_of_other_names_are_named_by_the_user(tmp_path) -> None:
    """--prompt and --completion; an unknown one lists what there is."""
    path = jsonl(tmp_path / "a.jsonl", [{"asked": f"q{n}", "said": f"a{n}"} for n in range(3)])
    assert look(path).stopped.check == "prompt column"
    assert dict(look(path, yes=False, prompt="asked", completion="said").rows[0].values) == {"prompt": "q0", "completion": "a0"}
    with pytest.raises(CorpusTunerError, match="asked, said"):
        look(path, prompt="question")


def test_without_yes_only_what_is_necessary_is_done_and_the_file_stays(tmp_path) -> None:
    """Off a terminal nothing recommended is done; the user's own file is as it was, always."""
    path = jsonl(tmp_path / "a.jsonl", pairs(("a", "x"), ("b", "y"), ("c", "")))
    before = path.read_bytes()
    command(path)
    assert [json.loads(line) for line in (tmp_path / "a_prepared.jsonl").read_text().splitlines()] == pairs(("a", "x"), ("b", "y"))
    command(path, "--yes")
    assert json.loads((tmp_path / "a_prepared (1).jsonl").read_text().splitlines()[0]) == {"prompt": "a ->", "completion": " x\n"}
    command(path, "--check", code=1)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_what_was_prepared_has_nothing_left_to_do(tmp_path) -> None:
    """--yes is stable: its result passes --check."""
    path = jsonl(tmp_path / "a.jsonl", pairs(*((f"ask {n}", f"Answer: word{n}") for n in range(20)), ("ask 1", "Answer: word1")))
    command(path, "--yes")
    command(tmp_path / "a_prepared.jsonl", "--check")


def test_tokens_are_counted_by_the_models_own_tokenizer(tmp_path) -> None:
    """Exact with --tokenizer; the price follows."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"x": 0, "[UNK]": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    path = jsonl(tmp_path / "a.jsonl", [chat(f"one two {n}", "three") for n in range(10)])
    said = json.loads(command(path, "--json", "--tokenizer", tmp_path / "tokenizer.json", "--price", "1000").stdout)
    assert said["tokens"] == 10 * (3 + 1 + 2 * 4)
    assert said["exact"]
    assert said["cost"] == 0.12


def test_the_next_command_of_preferences_trains_by_dpo(tmp_path: Path) -> None:
    """It names the method, and a base that can be trained so; another that was asked for stays."""
    said = {name: [{"role": "assistant", "content": name}] for name in ("preferred_output", "non_preferred_output")}
    row = {"input": {"messages": [{"role": "user", "content": "Which one?"}]}, **said}
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row | {"input": {"messages": [{"role": "user", "content": f"Which of {n}?"}]}}) + "\n" for n in range(12)))
    for more, model in (((), "Qwen/Qwen3-0.6B"), (("--model", "mine"), "mine")):
        found = json.loads(CliRunner().invoke(app, ["prepare", str(path), "--yes", "--json", *more]).stdout)
        assert f'create(model="{model}"' in found["next"]
        assert 'method={"type": "dpo"}' in found["next"]
