"""Subject-auxiliary inversion and the trimming that questions need; only where the auxiliary is certain."""

from __future__ import annotations

from corpus_tuner.generate.rules_english.clauses import Clause
from corpus_tuner.generate.rules_english.phrases import Tokens
from corpus_tuner.generate.rules_english.tokens import lemma, render
from corpus_tuner.generate.rules_english.words import BE, MODALS, SUBORDINATORS

_ARTICLES = ("the", "a", "an")


def inverted(clause: Clause, rest: Tokens) -> str:
    """Auxiliary, subject, verb and `rest`: "did the crew orbit the Moon"; "" where the auxiliary is not certain."""
    if owned(clause.subject):
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


def owned(subject: Tokens) -> bool:
    """Whether the subject points outside of the clause ("his works")."""
    return any(token.tag in ("PRP", "PRP$") for token in subject)


def bare(tokens: Tokens) -> Tokens:
    """Without the article in front."""
    return tokens[1:] if tokens and tokens[0].lower in _ARTICLES else tokens


def bare_end(tokens: Tokens) -> Tokens:
    """Without the article at the end, which goes with the span after it."""
    return tokens[:-1] if tokens and tokens[-1].lower in _ARTICLES else tokens


def preposition(before: Tokens) -> str:
    """The preposition that the span depends on."""
    core = bare_end(before)
    return core[-1].lower if core and core[-1].tag in ("IN", "TO") else ""


def continues(after: Tokens) -> bool:
    """Whether the span's own phrase goes on behind it, so that taking it out would tear the phrase."""
    if not after:
        return False
    token = after[1] if len(after) > 1 and after[0].tag == "RB" and after[1].tag == "JJ" else after[0]
    return token.lower in ("of", "and", "or", ",", "to", "–", "-", "that", "who", "which", "whose", "between") or token.tag in (
        "NN", "NNS", "NNP", "NNPS", "POS", "CD", "JJ", "DT", "PRP", "PRP$", "VB", "VBN", "VBG", "VBD", "VBZ", "VBP", "MD", "SYM", ":") or not token.text[0].isalnum()


def trimmed(after: Tokens) -> Tokens:
    """What follows the span, up to a comma or a subordinate clause."""
    end = next((k for k, token in enumerate(after) if token.text in ",;:\"“"
                or token.lower in SUBORDINATORS - {"after", "before", "since", "until"}), len(after))
    while end and after[end - 1].tag in ("IN", "TO", "DT", "CC", "PRP$"):
        end -= 1
    return after[:end]


def without_leaning_tail(rest: Tokens) -> Tokens:
    """Without "when he was around 16": a subordinate clause at the end that leans on a pronoun."""
    for k, token in enumerate(rest):
        if k and token.lower in SUBORDINATORS - {"that", "so", "than", "which", "who"} and any(
            other.tag in ("PRP", "PRP$") for other in rest[k:]
        ):
            torn = rest[k - 1].is_finite or rest[k - 1].tag in ("IN", "TO", "DT", "CC")
            return rest if torn else rest[:k]
    return rest
