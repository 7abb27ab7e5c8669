"""Facts of an English section, each with its direct questions and its cloze."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.ask import direct
from corpus_tuner.generate.rules_english.clauses import Clause, antecedent, clauses
from corpus_tuner.generate.rules_english.cloze import completions
from corpus_tuner.generate.rules_english.lines import Line, answer_text, lines
from corpus_tuner.generate.rules_english.rank import features, likelihood
from corpus_tuner.generate.rules_english.span import Span
from corpus_tuner.generate.rules_english.spans import spans
from corpus_tuner.generate.rules_english.tokens import Token, render
from corpus_tuner.generate.rules_english.words import DANGLING, POSSESSIVES
from corpus_tuner.generate.rules_facts import Fact, acceptable, apart, names_topic
from corpus_tuner.records import Section
from corpus_tuner.text import contains_answer, content_words, stop_words, words

CLOZE_VALUE = 0.4  # of a direct question's: a person would rather be asked
_MAX_DIRECT_WORDS = 32


def facts(section: Section, found: Sequence[Line], persons: frozenset[str], most: int) -> list[Fact]:
    """At most `most` facts of a section, the likeliest first, one for each answer of a sentence."""
    counts = Counter(words(section.text))
    ranked = []
    for line in found:
        candidates = spans(line.tokens, section.title)
        for span in candidates:
            value = likelihood(features(line.tokens, span, candidates, counts, section.title))
            ranked.append((-value, line.number, span.first, span.last, line, span))
    ranked.sort(key=lambda item: item[:4])
    parsed = _parsed(found, persons)
    kept: list[Fact] = []
    for negative, number, _, _, line, span in ranked:
        if len(kept) >= most:
            break
        fact = _fact(line, span, parsed[number], persons, -negative)
        if fact:
            kept.append(fact)
    return sorted(kept, key=lambda fact: -fact.value)


def _parsed(found: Sequence[Line], persons: frozenset[str]) -> dict[int, list[Clause]]:
    """The clauses of every line, by its number; a pronoun that opens one is resolved where it can be."""
    parsed: dict[int, list[Clause]] = {}
    for line in found:
        before = parsed.get(line.number - 1, []) if line.before else []
        parsed[line.number] = clauses(line.tokens, antecedent(line.tokens, before, persons))
    return parsed


def _fact(line: Line, span: Span, parsed: Sequence[Clause], persons: frozenset[str], value: float) -> Fact | None:
    answer = answer_text(line, span)
    if not answer:
        return None
    asked = [question for clause in parsed for question in _framed(line, span, clause, persons, answer)]
    blank = [cloze for cloze in completions(line, span, parsed, persons) if acceptable(cloze, answer)]
    if not asked and not blank:
        return None
    numbers = (line.number, line.number - 1) if any(c.subject[0].index < 0 for c in parsed) else (line.number,)
    return Fact(numbers, answer, value * (1 if asked else CLOZE_VALUE), apart([*asked[:1], *blank[:1], *asked[1:], *blank[1:]]))


def _framed(line: Line, span: Span, clause: Clause, persons: frozenset[str], answer: str) -> Iterator[str]:
    """Direct questions that stand on their own, with the topic named."""
    whole = line.tokens[span.first : span.last]
    of_subject = any(token in clause.subject for token in whole)
    for k, question in enumerate(direct(line.tokens, clause, span, persons)):
        text = question + _adjunct(clause, whole, question)
        size = len(set(content_words(text)) - {"what", "who", "which"})
        if not _stands_alone(text, of_subject) or size < 3 or len(words(text)) > _MAX_DIRECT_WORDS:
            continue
        framed = _name_topic(text, line.section, answer, k)
        if framed and acceptable(framed, answer):
            yield framed


def _adjunct(clause: Clause, whole: Sequence[Token], question: str) -> str:
    """The clause's "in July 2015", where it is short, stands on its own and is not what is asked."""
    lead = clause.lead
    asks_time = question.startswith(("When", "In what", "On what", "During", "Where"))
    if not 2 <= len(lead) <= 6 or lead[0].tag != "IN" or whole[0] in lead or asks_time or "," in question:
        return ""
    if any(token.tag[:2] == "VB" or token.lower in DANGLING | POSSESSIVES or token.text == "," for token in lead):
        return ""
    return " " + render(lead, lower_first=True)


def _stands_alone(question: str, of_subject: bool) -> bool:
    found = [word.strip("?,.\"“”'()") for word in question.lower().split()]
    if any(word in DANGLING for word in found) or found[-1] in ("and", "or", "the", "a", "an", "than", "that"):
        return False
    return not any(word in POSSESSIVES and (of_subject and word in ("his", "her")) for word in found)


def _name_topic(question: str, section: Section, answer: str, variant: int) -> str:
    """The question with the article named, unless it names it itself; "" if naming it would give the answer away."""
    if not section.title or names_topic(question, section):
        return question + "?"
    if contains_answer(section.title, answer):
        return question + "?" if sum(word[:1].isupper() for word in question.split()[1:]) > 1 else ""
    lowered = question[0].lower() + question[1:]
    return f"{'In connection with' if variant % 2 else 'Regarding'} {section.title}, {lowered}?"


def topics(section: Section) -> list[tuple[str, int]]:
    """Names that sentences speak of, the subjects before the others, with the number of the first such sentence."""
    subjects: dict[str, int] = {}
    others: dict[str, int] = {}
    for line in lines(section):
        starting = {token.index for clause in clauses(line.tokens) for token in clause.subject}
        names = [span for span in spans(line.tokens, section.title) if span.kind == "name"]
        for span in names:
            follows = line.tokens[span.last] if span.last < len(line.tokens) else None
            inner = any(len(other) > len(span) and other.first <= span.first and span.last <= other.last for other in names)
            if not inner and _says_what_it_names(line.tokens[span.first : span.last], follows):
                place = subjects if span.first in starting else others
                article = span.first and line.tokens[span.first - 1].lower == "the"
                name = ("the " if article else "") + line.text[line.tokens[span.first].start : line.tokens[span.last - 1].end]
                place.setdefault(name, line.number)
    return [*subjects.items(), *((name, number) for name, number in others.items() if name not in subjects)]


def _says_what_it_names(name: Sequence[Token], follows: Token | None) -> bool:
    """Whether a name says by itself what it names: not "Director" of "Director of Flight Operations", not a letter."""
    if len(name) > 5 or (follows is not None and follows.tag[:2] in ("NN", "JJ", "CD", "PO")):
        return False
    if len(name) > 1:
        return True
    word = name[0]
    return len(word.lower) > 1 and word.lower not in stop_words() and (follows is None or follows.lower != "of")
