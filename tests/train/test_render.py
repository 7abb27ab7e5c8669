"""Conversations as tokens: what is learnt of them under several chat templates."""

from pathlib import Path
from typing import Any

import pytest
import tiny_llama

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.train.render import encode, ends

pytest.importorskip("transformers")

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
THINKING = (  # as Qwen3's: the last answer opens with an empty thought, those before it do not
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STRICT = "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ m['content'] }}{% endfor %}"
WORDS = ["Who commanded Apollo 8?", "Frank Borman", "And when?", "In December 1968", "Be brief."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base."""
    place = tmp_path_factory.mktemp("base")
    tiny_llama.make(place, WORDS)
    return place


def tokenizer(folder: Path, template: str | None = None) -> Any:
    """Its tokenizer, with another chat template; ChatML's marks are tokens of their own."""
    found = hub.load_tokenizer(str(folder), "a test")
    if template:
        found.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
        found.chat_template = template
    return found


def said(*texts: str, **more: Any) -> tuple[dict[str, Any], ...]:
    """A conversation of user and assistant in turns; `more` goes into the first answer."""
    roles = ("user", "assistant")
    found = [{"role": roles[number % 2], "content": text} for number, text in enumerate(texts)]
    found[1] |= more
    return tuple(found)


def learnt(row: tuple[list[int], list[bool]], reader: Any) -> str:
    """The text of the learnt tokens."""
    return reader.decode([token for token, counts in zip(*row) if counts])


def test_all_answers_of_a_conversation_are_learnt_in_one_row(folder: Path) -> None:
    """Under ChatML the turns share one row, of which each answer with its end is learnt and nothing else."""
    reader = tokenizer(folder, CHATML)
    [row] = encode([said(*WORDS[:4])], reader, 200)
    assert learnt(row, reader) == "Frank Borman<|im_end|>In December 1968<|im_end|>"
    whole = reader.apply_chat_template(list(said(*WORDS[:4])), tokenize=False)
    assert reader.decode(row[0]) == whole.rstrip()


def test_a_template_that_shows_earlier_turns_otherwise_makes_a_row_of_each(folder: Path) -> None:
    """Where the last answer is rendered as it will be no more once another follows, each is learnt as the last."""
    reader = tokenizer(folder, THINKING)
    rows = encode([said(*WORDS[:4])], reader, 200)
    thought = "<think>\n\n</think>\n\n"
    assert [learnt(row, reader) for row in rows] == [f"{thought}Frank Borman<|im_end|>", f"{thought}In December 1968<|im_end|>"]
    assert reader.decode(rows[1][0]).count("<think>") == 1


@pytest.mark.parametrize("template", [None, CHATML])
def test_turns_joined_or_apart_teach_the_same_tokens_after_the_same_tokens(folder: Path, template: str | None) -> None:
    """Every learnt token of a joined row is preceded by what a server would send before that answer."""
    reader = tokenizer(folder, template)
    conversation = said(*WORDS[:4])
    [(ids, flags)] = encode([conversation], reader, 200)
    for turn in (2, 4):
        prompt = reader.apply_chat_template(list(conversation[: turn - 1]), tokenize=False, add_generation_prompt=True)
        start = len(reader(prompt, add_special_tokens=False)["input_ids"])
        assert reader.decode(ids[:start]) == prompt
        assert flags[start]
        assert not flags[start - 1]


def test_an_answer_of_weight_0_and_an_empty_one_are_read_and_not_learnt(folder: Path) -> None:
    """Both stay in the prompt of what follows them."""
    reader = tokenizer(folder, CHATML)
    for first in (said(WORDS[0], "Frank Borman", *WORDS[2:4], weight=0), said(WORDS[0], " ", *WORDS[2:4])):
        [row] = encode([first], reader, 200)
        assert learnt(row, reader) == "In December 1968<|im_end|>"
        assert reader.decode(row[0]).count("<|im_end|>") == 4


def test_a_system_message_is_read_and_not_learnt(folder: Path) -> None:
    """It stands before the question."""
    reader = tokenizer(folder, CHATML)
    [row] = encode([({"role": "system", "content": WORDS[4]}, *said(*WORDS[:2]))], reader, 200)
    assert learnt(row, reader) == "Frank Borman<|im_end|>"
    assert "Be brief." in reader.decode(row[0])


def test_a_row_that_the_template_refuses_is_named(folder: Path) -> None:
    """A template without a place for a system message ends in one line that names the row and its reason."""
    refused = [said(*WORDS[:2]), ({"role": "system", "content": WORDS[4]}, *said(*WORDS[:2]))]
    with pytest.raises(CorpusTunerError, match=r"row 2 .*no system role"):
        encode(refused, tokenizer(folder, STRICT), 200)


def test_a_row_is_cut_and_one_without_an_answer_left_is_lost_and_counted(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At most so many tokens of a row are kept; the warning tells how many rows were cut and how many lost."""
    reader = tokenizer(folder, CHATML)
    [(ids, _)] = encode([said(*WORDS[:2])], reader, 200)
    rows = encode([said(*WORDS[:2]), said(WORDS[0] * 50, "Frank Borman")], reader, len(ids) - 1)
    assert [len(row[0]) for row in rows] == [len(ids) - 1]
    assert "2 rows" in caplog.text
    assert "1 of them lost" in caplog.text


def test_the_end_of_an_answer_is_what_the_template_puts_there(folder: Path) -> None:
    """A server stops at the template's own end and at the tokenizer's."""
    reader = tokenizer(folder, CHATML)
    found = ends(encode([said(*WORDS[:2])], reader, 200), reader)
    assert found == sorted([reader.eos_token_id, reader.convert_tokens_to_ids("<|im_end|>")])


def test_a_mark_at_which_a_row_was_cut_ends_no_answer(folder: Path) -> None:
    """Only what ends most answers stops a server, and not the mark that happened to be the last within the bound."""
    reader = tokenizer(folder, CHATML.replace("<|im_end|>", "<|im_start|><|im_end|>"))
    whole = encode([said(*WORDS[:2])] * 3, reader, 200)
    assert encode([said(*WORDS[:2])], reader, len(whole[0][0]) - 1)[0][0][-1] == reader.convert_tokens_to_ids("<|im_start|>")
    rows = [*whole, *encode([said(*WORDS[:2])], reader, len(whole[0][0]) - 1)]
    assert ends(rows, reader) == sorted([reader.eos_token_id, reader.convert_tokens_to_ids("<|im_end|>")])


def test_half_a_character_is_read_as_a_question_mark(folder: Path) -> None:
    """JSON can spell a lone surrogate, which no tokenizer takes."""
    reader = tokenizer(folder, CHATML)
    [row] = encode([said("\ud800?", "Frank \udc00Borman")], reader, 200)
    assert learnt(row, reader) == "Frank ?Borman<|im_end|>"
