#!/usr/bin/env python3
"""How fast a dump is read and cleaned, by one process and by more; and what the whole English Wikipedia would take.

    python scripts/bench_dump.py DUMP [--times N] [--processes 1 2]

DUMP is any MediaWiki dump; its pages are packed anew as a multistream dump, N times over (a hundred pages a block, as
Wikimedia packs them), so that a small sample gives work for minutes. Rates are in MB (10**6 bytes) of XML as it is after
bzip2, a second of wall time, of whole stages: `fetch` from the file to documents.jsonl, `clean` from there to
sections.jsonl, and `decompress` and `read` (in memory, nothing written) as what bounds them; `a CPU second` is fetch and
clean by the processor time of all processes, which other work on the machine does not change. Memory is the peak of the
parent, and of the largest of its processes.

The plan takes the measured rate for a number of cores that was measured. For more it takes the rate a CPU second of the
largest number of processes times the cores, up to what the parent alone can write (its own processor time, measured).
enwiki-20260101-pages-articles is taken as 105 GB of XML, of which 24 GB remain after bzip2 (edit WHOLE for another wiki or
date; the size stands at https://dumps.wikimedia.org/enwiki/ and grows by about 4 % a year).
"""

import argparse
import bz2
import json
import multiprocessing
import os
import platform
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

from corpus_tuner import sections
from corpus_tuner.corpus import Corpus
from corpus_tuner.documents import fetch
from corpus_tuner.fetch import dump, dump_blocks
from corpus_tuner.records import silent
from corpus_tuner.settings import Settings

WHOLE = ("English Wikipedia, pages-articles", 105e9)  # bytes of XML
BLOCK = 100  # pages
CORES = (1, 4, 16, 64)


def repeated(source: Path, folder: Path, times: int) -> tuple[Path, int]:
    """The pages of a dump, `times` times over with ids of their own, as a multistream dump; (path, bytes of XML)."""
    with dump_blocks.opened(source) as file:
        xml = file.read()
    start = xml.index(b"<page>")
    pages = re.findall(rb"<page>.*?</page>\n?", xml, re.DOTALL)
    path, size = folder / "bench-pages-articles-multistream.xml.bz2", start
    with path.open("wb") as out, path.with_name("bench-pages-articles-multistream-index.txt").open("wb") as index:
        out.write(bz2.compress(xml[:start]))
        block: list[bytes] = []
        for number in range(times * len(pages)):
            one = re.sub(rb"<id>\d+</id>", b"<id>%d</id>" % (number + 1), pages[number % len(pages)], count=1)
            block.append(one)
            if len(block) == BLOCK or number == times * len(pages) - 1:
                index.writelines(b"%d:%d:%d\n" % (out.tell(), number, number) for _ in block)
                data = b"".join(block)
                out.write(bz2.compress(data))
                size, block = size + len(data), []
        out.write(bz2.compress(b"</mediawiki>\n"))
    return path, size


def decompress(path: Path) -> None:
    """bzip2 alone, one process."""
    with dump_blocks.opened(path) as file:
        for _ in dump_blocks.chunks(file):
            pass


def read(path: Path, processes: int) -> None:
    """Documents and rejects, thrown away."""
    for _ in dump.Dump(Settings(), processes).fetch(str(path), {}):
        pass


def staged(path: Path, processes: int) -> dict[str, float]:
    """Seconds of the stages fetch and clean with so many processes, and their peak of memory in MB."""
    sections.cores = dump.cores = lambda: processes  # what a machine of so many cores would say
    dump.SMALL = 0
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "sources").mkdir()
        (Path(root) / "sources" / "bench.toml").write_text(f"[corpus]\nname = 'bench'\n[[source]]\nlocator = '{path}'\n")
        place = Corpus.open("bench", root).place
        before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        start = time.perf_counter()
        fetch(place, silent)
        middle = time.perf_counter()
        sections.clean(place, silent, 0)
        end = time.perf_counter()
        written = sum(file.stat().st_size for file in (place.documents, place.sections))
    own, children = (sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    parent, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "fetch": middle - start, "clean": end - middle, "both": end - start, "parent_cpu": own - before, "cpu": own - before + children,
        "parent": parent, "child": child, "written": written,
    }  # fmt: skip


def alone(path: Path, processes: int) -> dict[str, float]:
    """`staged` in a process of its own, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    worker = context.Process(target=_send, args=(send, path, processes))
    worker.start()
    result = receive.recv()
    worker.join()
    return result


def _send(pipe: object, path: Path, processes: int) -> None:
    pipe.send(staged(path, processes))


def timed(function: object, *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def plan(rates: dict[int, float], core: float, most: float) -> None:
    """Hours for the whole by cores. `rates`: measured, by processes; `core`: of a CPU second; `most`: of the parent alone."""
    name, size = WHOLE
    print(f"\n{name}, {size / 1e9:.0f} GB of XML (assumed), fetch and clean; the parent alone writes {most / 1e6:.0f} MB/s:")
    for cores in sorted({*CORES, *rates}):
        rate = rates.get(cores) or min(core * cores, most)
        how = "measured" if cores in rates else "planned from CPU seconds" if rate < most else "bound by the parent"
        print(f"  {cores:3} cores  {rate / 1e6:7.1f} MB/s  {size / rate / 3600:6.1f} h   ({how})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", type=Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, size = repeated(options.dump, Path(folder), options.times)
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {size / 1e6:.1f} MB of XML in {path.stat().st_size / 1e6:.1f} MB of bzip2")
        figures: dict[str, object] = {"megabytes": size / 1e6, "decompress": size / 1e6 / timed(decompress, path)}
        print(f"  decompress, 1 process    {figures['decompress']:7.1f} MB/s")
        rates = {}
        for processes in options.processes:
            reading = size / 1e6 / timed(read, path, processes)
            found = alone(path, processes)
            rates[processes], core, most = (size / found[key] for key in ("both", "cpu", "parent_cpu"))
            figures[str(processes)] = {"read": reading, **found}
            print(
                f"  {processes} process{'es' * (processes > 1)}: read {reading:6.1f} MB/s, fetch {size / 1e6 / found['fetch']:6.1f}, "
                f"clean {size / 1e6 / found['clean']:6.1f}, fetch and clean {rates[processes] / 1e6:6.1f} MB/s, a CPU second {core / 1e6:5.1f} MB; "
                f"memory {found['parent']:.0f} MB" + (f" + {found['child']:.0f} MB a process" if processes > 1 else "")
            )
        plan(rates, core, most)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    sys.exit(main())
