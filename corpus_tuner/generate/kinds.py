"""The checks of the kinds that are no plain pairs: a text told again, a conclusion, and a question that has no answer."""

from __future__ import annotations

from collections.abc import Iterable

from corpus_tuner.generate.evidence import misformed, names_supported, numbers_supported, supporting
from corpus_tuner.generate.numerals import Numbers
from corpus_tuner.generate.passage import Passage, Words, plain, tokens
from corpus_tuner.generate.questions import is_question, same_question, stands_alone
from corpus_tuner.records import Reason
from corpus_tuner.text import words

TOLD = 0.6  # share of a sentence's words from which a text tells it
OWN = 0.5  # share of a text's words that its passage must hold; a dialogue or a letter brings many of its own


def retold(order: str, text: str, passage: Passage) -> tuple[int, ...] | Reason:
    """The sentences that a text tells again; or why it is left out.

    Its order must name the document, as a reader of the order has seen nothing else; its numbers and names must stand
    in the passage, and most of its words, too.
    """
    order, text = plain(order), plain(text)
    if not words(order) or not words(text):
        return Reason.EMPTY_TEXT
    named = Words(words(order), order, passage.language)
    title = tokens(passage.section.title, passage.language)
    if not all(word in named for word in title) or not stands_alone(order, passage.language, passage.heading):
        return Reason.NOT_SELF_CONTAINED
    if not numbers_supported(text, passage):
        return Reason.UNSUPPORTED_NUMBER
    own = set(tokens(text, passage.language))
    held = sum(word in passage.all_words for word in own)
    if held < OWN * len(own):
        return Reason.UNSUPPORTED_ANSWER
    if not names_supported(text, passage):
        return Reason.UNSUPPORTED_NAME
    told = Words(own, text, passage.language)
    found = []
    for number, sentence in enumerate(passage.sentences, start=1):
        wanted = set(tokens(sentence, passage.language))
        if wanted and sum(word in told for word in wanted) >= TOLD * len(wanted):
            found.append(number)
    return tuple(found) or Reason.UNSUPPORTED_ANSWER


def inferred(question: str, answer: str, cited: Iterable[int], passage: Passage) -> tuple[int, ...] | Reason:
    """The cited sentences of a pair that is stated in none of them and follows from several; or why it is left out.

    Each says a word of question or answer, or a number for one that is calculated, and none says all. The answer's words
    stand in the section, as in any pair; but a number may be the sum or difference of two that the cited sentences give.
    """
    question, answer = plain(question), plain(answer)
    fault = misformed(question, answer, passage)
    if fault is not None:
        return fault
    own = {word for word in tokens(f"{question} {answer}", passage.language) if word not in passage.heading_words}
    valid = [number for number in dict.fromkeys(cited) if 1 <= number <= len(passage.sentences)]
    calculated = not numbers_supported(answer, passage)
    told = {number: passage.sentence_words[number - 1] for number in valid}
    found = sorted(
        number for number, sentence in told.items() if any(word in sentence for word in own) or (calculated and sentence.numbers)
    )
    if len(found) < 2 or any(all(word in sentence for word in own) for sentence in passage.sentence_words):
        return Reason.ONE_SENTENCE
    said = " \n ".join(passage.sentences[number - 1] for number in found)
    if calculated and not Numbers(said, passage.language).bear_out(answer):
        return Reason.UNSUPPORTED_NUMBER
    if not names_supported(answer, passage):
        return Reason.UNSUPPORTED_NAME
    if not calculated and not supporting(question, answer, found, passage):
        return Reason.UNSUPPORTED_ANSWER
    return tuple(found)


def near_miss(question: str, passage: Passage) -> Reason | None:
    """Why a question cannot stand for those that the passage does not answer, or None.

    One of whose own words all stand in a single sentence is probably answered there. That is no proof of the contrary
    for the others: no check of words can be.
    """
    question = plain(question)
    if not is_question(question, passage.language):
        return Reason.NOT_A_QUESTION
    if passage.is_foreign(question):
        return Reason.OTHER_LANGUAGE
    if not same_question(question) or not stands_alone(question, passage.language, passage.heading):
        return Reason.NOT_SELF_CONTAINED
    own = [word for word in tokens(question, passage.language) if word not in passage.heading_words]
    if any(all(word in sentence for word in own) for sentence in passage.sentence_words):
        return Reason.ANSWERABLE
    return None
