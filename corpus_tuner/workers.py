"""One function over many items by all cores: the results come in the order of the items, and few of them wait at a time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from corpus_tuner.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 3  # results that wait for each process: enough that none is idle while a slow item is awaited


def cores() -> int:
    """The processors that this process may use; a container's share counts."""
    from loky import cpu_count

    return int(cpu_count())


def ordered(function: Callable[[T], R], items: Iterable[T], processes: int, engine: str = "local") -> Iterator[R]:
    """`function(item)` for each of `items`, in their order; with one process, here.

    The function and the items must be picklable. The processes are started afresh (loky: no copy of this one's threads
    and locks, no import of the caller's script) and end with the iterator. What the function raises is raised here;
    a process that is killed from outside raises Unavailable.
    """
    if processes <= 1:
        yield from map(function, items)
        return
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


def _end_with(parent: int) -> None:
    """Ends this process soon after its parent was killed: it would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
