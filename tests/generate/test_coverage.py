"""The coverage ledger."""

from __future__ import annotations

from conftest import ships

from corpus_tuner.generate.coverage import coverage
from corpus_tuner.records import Example


def pair(*evidence: tuple[str, int]) -> Example:
    return Example("e", "basic", "Who?", "Borman", evidence, "", "rules")


def test_bare_sentences_are_those_that_no_pair_rests_on() -> None:
    """Numbers of sentences, counted from 1, per section, and the share of all."""
    found = coverage([ships(1, 4), ships(2, 2)], [pair(("s1", 1), ("s1", 3)), pair(("s1", 3)), pair(("s2", 2))])
    assert [row["bare"] for row in found["sections"]] == [[2, 4], [1]]
    assert [row["pairs"] for row in found["sections"]] == [2, 1]
    assert (found["sentences"], found["covered"], found["share"]) == (6, 3, 0.5)


def test_a_pair_of_two_sections_counts_in_both() -> None:
    """A cross pair covers a sentence of each."""
    found = coverage([ships(1, 1), ships(2, 1)], [pair(("s1", 1), ("s2", 1))])
    assert found["share"] == 1.0
    assert [row["pairs"] for row in found["sections"]] == [1, 1]


def test_nothing_to_cover_is_covered() -> None:
    """No section, no division by zero."""
    assert coverage([], [])["share"] == 1.0
