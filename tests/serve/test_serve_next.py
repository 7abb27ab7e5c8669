"""What `corpus-tuner prepare` prints as the next command is one that works, as it stands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from service import Service, wait

from corpus_tuner.cli import app


def test_the_next_command_trains_what_was_prepared(shared: Service, tmp_path) -> None:
    """Pasted into a shell it prints the id of a job, and the job succeeds."""
    path = tmp_path / "it's here.csv"
    path.write_text("prompt,completion\n" + "".join(f"Which tree is {n}?,Tree {n} is an oak\n" for n in range(12)))
    result = CliRunner().invoke(app, ["prepare", str(path), "--yes", "--json", "--model", "gpt-4o-mini", "--base-url", f"{shared.url}/v1"])
    command = json.loads(result.stdout)["next"].replace("python -c", f"{sys.executable} -c", 1)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, cwd=Path.home())
    assert wait(shared.client(), done.stdout.strip()).status == "succeeded"
