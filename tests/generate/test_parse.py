"""From a reply to pairs: salvages what is whole, and invents nothing."""

from __future__ import annotations

import importlib.util
import json
import random
import time
from pathlib import Path

import pytest

from corpus_tuner.generate.parse import MAX_CHARACTERS, parse
from corpus_tuner.records import Reason, Reply

_SPEC = importlib.util.spec_from_file_location("stub_llm", Path(__file__).parents[2] / "scripts/stub_llm.py")
stub_llm = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(stub_llm)

PAIRS = [
    {"evidence": [1, 2], "question": "What's \"Apollo 8\", café?", "answer": "It's a \"crewed\" flight, and the first."},
    {"evidence": [3], "question": "Who flew, and when was the launch?", "answer": "Borman, Lovell \\ Anders;\nin 1968 🚀."},
    {"evidence": [12], "question": "How is the set {a, b} written here?", "answer": "With braces: {a, b}, then a full stop."},
    {"evidence": [4], "question": "Какая ракета несла корабль?", "answer": "Ракета «Сатурн-5», ступень 3."},
]
SHAPES = {
    "schema": json.dumps({"pairs": PAIRS}, ensure_ascii=False),
    "list": json.dumps(PAIRS, indent=1),
    "jsonl": "\n".join(json.dumps(pair, ensure_ascii=False) for pair in PAIRS),
}
WANTED = [(pair["question"], pair["answer"], tuple(pair["evidence"])) for pair in PAIRS]
PLAIN = [pair for pair in PAIRS if "{" not in pair["question"]]


def got(reply: Reply) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(pair.question, pair.answer, pair.evidence) for pair in parse(reply).pairs]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sound_reply_is_read_strictly(shape: str) -> None:
    """JSON under the schema, a bare list and JSONL all give every pair, in order, with nothing missing."""
    parsed = parse(Reply(SHAPES[shape]))
    assert [(pair.question, pair.answer, pair.evidence) for pair in parsed.pairs] == WANTED
    assert {pair.form for pair in parsed.pairs} == {"strict"}
    assert parsed.fault is None


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("fault", "form"),
    [
        ("fence", "fenced"),
        ("preamble", "fenced"),
        ("trailing_comma", "repaired"),
        ("single_quotes", "repaired"),
        ("raw_newlines", None),
    ],
)
def test_damaged_form_costs_no_pair(shape: str, fault: str, form: str | None) -> None:
    """Fences, chatter, trailing commas, single quotes and raw line breaks lose nothing and change nothing."""
    parsed = parse(Reply(stub_llm.damage(fault, SHAPES[shape])))
    assert [(" ".join(pair.answer.split()), pair.evidence) for pair in parsed.pairs] == [
        (" ".join(answer.split()), evidence) for _, answer, evidence in WANTED
    ]
    assert parsed.fault is None
    assert form is None or {pair.form for pair in parsed.pairs} == {form}


