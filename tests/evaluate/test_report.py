"""The report: what is in it, that nothing of a text becomes HTML, and that a real browser shows it."""

from __future__ import annotations

import importlib.util
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from planted import ARMS, build

from corpus_tuner.evaluate import charts, report
from corpus_tuner.evaluate.checks import check
from corpus_tuner.evaluate.results import Results, aggregate
from corpus_tuner.evaluate.samples import SORTS, choose
from corpus_tuner.evaluate.score import ask, scores
from corpus_tuner.records import Answer, Question, Section
from corpus_tuner.testing import ScriptedModel

PLANTED = '"><script>alert(1)</script><img src=x onerror=alert(2)>\'{{ 7 * 7 }}'
META: dict[str, Any] = {
    "name": "moon",
    "title": "Moon",
    "documents": [{"title": "Moon", "url": "https://example.org/moon", "revision": "42", "licence": "CC BY-SA 4.0"}],
    "stages": {"fetch": {"documents": 1}, "clean": {"sections": 12}, "generate": {"examples": 240}, "dataset": {"train": 120}},
    "costs": {
        "seconds": {"fetch": 0.2, "train": 72.4, "evaluate": 3.0},
        "spent": [
            {"stage": "generate", "model": "gpt-6-luna", "calls": 60, "tokens": {"prompt": 51_000, "cached": 9_000, "completion": 24_000}, "cost": 0.0172},
            {"stage": "judge", "model": "unpriced", "calls": 720, "tokens": {"prompt": 90_000, "completion": 2_160}, "cost": None},
        ],
        "ways": [
            {"name": "tuned model", "once": 0.0172, "question": 0.0, "breakeven": None},
            {"name": "retrieval", "once": 0.0, "question": 0.00011, "breakeven": 157},
        ],
        "currency": "USD",
        "dated": "2026-11-21",
    },
    "rejects": {"duplicate": 12, "number not in the source": 3},
    "coverage": {"sentences": 24, "covered": 12, "sections": [{"section": "s0", "sentences": 2, "covered": 1}]},
    "loss": [{"step": n, "loss": 4 / n, "recall": 1 - 1 / n} for n in range(1, 50)],
    "expert": {"base": "scratch", "backend": "scratch", "metrics": {"parameters": 450_000}},
    "improve": {
        "rounds": [
            {"key": "k", "kept": True, "why": "shown to be better", "weak_facts": 12, "weak_sections": ["Part", "Other"], "weak_sentences": 9,
             "judged_by": "validation", "written": 36, "trained": 24, "validating": 12, "cut": False, "n": 40, "before": 0.25, "after": 0.6,
             "better": 15, "worse": 1, "p": 0.001, "low": 0.2, "high": 0.5, "trained_before": 1.0, "trained_after": 1.0},
        ],
        "test": [{"cls": "paraphrase", "metric": "exact", "n": 120, "first": 0.5, "second": 0.6, "better": 13, "worse": 1, "p": 0.003}],
    },
    "writer": "rules",
    "version": "0.1.0",
}


