"""The whole way against a server of another make: `transformers serve` with a tiny model of random weights.

    python scripts/check_foreign_server.py [--sections 3]      (needs the extra [local], fastapi and uvicorn)

Such a model answers nonsense. The engine must reject all of it by name, ask no request more than three times, stay within
max_cost, and exit with one clear line. Prints what it did, and exits with 1 if any of that failed.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = """[corpus]
name = "ports"
[[source]]
locator = "ports.md"
[generate]
writer = "llm"
model = "{model}"
base_url = "http://127.0.0.1:{port}/v1"
api_key_env = "ABSENT"
concurrency = 4
max_tokens = 48
max_cost = 1.0
kinds = {{ basic = 2 }}
limit = {sections}
"""
PRICES = 'dated = "2026-11-21"\ncurrency = "USD"\n[model."{model}"]\ninput = 10\noutput = 100\n'


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def make_model(folder: Path) -> None:
    """A tiny Llama of random weights with a chat template and room for a prompt."""
    sys.path.insert(0, str(HERE.parent / "tests"))
    import tiny_llama

    tiny_llama.make(folder, ["Ships carried copper from Lenn to the harbour within three days."] * 20)
    config = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": 8192}
    (folder / "config.json").write_text(json.dumps(config))
    path = folder / "tokenizer_config.json"
    template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": template}))


def wait_for(port: int, process: subprocess.Popen, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("transformers serve did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        model, port = str(root / "tiny"), free_port()
        make_model(Path(model))
        (root / "sources").mkdir()
        text = "\n\n".join(f"## Year {n}\n\nIn {1700 + n} the Aldra carried {20 + n} crates of copper to Lenn." for n in range(20))
        (root / "sources" / "ports.md").write_text(f"# Ports\n\n{text}\n")
        (root / "sources" / "ports.toml").write_text(CORPUS.format(model=model, port=port, sections=options.sections))
        (root / "prices.toml").write_text(PRICES.format(model=model))
        command = [str(Path(sys.executable).with_name("transformers")), "serve", model, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, server, 120)
            start = time.perf_counter()
            run = subprocess.run(
                [sys.executable, "-m", "corpus_tuner.cli", "generate", "ports", "--root", name],
                capture_output=True, text=True, timeout=500, env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            )  # fmt: skip
            seconds = time.perf_counter() - start
        finally:
            server.terminate()
            server.wait()
        folder = root / "generated" / "ports"
        calls = [json.loads(line) for line in (folder / "calls.jsonl").open()] if (folder / "calls.jsonl").exists() else []
        rejects = [json.loads(line) for line in (folder / "rejects.jsonl").open()] if (folder / "rejects.jsonl").exists() else []
        rejects = [one for one in rejects if one["stage"] == "generate"]
        cost = sum(10 * one["usage"].get("prompt_tokens", 0) + 100 * one["usage"].get("completion_tokens", 0) for one in calls) / 1e6
        print(f"exit {run.returncode} after {seconds:.1f} s: {run.stderr.strip().splitlines()[-1]}")
        print(f"{len(calls)} replies for {options.sections} sections, {cost:.4f} of at most 1.0 USD; a reply begins {calls[0]['reply']['text'][:60]!r}" if calls else "no reply")
        for one in rejects:
            print(f"  {one['item_id']}: {one['reason']}: {one['detail'][:60]!r}")
        sound = run.returncode == 2 and "Traceback" not in run.stderr and 0 < len(calls) <= 3 * options.sections
        raise SystemExit(0 if sound and len(rejects) >= options.sections and cost <= 1.0 and not (folder / "examples.jsonl").exists() else 1)


if __name__ == "__main__":
    main()
