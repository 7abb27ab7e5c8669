"""Starts a worker for each job that needs one, one at a time in each of two lanes, and starts it again when it dies.

A worker is born with a lock that the system frees when it dies, so a server that is killed and started again knows
whether the worker of its predecessor is still at work, and two workers of one lane can never be.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.serve import jobs
from corpus_tuner.serve.state import State, now

TURN = 0.2  # seconds between two looks
LOSSES = 5  # of a worker in a row, without a step between, before its job fails
SWEEP = 60.0  # seconds between two looks for files that have expired
SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")  # in the name of a variable that a worker does not get


@dataclass
class Lane:
    """One sort of work, of which one is done at a time."""

    name: str
    states: tuple[str, ...]  # of the jobs that it takes, the most urgent first
    child: subprocess.Popen[bytes] | None = None
    job: str = ""
    rest_until: float = 0.0
    waits: dict[str, float] = field(default_factory=dict)


class Supervisor:
    """A thread of the server. `wake` makes it look at once."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.lanes = (Lane("check", ("validating_files",)), Lane("train", ("running", "queued")))
        self._awake = threading.Event()
        self._ended = False
        self._swept = 0.0
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Looks for work, what a former server left first."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the workers; their jobs go on with the next server."""
        self._ended = True
        self._awake.set()
        self._thread.join(10)
        for lane in self.lanes:
            if lane.child is not None:
                _kill(lane.child)

    def wake(self) -> None:
        """There may be something to do."""
        self._awake.set()

    def at_work(self) -> dict[str, str]:
        """The job of each lane that has one."""
        return {lane.name: lane.job for lane in self.lanes if lane.child is not None}

    def _run(self) -> None:
        while not self._ended:
            with suppress(sqlite3.Error, OSError):  # a full disk, a lock: the next look may find it better
                self._turn()
            self._awake.wait(TURN)
            self._awake.clear()

    def _turn(self) -> None:
        if time.monotonic() - self._swept > SWEEP:
            self._swept = time.monotonic()
            sweep_expired(self.state)
        for lane in self.lanes:
            if lane.child is not None:
                self._look_after(lane)
            if lane.child is None and time.monotonic() >= lane.rest_until:
                self._begin(lane)

    def _look_after(self, lane: Lane) -> None:
        """Ends a worker whose job has ended; takes note of one that died."""
        assert lane.child is not None
        row = self.state.one("SELECT * FROM jobs WHERE id = ?", lane.job)
        code = lane.child.poll()
        if code is None:
            if row is None or row["status"] in ("cancelled", "failed"):
                _kill(lane.child)
            return
        _kill(lane.child)  # what it may have started
        if row is not None and row["status"] in (*lane.states[:1], "pausing"):
            self._lost(lane, row, code)
        lane.child, lane.job = None, ""

    def _lost(self, lane: Lane, row: sqlite3.Row, code: int) -> None:
        """A worker died before its job was done: the job goes on, or fails if that happens again and again."""
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        why += _last_line(jobs.folder(self.state, row["id"]) / "worker.log")
        losses = row["losses"] + 1 if row["step"] == row["lost_at"] else 1
        lane.rest_until = time.monotonic() + 0.15 * 2**losses
        with self.state.write() as db:
            db.execute("UPDATE jobs SET losses = ?, lost_at = ? WHERE id = ?", (losses, row["step"], row["id"]))
            if losses >= LOSSES:
                jobs.fail(db, row["id"], "server_error", f"the worker died {losses} times in a row without a step between ({why})")
            elif not jobs.move(db, row["id"], "paused", ("pausing",), "The job is paused; its last checkpoint is kept"):
                jobs.event(db, row["id"], f"The worker was lost ({why}); another one goes on", "warn")

    def _begin(self, lane: Lane) -> None:
        lock = _locked(self.state.folder / f"{lane.name}.lock")
        if lock is None:
            return  # the worker of a former server is at work
        try:
            with self.state.write() as db:  # nobody holds the lock: nobody is going to pause what should be paused
                for row in db.execute("SELECT id FROM jobs WHERE status = 'pausing'").fetchall() if lane.name == "train" else ():
                    jobs.move(db, row["id"], "paused", ("pausing",), "The job is paused; its last checkpoint is kept")
            for status in lane.states:
                row = self.state.one("SELECT id FROM jobs WHERE status = ? ORDER BY seq LIMIT 1", status)
                if row is not None:
                    lane.child, lane.job = _spawn(self.state.folder, lane.name, row["id"], lock), row["id"]
                    return
        finally:
            os.close(lock)


