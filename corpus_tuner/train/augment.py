"""Other ways to put a question, made by chance: what keeps a small student from learning only the exact wording."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from corpus_tuner.records import Message
from corpus_tuner.text import stop_words
from corpus_tuner.train.rows import Conversation, is_learnt

AS_IT_IS = 0.2  # share of the questions that stay whole
TURN = 0.5  # share that is turned round: "b c a" for "a b c"
NOISE = 0.6  # share that gets words of other questions ...
RELATED = 0.5  # ... and of what else the corpus says of the same answer
MOST = 4  # words of each at most
FRAME = 0.05  # a word in more than this share of the questions says nothing of what is asked
ENOUGH = 3  # telling words that a question keeps, where it has them
SPAN = 8  # words of an answer of which other rows may say more
SIGNS = "?!.,;:'\"()[]“”‘’«»"


class Rewording:
    """Puts the questions of one training file otherwise, by what its rows have in common."""

    def __init__(self, rows: Sequence[Conversation]) -> None:
        questions = [_words(" ".join(_contents(row, asked=True))) for row in rows]
        counts = Counter(word for words in questions for word in set(words))
        most = max(3.0, FRAME * len(rows))
        self._rows = rows
        self._empty = stop_words() | {word for word, count in counts.items() if count > most}
        self._noise = sorted(counts)
        self._related = list(self._relations(questions, [_words(" ".join(_contents(row, asked=False))) for row in rows]))

    def __call__(self, number: int, chance: Random) -> list[Message]:
        """Row `number` with its questions reworded."""
        related = self._related[number]
        return [
            {**message, "content": self._reword(message["content"], related, chance)} if message["role"] == "user" else message
            for message in self._rows[number]
        ]

    def _reword(self, question: str, related: Sequence[str], chance: Random) -> str:
        """The question with words dropped, turned round, and mixed with words from elsewhere."""
        words = question.split()
        if len(words) < 3 or chance.random() < AS_IT_IS:
            return question
        words = self._drop(words, chance)
        if words and chance.random() < TURN:
            cut = chance.randrange(len(words))
            words = words[cut:] + words[:cut]
        for share, others in ((NOISE, self._noise), (RELATED, related)):
            if others and chance.random() < share:
                for _ in range(chance.randint(1, MOST)):
                    words.insert(chance.randint(0, len(words)), chance.choice(others))
        return " ".join(words)

    def _drop(self, words: list[str], chance: Random) -> list[str]:
        """Drops empty words more often; the rate is drawn anew, so that all grades are met, down to a few key words."""
        rate = chance.random()
        empty = [word.lower().strip(SIGNS) in self._empty for word in words]
        kept = {place for place, plain in enumerate(empty) if chance.random() >= rate * (1.5 if plain else 0.8)}
        telling = [place for place, plain in enumerate(empty) if not plain]
        missing = min(ENOUGH, len(telling)) - sum(place in kept for place in telling)
        if missing > 0:
            kept.update(chance.sample([place for place in telling if place not in kept], missing))
        return [words[place] for place in sorted(kept)]

    def _relations(self, questions: Sequence[list[str]], answers: Sequence[list[str]]) -> Iterator[list[str]]:
        """For each row the telling words of the two rows that say most about its (short) answer.

        A person who rewords a question takes words of the sentence that it came from; other rows quote it.
        """
        texts = [f" {' '.join(question)} {' '.join(answer)} " for question, answer in zip(questions, answers)]
        telling = [frozenset(question + answer) - self._empty for question, answer in zip(questions, answers)]
        where: dict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(texts):
            for word in set(text.split()):
                where[word].append(number)
        for number, (question, answer) in enumerate(zip(questions, answers)):
            own, found = frozenset(question) - self._empty, []
            if 0 < len(answer) <= SPAN:
                rarest = min((where[word] for word in answer), key=len)
                found = [at for at in rarest if at != number and f" {' '.join(answer)} " in texts[at]]
            found = sorted((len(own & telling[at]), at) for at in found)[-2:]
            words = frozenset().union(*(telling[at] for shared, at in found if shared > 1))
            yield sorted(words - own - frozenset(answer))


def _contents(row: Conversation, *, asked: bool) -> Iterator[str]:
    return (message["content"] for message in row if (message["role"] == "user" if asked else is_learnt(message)))


def _words(text: str) -> list[str]:
    return [plain for word in text.lower().split() if (plain := word.strip(SIGNS))]
