"""The command line as a user meets it: results on stdout, one clear line on stderr, the right exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from corpus_tuner import Corpus
from corpus_tuner.cli import app
from corpus_tuner.errors import CorpusTunerError

NOTES = "# Harbours\n\nThe harbour of Kiel was opened by Ada Keller in 1852.\n\n## Lighthouse\n\nIts lighthouse stands 24 metres above the sea.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one small Markdown corpus."""
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "notes.md").write_text(NOTES)
    (tmp_path / "sources" / "notes.toml").write_text('[corpus]\nname = "notes"\n[[source]]\nlocator = "notes.md"\nlicence = "CC0"\n')
    return tmp_path


def run(root: Path, *words: str) -> Result:
    """One command with --root."""
    return CliRunner().invoke(app, [*words, "--root", str(root)])


def test_stages_run_once_and_status_tells_what_there_is(root) -> None:
    """`dataset` runs four stages; again, it says that all is up to date; status and show read what lies there."""
    first = run(root, "dataset", "notes")
    assert first.exit_code == 0, first.stderr
    assert [line.split(":")[0] for line in first.stderr.splitlines()] == ["fetch", "clean", "generate", "dataset"]
    again = run(root, "dataset", "notes")
    assert "notes is up to date" in again.stdout
    assert again.stderr == ""
    status = json.loads(run(root, "status", "notes", "--json").stdout)
    assert [entry["state"] for entry in status["stages"].values()] == ["done"] * 4 + ["missing"] * 2
    sections = [json.loads(line) for line in run(root, "show", "notes", "sections", "--json").stdout.splitlines()]
    assert [section["path"] for section in sections][-1] == ["Lighthouse"]
    for kind in ("documents", "sections", "examples", "rejects"):
        assert run(root, "show", "notes", kind).exit_code == 0


def test_with_json_stdout_holds_nothing_but_the_result(root) -> None:
    """A script can parse it, the first time and when all is up to date."""
    for ran in (["fetch", "clean"], []):
        result = run(root, "clean", "notes", "--json")
        assert json.loads(result.stdout)["ran"] == ran


def test_a_result_says_where_it_lies_and_what_may_come_next(root) -> None:
    """A stage names the files up to its own, in text and in JSON, and a new corpus by what name it is asked for."""
    (root / "Tram.md").write_text(NOTES)
    result = run(root, "clean", str(root / "Tram.md"))
    assert "tram is a new corpus" in result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert list(lines) == ["documents", "sections", "next"]
    assert Path(lines["sections"]).is_file()
    assert lines["next"].startswith("corpus-tuner show tram sections --root ")
    paths = json.loads(run(root, "clean", "tram", "--json").stdout)["paths"]
    assert paths == {name: lines[name] for name in ("documents", "sections")}


@pytest.mark.parametrize("words", [("bild",), ("build",), ("build", "x", "--foo"), ("build", "x", "--limit", "0"), ("jobs", "lst")])
def test_a_wrong_command_line_is_one_line_as_other_mistakes_are(words) -> None:
    """It names the page that helps."""
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("corpus-tuner: ")
    assert "--help" in result.stderr


def test_help_lists_the_commands_in_the_order_of_the_work() -> None:
    """build and its stages come first, in the order in which they run."""
    names = list(app.commands)
    assert app.list_commands(None) == names
    assert names[:7] == ["build", "fetch", "clean", "generate", "dataset", "train", "evaluate"]
    assert not [line for line in CliRunner().invoke(app, ["--help"]).stdout.splitlines()[1:] if line.endswith("...")]


def test_sections_selects_by_heading_path(root) -> None:
    """Only what the globs name is asked about; the rest is a counted reject."""
    result = run(root, "clean", "notes", "--sections", "Lighthouse", "--save")
    assert result.exit_code == 0, result.stderr
    sections = run(root, "show", "notes", "sections", "--json").stdout.splitlines()
    assert [json.loads(line)["path"] for line in sections] == [["Lighthouse"]]
    assert "not selected" in run(root, "show", "notes", "rejects").stdout


