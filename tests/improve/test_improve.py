"""The loop from end to end, with a writer and a student whose strength is known: what it keeps, what it looks at, what it leaves alone."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from port_corpus import write_corpus

from corpus_tuner import Corpus
from corpus_tuner.arms import pairs, splits
from corpus_tuner.corpus import Nobody
from corpus_tuner.dataset.split import Split
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.improve import trial
from corpus_tuner.improve.wording import text
from corpus_tuner.place import Place
from corpus_tuner.records import Example, Section
from corpus_tuner.store import read_jsonl


def bytes_of(folder: Path) -> dict[str, bytes]:
    """What lies in a folder and is no trace of an improvement."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "improve" not in path.parts and not path.name.startswith(".")
    }


def heading(place: Place) -> dict[str, str]:
    return {one.id: one.path[-1] for one in read_jsonl(place.sections, Section)}


def test_three_thin_sections_are_raised_in_one_round_and_nothing_else_is_touched(root: Path) -> None:
    """More pairs for their sentences alone, better on validation and on the untouched test; a second round finds nothing weak."""
    corpus = Corpus.open("ports", root)
    corpus.build()
    before = {one.id: one.split for one in read_jsonl(corpus.place.splits, Split)}
    found = corpus.improve(rounds=3)
    assert [one.kept for one in found.rounds] == [True, False]
    assert found.stopped == "nothing is weak"
    first = found.rounds[0]
    assert (first.weak_sentences, first.written, first.trained + first.validating) == (18, 108, 108)
    assert first.after - first.before > 0.5
    assert first.low > 0
    after = {one.id: one.split for one in read_jsonl(corpus.place.splits, Split)}
    assert {name: after[name] for name in before} == before
    later = list(read_jsonl(corpus.place.improved, Example))
    assert {heading(corpus.place)[one.evidence[0][0]][:4] for one in later} == {"Poor"}
    assert {after[one.id] for one in later} == {"train", "validation"}
    test = {(one.cls, one.metric): one for one in found.test.shifts}["paraphrase", "exact"]
    assert test.second == 1 > test.first
    assert corpus.build().ran == ()
    report = json.loads((corpus.place.folder / "improve" / "report.json").read_text(encoding="utf-8"))
    assert report["rounds"][0]["kept"]
    assert "validation" in (corpus.place.folder / "improve" / "report.txt").read_text(encoding="utf-8")


def test_a_build_leaves_the_files_that_an_improvement_is_writing(root: Path) -> None:
    """Answers are written for as long as the expert is asked; each of the two clears away what its own killed run left."""
    corpus = Corpus.open("ports", root)
    corpus.build("generate")
    written, left = (corpus.place.folder / name for name in ("improve/0123/.answers-before.jsonl.x.tmp", ".examples.jsonl.x.tmp"))
    written.parent.mkdir(parents=True)
    for path in (written, left):
        path.touch()
    corpus.build("generate")
    assert (written.exists(), left.exists()) == (True, False)
    corpus.improve(rounds=0)
    assert not written.exists()


@pytest.mark.parametrize(("student", "why"), [("deaf", "no difference shown"), ("spoilt", "worse beyond the noise")])
def test_an_expert_that_is_not_proven_better_is_discarded(root: Path, monkeypatch: pytest.MonkeyPatch, student: str, why: str) -> None:
    """One that learned nothing by it, and one that forgets: the old one, its data and its evaluation stay to the byte."""
    monkeypatch.setenv("PORTS_STUDENT", student)
    corpus = Corpus.open("ports", root)
    corpus.build()
    old = bytes_of(corpus.place.folder)
    found = corpus.improve(rounds=3)
    assert [(one.kept, one.why) for one in found.rounds] == [(False, why)]
    assert found.rounds[0].written > 0
    assert found.test is None
    assert bytes_of(corpus.place.folder) == old
    asked = root / "asked"
    monkeypatch.setenv("PORTS_ASKED", str(asked))
    assert corpus.improve(rounds=3) == found
    assert not asked.exists()
    assert ("validation questions show one of about" in text(found)) == (student == "deaf")


