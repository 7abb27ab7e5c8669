"""Other ways to put a question, made by chance: what keeps a small student from learning only the exact wording."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from corpus_tuner.text import stop_words

ENOUGH = 3  # content words that a question keeps, where it has them


def reword(question: str, chance: Random, noise: Sequence[str] = (), language: str = "en") -> str:
    """`question` with words dropped (function words more often), turned round, moved and mixed with words of `noise`.

    One question in five stays as it is. The rate of dropping is drawn per question, so that the student meets
    all grades from nearly whole to a few key words.
    """
    words = question.split()
    if len(words) < 3 or chance.random() < 0.2:
        return question
    words = _drop(words, chance, language)
    if chance.random() < 0.5:
        cut = chance.randrange(len(words))
        words = words[cut:] + words[:cut]
    if noise and chance.random() < 0.4:
        for _ in range(chance.randint(1, 3)):
            words.insert(chance.randrange(len(words) + 1), chance.choice(noise))
    return " ".join(words)


def _drop(words: list[str], chance: Random, language: str) -> list[str]:
    stop = stop_words(language)
    rate = chance.random()
    kept, content = [], []
    for place, word in enumerate(words):
        function_word = word.lower().strip("?,.!'\"") in stop
        if not function_word:
            content.append(place)
        if chance.random() >= rate * (1.5 if function_word else 0.8):
            kept.append(place)
    missing = min(ENOUGH, len(content)) - len(set(kept) & set(content))
    if missing > 0:
        kept.extend(chance.sample([place for place in content if place not in kept], missing))
    return [words[place] for place in sorted(kept)]
