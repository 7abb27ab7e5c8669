"""Starts the service, trains two small jobs and photographs its page as a desktop and a phone show it.

    python scripts/screenshot_serve.py [FOLDER]

Writes serve.png and serve-phone.png into FOLDER (default: here). Needs playwright, and chromium on the PATH.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench_serve import rows, serve, train

VIEWS = {"serve": (1000, 900, 1.0), "serve-phone": (390, 1400, 1.0)}  # width, height, scale


def jobs(url: str, folder: Path) -> str:
    """Trains a model on invented facts and leaves another job running; a question that the first one knows."""
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    asked, path = rows(30), folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in asked))
    _, job = train(client, path)
    assert job.status == "succeeded", job.error
    with path.open("rb") as file:
        again = client.files.create(file=file, purpose="fine-tune")
    running = client.fine_tuning.jobs.create(model="scratch", training_file=again.id, suffix="second-try")
    while len(client.fine_tuning.jobs.list_events(running.id, limit=100).data) < 60:
        time.sleep(0.2)
    return asked[4]["messages"][0]["content"]


def shoot(url: str, question: str, folder: Path) -> None:
    """Asks on the page and takes the pictures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, (width, height, scale) in VIEWS.items():
            tab = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=scale)
            tab.goto(url)
            tab.wait_for_selector(".state.running")
            tab.wait_for_selector("svg polyline")
            tab.fill("#question", question)
            tab.click("#ask button")
            tab.wait_for_selector("#expert-note:not(:empty)", timeout=60_000)
            tab.wait_for_selector("#base-note:not(:empty)", timeout=60_000)
            tab.screenshot(path=str(folder / f"{name}.png"))
            print(folder / f"{name}.png")
        browser.close()


def main() -> None:
    """Serves, trains, shoots."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    with tempfile.TemporaryDirectory() as root:
        process, url = serve(Path(root))
        try:
            shoot(url, jobs(url, Path(root)), folder)
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    main()