def test_python_literals_are_read() -> None:
    """True and None where JSON wants true and null lose nothing."""
    text = stub_llm.damage("python_literals", json.dumps({"pairs": PLAIN}))
    assert got(Reply(text)) == [(p["question"], p["answer"], tuple(p["evidence"])) for p in PLAIN]


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("damage", [None, "single_quotes", "trailing_comma", "python_literals", "raw_newlines", "fence"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_truncation_yields_a_cut_pair(shape: str, damage: str | None, finish: str) -> None:
    """Cut at every character, whatever else is wrong, a reply yields only whole pairs, and says that it was cut."""
    whole = stub_llm.damage(damage, SHAPES[shape]) if damage else SHAPES[shape]
    flat = {(" ".join(q.split()), " ".join(a.split())) for q, a, _ in WANTED}
    if damage == "python_literals":  # the stub puts its literals into strings with braces, too: read as they are
        flat |= {(" ".join(pair.question.split()), " ".join(pair.answer.split())) for pair in parse(Reply(whole)).pairs}
    for end in range(len(whole)):
        parsed = parse(Reply(whole[:end], finish))
        for pair in parsed.pairs:
            assert (" ".join(pair.question.split()), " ".join(pair.answer.split())) in flat, end
        if finish == "length" and whole[:end].strip():
            assert parsed.fault is not None


def test_every_accepted_string_occurs_in_the_reply() -> None:
    """However a reply is mutilated, no question or answer comes out that does not stand in it."""
    source = random.Random(5)
    for _ in range(1200):
        text = list(SHAPES[source.choice(["schema", "list", "jsonl"])])
        for _ in range(source.randint(1, 12)):
            at = source.randrange(len(text))
            text[at : at + source.randint(0, 3)] = source.choice(['"', "'", "{", "}", "[", "]", ",", ":", "\\", "\n", "x", ""])
        reply = "".join(text)
        plain = stub_unescape(reply)
        for pair in parse(Reply(reply)).pairs:
            for said in (pair.question, pair.answer):
                assert " ".join(said.split()) in plain


def stub_unescape(reply: str) -> str:
    """The reply with JSON's escapes resolved and white space as single spaces."""
    import re

    escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

    def resolve(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if len(code) == 5 else escapes.get(code, code)

    text = re.sub(r"\\(u[0-9a-fA-F]{4}|.)", resolve, reply, flags=re.DOTALL)
    return " ".join(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").split())


def test_an_unescaped_quotation_mark_does_not_cut_an_answer() -> None:
    """Where repair could end an answer too early, the pair is left out and asked for again."""
    reply = '{"question": "What did he say to us?", "answer": "He said "yes", then he left the room"}'
    parsed = parse(Reply("Here: " + reply))
    assert not parsed.pairs or parsed.pairs[0].answer == 'He said "yes", then he left the room'
    assert parsed.pairs or parsed.fault is Reason.UNPARSABLE


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (Reply(""), Reason.EMPTY_REPLY),
        (Reply(" \n"), Reason.EMPTY_REPLY),
        (Reply("I'm sorry, but I can't help with that request."), Reason.REFUSAL),
        (Reply("No.", "content_filter"), Reason.REFUSAL),
        (Reply("<html><body>502 Bad Gateway</body></html>"), Reason.UNPARSABLE),
        (Reply("The crew flew to the Moon and came back."), Reason.UNPARSABLE),
        (Reply("x" * (MAX_CHARACTERS + 1)), Reason.TOO_LONG),
        (Reply("", "too_long"), Reason.TOO_LONG),
        (Reply('{"pairs": [{"question": "Wh', "length"), Reason.CUT),
        (Reply('{"pairs": []}'), None),
        (Reply('{"pairs": []}', "length"), Reason.CUT),
    ],
)
def test_a_reply_without_pairs_is_blamed_by_name(reply: Reply, fault: Reason | None) -> None:
    """Each way to say nothing has its reason; a model that finds no pair is not at fault."""
    parsed = parse(reply)
    assert parsed.pairs == ()
    assert parsed.fault is fault


def test_drafts_in_a_thinking_block_are_no_pairs() -> None:
    """What a reasoning model thinks before it answers is not its answer."""
    draft = json.dumps({"question": "A draft?", "answer": "no"})
    assert got(Reply(f"<think>maybe {draft}</think>\n{SHAPES['jsonl']}")) == WANTED


def test_empty_texts_are_rejected_by_name() -> None:
    """A pair without a question or an answer is counted, not dropped."""
    parsed = parse(Reply('[{"question": "", "answer": "a"}, {"question": "Who?", "answer": null}]'))
    assert [reason for reason, _ in parsed.rejects] == [Reason.EMPTY_TEXT, Reason.EMPTY_TEXT]


@pytest.mark.parametrize("cited", [[3, 4], ["3", "[4]"], "3, 4", "[3] [4]", [3, 4, 3]])
def test_cited_numbers_are_read_in_any_form(cited: object) -> None:
    """Numbers, strings of numbers and bracketed numbers cite the same sentences."""
    reply = Reply(json.dumps({"evidence": cited, "question": "Who?", "answer": "Borman"}))
    assert parse(reply).pairs[0].evidence == (3, 4)


def test_half_a_character_is_no_text() -> None:
    """A lone surrogate, which no file could hold, is rejected."""
    parsed = parse(Reply('{"question": "Who \\ud83d?", "answer": "a"}'))
    assert parsed.pairs == ()
    assert parsed.rejects


GARBAGE = ["[", '{"a":', '{"a"', 'x"', "{'a':\"b ", "{", '{"question":"q","answer":', "{}", "{'question':'a','answer':}", '{"a"{"a"},', "\\", "'"]


@pytest.mark.parametrize("unit", GARBAGE)
def test_garbage_is_bounded_in_time(unit: str) -> None:
    """A megabyte of the worst that brackets and quotation marks can do takes seconds, not minutes."""
    start = time.process_time()
    parse(Reply((unit * MAX_CHARACTERS)[:MAX_CHARACTERS]))
    assert time.process_time() - start < 5
