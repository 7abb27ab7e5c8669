"""A stranger's plug-in for the tests of the service: a trainer that takes as long and fails as the test wants it to.

`base` is "PASSES SECONDS [FAULT]": so many passes of so many seconds. Each finished pass is appended to `trail` in the
job's folder with the process that did it, and then checkpointed: from the trail a test sees what ran, and how often.
"""

import json
import os
import time
from pathlib import Path
from typing import ClassVar

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Reply, silent
from corpus_tuner.store import write_text


class ScriptedTrainer:
    methods: ClassVar = {"supervised": 1e-3, "dpo": 1e-4}

    def train(self, train, validation, settings, folder, progress=silent):
        passes, seconds, *fault = settings.base.split()
        state = folder / "checkpoint"
        done = int(state.read_text()) if state.exists() else 0
        for number in range(done + 1, int(passes) + 1):
            time.sleep(float(seconds))
            if number == int(passes) // 2:
                self._fail(folder, *fault)
            with (folder.parent / "trail").open("a") as file:
                file.write(f"{number} {os.getpid()}\n")
            with (folder / "log.jsonl").open("a") as file:
                file.write(json.dumps({"step": number, "loss": 1 / number}) + "\n")
            write_text(state, str(number))
            progress(number, int(passes), f"loss {1 / number}")
        write_text(folder / "said.json", json.dumps([json.loads(line) for line in train.read_text().splitlines() if line]))
        return Expert(folder.name, settings.base, "scripted", metrics={"epochs": int(passes)})

    def _fail(self, folder, fault=""):
        if fault == "fill" and not (folder / "filler").exists():
            with (folder / "filler").open("wb", buffering=0) as file:  # until the disk is really full
                while True:
                    file.write(b"x" * 4096)
        if fault == "refuse":
            raise CorpusTunerError("this base cannot be trained")
        if fault == "full":
            raise OSError(28, "No space left on device")
        if fault == "die":
            os.kill(os.getpid(), 9)


class Parrot:
    """Gives back the trained answer, or "?"."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        rows = json.loads((folder / "said.json").read_text())
        self.known = {r["messages"][0]["content"]: r["messages"][-1]["content"] for r in rows if "messages" in r}

    def complete(self, messages, *, max_tokens=256, temperature=0.0, stop=(), schema=None, sample=0, attempt=0):
        text = self.known.get(messages[-1]["content"], "?")
        return Reply(text, "stop", {"prompt_tokens": 1, "completion_tokens": len(text.split())})


def open_expert(expert, root, *, base=False, calls=None):
    return Parrot(root / expert.folder, expert.name)
