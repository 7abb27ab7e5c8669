"""The LLM writer, with a scripted model: what is asked, what is kept, and what becomes of the rest."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence

import pytest
from conftest import ships

from corpus_tuner.errors import CorpusTunerError, Declined, Transient, Unavailable
from corpus_tuner.generate import generate
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.generate.requests import ASKS
from corpus_tuner.records import Example, Message, Reason, Reject, Reply, Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.testing import ScriptedModel

SETTINGS = Settings(generate=GenerateSettings(concurrency=4))


def pair(number: int, sentence: int, question: str = "") -> dict[str, object]:
    """A sound pair about the vessel of a sentence of `ships(number)`."""
    words = ships(number).sentence(sentence).split()
    return {
        "evidence": [sentence],
        "question": question or f"What did the {words[4]} carry in {words[1]}?",
        "answer": " ".join(words[6:10]).rstrip("."),
    }


def reply(number: int, *sentences: int) -> str:
    return json.dumps({"pairs": [pair(number, sentence) for sentence in sentences]})


def write(
    model: ScriptedModel, *sections: Section, kind: str = "basic", count: int = 20
) -> tuple[list[Example], list[Reject]]:
    items = list(LlmWriter(SETTINGS, model).write(sections, kind, count))
    return [item for item in items if isinstance(item, Example)], [item for item in items if isinstance(item, Reject)]


def test_pairs_come_with_evidence_kind_writer_and_form() -> None:
    """A strict reply makes examples that rest on the cited sentences."""
    model = ScriptedModel([reply(1, 1, 3)], name="teacher")
    examples, rejects = write(model, ships(1))
    assert rejects == []
    assert [example.evidence for example in examples] == [(("s1", 1),), (("s1", 3),)]
    assert {(example.kind, example.writer, example.form) for example in examples} == {("basic", "teacher", "strict")}


@pytest.mark.parametrize(("bad", "reason"), [("", "empty"), ("I'm sorry, I can't.", "declined"), ("nonsense", "JSON")])
def test_a_reply_that_cannot_be_read_is_asked_for_again(bad: str, reason: str) -> None:
    """The second ask says what was wrong, is another attempt, and its pairs are marked."""
    model = ScriptedModel([bad, reply(1, 1)])
    examples, rejects = write(model, ships(1))
    assert [example.form for example in examples] == ["again"]
    assert rejects == []
    assert reason in model.asked[1][0][-1]["content"]
    assert [options["attempt"] for _, options in model.asked] == [0, 1]


def test_three_asks_are_all() -> None:
    """Then the task is rejected by name, with what was said last."""
    model = ScriptedModel(["nonsense"] * 5)
    examples, rejects = write(model, ships(1))
    assert (len(model.asked), examples) == (ASKS, [])
    assert [(one.item_id, one.reason, one.detail) for one in rejects] == [("s1 basic", Reason.UNPARSABLE, "nonsense")]


def test_a_cut_reply_keeps_its_whole_pairs_and_the_rest_is_asked_for() -> None:
    """No pair twice, none cut, none lost."""
    whole = reply(1, 1, 2, 3)
    model = ScriptedModel([Reply(whole[: 260], "length"), whole])
    examples, rejects = write(model, ships(1))
    assert [example.evidence[0][1] for example in examples] == [1, 2, 3]
    assert rejects == []


def test_what_a_cut_reply_never_gave_is_counted() -> None:
    """Cut three times at the same place, the first pairs stay and the loss has its reason."""
    whole = reply(1, 1, 2, 3)
    cut = Reply(whole[: 260], "length")
    examples, rejects = write(ScriptedModel([cut] * 3), ships(1))
    assert [example.evidence[0][1] for example in examples] == [1, 2]
    assert [one.reason for one in rejects] == [Reason.CUT]


def test_a_fault_of_the_server_is_an_ask_but_keeps_its_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two faults and a reply make a reply; a resumed run finds it under the same attempt."""
    monkeypatch.setattr("corpus_tuner.gate.backoff", lambda times: 0.0)
    model = ScriptedModel([Transient("failed"), Transient("failed"), reply(1, 1)])
    examples, rejects = write(model, ships(1))
    assert (len(examples), rejects) == (1, [])
    assert [options["attempt"] for _, options in model.asked] == [0, 0, 0]