def test_what_both_were_trained_on_must_not_be_forgotten() -> None:
    """Better on validation and worse on trained questions, each beyond the noise: not kept."""
    from corpus_tuner.records import Answer, Question

    asked = [Question(f"{cls}{n}", cls, f"{cls} {n}?", ("x",), ((f"s{n}", 1),)) for cls in ("validation", "trained") for n in range(20)]

    def answers(known: dict[str, int]) -> list[Answer]:
        rights = (float(int(one.evidence[0][0][1:]) < known[one.cls]) for one in asked)
        return [Answer(one.id, "expert", "", dict.fromkeys(("exact", "f1", "contained"), right)) for one, right in zip(asked, rights)]

    blank = trial.Verdict("k", False, "", 1, (), 1, "", 1, 1, 0, False)
    better, same, worse = ({"validation": 15, "trained": trained} for trained in (20, 19, 8))
    before = answers({"validation": 5, "trained": 20})
    assert [trial.judged(blank, asked, before, answers(known)).kept for known in (better, same, worse)] == [True, True, False]
    assert trial.judged(blank, asked, before, answers(worse)).why == "it forgets what both were trained on"
    assert not trial.judged(blank, asked, before, answers({"validation": 8, "trained": 20})).kept


def test_the_loop_never_looks_at_a_test_question(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It decides the same with a poisoned test file and no evaluation, and asks neither expert a question of the test."""
    corpus = Corpus.open("ports", root)
    corpus.build()
    monkeypatch.setenv("PORTS_ASKED", str(tmp_path / "asked"))
    place = corpus.place
    (place.dataset / "test.jsonl").write_bytes(b"\xff not to be read")
    for path in (place.folder / "evaluation").rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xff not to be read")
    found = trial.run(place, 0.0, Nobody())
    assert found.kept
    asked = set((tmp_path / "asked").read_text(encoding="utf-8").splitlines())
    known = splits(place)
    by_split = {split: {one.question for one in pairs(place) if known.get(one.id) == split} for split in set(known.values())}
    assert by_split["paraphrase"]
    assert not asked & by_split["paraphrase"]
    assert by_split["train"] | by_split["validation"] <= asked


def test_nothing_is_written_for_a_held_out_sentence(plugin: None, tmp_path: Path) -> None:
    """With a fifth of the sentences held out, no later pair rests on one, and none stays in nearly the words of a test question."""
    corpus = Corpus.open("ports", write_corpus(tmp_path, unseen=0.2))
    corpus.improve()
    known = splits(corpus.place)
    held = {one.evidence[0] for one in read_jsonl(corpus.place.examples, Example) if known.get(one.id) == "unseen"}
    later = list(read_jsonl(corpus.place.improved, Example))
    assert held
    assert later
    assert not held & {one.evidence[0] for one in later}


def test_nothing_weak_is_said_and_nothing_is_done(plugin: None, tmp_path: Path) -> None:
    """A corpus without a thin section: no pair is written, no expert trained, and the exit code is 0."""
    from click.testing import CliRunner

    from corpus_tuner.cli import app

    write_corpus(tmp_path, poor=0)
    corpus = Corpus.open("ports", tmp_path)
    corpus.build()
    old = bytes_of(corpus.place.folder)
    told = CliRunner().invoke(app, ["improve", "ports", "--root", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert "stopped: nothing is weak" in told.stdout
    assert "the expert is the one that was there before" in told.stdout
    found = json.loads(CliRunner().invoke(app, ["improve", "ports", "--json", "--root", str(tmp_path)]).stdout)
    assert found["rounds"][0]["written"] == 0
    assert bytes_of(corpus.place.folder) == old


def test_without_a_validation_question_none_is_proven_better(plugin: None, tmp_path: Path) -> None:
    """Thin sections are found by their few pairs, and what is written for them brings its own validation questions."""
    corpus = Corpus.open("ports", write_corpus(tmp_path, validation=0.0))
    found = corpus.improve()
    assert found.rounds[0].judged_by.startswith("0 validation questions and, as these are few,")
    assert [one.kept for one in found.rounds] == [True]
    assert found.rounds[0].n == found.rounds[0].validating


def test_killed_at_any_moment_the_expert_answers_and_the_same_call_goes_on(plugin: None, tmp_path: Path) -> None:
    """After every kill -9 there is an expert that opens; in the end everything is as if nothing had happened."""
    whole = Corpus.open("ports", write_corpus(tmp_path / "whole"))
    whole.improve(rounds=2)
    root = write_corpus(tmp_path / "killed")
    corpus = Corpus.open("ports", root)
    corpus.build()
    command = [sys.executable, "-m", "corpus_tuner.cli", "improve", "ports", "--rounds", "2", "--root", str(root)]
    draw = random.Random(3)
    for _ in range(6):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(draw.uniform(0.25, 1.2))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert corpus.ask("When did Portgu harbour open?").answer == "1560"
    last = subprocess.run(command, capture_output=True, text=True)
    assert last.returncode == 0, last.stderr
    assert "kept: better beyond the noise" in last.stdout or corpus.place.improved.exists()
    for name in ("improved.jsonl", "splits.jsonl", "dataset/train.jsonl", "experts/ports/ports.json"):
        assert (corpus.place.folder / name).read_bytes() == (whole.place.folder / name).read_bytes()
    assert corpus.build().ran == ()


def test_a_round_that_ended_it_is_not_counted_twice(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off between the last round and the report, the next call only writes the report."""

    import corpus_tuner.improve as module

    monkeypatch.setenv("PORTS_STUDENT", "deaf")
    corpus = Corpus.open("ports", root)
    with monkeypatch.context() as patched:
        patched.setattr(module, "write_text", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            corpus.improve(rounds=3)
    found = corpus.improve(rounds=3)
    assert [one.kept for one in found.rounds] == [False]
    assert found.stopped == found.rounds[0].why


@pytest.mark.parametrize("step", ["write_bytes", "rmtree", "build"])
def test_an_adoption_that_is_cut_off_is_finished_by_the_next_call(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Between any two of its steps: the better expert, its pairs and its evaluation are then all there, and it is told."""
    import shutil

    import corpus_tuner.improve as module

    corpus = Corpus.open("ports", root)
    corpus.build()
    old = corpus.place.receipt()

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if step == "build":
            patched.setattr(corpus, "build", lambda **_: cut() if corpus.place.improved.exists() else Corpus.build(corpus))
        else:
            patched.setattr(module if step == "write_bytes" else shutil, step, cut)
        with pytest.raises(KeyboardInterrupt):
            corpus.improve()
    found = corpus.improve()
    assert [one.kept for one in found.rounds] == [True]
    assert found.runs[0] != found.runs[1]
    assert corpus.place.receipt().inputs != old.inputs
    assert corpus.build().ran == ()
    assert corpus.ask("When did Portav harbour open?").answer == "1501"


def test_a_recipe_or_preferences_are_refused_in_one_line(root: Path) -> None:
    """Their pairs rest on no sentence."""
    from dataclasses import replace

    from corpus_tuner.errors import CorpusTunerError

    corpus = Corpus.open("ports", root)
    settings = corpus.place.settings
    corpus.place = replace(corpus.place, settings=replace(settings, train=replace(settings.train, preferences="p.jsonl")))
    with pytest.raises(CorpusTunerError, match="preferences"):
        corpus.improve()


@pytest.mark.parametrize("bound", [float("nan"), float("inf"), -1.0])
def test_a_bound_that_bounds_nothing_is_refused(root: Path, bound: float) -> None:
    """`--max-cost nan` is less than no sum and more than none, and would let everything through."""
    with pytest.raises(CorpusTunerError, match="must be a sum"):
        Corpus.open("ports", root).improve(1, bound)


def test_a_damaged_receipt_is_one_line(root: Path) -> None:
    """It names the file, and what to do."""
    place = Corpus.open("ports", root).place
    place.expert.mkdir(parents=True)
    for text_of_it in ("{", "[]", "{}", '{"shape": 1}'):
        (place.expert / "expert.json").write_text(text_of_it)
        with pytest.raises(CorpusTunerError, match=r"expert\.json is not an expert's receipt .*: delete its folder and train again"):
            place.receipt()
