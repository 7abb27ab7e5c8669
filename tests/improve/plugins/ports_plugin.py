"""A plug-in for tests of improve: a writer that is thin in some sections, and a student that needs three wordings of a fact.

The environment says how the student fares: PORTS_STUDENT=learns (the default), deaf (it knows what it was taught word for
word, and no more), dull (and of that only two thirds), or spoilt (with more than SPOILT rows it forgets everything). PORTS_ASKED names a file in which every
question that an expert is asked is noted.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from pathlib import Path

from corpus_tuner.records import Example, Expert, Reply, silent
from corpus_tuner.store import file_digest, write_json

NEEDED = 3  # wordings from which the student knows a fact in any words
SPOILT = 190
TEMPLATES = (  # five words each, so that no two facts have nearly the same question
    "When did {} harbour open?",
    "Since when has {} worked?",
    "Opening date of port {}?",
    "In which year began {}?",
    "What year made {} famous?",
    "Which summer first saw {}?",
    "How old might {} be?",
    "{} quay: which opening year?",
)
FACT = re.compile(r"The port (\w+) was opened in (\d+)\.")


class PortsWriter:
    """Five wordings of each fact; in a section whose heading begins with "Poor" two, unless it is asked for all it has."""

    needs_model = False

    def __init__(self, settings, model=None) -> None:
        pass

    def write(self, sections, kind, count):
        for section in sections:
            most = len(TEMPLATES) if count >= 1000 else 2 if section.path[-1].startswith("Poor") else 5
            for number in range(1, len(section.sentences) + 1):
                found = FACT.fullmatch(section.sentence(number))
                for template in TEMPLATES[:most] if found else ():
                    name = f"{section.id}-{number}-{TEMPLATES.index(template)}"
                    yield Example(name, kind, template.format(found[1]), found[2], ((section.id, number),), section.id, "ports")


class PortsTrainer:
    """Writes what it was taught into `ports.json`."""

    def train(self, train, validation, settings, folder, progress=silent) -> Expert:
        rows = [json.loads(line)["messages"] for line in train.read_text(encoding="utf-8").splitlines()]
        taught = {row[0]["content"]: row[1]["content"] for row in rows}
        student = os.environ.get("PORTS_STUDENT", "learns")
        if student == "spoilt" and len(rows) > SPOILT:
            taught = {}
        if student == "dull":
            taught = {question: answer for question, answer in taught.items() if len(question) % 3}
        write_json(folder / "ports.json", {"student": student, "taught": taught})
        progress(len(rows), len(rows), "")
        return Expert("ports", "nothing", "ports", dataset_digest=file_digest(train))


class Student:
    """Knows what it was taught, and facts of which it was taught enough wordings."""

    name = "ports"

    def __init__(self, taught, student) -> None:
        self._taught = taught
        self._wordings = defaultdict(list)
        for question, answer in taught.items():
            self._wordings[self._port(question)].append(answer)
        self._learns = student not in ("deaf", "dull")

    @staticmethod
    def _port(question: str) -> str:
        return next((word for word in re.findall(r"\w+", question) if word.startswith("Port")), "")

    def complete(self, messages, **_) -> Reply:
        question = messages[-1]["content"]
        if "PORTS_ASKED" in os.environ:
            with Path(os.environ["PORTS_ASKED"]).open("a", encoding="utf-8") as file:
                file.write(question + "\n")
        known = self._wordings[self._port(question)]
        guess = known[0] if self._learns and len(known) >= NEEDED else ""
        return Reply(self._taught.get(question, guess))


def open_expert(expert, root, *, base=False, calls=None):
    found = json.loads((Path(root) / expert.folder / "ports.json").read_text(encoding="utf-8"))
    return Student({} if base else found["taught"], found["student"])
