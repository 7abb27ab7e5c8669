"""Rows as tokens, in batches of rows of like length."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

Encoded = tuple[list[int], list[bool]]
"""Token ids, and for each whether the loss counts it."""


def batches(encoded: Sequence[Encoded], size: int, chance: Random) -> list[list[Encoded]]:
    """Batches of rows of like length, in random order: little padding, and no order that could be learnt."""
    jitter = 8  # tokens: rows of nearly the same length meet others in each pass
    order = sorted(encoded, key=lambda row: len(row[0]) + jitter * chance.random())
    found = [order[at : at + size] for at in range(0, len(order), size)]
    chance.shuffle(found)
    return found
