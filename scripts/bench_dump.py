#!/usr/bin/env python3
"""How fast a dump is fetched and cleaned, by one process, by more and by Ray; what a kill costs; and what the whole English Wikipedia would take.

    python scripts/bench_dump.py DUMP [--times N] [--processes 1 2] [--ray]

DUMP is any MediaWiki dump; its pages are packed anew as a multistream dump, N times over with ids of their own (a hundred
pages a block, as Wikimedia packs them), so that a small sample gives work for minutes. Rates are in MB (10**6 bytes) of XML
as it is after bzip2, a second of wall time, of whole stages: `fetch` from the file to documents/, `clean` from there to
sections/ (always in shards here), and `decompress` (one process, in memory) as what bounds them; `a CPU second` is fetch
and clean by the processor time of all processes, which other work on the machine does not change. Memory is the peak of
the parent, and of the largest of its processes. Ray's start is not counted, nor are its processes' time and memory.

Kill and resume: `kill -9` of a build by the most processes once half of the blocks of a stage are done, and the same
command again; the files must be those of the undisturbed run. Status: how long it takes to see that nothing is stale, when
every byte is read, and with the digests remembered.

The plan takes the measured rate for a number of cores that was measured. For more it takes the rate a CPU second of the
largest number of processes times the cores, up to what the parent alone can hand out (its own processor time, measured).
enwiki-20260101-pages-articles is taken as 105 GB of XML, of which 24 GB remain after bzip2 (edit WHOLE for another wiki or
date; the size stands at https://dumps.wikimedia.org/enwiki/ and grows by about 4 % a year).
"""

import argparse
import bz2
import importlib.util
import json
import multiprocessing
import os
import platform
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from functools import partial
from itertools import islice
from pathlib import Path

from corpus_tuner import documents, sections
from corpus_tuner.corpus import Corpus
from corpus_tuner.fetch import dump, dump_blocks
from corpus_tuner.records import Document, silent
from corpus_tuner.settings import Settings
from corpus_tuner.store import files_of, shards, to_line

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


