"""What tokens cost, what was paid, and the bound that no call passes."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError, OverBudget, Transient
from corpus_tuner.models.dialect import counted
from corpus_tuner.models.prices import Meter, Price, known_price, paid, price_of
from corpus_tuner.records import Reply
from corpus_tuner.store import Calls

PRICE = Price(input=1.0, output=10.0, cached=0.1, write=1.25)
BODY = {"model": "m", "messages": [{"role": "user", "content": "x" * 100}], "max_tokens": 1000}


def test_cached_and_written_input_have_prices_of_their_own() -> None:
    """Reasoning tokens are output, and not counted beside it."""
    usage = {"prompt_tokens": 1_000_000, "cached_tokens": 600_000, "cache_write_tokens": 100_000}
    assert PRICE.of(usage) == pytest.approx(0.3 + 0.06 + 0.125)
    assert PRICE.of({"completion_tokens": 100_000, "reasoning_tokens": 90_000}) == pytest.approx(1.0)
    assert Price(1.0, 2.0).of({"prompt_tokens": 10, "cached_tokens": 10}) == pytest.approx(10e-6)


def test_details_of_usage_are_counted_beside_the_sums() -> None:
    """As OpenAI nests them; what is no count is left out."""
    usage = {"prompt_tokens": 9, "completion_tokens": 8, "prompt_tokens_details": {"cached_tokens": 4, "audio": None}}
    usage |= {"completion_tokens_details": {"reasoning_tokens": 7}, "cost": 0.5, "ok": True}
    assert counted(usage) == {"prompt_tokens": 9, "completion_tokens": 8, "cached_tokens": 4, "reasoning_tokens": 7}
    assert counted(None) == counted("nonsense") == {}


def test_the_users_table_goes_before_the_packages(tmp_path: Path) -> None:
    """It adds models and replaces entries; a model in neither is the user's to write down."""
    own = tmp_path / "prices.toml"
    assert price_of("gpt-6-luna", own).output == 0.5
    with pytest.raises(CorpusTunerError, match=r"no price is known for the model 'mine'.*prices.toml"):
        known_price("mine", own)
    own.write_text('dated = 2027-01-01\ncurrency = "EUR"\n[model.mine]\ninput = 0\noutput = 0\n[model.gpt-6-luna]\ninput = 7\noutput = 8\n')
    assert known_price("mine", own) == Price(0, 0, currency="EUR", dated="2027-01-01")
    assert price_of("gpt-6-luna", own).input == 7


@pytest.mark.parametrize(
    "text", ["[model.m", "[model.m]\ninput = 1\noutput = 2", 'dated = "x"\ncurrency = "y"\n[model.m]\ninput = "1"\noutput = 2',
             'dated = "x"\ncurrency = "y"\n[model.m]\ninput = -1\noutput = 2', 'dated = "x"\ncurrency = "y"\nmodel = 3',
             'dated = "x"\ncurrency = "y"\n[model.m]\ninput = 1\noutput = 2\nmagic = 3'],
)  # fmt: skip
def test_a_table_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    """One line with the file's name."""
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(CorpusTunerError, match=r"prices\.toml"):
        price_of("m", tmp_path / "prices.toml")


def exchange(body: dict) -> tuple[dict, Reply]:
    return body, Reply("ok", "stop", {"prompt_tokens": 100, "completion_tokens": 500})


def test_the_call_that_might_pass_the_bound_is_not_made() -> None:
    """Each costs 0.0051 and might cost a little over 0.01: with 0.03, four fit and the fifth never."""
    meter, made = Meter(PRICE, 0.03), []
    for _ in range(4):
        meter.pay(BODY, exchange)
    with pytest.raises(OverBudget, match=r"max_cost = 0\.03 USD"):
        meter.pay(BODY, lambda body: made.append(1) or exchange(body))
    assert made == []
    assert meter.spent == pytest.approx(4 * 0.0051)


def test_with_many_in_flight_the_bound_holds_and_is_used() -> None:
    """Calls wait for those in flight to turn out cheaper than was set aside."""
    meter, made = Meter(PRICE, 0.05), []

    def slow(body: dict) -> tuple[dict, Reply]:
        time.sleep(0.01)
        made.append(1)
        return exchange(body)

    def ask() -> None:
        for _ in range(5):
            try:
                meter.pay(BODY, slow)
            except OverBudget:
                return

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.spent <= 0.05
    assert len(made) == 8


def test_what_was_refused_is_free_and_what_broke_off_counts_in_full() -> None:
    """A broken connection may have been charged for."""
    for failure, cost in ((Transient("busy", refused=True, status=429), 0.0), (Transient("500", status=500), 0.0)):
        meter = Meter(PRICE, 1.0)
        with pytest.raises(Transient):
            meter.pay(BODY, lambda body, failure=failure: (_ for _ in ()).throw(failure))
        assert meter.spent == cost
    meter = Meter(PRICE, 1.0)
    with pytest.raises(Transient):
        meter.pay(BODY, lambda body: (_ for _ in ()).throw(Transient("timed out")))
    assert meter.spent == PRICE.at_most(BODY)


def test_paid_counts_each_recorded_call_of_the_model_once(tmp_path: Path) -> None:
    """Others' calls do not count, nor what a reply says about usage, nor a torn line."""
    path = tmp_path / "calls.jsonl"
    calls = Calls(path)
    for number, model in enumerate(["m", "m", "other"]):
        calls.add(
            f"k{number}", base_url="http://h/v1", request={"model": model, "messages": []},
            reply={"text": ', "usage": {"prompt_tokens": 9999}', "finish_reason": "stop"},
            usage={"prompt_tokens": 1000, "completion_tokens": 100}, sample=0, attempt=0, time="t",
        )  # fmt: skip
    with path.open("ab") as file:
        file.write(path.read_bytes().splitlines(keepends=True)[0][:-5])
    found = paid(path, "http://h/v1/", "m", PRICE)
    assert (found.calls, found.usage) == (2, {"prompt_tokens": 2000, "completion_tokens": 200})
    assert found.cost == pytest.approx(2 * 0.002)
    assert paid(tmp_path / "none", "http://h/v1", "m").calls == 0