@pytest.mark.parametrize(("words", "says"), [
    (("build", "nots"), "did you mean 'notes'"),
    (("build", "notes", "--writer", "llm"), "--save"),
    (("build", "notes", "--name", "other"), "--name"),
    (("generate", "notes", "--writer", "poet", "--save"), "there is no writer named 'poet'"),
    (("generate", "notes", "--writer", "llm", "--save"), "needs a model"),
    (("ask", "notes", "Who?"), "corpus-tuner"),
    (("ask", "notes"), "give one question"),
    (("ask", "notes", "--file", "/dev/null", "--model", "retrieval"), "corpus-tuner"),
    (("show", "notes", "examples"), "corpus-tuner build notes"),
    (("build", "../../etc/passwd.toml"), "there is no"),
    (("clean", "notes", "--sections", "Nowhere", "--save"), "no text is left"),
    (("jobs", "cancel", "ftjob-1", "--base-url", "nonsense"), "nonsense"),
])
def test_a_users_mistake_is_one_line_and_exit_code_2(root, monkeypatch, words, says) -> None:
    """What to do is in the line; no traceback, nothing half-written."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = run(root, *words)
    assert result.exit_code == 2, (result.exit_code, result.stderr)
    errors = [line for line in result.stderr.splitlines() if line.startswith("corpus-tuner: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert "Traceback" not in result.output
    assert not list(root.rglob("*.tmp"))


def test_a_misspelt_key_is_refused_with_the_nearest(root) -> None:
    """Nothing runs on settings that were not understood."""
    (root / "sources" / "notes.toml").write_text('[corpus]\nname = "notes"\n[[source]]\nlocater = "notes.md"\n')
    result = run(root, "build", "notes")
    assert result.exit_code == 2
    assert "did you mean 'locator'" in result.stderr
    assert not (root / "generated").exists()


@pytest.mark.parametrize(("keys", "says"), [
    ('[evaluate]\narms = ["expert", "exprt"]', "there is no model 'exprt'"),
    ('[evaluate]\narms = ["embedding"]', "evaluate.embedding"),
    ('[evaluate]\nquestions = "own.csv"', "there is no file of questions"),
    ('[evaluate]\nquestions = "notes.md"', "notes.md:1 is not JSON"),
    ('[train]\ntrainer = "lora"\nbase = "x"\nreplay = "."', "train.replay = '.' is no file"),
    ('[train]\ntrainer = "hamster"', "there is no trainer named 'hamster'"),
    ('[generate]\nwriter = "llm"', "needs a model"),
])
def test_what_the_toml_names_is_looked_for_before_anything_is_done(root, keys, says) -> None:
    """A slip that an evaluation would end on shows before a model was paid and another trained; `fetch` needs none of it."""
    with (root / "sources" / "notes.toml").open("a") as file:
        file.write(keys)
    result = run(root, "build", "notes")
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (root / "generated" / "notes" / "documents.jsonl").exists()
    assert run(root, "fetch", "notes").exit_code == 0


def test_a_stage_that_there_is_not_is_named_before_anything_runs(root) -> None:
    """The Python API takes it as a word."""
    with pytest.raises(CorpusTunerError, match="there is no stage 'evalute': choose from fetch, clean"):
        Corpus.open("notes", root).build("evalute")
    assert not (root / "generated").exists()


@pytest.mark.parametrize("content", ["", "[1]", "3", '{"fetch": 3}', '{"fetch": {}}', '{"fetch": {"inputs"'])
def test_a_damaged_manifest_is_named(root, content) -> None:
    """Whatever it holds, the line says what to delete."""
    (root / "generated" / "notes").mkdir(parents=True)
    (root / "generated" / "notes" / "manifest.json").write_text(content)
    for words in (("status", "notes"), ("clean", "notes")):
        result = run(root, *words)
        assert result.exit_code == 2
        assert "manifest.json is damaged" in result.stderr


def test_a_full_disk_is_one_line_and_exit_code_1(root) -> None:
    """The stage writes nothing; with room again the same command goes on."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); import signal; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from corpus_tuner.cli import main; "
        f"sys.argv = ['corpus-tuner', 'clean', 'notes', '--root', {str(root)!r}]; main()"
    )
    full = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert full.returncode == 1, full.stderr
    assert "goes on from here" in full.stderr
    assert "Traceback" not in full.stderr
    assert not list(root.rglob("*.tmp"))
    assert run(root, "clean", "notes").exit_code == 0


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\x00\xff\xfe\x80garbage\x00" * 50])
def test_a_file_without_text_is_a_clear_line(root, content) -> None:
    """A 0-byte file, white space, binary garbage: exit code 2 and no traceback."""
    (root / "sources" / "notes.md").write_bytes(content)
    result = run(root, "build", "notes")
    assert result.exit_code == 2, result.stderr
    assert "Traceback" not in result.output


