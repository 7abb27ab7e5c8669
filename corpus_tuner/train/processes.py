"""One training in several processes: torchrun starts them, the first one's words come back here.

`torchrun --nproc_per_node 2 -m corpus_tuner.train.processes FOLDER` is what `train` runs; FOLDER/run.json says what is trained.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Expert, Progress
from corpus_tuner.settings import TrainSettings
from corpus_tuner.store import from_json, to_json, write_json

ORDER, COMPLAINTS = "run.json", "processes.log"
WATCHED = "CORPUS_TUNER_WATCHED"  # is set where stdin is a pipe from the process that waits for the others


def train(train: Path, validation: Path | None, settings: TrainSettings, folder: Path, progress: Progress) -> Expert:
    """The training of lora.train_here, in `settings.processes` processes of this machine.

    They end when this process does. Raises CorpusTunerError with what one of them said if they fail.
    """
    order = {"train": str(train), "validation": str(validation or ""), "settings": to_json(settings)}
    write_json(folder / ORDER, order)
    found: dict[str, Any] = {}
    with (folder / COMPLAINTS).open("wb") as complaints, _running(_command(settings.processes, folder), complaints) as lines:
        for said in lines:
            if "progress" in said:
                progress(*said["progress"])
            found |= said
    if "error" in found:
        raise CorpusTunerError(found["error"])
    if "expert" not in found:
        raise RuntimeError(f"the processes ended before their work was done: {folder / COMPLAINTS} says why")
    sys.stderr.write((folder / COMPLAINTS).read_text(encoding="utf-8", errors="replace"))
    for name in (ORDER, COMPLAINTS):
        (folder / name).unlink()
    return from_json(Expert, found["expert"])


def _command(count: int, folder: Path) -> list[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(count)]
    return [*launcher, "-m", __name__, str(folder)]


@contextmanager
def _running(command: list[str], complaints: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """What the processes of `command` say, line by line; they end with the block, and with this process."""
    threads = max(1, (os.cpu_count() or 1) // int(command[command.index("--nproc_per_node") + 1]))
    environment = {"OMP_NUM_THREADS": str(threads), **os.environ, WATCHED: "1"}
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True, env=environment
    )
    assert process.stdin
    assert process.stdout
    try:
        yield filter(None, map(_message, process.stdout))
        process.wait()
    finally:
        process.stdin.close()  # the sign to end, see `_end_with_parent`
        process.terminate()
        process.wait()
        process.stdout.close()


def _message(line: str) -> dict[str, Any]:
    """A line as what the first process says; anything else on its stdout is not for us."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) and said.keys() <= {"progress", "error", "expert"} else {}


def _say(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _tell(done: int, total: int | None, note: str) -> None:
    _say(progress=[done, total, note])


def _end_with_parent() -> None:
    """Ends this process as soon as nobody holds the other end of its stdin any more, however its parent died."""
    while os.read(0, 1):
        pass
    os._exit(1)


def main(folder: Path) -> None:
    """One of the processes."""
    from corpus_tuner.train.lora import train_here
    from corpus_tuner.train.world import joined

    if WATCHED in os.environ:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    order = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    settings = from_json(TrainSettings, order["settings"])
    validation = Path(order["validation"]) if order["validation"] else None
    try:
        with joined(settings.processes) as world:
            expert = train_here(Path(order["train"]), validation, settings, folder, _tell, world)
            if world.first:
                _say(expert=to_json(expert))
    except CorpusTunerError as error:
        _say(error=str(error))
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