def _spawn(folder: Path, lane: str, job: str, lock: int) -> subprocess.Popen[bytes]:
    place = folder / "jobs" / job
    place.mkdir(exist_ok=True)
    with (place / "worker.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - no word of it is a client's
            [sys.executable, "-m", "corpus_tuner.serve.worker", str(folder.resolve()), lane, job],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=place, env=_environment(),
            start_new_session=True, pass_fds=(lock,),
        )  # fmt: skip


def _environment() -> dict[str, str]:
    """A worker's variables: no keys of ours, all cores, and what it writes on its log at once."""
    own = os.environ.get("CORPUS_TUNER_ONE_THREAD", "").split(",")
    found = {name: value for name, value in os.environ.items() if name not in own and not any(word in name for word in SECRET)}
    if "HF_TOKEN" in os.environ:
        found["HF_TOKEN"] = os.environ["HF_TOKEN"]
    return found | {"PYTHONUNBUFFERED": "1"}


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Ends a worker and all that it started. It may be killed at any moment, so nothing gentler is needed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _locked(path: Path) -> int | None:
    """A file descriptor that holds the lock of `path`, or None where another process holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def take(folder: Path) -> int:
    """The lock of a service's folder, for as long as this process lives. Raises CorpusTunerError if another has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = _locked(folder / "server.lock")
    if lock is None:
        raise CorpusTunerError(f"another server is at work in {folder}: end it, or choose another --root")
    return lock


def _last_line(path: Path) -> str:
    """What a worker said last, in at most 200 printable characters."""
    try:
        lines = path.read_bytes()[-4096:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    line = next((line for line in reversed(lines) if line.strip()), "")
    return f": {''.join(sign for sign in line if sign.isprintable())[:200]}" if line else ""


def sweep_orphans(state: State) -> None:
    """Removes what a killed server left half done: parts of uploads, and files that the database does not know."""
    import shutil

    for part in (state.folder / "incoming").iterdir():
        part.unlink()
    known = {row["id"] for row in state.all("SELECT id FROM files")}
    training = {row["id"] for row in state.all("SELECT id FROM jobs WHERE status = 'running'")}
    for path in (state.folder / "files").iterdir():
        if path.name not in known and not training:  # the worker of a former server may just be writing its result
            path.unlink()
    known = {row["id"] for row in state.all("SELECT id FROM jobs")}
    for path in (state.folder / "jobs").iterdir():
        if path.name not in known:
            shutil.rmtree(path, ignore_errors=True)
    alive = {row["job"] for row in state.all("SELECT job FROM models")} | {
        row["id"] for row in state.all(f"SELECT id FROM jobs WHERE status IN {jobs.GOING}")  # noqa: S608 - ours
    }
    for path in (state.folder / "models").iterdir():
        if path.name not in alive:
            shutil.rmtree(path, ignore_errors=True)


def sweep_expired(state: State) -> None:
    """Removes files whose time has come, and the working folders of jobs that have ended."""
    import shutil

    for row in state.all("SELECT id FROM files WHERE expires_at <= ?", now()):
        with state.write() as db:
            db.execute("DELETE FROM files WHERE id = ?", (row["id"],))
        (state.folder / "files" / row["id"]).unlink(missing_ok=True)
    for path in (state.folder / "jobs").iterdir():
        row = state.one("SELECT status FROM jobs WHERE id = ?", path.name)
        if row is not None and row["status"] in ("succeeded", "cancelled"):
            shutil.rmtree(path, ignore_errors=True)
