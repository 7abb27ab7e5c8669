"""Checks that ask a model: whether the section alone gives the same answer, and what a judge who sees it says.

Both are optional and cost a call for the pairs of each task. A pair that could not be checked is left out, by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corpus_tuner.generate.ask import Task, prompt, template
from corpus_tuner.generate.parse import json_value
from corpus_tuner.generate.passage import Words, tokens
from corpus_tuner.records import Example, Message, Reason, Reject, Reply
from corpus_tuner.text import contains_answer, normalise_answer, numbers, token_f1, words

CHECKS = {"round_trip": Reason.OTHER_ANSWER, "judge": Reason.JUDGED}
"""The checks by the name of their setting and prompt file, with why each leaves a pair out."""
UNCHECKED = ("rewrite",)  # texts: neither an answer to agree with nor one to judge
NOT_STATED = "not stated"
AGREE = 0.5  # F1 of the words from which two short answers agree,
LONG_AGREE = 0.3  # and two of more than SHORT words, which may tell more or less
SHORT = 6


@dataclass(frozen=True, slots=True)
class Check:
    """One request to come: the pairs of a task, to be checked against its passage."""

    name: str
    task: Task
    examples: tuple[Example, ...]

    def messages(self, fault: Reason | None = None) -> list[Message]:
        """The prompt; after a `fault` with what was wrong."""
        answers = [f" | {NOT_STATED if _abstains(one) else one.answer}" * (self.name == "judge") for one in self.examples]
        pairs = [f"{number}. {one.question}{answer}" for number, (one, answer) in enumerate(zip(self.examples, answers), start=1)]
        return prompt("checking", self.task, template(self.name).substitute(pairs="\n".join(pairs)), fault)

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a reply, within the subset that strict structured output allows."""
        text = {"type": "string"}
        said = {"answer": text} if self.name == "round_trip" else {"problem": text, "sound": {"type": "boolean"}}
        fields = {"number": {"type": "integer"}, **said}
        entry = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
        found = {"checked": {"type": "array", "items": entry}}
        return {"type": "object", "properties": found, "required": ["checked"], "additionalProperties": False}

    def read(self, reply: Reply) -> dict[int, str | None]:
        """By number of the pair, what is wrong with it, or None; nothing of a pair that the reply passes over."""
        found: dict[int, str | None] = {}
        for entry in _entries(reply):
            number = entry.get("number")
            if isinstance(number, int) and 1 <= number <= len(self.examples):
                verdict = self._verdict(entry, self.examples[number - 1])
                if verdict is not ...:
                    found[number] = verdict
        return found

    def _verdict(self, entry: Mapping[str, Any], example: Example) -> Any:
        if self.name == "judge":
            sound = entry.get("sound")
            return ... if not isinstance(sound, bool) else None if sound else str(entry.get("problem") or "unsound")
        answer = entry.get("answer")
        if not isinstance(answer, str) or not answer.strip():
            return ...
        stated = normalise_answer(answer) != NOT_STATED
        agrees = not stated if _abstains(example) else stated and agree(answer, example.answer, (self.task.section.language or "en").split("-")[0])
        return None if agrees else f"from the section alone: {answer.strip()}"


def checks(name: str, task: Task, examples: Sequence[Example]) -> Iterator[Check]:
    """The requests that check the examples of a task."""
    chosen = tuple(one for one in examples if one.kind not in UNCHECKED)
    if chosen:
        yield Check(name, task, chosen)


def outcome(check: Check, found: Mapping[int, str | None], fault: Reason | None) -> dict[str, Reject]:
    """The rejects by the id of the example."""
    rejects = {}
    for number, one in enumerate(check.examples, start=1):
        problem = found.get(number, f"{check.name}: {'passed over' if fault is Reason.UNCHECKED else fault}")
        if problem is not None:
            reason = CHECKS[check.name] if number in found else Reason.UNCHECKED
            detail = f"{one.question} | {one.answer} | {problem}"[:1000]
            rejects[one.id] = Reject("generate", f"{check.task.id} #{number}", reason, detail)
    return rejects


def agree(left: str, right: str, language: str = "en") -> bool:
    """Whether two answers say the same: one stands in the other, be it in other inflections, or enough words are common; and
    no number differs."""
    if not (set(numbers(left)) <= set(numbers(right)) or set(numbers(right)) <= set(numbers(left))):
        return False
    if contains_answer(left, right) or contains_answer(right, left) or _inflected(left, right, language):
        return True
    short = min(len(words(left)), len(words(right))) <= SHORT
    return token_f1(left, right) >= (AGREE if short else LONG_AGREE)


def _inflected(left: str, right: str, language: str) -> bool:
    """Whether all content words of one answer stand in the other, in some form."""
    short, long = sorted((tokens(left, language), tokens(right, language)), key=len)
    held = Words(long, "", language)
    return bool(short) and all(word in held for word in short)


def _abstains(example: Example) -> bool:
    return example.kind == "abstain"


def _entries(reply: Reply) -> list[dict[str, Any]]:
    found = json_value(reply.text)
    if isinstance(found, dict):
        found = next((value for value in found.values() if isinstance(value, list)), [found])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
