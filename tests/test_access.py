"""The key of a host, and what it asks for."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from corpus_tuner.access import api_key, is_loopback, retry_after, without_key
from corpus_tuner.errors import CorpusTunerError


@pytest.mark.parametrize(("key", "told"), [("", "set the environment variable TEST_KEY"), ("sk-“12345678”", "cannot be sent"), ("sk-\x0012", "cannot be sent")])
def test_a_key_that_cannot_be_used_is_the_users_mistake(monkeypatch: pytest.MonkeyPatch, key: str, told: str) -> None:
    """One line before anything is sent, which does not repeat the key."""
    monkeypatch.setattr("os.environ", {"TEST_KEY": key})
    with pytest.raises(CorpusTunerError, match=told) as error:
        api_key("TEST_KEY", "api.example.org")
    assert "12" not in str(error.value)


def test_this_machine_wants_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """By any of its names; a host that only begins like it is another."""
    monkeypatch.delenv("TEST_KEY", raising=False)
    own = ("localhost", "127.0.0.1", "127.8.8.8", "::1", "api.localhost")
    assert {host: api_key("TEST_KEY", host) for host in own} == dict.fromkeys(own, "")
    assert not any(map(is_loopback, ("localhost.example.org", "127.0.0.1.example.org", "10.0.0.1", "0.0.0.0")))


def test_a_key_is_cut_out_and_a_dummy_word_is_not() -> None:
    """An empty key cuts nothing."""
    texts = {"sk-12345": "wrong: ***", "none": "wrong: sk-12345", "": "wrong: sk-12345"}
    assert {key: without_key("wrong: sk-12345", key) for key in texts} == texts


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "7", "retry-after-ms": "20"}, 0.02),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_what_a_host_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, in whole or parts, or nothing that can be read."""
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for_is_seconds_from_now() -> None:
    """One that is past means now."""
    assert retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) == pytest.approx(60, abs=2)
    assert retry_after({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0
