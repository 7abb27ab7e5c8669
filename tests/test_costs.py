"""What was paid, stage by stage, from the record of calls; and the ways to answers at these figures."""

from dataclasses import replace
from pathlib import Path

import pytest

from corpus_tuner.costs import Costs, Spent, Tagged, costs, ways
from corpus_tuner.models.prices import Price
from corpus_tuner.place import Place
from corpus_tuner.records import Expert, Section
from corpus_tuner.settings import Settings
from corpus_tuner.store import Calls, to_json, write_json, write_jsonl

PRICES = 'dated = "2026-11-21"\ncurrency = "EUR"\n[model.m]\ninput = 1\noutput = 10\ntraining = 2\n'


def place(root: Path, expert: Expert, prices: str = PRICES, writer: str = "llm") -> Place:
    """A corpus of one section with such an expert."""
    root.mkdir(exist_ok=True)
    (root / "prices.toml").write_text(prices)
    settings = replace(Settings(), generate=replace(Settings().generate, writer=writer, model="m"))
    found = Place(settings, root / "sources" / "a.toml", root / "generated" / "a")
    write_json(found.expert / "expert.json", to_json(expert))
    write_jsonl(found.sections, [Section("s", "d", "A", (), "x" * 4000, ((0, 4000),))])
    return found


def record(found: Place, model: str, prompt: int, completion: int, text: str = "said", **tags: str) -> None:
    """One exchange, as an endpoint records it."""
    calls = found.calls()
    usage = {"prompt_tokens": prompt, "completion_tokens": completion}
    exchange = {"base_url": "https://x/v1", "request": {"model": model}, "reply": {"text": text}, "usage": usage, "sample": 0}
    Tagged(calls, **tags).add(str(len(calls)), **exchange)
    calls.close()


def test_every_call_counts_once_for_its_stage_and_model(tmp_path: Path) -> None:
    """Sums by stage; those without a tag are the writer's; a text that looks like usage or a torn line adds nothing."""
    found = place(tmp_path, Expert("scratch", "scratch", "scratch"))
    record(found, "m", 1000, 100, ', "usage": {"prompt_tokens": 9}, "stage": "judge"')
    record(found, "m", 500, 50)
    record(found, 'ju"dge', 70, 7, stage="judge")
    record(found, "m", 30, 3, stage="evaluate", arm="base")
    with (found.folder / "calls.jsonl").open("a") as file:
        file.write('{"key": "torn", "request": {"model": "m"}, "usage": {"prompt_tokens": 9')
    told = costs(found, {"train": 72.0})
    assert [(one.stage, one.model, one.calls, one.tokens["prompt"], one.tokens["completion"]) for one in told.spent] == [
        ("generate", "m", 2, 1500, 150), ("evaluate", "m", 1, 30, 3), ("judge", 'ju"dge', 1, 70, 7),
    ]  # fmt: skip
    assert [one.cost for one in told.spent] == [pytest.approx(0.003), pytest.approx(0.00006), None]
    assert (told.currency, told.dated, told.seconds) == ("EUR", "2026-11-21", {"train": 72.0})


def test_an_expert_on_this_machine_answers_for_nothing(tmp_path: Path) -> None:
    """Its cost is that of its pairs alone; retrieval costs what the answers of that arm did."""
    found = place(tmp_path, Expert("lora", "some/base", "transformers"))
    record(found, "m", 1_000_000, 0)
    record(found, "m", 2000, 0, stage="evaluate", arm="base+retrieval")
    record(found, "m", 4000, 0, stage="evaluate", arm="base+retrieval")
    tuned, whole, retrieved = costs(found, {}).ways
    assert (tuned.once, tuned.question) == (pytest.approx(1.0), 0.0)
    assert retrieved.question == pytest.approx(0.003)
    assert retrieved.breakeven == 334
    assert whole.question > 0.001


def test_a_host_charges_training_and_answers(tmp_path: Path) -> None:
    """By the tokens that it counted as trained; where retrieval costs no more a question than the expert, it never pays."""
    found = place(tmp_path, Expert("remote", "m", "endpoint", model="ft:m", metrics={"trained_tokens": 500_000}), writer="rules")
    told = costs(found, {})
    assert told.spent == (Spent("train", "m", 0, {"trained": 500_000}, 1.0),)
    assert told.ways[0].once == 1.0
    assert told.ways[0].question > 0
    assert ways("t", 1.0, 0, Price(1, 1), {"expert": 0.5, "base+retrieval": 0.5})[-1].breakeven is None


def test_nothing_paid_and_nothing_known_is_no_guess(tmp_path: Path) -> None:
    """The embedded default has no calls and no ways; an unknown price has calls, no cost and no ways."""
    free = place(tmp_path / "free", Expert("scratch", "scratch", "scratch"), writer="rules")
    assert costs(free, {}) == Costs({}, (), ())
    unknown = place(tmp_path / "unknown", Expert("scratch", "scratch", "scratch"), PRICES.replace("[model.m]", "[model.other]"))
    record(unknown, "m", 10, 1)
    told = costs(unknown, {})
    assert (told.spent[0].cost, told.ways) == (None, ())


def test_sums_of_two_currencies_are_never_added(tmp_path: Path) -> None:
    """The writer's price names the currency; a model that the package's table prices in another has no cost here."""
    found = place(tmp_path, Expert("scratch", "scratch", "scratch"))
    record(found, "gpt-6-luna", 10, 1, stage="judge")
    record(found, "m", 10, 1)
    told = costs(found, {})
    assert [(one.model, one.cost is None) for one in told.spent] == [("m", False), ("gpt-6-luna", True)]
    assert told.currency == "EUR"


def test_pairs_of_unknown_price_leave_the_break_even_open(tmp_path: Path) -> None:
    """What the tuned model took is then unknown, too, however its answers are priced."""
    found = place(tmp_path, Expert("remote", "m", "endpoint", model="ft:m", metrics={"trained_tokens": 5}))
    assert costs(found, {}).ways
    record(found, "unpriced", 10, 1)
    assert costs(found, {}).ways == ()


def test_a_tag_changes_no_key_and_no_reply(tmp_path: Path) -> None:
    """What one user recorded, every other finds."""
    calls = Calls(tmp_path / "calls.jsonl")
    Tagged(calls, stage="judge").add("k", reply={"text": "x"})
    assert Tagged(calls, stage="evaluate").get("k") == calls.get("k") == {"key": "k", "reply": {"text": "x"}, "stage": "judge"}
