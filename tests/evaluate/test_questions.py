"""What is asked: the dataset's examples by split, and a user's own file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.evaluate.questions import from_examples, from_file, sample
from corpus_tuner.records import Example, Question

SQUAD = Path(__file__).parents[1] / "data" / "qa" / "xquad_sample.json"


def example(number: int, kind: str = "basic") -> Example:
    return Example(f"e{number}", kind, f"Question {number}?", f"answer {number}", (("s1", number),), "s1", "rules")


def test_examples_become_questions_of_their_split() -> None:
    """Trained ones are called so, others by their split; an example outside of the dataset is not asked."""
    splits = {"e1": "train", "e2": "paraphrase", "e3": "unseen"}
    found = from_examples([example(1), example(2, "detailed"), example(3), example(4)], splits)
    assert [(one.id, one.cls, one.kind) for one in found] == [
        ("e1", "trained", "basic"),
        ("e2", "paraphrase", "detailed"),
        ("e3", "unseen", "basic"),
    ]
    assert found[0].answers == ("answer 1",)
    assert found[0].evidence == (("s1", 1),)


def test_a_sample_is_the_same_whatever_the_order() -> None:
    """The chosen questions depend on the seed and their ids alone, and each class has its share."""
    asked = [Question(str(n), "trained" if n % 3 else "unseen", f"{n}?", ("x",)) for n in range(60)]
    chosen = {one.id for one in sample(asked, 5, seed=1)}
    assert len(chosen) == 10
    assert {one.id for one in sample(reversed(asked), 5, seed=1)} == chosen
    assert {one.id for one in sample(asked, 5, seed=2)} != chosen
    assert sample(asked, 0) == asked


def test_a_sample_keeps_the_order_and_changes_little() -> None:
    """Questions stay in order, and taking one away replaces it by at most one other."""
    asked = [Question(str(n), "own", f"{n}?", ("x",)) for n in range(60)]
    chosen = sample(asked, 10)
    assert chosen == [one for one in asked if one in chosen]
    fewer = sample([one for one in asked if one != chosen[0]], 10)
    assert len(set(fewer) - set(chosen)) == 1


def test_jsonl_of_a_user_is_read(tmp_path: Path) -> None:
    """One answer or several, a class or none, blank lines, a byte order mark, and U+2028 within a text."""
    file = tmp_path / "own.jsonl"
    rows = [
        {"question": "Who?\u2028Really?", "answer": "Borman"},
        {"question": "When?", "answers": ["1968", "in 1968"], "class": "dates", "note": "ignored"},
        {"question": "Who?\u2028Really?", "answer": "Frank Borman"},
        {"question": "When?", "answer": "late 1968", "class": "dates "},
    ]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("\ufeff" + text + "\n", encoding="utf-8")
    first, second = from_file(file)
    assert (first.text, first.answers, first.cls) == ("Who?\u2028Really?", ("Borman", "Frank Borman"), "own")
    assert (second.answers, second.cls) == (("1968", "in 1968", "late 1968"), "dates")
    assert first.id != second.id


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "is not JSON"),
        ("[1]", "not a JSON object"),
        ('{"answer": "x"}', '"question" must be a text'),
        ('{"question": " ", "answer": "x"}', '"question" must be a text'),
        ('{"question": "Who?"}', 'has no "answer"'),
        ('{"question": "Who?", "answers": []}', "name at least one"),
        ('{"question": "Who?", "answer": 1968}', "an answer must be a text"),
        ('{"question": "Who?", "answer": ""}', "an answer must be a text"),
        ('{"question": "Who?", "answer": "x", "class": "all"}', '"class" must be a name'),
        ('{"question": "Who?", "answer": "x", "class": 3}', '"class" must be a name'),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    """The error says which line of which file is wrong, and what to write instead, on one line."""
    file = tmp_path / "own.jsonl"
    file.write_text('{"question": "Who?", "answer": "x"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(CorpusTunerError, match=r"own\.jsonl:2") as error:
        from_file(file)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe\x00", b'{"data": [{"paragraphs": [{"qas": 3}]}]}', b'{"data": [{"paragraphs": []}]}'])
def test_a_file_without_questions_is_the_users_mistake(tmp_path: Path, content: bytes | None) -> None:
    """No file, an empty one, no text, and a broken SQuAD file each end in one clear line."""
    file = tmp_path / "own.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CorpusTunerError, match=r"own\.json"):
        from_file(file)


def test_squad_format_is_read() -> None:
    """Human questions come with their accepted answers, and those of one paragraph form a cluster."""
    found = from_file(SQUAD)
    data = json.loads(SQUAD.read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in data for paragraph in article["paragraphs"]]
    assert len(found) == sum(len(paragraph["qas"]) for paragraph in paragraphs)
    assert {one.cls for one in found} == {"human"}
    assert len({one.evidence for one in found}) == len(paragraphs)


def test_unanswerable_questions_of_squad_2_accept_silence(tmp_path: Path) -> None:
    """A question without an answer in its paragraph becomes a class of its own, whose right answer is none."""
    file = tmp_path / "squad.json"
    qas = [{"question": "Which?", "answers": [], "is_impossible": True}, {"question": "Who?", "answers": [{"text": "Borman"}]}]
    file.write_text(json.dumps({"data": [{"paragraphs": [{"context": "Borman flew.", "qas": qas}]}]}), encoding="utf-8")
    assert [(one.cls, one.answers) for one in from_file(file)] == [("unanswerable", ("",)), ("human", ("Borman",))]


def test_the_shipped_general_questions_are_whole() -> None:
    """200 facts with answers, none in its own question, and 40 questions whose answer is to abstain; each only once."""
    from corpus_tuner.evaluate.abstention import unanswerable
    from corpus_tuner.evaluate.questions import general
    from corpus_tuner.text import contains_answer

    found = general()
    assert [sum(one.cls == cls for one in found) for cls in ("known", "far")] == [200, 40]
    assert len({one.text for one in found}) == 240
    for one in found:
        assert unanswerable(one) == (one.cls == "far")
        assert not any(contains_answer(one.text, gold) for gold in one.answers if len(gold) > 1)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_csv_file_of_another_countrys_spreadsheet(tmp_path, separator: str) -> None:
    """Which writes commas in numbers."""
    path = tmp_path / "own.csv"
    path.write_text(f"question{separator}answer\nHow long, in days?{separator}6,1\n", encoding="utf-8")
    assert [(one.text, one.answers) for one in from_file(path)] == [("How long, in days?", ("6,1",))]


def test_a_csv_file_of_questions(tmp_path) -> None:
    """Quoted commas and line breaks, several right answers, a class or none; a wrong head is one clear line."""
    path = tmp_path / "own.csv"
    path.write_text('question,answer,answer2,class\r\n"Who, then?",Borman,"Frank\nBorman",crew\r\nWhen?,1968,,\r\n', encoding="utf-8")
    found = from_file(path)
    assert [(one.text, one.answers, one.cls) for one in found] == [("Who, then?", ("Borman", "Frank\nBorman"), "crew"), ("When?", ("1968",), "own")]
    path.write_text("question,answers\nWhen?,1968\n", encoding="utf-8")
    assert from_file(path)[0].answers == ("1968",), "the key of JSONL is a column's name, too"
    for head in ("a,b\n1,2\n", "", "question,answer\nWho?,\n", 'question,answer\nWho?,"' + "never closed " * 20_000):
        path.write_text(head, encoding="utf-8")
        with pytest.raises(CorpusTunerError, match=r"own\.csv"):
            from_file(path)