class Tags(HTMLParser):
    """Every tag with its attributes, and the visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def written(folder: Path, results: Results, sections: list[Section], **meta: Any) -> str:
    report.write(folder, results, META | meta, sections)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_the_schema_describes_the_report(tmp_path: Path, results: Results, corpus: Any) -> None:
    """report.json is what report.schema.json says."""
    written(tmp_path, results, corpus[0])
    schema = json.loads(files("corpus_tuner.evaluate").joinpath("report.schema.json").read_text(encoding="utf-8"))
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    assert found["questions"] == 240
    assert {one["class"] for one in found["cells"]} == {"trained", "paraphrase", "unknown to the base", "all"}


def test_the_page_says_what_the_figures_say(tmp_path: Path, results: Results, corpus: Any) -> None:
    """Shares, verdicts, sections, licence, coverage, reasons and times of the planted arms stand in the page."""
    text = " ".join(Tags(written(tmp_path, results, corpus[0])).text.replace("\u00a0", " ").split())
    for part in (
        "60 %", "Loses to nearest by 20 points", "Ahead of base by 60 points", "Retrieve. On paraphrases retrieval is ahead of the expert",
        "kept: shown to be better", "0.003better", "51,000", "0.017", "price not known", "from 157 questions on",
        "Section 11", "CC BY-SA 4.0", "50 %", "number not in the source", "1 min 12 s", "450 thousand parameters", "1 document",
        "Fact Gold",
    ):
        assert part in text, part


def test_everything_that_a_report_owes_is_there(tmp_path: Path, results: Results, corpus: Any) -> None:
    """Arms by class with intervals, sections, answers with sources, changes both ways, improving, trust, coverage, losses, loss
    curve, cost by stage and licence; the advice and the cost in report.md, too."""
    right = ScriptedModel(lambda _: "CORRECT", "judge")
    report.write(tmp_path, results, META, corpus[0], check(results, corpus[0], [], right))
    found = (tmp_path / "report.html").read_text(encoding="utf-8")
    titles = re.findall(r"<h[23]>(.*?)</h[23]>", found)
    for title in (
        "In short", "Exact match", "Section by section", "Answers to read", "From base to expert", "What improving brought",
        "How far the figures can be trusted", "How it was made", "Coverage", "What was left out, and why", "Training loss",
        "What it cost", "Sources and licence",
    ):  # fmt: skip
        assert title in titles, title
    assert found.count('<line class="span"') == 3 * 3 * 4  # metrics × classes and all × arms
    assert "gold answers" in found
    for text in ("Retrieve. On paraphrases", "Cost. The tuned model took 0.017 USD once", "51,000 prompt", "price not known"):
        assert text in (tmp_path / "report.md").read_text(encoding="utf-8"), text


def test_the_logs_of_every_trainer_have_their_curves() -> None:
    """A loss at each step and one of validation at the end of each epoch, as lora logs them; recall, as scratch does."""
    lora = [{"step": n, "epoch": n / 10, "loss": 2 / n} | ({"validation_loss": 1.0} if n % 10 == 0 else {}) for n in range(1, 31)]
    assert [one.title for one in charts.curves(lora)] == ["Training loss", "Validation loss"]
    assert [one.title for one in charts.curves([{"step": n, "loss": 1.0, "recall": 0.5} for n in (1, 2)])] == ["Training loss", "Recall of the trained answers"]


def test_nothing_is_fetched_and_nothing_runs(tmp_path: Path, results: Results, corpus: Any) -> None:
    """No script, no frame, no address but links for a reader, and a policy that forbids the rest."""
    tags = Tags(written(tmp_path, results, corpus[0])).found
    assert not {tag for tag, _ in tags} & {"script", "iframe", "object", "embed", "form", "base", "img", "audio", "video"}
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")]
    assert {attributes["href"].partition(":")[0] for _, attributes in tags if attributes.get("href")} <= {"https", "data"}
    policy = next(attributes["content"] for tag, attributes in tags if attributes.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def poisoned() -> tuple[Results, list[Section], dict[str, Any]]:
    """A corpus whose every text is an attack: titles, headings, questions, answers, arms, classes, kinds, reasons, URLs."""
    url = 'javascript:alert(3)//" onclick="alert(4)'
    sections = [replace(one, title=PLANTED, path=(PLANTED, PLANTED), url=url) for one in build()[0]]
    asked = [replace(one, text=one.text + PLANTED, kind=PLANTED, cls=PLANTED + one.cls, answers=(PLANTED,)) for one in build()[1]]
    scores = {"exact": 0.0, "f1": 0.0, "contained": 0.0}
    answers = {arm: [Answer(one.id, arm, PLANTED, scores) for one in asked] for arm in ("expert", "nearest", PLANTED)}
    paid = [{"stage": PLANTED, "model": PLANTED, "calls": 1, "tokens": {"prompt": 1}, "cost": 1.0}]
    ways = [{"name": PLANTED, "once": 1.0, "question": 1.0, "breakeven": 1}] * 2
    meta = dict.fromkeys(("name", "title", "writer", "version"), PLANTED) | {
        "costs": {"seconds": {PLANTED: 1.0}, "spent": paid, "ways": ways, "currency": PLANTED, "dated": PLANTED},
        "documents": [{"title": PLANTED, "url": url, "revision": PLANTED, "licence": PLANTED}],
        "rejects": {PLANTED: 3},
        "expert": {"base": PLANTED, "backend": "endpoint", "model": PLANTED},
    }
    row = META["improve"]["rounds"][0] | {"why": PLANTED, "weak_sections": [PLANTED]}
    meta["improve"] = {"rounds": [row], "test": [META["improve"]["test"][0] | {"cls": PLANTED}]}
    return aggregate(asked, answers, sections), sections, meta


def test_no_text_becomes_html(tmp_path: Path) -> None:
    """An attack in every text that the report shows stays text, and an address that is none gets no link."""
    results, sections, meta = poisoned()
    page = Tags(written(tmp_path, results, sections, **meta))
    assert page.text.count("<script>alert(1)</script>") > 20
    assert page.text.count("{{ 7 * 7 }}") == page.text.count("<script>alert(1)</script>")
    assert not {tag for tag, _ in page.found} & {"script", "img"}
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("on")]
    assert not [a for tag, a in page.found if tag == "a"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//host/x", "https://", "file:///etc/passwd", "http://[", None, 3])
def test_only_web_addresses_become_links(url: Any) -> None:
    """Anything but http and https with a host is shown as text."""
    assert report.link(url) == ""
    assert report.link("https://de.wikipedia.org/wiki/Apollo_8#Crew") != ""


def test_everything_about_the_corpus_may_be_missing(tmp_path: Path) -> None:
    """Without meta, sections and an expert the page still has its figures."""
    asked = [Question("q", "own", "Who?", ("Borman",))]
    only = aggregate(asked, {"base": [Answer("q", "base", "", {"exact": 0.0, "f1": 0.0, "contained": 0.0})]}, [])
    report.write(tmp_path, only, {})
    assert "No expert was asked" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["advice"]


def test_a_training_that_diverged_still_makes_valid_json(tmp_path: Path, results: Results, corpus: Any) -> None:
    """NaN and infinity become null in report.json and leave the curve."""
    rows = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": math.nan}, {"step": 3, "loss": math.inf}, {"step": 4, "loss": 1.0}]
    written(tmp_path, results, corpus[0], loss=rows)
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda name: pytest.fail(name))


def test_samples_are_sorted_by_who_was_right(results: Results, corpus: Any) -> None:
    """Each sample is of the sort that it is shown under; held-out questions come first; twenty at most."""
    found = choose(results, corpus[0])
    assert 0 < len(found) <= 20
    for one in found:
        right = {arm: good for arm, _, good in one.answers}
        looked_up = right["nearest"] or right["retrieval"]
        assert SORTS.index(one.sort) == {(False, True): 0, (True, False): 1, (True, True): 2, (False, False): 3}[right["expert"], looked_up]
        assert one.source.startswith("Fact Gold")
    assert {one.question.cls for one in found} == {"paraphrase"}


def test_babble_is_shown_once_and_long_texts_are_cut(tmp_path: Path) -> None:
    """What a base says over and over does not fill the page; report.json and the answers keep it."""
    babble = "moon cheese " * 300
    asked = [Question("q", "own", "Who?", ("Borman",))]
    given = {arm: [Answer("q", arm, babble if arm == "base" else "x" * 5000, {"exact": 0.0, "f1": 0.0, "contained": 0.0})] for arm in ("base", "expert")}
    page = written(tmp_path, aggregate(asked, given, []), [])
    assert page.count("moon cheese") == 2
    assert "x" * 701 not in page
    assert babble in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_a_stutter_without_spaces_is_shown_once_and_a_number_is_not_one() -> None:
    """Nor is a line of equals signs; Chinese that repeats itself is."""
    assert report._short("elle" * 900) == "elleelle… (and so on)"
    assert report._short("阿波罗8号。" * 100).startswith("阿波罗8号。阿波罗8号。…")
    for text in ("10000000000", "=" * 20, "hahahaha", "1111 2222"):
        assert report._short(text) == text


CORPORA = {
    "one question": (1, ("base", "expert", "nearest"), "Who {n}?", "Borman"),
    "one arm": (20, ("expert",), "Who {n}?", "Borman"),
    "the base alone": (1, ("base",), "Who {n}?", "Borman"),
    "Arabic": (40, ("base", "expert", "retrieval"), "من قاد المهمة {n}؟", "فرانك بورمان"),
    "Chinese": (40, ("base", "expert", "retrieval"), "指挥官是谁{n}？", "弗兰克·博尔曼" * 300),
    "eleven arms": (60, ("base", "expert", *(f"a/model of its own {n}" * 5 for n in range(9))), "Who {n}?", "Borman"),
}


@pytest.mark.parametrize("name", CORPORA)
def test_any_corpus_has_a_report(tmp_path: Path, name: str) -> None:
    """However little or much was asked, in whatever script: three files, JSON by the schema, text with its direction."""
    count, arms, asked, gold = CORPORA[name]
    questions = [Question(f"q{n}", "human", asked.format(n=n), (gold,), ((f"s{n % 300}", 1),)) for n in range(count)]
    sections = [Section(f"s{n}", "d", "T", (f"P{n}",), gold, ((0, len(gold)),), "", "ar") for n in range(300)]
    answers = {arm: [Answer(one.id, arm, gold if n % 3 else "", scores(gold if n % 3 else "", (gold,))) for n, one in enumerate(questions)] for arm in arms}
    page = written(tmp_path, aggregate(questions, answers, sections), sections, title=gold)
    schema = json.loads(files("corpus_tuner.evaluate").joinpath("report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text(encoding="utf-8")), schema)
    assert len(page) < 500_000
    assert (tmp_path / "report.md").stat().st_size < 65_536  # a pull request's
    directed = [a for tag, a in Tags(page).found if tag in ("h1", "h4", "dd", "blockquote")]
    assert directed
    assert all(a.get("dir") == "auto" for a in directed)


def test_curves_stay_in_their_box() -> None:
    """Ten thousand steps give a line of bounded length within the drawing, ending at the last step."""
    rows = [{"step": n, "loss": 5 / (n + 1)} for n in range(10_000)]
    curve = charts.curves(rows)[0]
    spots = [tuple(map(float, spot.split(","))) for spot in curve.path.split()]
    assert len(spots) <= charts.POINTS + 1
    assert all(0 <= x <= 340 and 0 <= y <= 170 for x, y in spots)
    assert [x for x, _ in spots] == sorted(x for x, _ in spots)
    assert charts.curves([]) == charts.curves([{"step": 1, "loss": 1.0}]) == []


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.7, 1), (1, 1), (1.2, 2), (3.7, 5), (60, 100), (0.03, 0.05)])
def test_axes_end_at_round_numbers(value: float, top: float) -> None:
    """The least of 1, 2, 5 times a power of ten that holds the value."""
    assert charts.nice(value) == pytest.approx(top)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] if len(colour) == 7 else [int(c, 16) / 15 for c in colour[1:]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """What CSS's color-mix(in srgb, one share, other) gives."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read(theme: int) -> None:
    """Text, links, verdicts and every cell of the heat map have WCAG's contrast of 4.5; the arms' marks 3."""
    css = files("corpus_tuner.evaluate").joinpath("report.html").read_text(encoding="utf-8")
    colours = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]]
    used = colours[theme]
    for ground in ("paper", "card", "wash"):
        assert min(contrast(used[ink], used[ground]) for ink in ("ink", "soft")) >= 4.5
    for ground in ("paper", "card"):
        assert min(contrast(used[ink], used[ground]) for ink in ("expert", "good", "bad")) >= 4.5
        assert min(contrast(used[ink], used[ground]) for ink in ("base", "retrieval", "nearest", "other")) >= 3
    for value in range(101):
        ink = used["hot-ink" if value >= 71 else "warm-ink" if value >= 54 else "cool-ink"]
        assert contrast(ink, mixed(used["heat"], used["wash"], value / 100)) >= 4.5, value