def opened(path: Path, root: str, processes: int, engine: str = "local") -> Corpus:
    """A corpus of the dump, for so many processes."""
    documents.MANY = 0
    documents.cores = sections.cores = lambda: processes  # what a machine of so many cores would say
    dump.GROUP = min(dump.GROUP, path.stat().st_size // 16)  # a small sample still has blocks for all
    (Path(root) / "sources").mkdir(exist_ok=True)
    (Path(root) / "sources" / "bench.toml").write_text(f"[corpus]\nname = 'bench'\n[[source]]\nlocator = '{path}'\n")
    return Corpus.open("bench", root, engine=engine)


def staged(path: Path, processes: int, engine: str) -> dict[str, float]:
    """Seconds of the stages fetch and clean with so many processes, and their peak of memory in MB."""
    if engine == "ray":
        import ray

        ray.init(num_cpus=processes, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        ray.get([ray.remote(lambda: os.getpid()).remote() for _ in range(processes)])
    with tempfile.TemporaryDirectory() as root:
        place = opened(path, root, processes, engine).place
        before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        start = time.perf_counter()
        documents.fetch(place, silent)
        middle = time.perf_counter()
        sections.clean(place, silent, 0)
        end = time.perf_counter()
        written = sum(file.stat().st_size for path in (place.documents, place.sections) for file in files_of(path))
    own, children = (sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    parent, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "fetch": middle - start, "clean": end - middle, "both": end - start, "parent_cpu": own - before, "cpu": own - before + children,
        "parent": parent, "child": child, "written": written,
    }  # fmt: skip


def alone(path: Path, processes: int, engine: str = "local") -> dict[str, float]:
    """`staged` in a process of its own, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    worker = context.Process(target=_send, args=(send, path, processes, engine))
    worker.start()
    send.close()  # else a worker that fails is waited for, for ever
    result = receive.recv()
    worker.join()
    return result


def _send(pipe: object, path: Path, processes: int, engine: str) -> None:
    pipe.send(staged(path, processes, engine))


def killed(path: Path, processes: int) -> dict[str, float]:
    """What a kill in the middle of each stage costs, against an undisturbed run."""
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as cut:
        want = opened(path, whole, processes)
        made = opened(path, cut, processes)
        for stage in ("fetch", "clean"):
            found[f"{stage}_whole"] = timed(getattr(want, stage))
            total = len(list(_blocks(want, stage)))
            code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from pathlib import Path; from bench_dump import opened; opened(Path({str(path)!r}), {cut!r}, {processes}).{stage}()"
            process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)  # what loky says of a killed parent
            while process.poll() is None and len(list(made.place.folder.glob(f".{stage}-*/*.json"))) < total // 2:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            time.sleep(2)  # its processes end, too
            found |= {f"{stage}_blocks": total, f"{stage}_kept": len(list(made.place.folder.glob(f".{stage}-*/*.json")))}
            found[f"{stage}_again"] = timed(getattr(made, stage))
        same = [one.read_bytes() == other.read_bytes() for kind in ("documents", "sections") for one, other in zip(files_of(getattr(want.place, kind)), files_of(getattr(made.place, kind)), strict=True)]
        found["same"] = float(all(same))
        time.sleep(2)  # what was just written is not remembered
        want.place.digests.unlink(missing_ok=True)
        found |= {"status_first": timed(want.status), "status_again": timed(want.status)}
        found["bytes"] = path.stat().st_size + sum(file.stat().st_size for file in want.place.folder.rglob("*") if file.is_file())
    return found


def _blocks(made: Corpus, stage: str) -> object:
    return dump.Dump(made.place.settings).blocks(made.place.settings.source[0].locator) if stage == "fetch" else files_of(made.place.documents)[1:]


def timed(function: object, *arguments: object) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def decompress(path: Path) -> None:
    """bzip2 alone, one process."""
    with dump_blocks.opened(path) as file:
        for _ in dump_blocks.chunks(file):
            pass


def compressed(path: Path) -> None:
    """What it costs to compress the documents: gzip by level (the store uses level 2), and zstandard where it is installed."""
    items = (item for item in dump.Dump(Settings()).fetch(str(path), {}) if isinstance(item, Document))
    data = b"".join(map(to_line, islice(items, 2000)))
    ways = {f"gzip, level {level}": partial(zlib.compress, data, level) for level in (1, shards.LEVEL, 6)}
    if importlib.util.find_spec("zstandard"):
        import zstandard

        ways["zstandard, level 1"] = partial(zstandard.ZstdCompressor(1).compress, data)
    print(f"\n{'documents compressed':22}{'MB/s':>8}{'ratio':>8}")
    for name, way in ways.items():
        print(f"{name:22}{len(data) / 1e6 / timed(way):8.0f}{len(data) / len(way()):8.2f}")


def row(name: str, size: float, found: dict[str, float]) -> str:
    core = f"{size / found['cpu'] / 1e6:8.1f}" if "Ray" not in name else "       -"
    child = f"{found['child']:8.0f}" if found["child"] > 1 and "Ray" not in name and "1 process" not in name else "       -"
    rates = "".join(f"{size / found[key] / 1e6:8.1f}" for key in ("fetch", "clean", "both"))
    return f"{name:22}{rates}{core}{found['parent']:8.0f}{child}"


def plan(rates: dict[int, float], core: float, most: float) -> None:
    """Hours for the whole by cores. `rates`: measured, by processes; `core`: of a CPU second; `most`: of the parent alone."""
    name, size = WHOLE
    print(f"\n{name}, {size / 1e9:.0f} GB of XML (assumed), fetch and clean; the parent alone hands out {most / 1e6:,.0f} MB/s:")
    print(f"{'cores':>7}{'MB/s':>9}{'hours':>8}")
    for cores in sorted({*CORES, *rates}):
        rate = rates.get(cores) or min(core * cores, most)
        how = "measured" if cores in rates else "planned from CPU seconds" if rate < most else "bound by the parent"
        print(f"{cores:7}{rate / 1e6:9.1f}{size / rate / 3600:8.1f}   {how}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dump", type=Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ray", action="store_true", help="the engine ray, too, by the most processes")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    most = max(options.processes)
    with tempfile.TemporaryDirectory() as folder:
        path, size = repeated(options.dump, Path(folder), options.times)
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {size / 1e6:.1f} MB of XML in {path.stat().st_size / 1e6:.1f} MB of bzip2")
        figures: dict[str, object] = {"megabytes": size / 1e6, "decompress": size / 1e6 / timed(decompress, path)}
        print(f"decompress, one process: {figures['decompress']:.1f} MB/s")
        compressed(options.dump)
        print(f"\n{'MB/s of XML':22}{'fetch':>8}{'clean':>8}{'both':>8}{'/CPU s':>8}{'MB here':>8}{'MB each':>8}")
        rates = {}
        for processes in options.processes:
            figures[str(processes)] = found = alone(path, processes)
            rates[processes], core, bound = (size / found[key] for key in ("both", "cpu", "parent_cpu"))
            print(row(f"{processes} process{'es' * (processes > 1)}", size, found))
        if options.ray:
            figures["ray"] = found = alone(path, most, "ray")
            print(row(f"Ray, {most} workers", size, found))
        figures["killed"] = cut = killed(path, most)
        print(f"\n{'kill -9 and again':22}{'blocks':>8}{'kept':>8}{'whole s':>9}{'again s':>9}")
        for stage in ("fetch", "clean"):
            print(f"{stage:22}{cut[f'{stage}_blocks']:8.0f}{cut[f'{stage}_kept']:8.0f}{cut[f'{stage}_whole']:9.2f}{cut[f'{stage}_again']:9.2f}")
        print("the same bytes as undisturbed" if cut["same"] else "OTHER BYTES than undisturbed")
        print(f"status: {cut['status_first']:.2f} s where all of {cut['bytes'] / 1e6:.0f} MB is read, {cut['status_again']:.3f} s with digests remembered")
        plan(rates, core, bound)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    sys.exit(main())