def test_a_refused_request_is_no_ask() -> None:
    """Ten 429s cost waiting, not asks."""
    model = ScriptedModel([*[Transient("busy", 0.001, refused=True, status=429)] * 10, "nonsense", "", reply(1, 1)])
    examples, rejects = write(model, ships(1))
    assert (len(examples), rejects, len(model.asked)) == (1, [], 13)


def test_a_server_that_never_answers_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """No flood of rejects: one line, and nothing is lost."""
    monkeypatch.setattr("corpus_tuner.gate.backoff", lambda times: 0.0)
    model = ScriptedModel([Transient("failed (500)")] * 1000)
    with pytest.raises(Unavailable, match=r"failed \(500\).*run again"):
        write(model, *[ships(number) for number in range(50)])
    assert len(model.asked) < 30


def test_one_task_that_meets_only_faults_is_rejected_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others were answered, the run goes on."""
    monkeypatch.setattr("corpus_tuner.gate.backoff", lambda times: 0.0)

    def answer(messages: Sequence[Message]) -> str:
        if "Year 2" in messages[1]["content"]:
            raise Transient("failed")
        return reply(1, 1)

    settings = Settings(generate=GenerateSettings(concurrency=1))
    items = list(LlmWriter(settings, ScriptedModel(answer)).write([ships(1), ships(2)], "basic", 20))
    assert [item.reason for item in items if isinstance(item, Reject)] == [Reason.UNANSWERED]
    assert len(items) == 2


@pytest.mark.parametrize("error", [CorpusTunerError("refused the key in $KEY"), OSError(28, "No space left on device")])
def test_what_only_the_user_can_mend_stops_the_run_at_once(error: Exception) -> None:
    """A wrong key, or a full disk under the record, is met by no further requests."""
    model = ScriptedModel([error] * 1000)
    with pytest.raises(type(error), match=re.escape(str(error))):
        write(model, *[ships(number) for number in range(50)])
    assert len(model.asked) <= 4


def test_a_request_that_the_service_declines_is_rejected_without_asking_again() -> None:
    """It is one section's loss; declined for all, it is the user's to mend."""

    def answer(messages: Sequence[Message]) -> str:
        if "Year 2" in messages[1]["content"]:
            raise Declined("too long")
        return reply(1, 1)

    model = ScriptedModel(answer)
    examples, rejects = write(model, ships(1), ships(2))
    assert (len(examples), len(model.asked)) == (1, 2)
    assert [(one.reason, one.detail) for one in rejects] == [(Reason.REFUSAL, "too long")]
    with pytest.raises(CorpusTunerError, match="too long"):
        write(ScriptedModel([Declined("too long")]), ships(2))


def test_fifty_copies_of_one_pair_are_one_pair() -> None:
    """Whatever their case and punctuation, within a section and across the corpus."""
    copies = json.dumps([pair(1, 1), *[pair(1, 1, str(pair(1, 1)["question"]).upper())] * 49])
    examples, rejects = write(
        ScriptedModel(lambda messages: copies),
        ships(1),
        Section("other", "d", "Ships", (), ships(1).text, ships(1).sentences),
    )
    assert len(examples) == 1
    assert Counter(one.reason for one in rejects) == {Reason.DUPLICATE: 99}


def test_nearly_the_same_question_with_the_same_answer_is_kept_once() -> None:
    """A paraphrase is not nearly the same, and the same words about another answer neither."""
    first = pair(1, 1, "How many crates of copper did the vessel Aldra1 carry to the harbour of Aldraville in 1707?")
    near = pair(1, 1, "In 1707, how many crates of copper did the vessel Aldra1 carry to the harbour of Aldraville?")
    other = pair(1, 1, "What was the load of the Aldra1 in 1707?")
    turned = near | {"question": str(near["question"]).replace("copper", "the copper"), "answer": "21"}
    examples, rejects = write(ScriptedModel([json.dumps([first, near, other, turned])]), ships(1))
    assert len(examples) == 3
    assert [one.reason for one in rejects] == [Reason.REPEATED]


def test_no_more_is_kept_than_was_asked_for() -> None:
    """The others are surplus, by name."""
    examples, rejects = write(ScriptedModel([reply(1, 1, 2, 3, 4, 5)]), ships(1), count=2)
    assert len(examples) == 2
    assert [one.reason for one in rejects] == [Reason.SURPLUS] * 3


def test_nothing_is_lost_silently() -> None:
    """Pairs in the replies = examples + rejects, each reject with the pair's own words."""
    bad = [
        pair(1, 2) | {"answer": "9999 crates of gold"},
        pair(1, 3, "What does the passage say?"),
        {"question": "", "answer": "x"},
        pair(1, 1),
    ]
    examples, rejects = write(ScriptedModel([json.dumps([pair(1, 1), *bad])]), ships(1))
    assert len(examples) == 1
    assert Counter(one.reason for one in rejects) == {
        Reason.UNSUPPORTED_NUMBER: 1,
        Reason.NOT_SELF_CONTAINED: 1,
        Reason.EMPTY_TEXT: 1,
        Reason.DUPLICATE: 1,
    }
    assert any("9999 crates of gold" in one.detail for one in rejects)


