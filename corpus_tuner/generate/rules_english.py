"""Facts of an English section, each with its direct questions and its cloze."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus_tuner.generate import rules_facts
from corpus_tuner.generate.rules_ask import direct
from corpus_tuner.generate.rules_clauses import Clause, antecedent, clauses
from corpus_tuner.generate.rules_facts import BLANK, Fact, acceptable, apart, quoted
from corpus_tuner.generate.rules_rank import features, likelihood
from corpus_tuner.generate.rules_sorts import sort_of
from corpus_tuner.generate.rules_spans import Span, is_proper, spans
from corpus_tuner.generate.rules_tokens import Token, render, tokenise
from corpus_tuner.generate.rules_words import CONNECTIVES, DANGLING, POSSESSIVES
from corpus_tuner.records import Section
from corpus_tuner.text import content_words, words

CLOZE_VALUE = 0.4  # of a direct question's: a person would rather be asked
_MAX_CLOZE_WORDS = 55
_MAX_PAIR_WORDS = 72
_MAX_DIRECT_WORDS = 32
_SIDE = 7  # words on each side of the gap in the shortest completion
_LEANING = frozenset("and but or so nor also both another others then thus therefore hence".split())
_NOUNS = {"year": "year", "date": "date", "number": "number", "person": "name", "name": "name", "place": "place"}


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of a section as tokens; `number` from 1, `before` the sentence before it in the same paragraph."""

    section: Section
    number: int
    text: str
    tokens: tuple[Token, ...]
    before: str


def lines(section: Section) -> list[Line]:
    """The sentences of a section that a question may be made from: prose, with a verb, of a sensible length."""
    found = []
    before, last_end = "", 0
    for number, (start, end) in enumerate(section.sentences, start=1):
        text = section.text[start:end]
        same_paragraph = "\n" not in section.text[last_end:start]
        if 4 <= len(words(text)) <= 120 and text[-1:] in ".!?\"”')" and text[0] not in "[|{<#":
            tokens = tokenise(text)
            if any(token.is_finite for token in tokens):
                found.append(Line(section, number, text, tokens, before if same_paragraph else ""))
        before, last_end = text, end
    return found


def facts(section: Section, found: Sequence[Line], persons: frozenset[str], most: int) -> list[Fact]:
    """At most `most` facts of a section, the likeliest first, one for each answer of a sentence."""
    counts = Counter(words(section.text))
    ranked = []
    for line in found:
        candidates = spans(line.tokens)
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
    answer = _answer(line, span)
    if not answer:
        return None
    asked = [question for clause in parsed for question in _framed(line, span, clause, persons, answer)]
    blank = [cloze for cloze in _clozes(line, span, parsed, persons) if acceptable(cloze, answer)]
    if not asked and not blank:
        return None
    numbers = (line.number, line.number - 1) if any(c.subject[0].index < 0 for c in parsed) else (line.number,)
    return Fact(numbers, answer, value * (1 if asked else CLOZE_VALUE), apart([*asked[:1], *blank[:1], *asked[1:], *blank[1:]]))


def _answer(line: Line, span: Span) -> str:
    """The text of the span; "" for one that cannot stand as an answer."""
    inside = line.tokens[span.first : span.last]
    if any(token.lower in DANGLING | POSSESSIVES for token in inside) and span.kind != "quote":
        return ""
    text = line.text[inside[0].start : inside[-1].end].rstrip(",;:")
    balanced = text.count('"') % 2 == 0 and text.count("(") == text.count(")") and text.count("“") == text.count("”")
    return text if balanced and any(char.isalnum() for char in text) else ""


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
    if not section.title or rules_facts.names_topic(question, section):
        return question + "?"
    place = quoted(section.title)
    if rules_facts.contains_answer(place, answer):
        return question + "?" if sum(word[:1].isupper() for word in question.split()[1:]) > 1 else ""
    lowered = question[0].lower() + question[1:]
    if variant % 2 == 0:
        return f"According to the article {place}, {lowered}?"
    return f"In the article {place}, {lowered}?"


