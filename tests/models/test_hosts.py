"""Several servers of one model: who is asked, what happens when one dies, and what rate-limit headers hold back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from test_endpoint import MESSAGES, completion, problem, serve  # noqa: F401  (a fixture)

from corpus_tuner.errors import CorpusTunerError, Transient
from corpus_tuner.generate.llm import LlmWriter
from corpus_tuner.models.allowance import Allowance, _amount
from corpus_tuner.models.endpoint import Endpoint
from corpus_tuner.models.hosts import REST, STRIKES, Hosts, urls_of
from corpus_tuner.models.prices import paid
from corpus_tuner.records import Section
from corpus_tuner.settings import GenerateSettings, Settings
from corpus_tuner.store import Calls

Body, Headers = dict[str, Any], dict[str, str]


def slow(seconds: float) -> Callable[[Body, Headers], tuple[int, Headers, bytes]]:
    """A server's answer after a while."""

    def answer(body: Body, headers: Headers) -> tuple[int, Headers, bytes]:
        time.sleep(seconds)
        return 200, {}, completion("yes")

    return answer


def ask_all(model: Endpoint, count: int, threads: int = 8) -> None:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda sample: model.complete(MESSAGES, sample=sample), range(count)))


def test_requests_go_to_the_least_busy_server(serve: Any) -> None:  # noqa: F811
    """Of two equal ones each gets half; one that is five times as slow gets far less."""
    first, second = serve(slow(0.02)), serve(slow(0.02))
    ask_all(Endpoint([first.url, second.url], "", "m"), 60)
    assert abs(len(first.bodies) - len(second.bodies)) <= 20
    quick, lame = serve(slow(0.02)), serve(slow(0.3))
    ask_all(Endpoint([quick.url, lame.url], "", "m"), 60)
    assert len(lame.bodies) < len(quick.bodies) / 2


def test_a_dead_server_is_left_out_and_nobody_notices(serve: Any) -> None:  # noqa: F811
    """Every request is answered; a port where nobody listens is knocked at three times, not sixty."""
    alive = serve(slow(0.01))
    model = Endpoint(["http://127.0.0.1:9/v1", alive.url], "", "m")
    ask_all(model, 60, threads=1)
    assert len(alive.bodies) == 60
    assert model._hosts.all[0].asked == STRIKES


def test_a_server_that_fails_every_time_is_left_out_and_tried_again_later(serve: Any) -> None:  # noqa: F811
    """After its rest a single request tries it; once it is well it takes its share."""
    ill, well = serve(lambda body, headers: (500, {}, problem("no memory"))), serve(slow(0.01))
    model = Endpoint([ill.url, well.url], "", "m")
    ask_all(model, 20, threads=1)
    assert (len(ill.bodies), len(well.bodies)) == (STRIKES, 20)
    first = model._hosts.all[0]
    assert 0 < first.out_until - time.monotonic() <= REST
    first.out_until = time.monotonic()
    ask_all(model, 20, threads=1)
    assert len(ill.bodies) == STRIKES + 1
    ill.answer = slow(0.01)
    first.out_until = time.monotonic()
    ask_all(model, 40)
    assert len(ill.bodies) >= 14


def test_a_busy_server_passes_its_request_on(serve: Any) -> None:  # noqa: F811
    """A 429 of one goes to the other at once; of both it is the caller's to wait."""
    busy, free = serve(lambda body, headers: (429, {"Retry-After": "30"}, problem("busy"))), serve(slow(0))
    model = Endpoint([busy.url, free.url], "", "m")
    ask_all(model, 10, threads=1)
    assert (len(busy.bodies), len(free.bodies)) == (1, 10)
    free.answer = busy.answer
    with pytest.raises(Transient, match="busy") as caught:
        model.complete(MESSAGES, sample=99)
    assert caught.value.retry_after == 30


def test_when_all_are_down_the_caller_hears_it() -> None:
    """One line that may be tried again, however often the servers failed before."""
    model = Endpoint(["http://127.0.0.1:9/v1", "http://localhost:9/v1"], "", "m")
    for _ in range(8):
        with pytest.raises(Transient, match="cannot be reached") as caught:
            model.complete(MESSAGES)
        assert caught.value.refused


def test_a_server_without_the_model_is_the_users_to_mend(serve: Any) -> None:  # noqa: F811
    """It is named, and not passed over in silence."""
    other = serve(lambda body, headers: (404, {}, problem("no such model")))
    with pytest.raises(CorpusTunerError, match=f"{other.url.split('/')[2]} knows no model 'm'"):
        ask_all(Endpoint([serve(slow(0)).url, other.url], "", "m"), 4, threads=1)


@pytest.mark.parametrize("change", ["reordered", "grown", "from one to a list", "first one dead"])
def test_what_one_server_answered_is_not_paid_again_when_the_list_changes(serve: Any, tmp_path: Path, change: str) -> None:  # noqa: F811
    """The key of an exchange does not hang on who answered it; the examples keep leading to their calls."""
    servers = [serve(slow(0)) for _ in range(3)]
    a, b, c = (one.url for one in servers)
    before, after = {
        "reordered": ([a, b], [b, a]),
        "grown": ([a, b], [c, a, b]),
        "from one to a list": (a, [b, a]),
        "first one dead": ([a, b], [a, b, c]),
    }[change]
    path = tmp_path / "calls.jsonl"
    first = Endpoint(before, "", "m", Calls(path))
    ask_all(first, 20)
    keys = set(Calls(path)._offsets)
    assert {first.complete(MESSAGES, sample=n).call for n in range(20)} == keys
    if change == "first one dead":
        servers[0].answer = lambda body, headers: (500, {}, problem("dead"))
    sent = sum(len(one.bodies) for one in servers)
    second = Endpoint(after, "", "m", Calls(path))
    assert {second.complete(MESSAGES, sample=n).call for n in range(20)} == keys
    assert sum(len(one.bodies) for one in servers) == sent
    assert (paid(path, after, "m").calls, paid(path, before, "m").calls) == (20, 20)


