"""Direct questions about a span of a clause; each wording without its question mark and without naming the topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_english.clauses import Clause, Tokens
from corpus_tuner.generate.rules_english.inversion import (
    bare,
    bare_end,
    continues,
    inverted,
    owned,
    preposition,
    trimmed,
    without_leaning_tail,
)
from corpus_tuner.generate.rules_english.sorts import sort_of, who
from corpus_tuner.generate.rules_english.span import Span, head, is_proper
from corpus_tuner.generate.rules_english.tokens import Token, render
from corpus_tuner.generate.rules_english.words import AUXILIARIES, BE, STRANDS, SUBORDINATORS

_ARTICLES = ("the", "a", "an")
_COUNT_LINKS = ("for", "in", "after", "within", "on", "by", "to", "with", "at", "over")
_DURATIONS = frozenset("hours minutes seconds days weeks months years decades centuries hour minute day week month year".split())
_OFFICES = ("role", "position", "post", "title", "rank", "office", "job")
_VERBAL = ("VBD", "VBZ", "VBP", "VB", "MD", "VBG", "WDT", "WP", "WRB", "CC")


def direct(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    """Questions whose answer is `span`, the most natural first; none where the grammar is not certain."""
    inside = {token.index for token in tokens[span.first : span.last]}
    if clause.lead and clause.lead[0].lower in ("if", "unless"):
        return  # without its condition the clause is not true
    if inside & {token.index for token in clause.subject}:
        yield from _of_subject(tokens, clause, span, persons)
    elif inside <= {token.index for token in clause.rest}:
        yield from _of_rest(tokens, clause, span, persons)
    elif inside <= {token.index for token in clause.lead}:
        yield from _of_lead(tokens, clause, span, persons)
    elif span.kind == "because" and inside == {token.index for token in clause.reason}:
        question = inverted(clause, clause.rest)
        yield from [f"Why {question}", f"For what reason {question}"] if question else []


def _of_subject(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    rest = without_leaning_tail(clause.rest)
    predicate = f"{render((*clause.adverbs, *clause.group))} {render(rest)}".strip()
    identity = clause.main.lower in BE and rest and (rest[0].is_name or rest[0].tag == "CD")
    clausal = rest and (rest[0].lower == "that" or (clause.main.lower in BE and rest[0].lower in ("to", "not")))
    if not rest or identity or clausal or owned(clause.subject):
        return
    core = bare(clause.subject)
    if [token.index for token in core] == list(range(span.first, span.last)):
        word = who(tokens, span, persons, clause.main)
        plural = clause.group[0].tag == "VBP" or clause.group[0].lower == "were" or core[-1].tag == "NNS"
        if clause.group[0].lower in ("are", "were", "have") and head(core).tag == "NNP" and not any(
            token.lower == "and" for token in core
        ):
            return
        vague = len(core) == 1 and not core[0].is_name and len(clause.subject) > 1
        if vague or (word != "Who" and plural and clause.group[0].lower not in ("are", "were", "was", "had")):
            return
        if word == "Who" and not plural:
            yield f"Who {predicate}"
            yield f"What is the name of the person who {predicate}" if _named(tokens, span) else f"Which person {predicate}"
        elif word:
            acting = sort_of(tokens, span, persons) == "place" and not clause.is_passive and clause.main.lower not in BE
            yield f"{'Which place' if acting else word} {predicate}"
        return
    if span.kind == "number" and core and core[0].index == span.first and len(core) > len(span):
        noun = core[len(span) :]
        if noun[-1].tag == "NNS" and all(token.tag in ("JJ", "NN", "NNS") for token in noun):
            yield f"How many {render(noun)} {predicate}"


def _named(tokens: Sequence[Token], span: Span) -> bool:
    return all(token.is_name for token in tokens[span.first : span.last])


def _of_lead(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    lead = bare(clause.lead[1:])
    if not clause.lead or [token.index for token in lead] != list(range(span.first, span.last)):
        return
    question = inverted(clause, without_leaning_tail(clause.rest))
    if question:
        yield from _fronted(clause.lead[0].lower, sort_of(tokens, span, persons), span, tokens, question)


def _of_rest(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    before = tuple(token for token in clause.rest if token.index < span.first)
    after = tuple(token for token in clause.rest if token.index >= span.last)
    if any(token.tag in _VERBAL or token.lower in SUBORDINATORS - {"since", "after", "before", "until", "as"}
           for token in before) or any(token.text in "\"“”,:" for token in before):
        return
    sort = sort_of(tokens, span, persons)
    if span.kind in ("number", "amount"):
        yield from _how_many(tokens, clause, span, before, after)
        return
    if span.kind in ("date", "year") or (sort == "place" and before and preposition(before) in ("in", "at", "near")):
        yield from _when_where(tokens, clause, span, sort, before, after)
        return
    if continues(after):
        return
    yield from _what(tokens, clause, span, persons, before, after)


def _when_where(
    tokens: Sequence[Token], clause: Clause, span: Span, sort: str, before: Tokens, after: Tokens
) -> Iterator[str]:
    link = preposition(before)
    outer = bare_end(before)[:-1]
    if sort == "place" and len(outer) > 5:
        return
    if not link or continues(after) or (outer and outer[-1].tag in ("IN", "TO", "DT", "JJ", "CD")):
        return
    question = inverted(clause, (*outer, *trimmed(after)))
    if question and (outer or len(clause.group) > 1 or clause.main.lower not in BE or sort == "place"):
        yield from _fronted(link, sort, span, tokens, question)


def _fronted(link: str, sort: str, span: Span, tokens: Sequence[Token], question: str) -> Iterator[str]:
    """Question words for what a preposition `link` led to."""
    inside = tokens[span.first : span.last]
    text = render(inside)
    ranged = link == "from" and any(token.lower in ("to", "until", "–") for token in inside)
    if sort == "year" and not ranged:
        heads = {"in": ("In what year", "When"), "during": ("In what year",), "since": ("Since what year",),
                 "by": ("By what year",), "until": ("Until what year",), "from": ("From what year",)}
        yield from (f"{opening} {question}" for opening in heads.get(link, ()))
    elif sort == "date":
        if ranged or link == "between":
            yield f"During what period {question}"
        elif "centur" in text:
            yield from [f"In what century {question}", f"When {question}"] if link == "in" and "centuries" not in text else []
        elif link == "on":
            yield from (f"On what date {question}", f"When {question}")
        elif link in ("in", "during"):
            yield f"When {question}"
        elif link in ("since", "until"):
            yield f"{link.capitalize()} when {question}"
    elif sort == "place" and link in ("in", "at", "near"):
        yield from (f"Where {question}", f"{link.capitalize()} which place {question}")


def _how_many(tokens: Sequence[Token], clause: Clause, span: Span, before: Tokens, after: Tokens) -> Iterator[str]:
    noun = _counted(after) if span.kind == "number" else ()
    after = after[len(noun) :]
    lead = bare_end(before)
    if not before and not after and not noun:
        yield from _measure(clause)
    if len(lead) != len(before) or continues(after):
        return
    link = lead[-1].lower if lead else ""
    if span.kind == "amount":
        opening = "For how long" if link == "for" and tokens[span.last - 1].lower in _DURATIONS else ""
    elif not noun or noun[-1].tag != "NNS" or tokens[span.first].text[0] in "$€£¥" or tokens[span.first].text[-1] == "%":
        opening = ""
    else:
        many = f"how many {render(noun)}"
        opening = f"{link} {many}" if link in _COUNT_LINKS else "" if link else many
    if opening and not (len(lead) > 1 and lead[-2].lower in ("up", "close", "due")):
        question = inverted(clause, (*lead[:-1], *trimmed(after)))
        yield from [f"{opening[0].upper()}{opening[1:]} {question}"] if question else []


def _counted(after: Tokens) -> Tokens:
    """The noun that a number counts, with its adjectives."""
    count = 0
    while count < min(len(after), 3) and after[count].tag in ("JJ", "NN", "NNS"):
        count += 1
    return after[:count]


def _measure(clause: Clause) -> Iterator[str]:
    """ "What was the average household size" from "the average household size was 3.07"."""
    if clause.main.lower in ("is", "was") and len(clause.group) == 1 and clause.subject[-1].is_noun:
        yield f"What {clause.main.lower} {render(clause.subject, lower_first=True)}"


def _what(
    tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str], before: Tokens, after: Tokens
) -> Iterator[str]:
    lead = bare_end(before)
    if not lead:
        yield from _of_object(tokens, clause, span, who(tokens, span, persons), after)
        return
    link = lead[-1].lower
    by_agent = link == "by" and len(lead) == 1 and clause.is_passive
    word = who(tokens, span, persons, clause.main if by_agent else None)
    if word == "Who" and not is_proper(tokens, span) and _is_place_of(lead):
        word = "What"
    if not word or lead[-1].tag not in ("IN", "TO") or (len(lead) == 1 and clause.main.lower in BE):
        return
    close = len(lead) == 1 and link in ("of", "to", "for", "with", "from", "on", "as", "into", "against", "through")
    far = 1 < len(lead) <= 9 and link in STRANDS and (lead[-2].is_noun or lead[-2].tag in ("VBN", "JJ"))
    far = far and not any(token.tag in ("IN", "TO") for token in lead[:-1])
    if link == "to" and len(lead) == len(before) and not tokens[span.first].is_name and tokens[span.last - 1].tag == "NN":
        return  # "joined forces to aid": an infinitive as likely as a noun
    apart = sort_of(tokens, span, persons) in ("date", "place") or (clause.main.lower in BE and link in ("on", "in", "at"))
    if by_agent or ((close or far) and span.kind != "prep" and not apart):
        if clause.group[0].lower in AUXILIARIES and by_agent and len(clause.group) == 2:
            yield from _active(clause, word, after)
        question = inverted(clause, lead)
        if question:
            yield f"{word} {question}"
            if word != "Who" and len(lead) == 1:
                yield f"{link.capitalize()} {word.lower()} {inverted(clause, ())}"


def _is_place_of(lead: Tokens) -> bool:
    """Whether a common noun for a person after `lead` is an office or a group: "assigned the role of engineer"."""
    return lead[-1].lower in ("as", "on", "in", "at", "into") or (len(lead) > 1 and lead[-2].lower in _OFFICES)


def _active(clause: Clause, word: str, after: Tokens) -> Iterator[str]:
    """ "Who built the tower" from "the tower was built by X": only where participle and past tense are one form."""
    main = clause.main.lower
    if main.endswith("ed") and clause.group[0].lower in ("was", "were"):
        subject = render(clause.subject, lower_first=True)
        yield " ".join(part for part in (word, render(clause.adverbs), main, subject, render(trimmed(after))) if part)


def _of_object(tokens: Sequence[Token], clause: Clause, span: Span, word: str, after: Tokens) -> Iterator[str]:
    main = clause.main
    if main.lower in BE and len(clause.group) == 1:
        defining = tokens[span.first].tag not in ("RB", "RBR", "VBN", "VBG") and head(tokens[span.first : span.last]).is_noun
        if not after and defining and any(token.is_noun for token in clause.subject):
            be_who = "Who" if word == "Who" and clause.subject[-1].is_name else "What"
            yield f"{be_who} {main.lower} {render(clause.subject, lower_first=True)}"
        return
    if clause.is_passive and main.lower not in ("called", "named", "considered", "given", "awarded", "offered", "renamed"):
        return
    if not word or span.kind in ("quote", "aside") or tokens[span.last - 1].tag in ("JJ", "CD") or tokens[span.first].tag == "VBG":
        return
    if len(clause.group) == 1 and main.lower in ("became", "remained", "seemed", "appeared", "was", "went", "came", "fell"):
        word = "What"
        if main.lower != "became":
            return
    kept = trimmed(after)
    question = inverted(clause, kept) if kept or not after else ""
    if question:
        yield f"{word} {question}"