def _clozes(line: Line, span: Span, parsed: Sequence[Clause], persons: frozenset[str]) -> Iterator[str]:
    """Sentence completions, phrased as questions: the clause that holds the span, then the whole sentence."""
    noun = _NOUNS.get(sort_of(line.tokens, span, persons), "")
    if not noun or (noun in ("name", "place") and not is_proper(line.tokens, span)):
        noun = "words" if len(span) > 1 else "word"
    verb = "complete" if noun == "words" else "completes"
    hides = line.section.title and not rules_facts.contains_answer(rules_facts.where(line.section), _answer(line, span))
    title = quoted(line.section.title) if hides else ""
    article = f"In the article {title}, which" if title else "Which"
    start = _opening(line)
    text = _blanked(line, span, start, len(line.tokens)) if start <= span.first else ""
    if not text:
        return
    if not _leans(line.tokens, start, span):
        shown = _capital(text)
        if len(set(content_words(shown))) > 3:
            yield f"{article} {noun} {verb} the sentence {quoted(_window(shown))}?"
            if title:
                fill = "fill" if noun == "words" else "fills"
                short = quoted(_window(shown, 2 * _SIDE, _SIDE))
                yield f"{short}: which {noun} {fill} the gap in the account of {line.section.title}?"
    for clause in parsed:
        shorter = _clause_range(clause, span)
        if shorter and 8 < shorter[1] - shorter[0] < len(line.tokens) - start - 4:
            short = _capital(_blanked(line, span, *shorter))
            source = quoted(rules_facts.where(line.section)) if title else "the text"
            yield f"What is missing here, according to {source}: {quoted(short + '.')}?"
    if not _leans(line.tokens, start, span):
        return
    if line.before and not _leans(tokenise(line.before), 0, None):
        both = f"{line.before} {text}"
        if len(words(both)) <= _MAX_PAIR_WORDS and not rules_facts.contains_answer(line.before, _answer(line, span)):
            yield f"{article} {noun} {verb} the second sentence of {quoted(both)}?"


def _window(text: str, most: int = _MAX_CLOZE_WORDS, side: int = 22) -> str:
    """A sentence of more than `most` words cut to `side` words on each side of the gap."""
    found = text.split(" ")
    if len(found) <= most:
        return text
    gap = next(k for k, word in enumerate(found) if BLANK in word)
    first, last = max(0, gap - side), gap + side + 1
    return ("… " if first else "") + " ".join(found[first:last]) + (" …" if last < len(found) else "")


def _clause_range(clause: Clause, span: Span) -> tuple[int, int] | None:
    """First and last token of subject to end of a clause that holds the span."""
    indexes = [token.index for token in (*clause.subject, *clause.group, *clause.rest)]
    if not indexes or not (indexes[0] <= span.first and span.last - 1 <= indexes[-1]) or len(indexes) < 5:
        return None
    return indexes[0], indexes[-1] + 1


def _blanked(line: Line, span: Span, first: int, last: int) -> str:
    tokens = line.tokens
    left = line.text[tokens[first].start : tokens[span.first].start]
    right = line.text[tokens[span.last - 1].end : tokens[last - 1].end]
    return left + BLANK + right


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _opening(line: Line) -> int:
    """Past a list's bullet and a connective ("However,") at the start of a sentence."""
    tokens = line.tokens
    first = 0
    while first < len(tokens) - 2 and tokens[first].text in ("-", "–", "•", "*"):
        first += 1
    if len(tokens) > first + 2 and tokens[first].lower in CONNECTIVES and tokens[first + 1].text == ",":
        return first + 2
    return first


def _leans(tokens: Sequence[Token], start: int, span: Span | None) -> bool:
    """Whether a sentence needs the one before it: a pronoun or a "this" before its first noun."""
    if start >= len(tokens) or tokens[start].lower in _LEANING:
        return True
    for token in tokens[start:]:
        if (span is not None and span.first <= token.index < span.last) or token.is_noun:
            return False
        existential = token.lower == "there" and token.index + 1 < len(tokens) and tokens[token.index + 1].is_finite
        if token.lower in DANGLING | POSSESSIVES and not existential:
            return True
    return True


def topics(section: Section) -> list[tuple[str, int]]:
    """Names that sentences speak of, the subjects before the others, with the number of the first such sentence."""
    subjects: dict[str, int] = {}
    others: dict[str, int] = {}
    for line in lines(section):
        starting = {token.index for clause in clauses(line.tokens) for token in clause.subject}
        for span in spans(line.tokens):
            follows = line.tokens[span.last].tag if span.last < len(line.tokens) else ""
            if span.kind == "name" and len(span) <= 5 and follows[:2] not in ("NN", "JJ", "CD", "PO"):
                place = subjects if span.first in starting else others
                article = span.first and line.tokens[span.first - 1].lower == "the"
                name = ("the " if article else "") + line.text[line.tokens[span.first].start : line.tokens[span.last - 1].end]
                place.setdefault(name, line.number)
    return [*subjects.items(), *((name, number) for name, number in others.items() if name not in subjects)]