def screenshots() -> Any:
    """scripts/screenshot_report.py as a module."""
    path = Path(__file__).parents[2] / "scripts" / "screenshot_report.py"
    spec = importlib.util.spec_from_file_location("screenshot_report", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_real_browser_shows_it_without_an_error(tmp_path: Path) -> None:
    """Chromium renders even the poisoned report: nothing in its console, no script, the figures in the page."""
    shots = screenshots()
    if shots.browser() is None:
        pytest.skip("no chromium on the PATH (apt-get install chromium)")
    results, sections, meta = poisoned()
    written(tmp_path, results, sections, **meta)
    page, errors = shots.chromium(tmp_path / "report.html", "--dump-dom")
    assert errors == []
    assert "In short" in page
    assert "<script" not in page
    (tmp_path / "planted.html").write_text("<script>console.error('seen')</script>", encoding="utf-8")
    assert shots.chromium(tmp_path / "planted.html", "--dump-dom")[1], "the console is not heard"


def test_ten_thousand_answers_are_reported_soon(tmp_path: Path) -> None:
    """2,500 questions to four arms: figures and report within 20 s of processor time, the page under 3 MB."""
    import time

    sections, asked = build(125)
    started = time.process_time()
    answers = {arm: list(ask(asked, model, name=arm)) for arm, model in ARMS.items()}
    written(tmp_path, aggregate(asked, answers, sections), sections)
    assert sum(len(given) for given in answers.values()) == 10_000
    assert time.process_time() - started < 20
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
