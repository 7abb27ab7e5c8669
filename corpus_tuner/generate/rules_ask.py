"""Direct questions about a span of a clause; each wording without its question mark and without naming the topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from corpus_tuner.generate.rules_clauses import Clause, Tokens
from corpus_tuner.generate.rules_sorts import sort_of, who
from corpus_tuner.generate.rules_spans import Span, head
from corpus_tuner.generate.rules_tokens import Token, lemma, render
from corpus_tuner.generate.rules_words import AUXILIARIES, BE, MODALS, STRANDS, SUBORDINATORS, UNIT_NOUNS

_ARTICLES = ("the", "a", "an")
_VERBAL = ("VBD", "VBZ", "VBP", "VB", "MD", "VBG", "WDT", "WP", "WRB", "CC")


def direct(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    """Questions whose answer is `span`, the most natural first; none where the grammar is not certain."""
    inside = {token.index for token in tokens[span.first : span.last]}
    if inside & {token.index for token in clause.subject}:
        yield from _of_subject(tokens, clause, span, persons)
    elif inside <= {token.index for token in clause.rest}:
        yield from _of_rest(tokens, clause, span, persons)
    elif inside <= {token.index for token in clause.lead}:
        yield from _of_lead(tokens, clause, span, persons)
    elif span.kind == "because" and inside == {token.index for token in clause.reason}:
        question = _inverted(clause, clause.rest)
        yield from [f"Why {question}", f"For what reason {question}"] if question else []


def _of_subject(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    rest = _without_leaning_tail(clause.rest)
    predicate = f"{render((*clause.adverbs, *clause.group))} {render(rest)}".strip()
    identity = clause.main.lower in BE and rest and (rest[0].is_name or rest[0].tag == "CD")
    if not rest or identity or rest[0].lower in ("that", "to", "not") or _owned(clause.subject):
        return
    core = _bare(clause.subject)
    if [token.index for token in core] == list(range(span.first, span.last)):
        word = who(tokens, span, persons, clause.main)
        plural = clause.group[0].tag == "VBP" or clause.group[0].lower == "were" or core[-1].tag == "NNS"
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


def _without_leaning_tail(rest: Tokens) -> Tokens:
    """Without "when he was around 16": a subordinate clause at the end that leans on a pronoun."""
    for k, token in enumerate(rest):
        if k and token.lower in SUBORDINATORS - {"that", "so", "than", "which", "who"} and any(
            other.tag in ("PRP", "PRP$") for other in rest[k:]
        ):
            return rest[:k]
    return rest


def _named(tokens: Sequence[Token], span: Span) -> bool:
    return all(token.is_name for token in tokens[span.first : span.last])


def _of_lead(tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str]) -> Iterator[str]:
    lead = _bare(clause.lead[1:])
    if not clause.lead or [token.index for token in lead] != list(range(span.first, span.last)):
        return
    question = _inverted(clause, _without_leaning_tail(clause.rest))
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
    if span.kind in ("date", "year") or (sort == "place" and before and _link(before) in ("in", "at", "near")):
        yield from _when_where(tokens, clause, span, sort, before, after)
        return
    if _continues(after):
        return
    yield from _what(tokens, clause, span, persons, before, after)


def _when_where(
    tokens: Sequence[Token], clause: Clause, span: Span, sort: str, before: Tokens, after: Tokens
) -> Iterator[str]:
    link = _link(before)
    outer = _bare_end(before)[:-1]
    if sort == "place" and len(outer) > 5:
        return
    if not link or _continues(after) or (outer and outer[-1].tag in ("IN", "TO", "DT", "JJ", "CD")):
        return
    question = _inverted(clause, (*outer, *_trimmed(after)))
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
    noun: Tokens = ()
    if span.kind == "number":
        count = 0
        while count < len(after) and count < 3 and after[count].tag in ("JJ", "NN", "NNS"):
            count += 1
        noun, after = after[:count], after[count:]
        if (after or noun) and (not noun or noun[-1].tag != "NNS") or tokens[span.first].text[0] in "$€£¥" or tokens[span.first].text[-1] == "%":
            return
    lead = _bare_end(before)
    if not before and not after and clause.main.lower in BE and len(clause.group) == 1 and not noun:
        if clause.subject[-1].is_noun and clause.group[0].lower in ("is", "was"):
            yield f"What {clause.main.lower} {render(clause.subject, lower_first=True)}"
        return
    if len(lead) != len(before) or _continues(after):
        return
    link, opening = "", f"How many {render(noun)}"
    if lead:
        if lead[-1].lower not in ("for", "in", "after", "within", "on", "by", "to", "with", "at", "over"):
            return
        link, lead = lead[-1].lower, lead[:-1]
    if span.kind == "amount":
        unit = tokens[span.last - 1].lower
        if link != "for" or unit not in UNIT_NOUNS or unit[:4] not in ("hour", "minu", "seco", "days", "week", "mont", "year"):
            return
        opening, link = "For how long", ""
    if lead and (not link and opening[:3] != "For"):
        return
    question = _inverted(clause, (*lead, *_trimmed(after)))
    if question:
        yield f"{link.capitalize()} {opening[0].lower() + opening[1:]} {question}" if link else f"{opening} {question}"


def _what(
    tokens: Sequence[Token], clause: Clause, span: Span, persons: frozenset[str], before: Tokens, after: Tokens
) -> Iterator[str]:
    lead = _bare_end(before)
    word = who(tokens, span, persons)
    if not lead:
        yield from _of_object(tokens, clause, span, word, after)
        return
    link = lead[-1].lower
    if not word or lead[-1].tag not in ("IN", "TO") or (len(lead) == 1 and clause.main.lower in BE):
        return
    by_agent = link == "by" and len(lead) == 1 and clause.is_passive
    close = len(lead) == 1 and link in ("of", "to", "for", "with", "from", "on", "as", "into", "against", "through")
    far = 1 < len(lead) <= 9 and link in STRANDS and (lead[-2].is_noun or lead[-2].tag in ("VBN", "JJ"))
    far = far and not any(token.tag in ("IN", "TO") for token in lead[:-1])
    if link == "to" and len(lead) == len(before) and not tokens[span.first].is_name and tokens[span.last - 1].tag == "NN":
        return  # "joined forces to aid": an infinitive as likely as a noun
    if sort_of(tokens, span, persons) in ("date", "place") and not by_agent:
        return
    if by_agent or ((close or far) and span.kind != "prep"):
        if clause.group[0].lower in AUXILIARIES and by_agent and len(clause.group) == 2:
            yield from _active(clause, word, after)
        question = _inverted(clause, lead)
        if question:
            yield f"{word} {question}"
            if word != "Who" and len(lead) == 1:
                yield f"{link.capitalize()} {word.lower()} {_inverted(clause, ())}"


def _active(clause: Clause, word: str, after: Tokens) -> Iterator[str]:
    """ "Who built the tower" from "the tower was built by X": only where participle and past tense are one form."""
    main = clause.main.lower
    if main.endswith("ed") and clause.group[0].lower in ("was", "were"):
        subject = render(clause.subject, lower_first=True)
        yield " ".join(part for part in (word, render(clause.adverbs), main, subject, render(_trimmed(after))) if part)


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
    question = _inverted(clause, _trimmed(after))
    if question:
        yield f"{word} {question}"


def _inverted(clause: Clause, rest: Tokens) -> str:
    """Auxiliary, subject, verb and `rest`: "did the crew orbit the Moon"; "" where the auxiliary is not certain."""
    if _owned(clause.subject):
        return ""
    first = clause.group[0]
    subject = render(clause.subject, lower_first=True)
    main = clause.main
    if first.lower in BE or first.lower in MODALS or (first.lower in ("has", "have", "had", "did", "does", "do")
                                                      and len(clause.group) > 1):
        tail = render((*clause.adverbs, *clause.group[1:], *rest))
        return f"{first.lower} {subject} {tail}".rstrip()
    infinitive = lemma(main.text, main.tag) if len(clause.group) == 1 else None
    if infinitive is None or main.tag not in ("VBD", "VBZ", "VBP"):
        return ""
    helper = {"VBD": "did", "VBZ": "does", "VBP": "do"}[main.tag]
    return " ".join(part for part in (helper, subject, render(clause.adverbs), infinitive, render(rest)) if part)


def _owned(subject: Tokens) -> bool:
    """Whether the subject points outside of the clause ("his works")."""
    return any(token.tag in ("PRP", "PRP$") for token in subject)


def _bare(tokens: Tokens) -> Tokens:
    """Without the article in front."""
    return tokens[1:] if tokens and tokens[0].lower in _ARTICLES else tokens


def _bare_end(tokens: Tokens) -> Tokens:
    """Without the article at the end, which goes with the span after it."""
    return tokens[:-1] if tokens and tokens[-1].lower in _ARTICLES else tokens


def _link(before: Tokens) -> str:
    """The preposition that the span depends on."""
    core = _bare_end(before)
    return core[-1].lower if core and core[-1].tag in ("IN", "TO") else ""


def _continues(after: Tokens) -> bool:
    """Whether the span's own phrase goes on behind it, so that taking it out would tear the phrase."""
    if not after:
        return False
    token = after[0]
    return token.lower in ("of", "and", "or", ",", "to", "–", "-", "that", "who", "which", "whose") or token.tag in (
        "NN", "NNS", "NNP", "NNPS", "POS", "CD", "JJ", "DT", "PRP", "PRP$", "VBN", "VBG", "VBD", "VBZ", "VBP", "MD", "SYM", ":") or not token.text[0].isalnum()


def _trimmed(after: Tokens) -> Tokens:
    """What follows the span, up to a comma or a subordinate clause."""
    end = next((k for k, token in enumerate(after) if token.text in ",;:\"“"
                or token.lower in SUBORDINATORS - {"after", "before", "since", "until"}), len(after))
    while end and after[end - 1].tag in ("IN", "TO", "DT", "CC", "PRP$"):
        end -= 1
    return after[:end]
