#!/usr/bin/env python3
"""A batch build, worked out: several corpora one after the other, a summary table, an exit code for the script around it.

    python scripts/build_corpora.py https://en.wikipedia.org/wiki/Apollo_8 https://en.wikipedia.org/wiki/Apollo_11
    python scripts/build_corpora.py --until dataset --per-section 5 sources/*.toml

Every target is a name in sources/, a TOML file, a URL, or a local file or folder. One that fails does not keep the others
from being built; the exit code is then that of the first failure (2 for a mistake in what was asked, 1 for anything else).
"""

import argparse
import sys

from corpus_tuner import Corpus, CorpusTunerError
from corpus_tuner.watching import watcher


def main() -> int:
    """Builds every target; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+")
    parser.add_argument("--root", default=".", help="folder that holds sources/ and generated/")
    parser.add_argument("--until", default="evaluate", help="last stage to run")
    parser.add_argument("--per-section", type=int, help="pairs of each kind for a section")
    options = parser.parse_args()
    flags = {"per_section": options.per_section} if options.per_section else {}
    rows, code = [], 0
    for target in options.targets:
        print(f"== {target}", file=sys.stderr)
        try:
            built = Corpus.open(target, options.root, flags=flags).build(options.until, watcher=watcher())
        except (CorpusTunerError, OSError) as error:
            print(f"failed: {error}", file=sys.stderr)
            rows.append((target, "failed", "", ""))
            code = code or getattr(error, "exit_code", 1)
            continue
        pairs = built.counts.get("generate", {}).get("examples", "")
        rows.append((built.name, "built" if built.ran else "up to date", str(pairs), built.paths.get("report", "")))
    widths = [max(len(row[i]) for row in [("corpus", "state", "pairs", "report"), *rows]) for i in range(4)]
    for row in [("corpus", "state", "pairs", "report"), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    return code


if __name__ == "__main__":
    sys.exit(main())