def test_a_list_is_urls_each_once() -> None:
    """A closing slash makes no other server; no URL is refused by name."""
    assert urls_of(["http://a/v1/", "http://a/v1", "http://b/v1"]) == ("http://a/v1", "http://b/v1")
    for wrong in ([], ["http://a/v1", "b"], ""):
        with pytest.raises(CorpusTunerError, match="is not a URL"):
            urls_of(wrong)


# ---------------------------------------------------------------------------------------------------------- rate limits


class Window:
    """A server that takes `most` requests in each window of `seconds`, says so in its headers, and refuses the others."""

    def __init__(self, most: int, seconds: float, *, tokens: int = 0) -> None:
        self.most, self.seconds, self.tokens = most, seconds, tokens
        self.refused = self.taken = 0
        self._begun, self._lock = time.monotonic(), threading.Lock()

    def __call__(self, body: Body, headers: Headers) -> tuple[int, Headers, bytes]:
        with self._lock:
            now = time.monotonic()
            if now - self._begun >= self.seconds:
                self._begun, self.taken = now, 0
            reset = f"{int((self.seconds - (now - self._begun)) * 1000) + 1}ms"
            if self.taken >= self.most:
                self.refused += 1
                return 429, {"retry-after-ms": reset.removesuffix("ms")}, problem("slow down")
            self.taken += 1
            left = self.most - self.taken
        said = {"remaining-requests": left, "reset-requests": reset, "limit-requests": self.most}
        if self.tokens:
            said = {"remaining-tokens": left * self.tokens, "reset-tokens": reset, "limit-tokens": self.most * self.tokens}
        return 200, {f"x-ratelimit-{name}": str(value) for name, value in said.items()}, completion('{"pairs": []}')


@pytest.mark.parametrize("tokens", [0, 8])
def test_what_a_server_has_left_is_not_overdrawn(serve: Any, tokens: int) -> None:  # noqa: F811
    """Requests or tokens: whoever asks when nothing is left is told to wait, and nothing is sent."""
    window = Window(5, 0.4, tokens=tokens)
    server = serve(window)
    model = Endpoint(server.url, "", "m")
    done, waits = 0, []
    start = time.monotonic()
    while done < 15:
        try:
            model.complete(MESSAGES, sample=done)
            done += 1
        except Transient as failure:
            waits.append(failure.retry_after)
            time.sleep(failure.retry_after)
    assert window.refused == 0
    assert len(server.bodies) == 15
    assert 0 < min(waits) <= max(waits) <= 0.41
    assert 0.8 <= time.monotonic() - start < 2.5


def test_the_writer_waits_for_room_instead_of_knocking(serve: Any) -> None:  # noqa: F811
    """16 threads at a server of five requests in 0.4 s: after its first word nearly nothing is sent in vain, nothing is lost."""
    window = Window(5, 0.4)
    server = serve(window)
    text = "The mill burned down in 1802."
    sections = [Section(f"s{n}", "d", "Mills", (str(n),), text, ((0, len(text)),)) for n in range(25)]
    settings = Settings(generate=GenerateSettings(concurrency=16))
    model = Endpoint(server.url, "", "m", concurrency=16)
    assert list(LlmWriter(settings, model).write(sections, "basic", 3)) == []
    assert window.refused <= 16
    assert len(server.bodies) == 25 + window.refused


def test_what_was_sent_meanwhile_is_taken_off() -> None:
    """A reply that says 10 are left, read when 6 more were sent, leaves 4."""
    allowance = Allowance()
    first = allowance.sent()
    for _ in range(6):
        allowance.sent()
    allowance.note(first, {"x-ratelimit-remaining-requests": "10", "x-ratelimit-reset-requests": "1m"}, 0)
    for _ in range(4):
        assert allowance.missing() == 0
        allowance.sent()
    assert 59 < allowance.missing() <= 60


def test_an_idle_second_server_takes_over_where_the_first_has_nothing_left(serve: Any) -> None:  # noqa: F811
    """Nobody waits while another server has room."""
    spent = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    first, second = serve(lambda body, headers: (200, spent, completion("yes"))), serve(slow(0))
    ask_all(Endpoint([first.url, second.url], "", "m"), 20, threads=1)
    assert (len(first.bodies), len(second.bodies)) == (1, 19)


@pytest.mark.parametrize(
    ("said", "amount"),
    [("6m0s", 360), ("20ms", 0.02), ("1.5s", 1.5), ("1h2m3s", 3723), ("59", 59), ("0.25", 0.25)]
    + [(word, None) for word in ("", "soon", "-1", "1e9", "5x", "s5", "nan", "inf", "9" * 400)],
)
def test_durations_and_numbers_are_read_and_nothing_else(said: str, amount: float | None) -> None:
    """What cannot be read is as if it had not been said."""
    assert _amount(said) == amount


def test_a_server_is_chosen_by_what_is_in_flight() -> None:
    """Ties go to the one that was asked less."""
    hosts = Hosts(("http://a/v1", "http://b/v1"))
    with hosts.at() as first, hosts.at() as second:
        assert (first.host.name, second.host.name) == ("a", "b")
        with hosts.at([first.host]) as third:
            assert third.host is second.host
    assert [host.in_flight for host in hosts.all] == [0, 0]
