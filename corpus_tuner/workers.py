"""One function over many items by all cores: the results come in the order of the items, and few of them wait at a time."""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from corpus_tuner.errors import CorpusTunerError, MissingExtra, Unavailable

T = TypeVar("T")
R = TypeVar("R")
ENGINES = ("local", "ray")
AHEAD = 3  # results that wait for each process: enough that none is idle while a slow item is awaited


def cores() -> int:
    """The processors that this process may use; a container's share counts."""
    from loky import cpu_count

    return int(cpu_count())


def ordered(function: Callable[[T], R], items: Iterable[T], processes: int, engine: str = "local") -> Iterator[R]:
    """`function(item)` for each of `items`, in their order; with one process, here; with the engine "ray", on its cluster.

    The function and the items must be picklable. The processes are started afresh (loky: no copy of this one's threads
    and locks, no import of the caller's script) and end with the iterator. What the function raises is raised here;
    a process that is killed from outside raises Unavailable.
    """
    if engine not in ENGINES:
        raise CorpusTunerError(f"there is no engine {engine!r}: choose {' or '.join(ENGINES)}")
    if engine == "ray":
        yield from _by_ray(function, items)
    elif processes <= 1:
        yield from map(function, items)
    else:
        yield from _by_processes(function, items, processes)


def _by_processes(function: Callable[[T], R], items: Iterable[T], processes: int) -> Iterator[R]:
    from loky import ProcessPoolExecutor
    from loky.process_executor import BrokenProcessPool

    pool = ProcessPoolExecutor(max_workers=processes, initializer=_end_with, initargs=(os.getpid(),))
    waiting: deque[Any] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > AHEAD * processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise Unavailable("a worker process was ended (out of memory?): run the same command again") from None
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _by_ray(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """By Ray Data: on the cluster that RAY_ADDRESS or `ray start` names, else on all cores of this machine.

    What a task raises of ours or of the system comes back as a value, since Ray would wrap it; a lost worker's task is
    run again by Ray.
    """
    ray = _ray()
    rows = [{"item": pickle.dumps(item)} for item in items]

    def result(row: dict[str, bytes]) -> dict[str, bytes]:
        try:
            return {"result": pickle.dumps((function(pickle.loads(row["item"])), None))}  # noqa: S301 - what was sent above
        except (CorpusTunerError, OSError) as error:
            return {"result": pickle.dumps((None, error))}

    data = ray.data.from_items(rows, override_num_blocks=len(rows) or 1).map(result) if rows else None
    try:
        for row in data.iter_rows() if data else ():
            value, error = pickle.loads(row["result"])  # noqa: S301 - what a task of ours returned
            if error is not None:
                raise error
            yield value
    except ray.exceptions.RayError as error:
        raise Unavailable(f"Ray could not finish ({type(error).__name__}): look at its log, and run the same command again") from error


def _ray() -> Any:
    """Ray, begun and quiet. Raises MissingExtra without it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("the engine ray", "ray", "Ray Data") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    return ray


def _end_with(parent: int) -> None:
    """Ends this process soon after its parent was killed: it would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
