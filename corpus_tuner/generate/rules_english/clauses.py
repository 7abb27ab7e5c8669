"""Clauses of an English sentence: subject, verb group and what follows, only where all three are certain.

There is no parser here. A clause is found where a noun phrase stands directly before a finite verb at the start of a
sentence (after an adjunct and its comma), after ", and" or ";", or as the antecedent of ", who" or ", which". In doubt
there is no clause, and the sentence is asked about by cloze.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from corpus_tuner.generate.rules_english.dates import date_end
from corpus_tuner.generate.rules_english.phrases import Tokens, clause_end, noun_phrase, verb_group
from corpus_tuner.generate.rules_english.tokens import Token
from corpus_tuner.generate.rules_english.words import BE, CONNECTIVES, MODALS, PRONOUNS, SPEECH_VERBS, SUBORDINATORS

_LINKS = ("of", "in", "from", "for", "between", "at", "on", "with", "to", "by", "against")


@dataclass(frozen=True, slots=True)
class Clause:
    """`lead` is an adjunct before the subject ("In 1968"); `group` the finite verb and its companions, the main verb
    last; `rest` ends where the clause safely may. `reason` is what follows "because", if the clause has one."""

    lead: Tokens
    subject: Tokens
    group: Tokens
    rest: Tokens
    reason: Tokens = ()
    adverbs: Tokens = ()  # between subject and verb: "rarely" must not be lost

    @property
    def main(self) -> Token:
        return self.group[-1]

    @property
    def is_passive(self) -> bool:
        return self.main.tag == "VBN" and any(token.lower in BE | {"been", "be", "being"} for token in self.group[:-1])


def clauses(tokens: Sequence[Token], antecedent: Tokens = ()) -> list[Clause]:
    """The certain clauses of one sentence, in order. `antecedent` stands for a pronoun that opens the sentence."""
    plain = tuple(token for token in tokens if not token.aside)
    if antecedent and plain and plain[0].tag == "PRP":
        plain = (*antecedent, *plain[1:])
    found = []
    for start in _starts(plain):
        clause = _main_clause(plain, start)
        if clause:
            found.append(clause)
            second = _second_predicate(plain, clause)
            found += [second] if second else []
    return found + list(_relatives(plain))


def antecedent(tokens: Sequence[Token], before: Sequence[Clause], persons: frozenset[str]) -> Tokens:
    """What "He", "She" or "It" at the start of a sentence takes up: the subject of the sentence before, if it is one
    name and of the right kind; nothing where that is open. Its tokens have negative indexes."""
    if not before or not tokens or tokens[0].lower not in ("he", "she", "it"):
        return ()
    subject = before[0].subject
    core = subject[1:] if subject[0].lower == "the" else subject
    if not all(token.is_name or token.text.isdigit() for token in core) or any(token.tag == "NNPS" for token in core):
        return ()
    is_person = core[-1].text in persons or " ".join(token.text for token in core) in persons
    if is_person != (tokens[0].lower != "it") or before[0].group[0].lower in ("were", "are", "have"):
        return ()
    if not is_person and tokens[0].lower == "it" and any(token.text in persons for token in core):
        return ()
    return tuple(replace(token, index=token.index - 10_000, end=token.end - 10_000, start=token.start - 10_000) for token in subject)


def _starts(plain: Tokens) -> Iterator[int]:
    yield 0
    if plain and plain[0].lower in ("when", "while", "after", "before", "since", "although", "because", "though"):
        yield 1
    for i, token in enumerate(plain[:-2]):
        follows = plain[i + 1].lower
        if token.text == ";":
            yield i + 1
        elif token.text == "," and follows in ("and", "but", "while", "whereas", "although", "so"):
            if any(other.is_finite for other in plain[:i]):  # else a list within the subject
                yield i + 2
        elif any(other.is_finite for other in plain[:i]) and token.lower in ("when", "while", "because", "after", "before", "since", "whereas", "although", "where"):
            yield i + 1


def _main_clause(plain: Tokens, start: int) -> Clause | None:
    while start < len(plain) and (plain[start].lower in CONNECTIVES or plain[start].text == ","):
        start += 1
    for first in _subject_starts(plain, start):
        end = _subject_end(plain, first)
        if end is None:
            continue
        core, verb = end
        group = verb_group(plain, verb)
        if group and _agree(plain[first:core], plain[verb:group]):
            stop = clause_end(plain, group)
            rest = plain[group:stop]
            if _sound(plain[verb:group], rest) and not _torn(plain, group, stop):
                lead = plain[start : first - 1 if plain[first - 1].text == "," else first] if first > start else ()
                adverbs = _adverbs(plain, verb)
                return Clause(lead, plain[first:core], plain[verb:group], rest, _reason(plain, stop), adverbs)
        return None
    return None


def _subject_starts(plain: Tokens, start: int) -> Iterator[int]:
    """Where the subject may begin: at once, or after an adjunct."""
    if start >= len(plain):
        return
    token = plain[start]
    if token.tag not in ("IN", "TO", "WRB", "VBG", "VBN", "RB", "VB") and token.lower not in SUBORDINATORS:
        yield start
        return
    dated = start + 1 + (start + 1 < len(plain) and plain[start + 1].lower == "the")
    if dated < len(plain) and (end := date_end(plain, dated)) and end < len(plain) and plain[end].text != ",":
        yield end
    for i in range(start + 1, min(start + 18, len(plain) - 1)):
        if plain[i].text == "," and not (plain[i - 1].text.isdigit() and plain[i + 1].text.isdigit()):
            yield i + 1


def _subject_end(plain: Tokens, first: int) -> tuple[int, int] | None:
    """(end of the subject, start of its verb group); None if a verb does not follow directly."""
    core = noun_phrase(plain, first)
    while core:
        verb = _skip_insertion(plain, core)
        while verb < len(plain) and plain[verb].tag == "RB" and plain[verb].lower != "not":
            verb += 1
        if verb < len(plain) and (plain[verb].is_finite or _past(plain, verb)):
            return core, verb
        linked = core < len(plain) and (plain[core].lower in _LINKS or plain[core].lower in ("and", "or", "&"))
        core = noun_phrase(plain, core + 1) if linked else 0
    return None


def _adverbs(plain: Tokens, verb: int) -> Tokens:
    first = verb
    while plain[first - 1].tag == "RB":
        first -= 1
    return plain[first:verb]


def _past(plain: Tokens, i: int) -> bool:
    """A past tense that the tagger took for a participle: nothing else in the sentence could be the verb."""
    return plain[i].tag == "VBN" and not any(token.is_finite for token in plain)


def _skip_insertion(plain: Tokens, i: int) -> int:
    """Past ", the mission's commander," or ", who ... ," where a finite verb follows the second comma."""
    if i < len(plain) and plain[i].text == ",":
        for end in range(i + 2, min(i + 22, len(plain) - 1)):
            if plain[end].text == ",":
                after = plain[end + 1]
                return end + 1 if after.is_finite else i
    return i


def _agree(subject: Tokens, group: Tokens) -> bool:
    """Whether number speaks for subject and verb belonging together, and the subject stands on its own."""
    first, verb = subject[0], group[0]
    quantified = first.lower in ("some", "many", "most", "all", "both", "each", "several") and len(subject) > 1
    if first.lower in ("there", "what", "who") or (first.lower in PRONOUNS and not (quantified and subject[1].tag != "IN")):
        return False
    joined = any(token.lower == "and" for token in subject)
    head = next((subject[i - 1] for i, token in enumerate(subject) if token.lower in _LINKS and i), subject[-1])
    if verb.tag == "VBZ":
        return head.tag != "NNS" or verb.lower == "is" or head.lower.endswith("ics")
    if verb.tag == "VBP" and verb.lower not in ("are", "have"):
        return head.tag in ("NNS", "NNPS") or joined
    return True


def _sound(group: Tokens, rest: Tokens) -> bool:
    """Whether no second finite verb contradicts the first ("The ship launched in 1912 sank")."""
    for i, token in enumerate(rest):
        if token.lower in SUBORDINATORS or token.lower in ("and", "or", "what", "how", "why") or token.text in "\"“":
            return True
        if token.is_finite and (i == 0 or token.lower in BE | MODALS or token.tag != "VBP"):
            return False
    return not any(token.lower in ("n't", "n’t") for token in group)


def _torn(plain: Tokens, start: int, stop: int) -> bool:
    """Whether the cut at `stop` went through a phrase or through a clause of speech ("estimated that A, B")."""
    rest = plain[start:stop]
    if not rest:
        return plain[start - 1].lower in BE | {"has", "have", "had"}
    if rest[-1].tag in ("IN", "DT", "CC", "TO", "PRP$", "MD"):
        return True
    if rest[-1].tag in ("JJ", "VBG") and len(rest) > 1 and rest[-2].tag in ("IN", "DT", "CC", "PRP$"):
        return True
    joining = stop < len(plain) and plain[stop].lower in ("and", "or")
    openers = SUBORDINATORS if joining else {"where", "when", "which", "who", "that", "while"}
    opener = max((k for k, token in enumerate(rest) if token.lower in openers), default=None)
    if opener is not None and not any(token.tag[:2] == "VB" or token.tag == "MD" for token in rest[opener:]):
        return True
    if plain[start - 1].lower in SPEECH_VERBS and not any(token.lower == "that" for token in rest) and stop < len(plain) - 1:
        return True  # what was said is cut off
    spoken = rest[0].lower in ("that", "whether", "how")
    return spoken and stop < len(plain) and plain[stop].lower in (",", "and", "or")


def _reason(plain: Tokens, stop: int) -> Tokens:
    if stop >= len(plain) or plain[stop].lower not in ("because", "due"):
        return ()
    start = stop + 1 + (stop + 1 < len(plain) and plain[stop + 1].lower in ("of", "to"))
    end = next((k for k in range(start, len(plain)) if plain[k].text in (",", ".", ";", ":", "—")), len(plain))
    return plain[start:end]


def _second_predicate(plain: Tokens, clause: Clause) -> Clause | None:
    """ "moved to Berlin" of "X founded Y and moved to Berlin": a past tense after a past tense."""
    stop = next((k for k, token in enumerate(plain) if clause.rest and token is clause.rest[-1]), None)
    if stop is None or stop + 2 >= len(plain) or len(clause.group) > 1 or clause.main.tag != "VBD":
        return None
    verb = stop + 2
    if plain[stop + 1].lower != "and" or plain[verb].tag != "VBD" or plain[verb].lower in BE or clause.main.lower in BE:
        return None
    group = verb_group(plain, verb)
    rest = plain[group : clause_end(plain, group)]
    return Clause((), clause.subject, plain[verb:group], rest) if group and _sound(plain[verb:group], rest) else None


def _relatives(plain: Tokens) -> Iterator[Clause]:
    """ "Rollo, who led the Vikings": the name before the comma is the subject."""
    for i in range(2, len(plain) - 2):
        if plain[i].lower not in ("who", "which") or plain[i - 1].text != "," or not plain[i - 2].is_name:
            continue
        first = i - 2
        while first and (plain[first - 1].is_name or plain[first - 1].tag in ("CD",)):
            first -= 1
        before = plain[first - 1].lower if first else ""
        joined = before in ("and", ",", "of", "or", "&") or (plain[i].lower == "which" and plain[first - 1].tag in ("IN", "TO"))
        if joined or not plain[i + 1].is_finite:
            continue
        group = verb_group(plain, i + 1)
        rest = plain[group : clause_end(plain, group)] if group else ()
        if group and rest and _sound(plain[i + 1 : group], rest):
            yield Clause((), plain[first : i - 1], plain[i + 1 : group], rest)