def test_a_model_that_echoes_the_prompt_gives_no_pair() -> None:
    """Its own example object is none either."""
    examples, rejects = write(ScriptedModel(lambda messages: "\n".join(m["content"] for m in messages)), ships(1))
    assert examples == []
    assert rejects


def test_results_come_in_the_order_of_sections_and_kinds_whatever_the_order_of_replies() -> None:
    """Equal replies make equal files."""
    import random
    import time

    def answer(messages: Sequence[Message]) -> str:
        time.sleep(random.random() / 50)
        number = int(re.search(r"Year (\d+)", messages[1]["content"])[1])
        start = 1 if "1 to 6 words" in messages[1]["content"] else 4
        return reply(number, start, start + 1)

    def run() -> list[Example | Reject]:
        return list(
            generate(
                [ships(n) for n in range(12)], LlmWriter(SETTINGS, ScriptedModel(answer)), {"basic": 5, "detailed": 5}
            )
        )

    first = run()
    assert first == run()
    assert [(item.evidence[0][0], item.kind) for item in first][::2] == [
        (f"s{n}", kind) for n in range(12) for kind in ("basic", "detailed")
    ]


def test_an_empty_section_is_rejected_and_an_unknown_kind_refused() -> None:
    """Neither sends a request."""
    model = ScriptedModel([])
    assert [one.reason for one in write(model, Section("e", "d", "Ships", (), "", ()))[1]] == [Reason.EMPTY]
    with pytest.raises(CorpusTunerError, match="knows no kind 'poem'"):
        write(model, ships(1), kind="poem")
    assert model.asked == []


def test_a_writer_without_write_all_is_asked_kind_by_kind() -> None:
    """`generate` drops what any writer asks twice."""

    class Twice:
        def write(self, sections, kind, count):
            for section in sections:
                yield Example(f"{section.id}{kind}", kind, f"Who sailed in {section.id}?", "Aldra", (), "", "twice")

    items = list(generate([ships(1), ships(2)], Twice(), {"basic": 1, "detailed": 1}))
    assert [type(item) for item in items] == [Example, Example, Reject, Reject]
    assert {item.reason for item in items[2:]} == {Reason.DUPLICATE}
