"""The page at / in a real headless Chromium."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest
from service import Service, pairs, until, upload, wait

sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests drive Chromium with playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """A Chromium of the system."""
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser) -> Iterator:
    """A fresh tab; at its end nothing was logged as wrong, and nothing was asked of another host."""
    tab = browser.new_page(viewport={"width": 1100, "height": 900})
    wrong: list[str] = []
    tab.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    hosts: set[str] = set()
    tab.on("request", lambda request: hosts.add(request.url.split("/")[2]) if request.url.startswith("http") else None)
    yield tab
    assert [line for line in wrong if "401" not in line] == []
    assert len(hosts) == 1
    tab.close()


def test_a_person_sees_a_job_train_and_compares_base_and_expert(shared: Service, page, tmp_path) -> None:
    """The curve grows while the job runs; then both models answer side by side."""
    client = shared.client()
    file = upload(client, pairs(tmp_path / "a.jsonl"))
    page.goto(shared.url)
    job = client.fine_tuning.jobs.create(model="slow", training_file=file, suffix="watched")
    page.wait_for_selector(f"#{job.id} .state.running", timeout=15_000)
    page.wait_for_selector(f"#{job.id} svg polyline")
    points = lambda: len(page.get_attribute(f"#{job.id} polyline", "points").split())  # noqa: E731
    few = points()
    until(lambda: points() > few, 10)
    page.wait_for_selector(f"#{job.id} .state.succeeded", timeout=20_000)
    assert points() == 40
    until(lambda: ":watched:" in page.inner_html("#expert"), 10)
    page.select_option("#expert", wait(client, job.id).fine_tuned_model)
    page.select_option("#base", "scratch")
    page.fill("#question", "What is the code of station 3?")
    page.click("#ask button")
    until(lambda: page.text_content("#expert-note") and page.text_content("#base-note"), 20)
    assert page.text_content("#expert-answer") == "It is K11."
    assert page.text_content("#base-answer") != "It is K11."


def test_what_a_client_wrote_is_shown_as_text(shared: Service, page, tmp_path) -> None:
    """Markup in a suffix and in an answer stays text."""
    client = shared.client()
    mark = "<img src=x onerror=alert(1)>"
    rows = [{"messages": [{"role": "user", "content": "mark?"}, {"role": "assistant", "content": mark}]}] * 10
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=upload(client, tmp_path / "a.jsonl"), suffix=mark)
    model = wait(client, job.id).fine_tuned_model
    waiting = client.fine_tuning.jobs.create(model="slow", training_file=upload(client, tmp_path / "a.jsonl"), suffix=mark)
    page.goto(shared.url)
    page.wait_for_selector(f"#{waiting.id}")
    assert mark in page.text_content(f"#{waiting.id} h3")
    page.select_option("#expert", model)
    page.fill("#question", "mark?")
    page.click("#ask button")
    until(lambda: page.text_content("#expert-note"), 10)
    assert page.text_content("#expert-answer") == mark
    assert page.locator("img").count() == 0
    page.click(f"#{waiting.id} .acts button:last-child")
    page.wait_for_selector(f"#{waiting.id} .state.cancelled")


def test_the_page_asks_for_a_key_where_the_server_wants_one(own: Service, page, tmp_path) -> None:
    """Without one it says so; with one it shows the jobs."""
    from test_serve_safety import command

    key = command(tmp_path, "--new-key", "me").stdout.strip()
    own.start()
    page.goto(own.url)
    page.wait_for_selector("#login:not([hidden])")
    page.fill("#key", key)
    page.click("#login button")
    page.wait_for_selector("#none:not([hidden])")
    assert page.is_hidden("#login")
    assert key not in page.content()
