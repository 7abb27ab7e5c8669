"""A model as a judge of answers, and the audit that shows whether it can be believed."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

from corpus_tuner.evaluate.abstention import unanswerable
from corpus_tuner.evaluate.score import replies
from corpus_tuner.records import Model, Question, Section
from corpus_tuner.text import token_f1

VERDICTS = ("correct", "incorrect", "not attempted", "unreadable")
HEDGES = ("I do not know.", "I am not sure; it could be any of several.", "The text may or may not say so.", "I cannot answer that.")
PASS = {"gold": ("correct", 0.95), "hedged": ("not attempted", 0.8), "shuffled": ("incorrect", 0.95)}
ROOM = 1024  # tokens of a verdict: one word, and what a reasoning model thinks before it
LONGEST = 24_000  # characters of the passages that a judge of grounding reads
_GROUNDED = re.compile(r"\b(not )?(supported|contradicted|unsupported)\b", re.IGNORECASE)
_GRADED = re.compile(r"\b(not )?(not[ _-]attempted|incorrect|correct)\b", re.IGNORECASE)
_DENIED = {"correct": "incorrect", "supported": "unsupported"}  # what "not" makes of a verdict; of others it leaves open which


@dataclass(frozen=True, slots=True)
class Audit:
    """The confusion table of a judge on answers whose grade is known: what it said of each sort, by count."""

    table: dict[str, dict[str, int]]  # sort of answer (gold, hedged, shuffled) → verdict → count
    trusted: bool
    why: str  # which bound it missed; "" where it missed none


def judge(model: Model, questions: Sequence[Question], texts: Sequence[str]) -> list[str]:
    """A verdict for each text; "unreadable" for a reply that names none of the three, or more than one."""
    conversations = [[{"role": "user", "content": _prompt(question, text)}] for question, text in zip(questions, texts)]
    return [read(reply.text) for reply in replies(conversations, model, ROOM)]


def read(reply: str) -> str:
    """The verdict that a judge's reply names: its only one, or the last line's."""
    for part in (reply, (reply.strip().splitlines() or [""])[-1]):
        if found := _named(_GRADED, part):
            return found
    return "unreadable"


def _named(pattern: re.Pattern[str], text: str) -> str:
    """The only verdict that `text` names, in lower case; "not correct" is another than "correct". "" for none or several."""
    words = ((denied, re.sub(r"[_-]", " ", word.lower())) for denied, word in pattern.findall(text))
    found = {_DENIED.get(word, "") if denied else word for denied, word in words}
    return found.pop() if len(found) == 1 else ""


def audit(model: Model, questions: Sequence[Question], count: int = 60, seed: int = 0) -> Audit:
    """Lets `model` judge accepted answers, hedges, and the accepted answers of other questions (shuffled): of each up to
    `count`. It is trusted if it calls 95 % of the gold correct, 80 % of the hedges not attempted (and none correct beyond
    5 %), and 95 % of the shuffled incorrect. Without two answerable questions it cannot be audited, and is not trusted."""
    chance = random.Random(seed)  # noqa: S311  a sample, no secret
    asked = [one for one in questions if not unanswerable(one)]
    asked = chance.sample(asked, min(count, len(asked)))
    if len(asked) < 2:
        return Audit({}, trusted=False, why="two answerable questions are needed to audit it")
    shuffled = [_stranger(chance, one, asked) for one in asked]
    texts = {
        "gold": [one.answers[0] for one in asked],
        "hedged": [HEDGES[place % len(HEDGES)] for place in range(len(asked))],
        "shuffled": shuffled,
    }
    table = {sort: dict(Counter(judge(model, asked, given))) for sort, given in texts.items()}
    missed = [why for sort, (verdict, least) in PASS.items() for why in _missed(sort, verdict, least, table[sort])]
    if table["hedged"].get("correct", 0) > 0.05 * len(asked):
        missed.append("it calls hedges correct")
    return Audit(table, not missed, "; ".join(missed))


def _missed(sort: str, verdict: str, least: float, row: dict[str, int]) -> list[str]:
    share = row.get(verdict, 0) / sum(row.values())
    return [f"it calls {share:.0%} of the {sort} answers {verdict}, not {least:.0%}"] if share < least else []


def _stranger(chance: random.Random, question: Question, others: Sequence[Question]) -> str:
    """The accepted answer of another question, with no word of this one's where there is such."""
    pool = [one.answers[0] for one in others if one.id != question.id]
    chance.shuffle(pool)
    return next((text for text in pool if not any(token_f1(text, gold) for gold in question.answers)), pool[0])


def grounded(model: Model, question: str, answer: str, sections: Sequence[Section]) -> str:
    """Whether `sections` say what `answer` says: supported, contradicted or unsupported; "" for a reply that names none of
    these, or more than one."""
    said = "\n\n".join(f"[{section.heading}]\n{section.text}" for section in sections)
    prompt = _filled("grounding", question=question, answer=answer, passages=said[:LONGEST])
    return _named(_GROUNDED, model.complete([{"role": "user", "content": prompt}], max_tokens=ROOM).text)


@cache
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath(f"prompts/{name}.md").read_text(encoding="utf-8"))


def _prompt(question: Question, text: str) -> str:
    return _filled("judge", question=question.text, accepted="\n".join(question.answers), answer=text)


def _filled(name: str, **slots: str) -> str:
    """What is graded cannot close the marks that it stands between."""
    return _template(name).substitute({slot: value.replace("<", "‹").replace(">", "›") for slot, value in slots.items()})
