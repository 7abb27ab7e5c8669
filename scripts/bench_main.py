#!/usr/bin/env python3
"""What the main job costs and gives, and how fast the command line is: every such figure of the README comes from here.

    python scripts/bench_main.py            the main job on the shipped article, then the start-up times
    python scripts/bench_main.py --skip-build DIR    only the start-up times, with the corpus built under DIR

Times are of whole processes, start to exit; start-up times are medians of nine, taken in turns, so that a machine whose
speed drifts slows both sides of a ratio alike.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TORCH = "python -c 'import torch'"
CLI = str(Path(sys.executable).with_name("corpus-tuner"))


def timed(*command: str) -> float:
    """Seconds from start to exit."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main_job(root: Path) -> None:
    """Builds the shipped corpus in `root` and prints its stages, memory and scores."""
    shutil.copytree(ROOT / "sources", root / "sources")
    seconds = timed(CLI, "build", "apollo-8", "--root", str(root))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    manifest = json.loads((root / "generated/apollo-8/manifest.json").read_text())
    print(f"main job: {seconds:.0f} s, {peak:.2f} GiB at its peak")
    for stage, entry in manifest.items():
        print(f"  {stage:9} {entry['seconds']:6.1f} s  {entry['counts']}")
    run = next((root / "generated/apollo-8/evaluation").glob("*/table.txt")).parent
    for cell in json.loads((run / "report.json").read_text())["cells"]:
        if (cell["arm"], cell["class"]) == ("expert", "trained") and cell["kind"] != "all":
            print(f"expert, trained {cell['kind']}: exact {cell['exact']['value']:.1%}, F1 {cell['f1']['value']:.1%} (n = {cell['n']})")
    print((run / "table.txt").read_text())


def start_up(root: Path) -> None:
    """`--help` and `ask` beside `import torch`, in turns."""
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "corpus-tuner --help": (CLI, "--help"),
        "corpus-tuner ask (scratch expert)": (CLI, "ask", "apollo-8", "When was Apollo 8 launched?", "--root", str(root)),
        TORCH: (sys.executable, "-c", "import torch"),
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(10):
        for name, command in commands.items():
            seconds = timed(*command)
            if turn:  # the first turn warms the file cache
                times[name].append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:36} {median:6.2f} s")
    print(f"ask / import torch: {medians['corpus-tuner ask (scratch expert)'] / medians[TORCH]:.2f}")


def main() -> None:
    """Runs both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--skip-build", type=Path, metavar="DIR")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        root = options.skip_build or Path(temporary)
        if not options.skip_build:
            main_job(root)
        start_up(root)


if __name__ == "__main__":
    main()