def test_what_makes_a_document_unreadable_is_in_the_line(root) -> None:
    """Nothing is kept of a stage that failed, so that no other command could say it."""
    (root / "sources" / "notes.pdf").write_bytes(b"%PDF-1.4\n broken")
    toml = root / "sources" / "notes.toml"
    toml.write_text(toml.read_text().replace("notes.md", "notes.pdf"))
    result = run(root, "clean", "notes")
    assert result.exit_code == 2
    assert "1 unreadable; notes: is damaged, or not a PDF" in result.stderr


def test_an_empty_question_is_the_users_mistake(root) -> None:
    """Silence would look like an answer."""
    assert run(root, "dataset", "notes").exit_code == 0
    result = run(root, "ask", "notes", " ", "--model", "retrieval")
    assert result.exit_code == 2
    assert "question is empty" in result.stderr


def test_a_document_gives_no_command_to_the_terminal(root) -> None:
    """Its escape sequences are shown as the strange characters that they are; JSON has them as they were."""
    (root / "sources" / "notes.md").write_text("# Bell\x07 and \x1b]0;title\x07\n\nAnn built the \x9b2Jtower in 1901.\n")
    assert run(root, "clean", "notes").exit_code == 0
    for words in (("show", "notes", "sections"), ("show", "notes", "documents"), ("ask", "notes", "Who built the tower?", "--model", "retrieval")):
        result = run(root, *words)
        assert result.exit_code == 0
        assert not set(result.stdout) & {"\x07", "\x1b", "\x9b"}
    assert "\x9b" in json.loads(run(root, "show", "notes", "sections", "--json").stdout.splitlines()[-1])["text"]


def test_an_argument_that_is_not_utf8_is_asked_with_a_mark_in_its_place(root) -> None:
    """The system hands such bytes on as halves of characters, which no tokenizer takes and no stream can show."""
    assert run(root, "dataset", "notes").exit_code == 0
    result = run(root, "ask", "notes", "Who\udcff?", "--model", "retrieval", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["question"] == "Who??"


def test_a_host_without_jobs_is_not_passed_over_in_silence(root, monkeypatch) -> None:
    """An empty table looks like a command that did nothing; for a script it is the empty list."""
    monkeypatch.setattr("corpus_tuner.train.jobs.list_jobs", lambda *_: [])
    assert "there are no jobs at https://api.openai.com/v1" in run(root, "jobs", "list").stderr
    assert json.loads(run(root, "jobs", "list", "--json").stdout) == []


def test_a_folder_is_not_read_together_with_what_is_made_of_it(root) -> None:
    """The second build would have read the first one's report as a document."""
    result = run(root, "build", str(root))
    assert result.exit_code == 2
    assert "give --root one outside" in result.stderr
    assert not (root / "sources" / f"{root.name}.toml").exists()
    outside = CliRunner().invoke(app, ["clean", str(root), "--root", str(root / "sources" / "deep"), "--name", "n"])
    assert outside.exit_code == 2
    assert run(root / "x", "clean", str(root / "sources"), "--name", "within").exit_code == 0


def test_a_new_file_that_gives_nothing_leaves_nothing_behind(root) -> None:
    """A mistyped target does not stay as a corpus."""
    (root / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 not text \x00")
    result = run(root, "build", str(root / "photo.jpg"))
    assert result.exit_code == 2, result.stderr
    assert not (root / "sources" / "photo.toml").exists()
    assert not (root / "generated" / "photo").exists()
    assert run(root / "fresh", "build", str(root / "photo.jpg")).exit_code == 2
    assert not list((root / "fresh").iterdir()), "no empty folders either, where a stranger tried it out"


def test_every_command_is_in_the_readme() -> None:
    """A command that the manual does not name does not exist for its users."""
    readme = (Path(__file__).parent.parent / "README.md").read_text()
    names = [*app.commands, *(f"jobs {name}" for name in app.commands["jobs"].commands)]
    assert not [name for name in names if f"`{name}" not in readme and f"corpus-tuner {name}" not in readme]
