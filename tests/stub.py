"""The stub of scripts/stub_llm.py as a running server, for tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parent.parent / "scripts" / "stub_llm.py"


@dataclass(frozen=True)
class Stub:
    """Where it answers."""

    base_url: str

    def stats(self) -> dict[str, Any]:
        """Its own count of what it was asked."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/stats") as reply:
            return json.load(reply)


@contextmanager
def running(*options: str) -> Iterator[Stub]:
    """The stub on a free port, ended with the block."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--port", "0", *options], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        yield Stub(re.search(r"http://\S+/v1", line).group())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
