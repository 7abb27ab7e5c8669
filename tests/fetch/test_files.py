"""The source of local documents."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import files
from corpus_tuner.fetch.encoding import decode
from corpus_tuner.fetch.files import Files
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import CorpusSettings, Settings


def fetch(path: Path, language: str = "") -> list[Document | Reject]:
    """All that a path gives."""
    return list(Files(Settings(corpus=CorpusSettings(language=language))).fetch(str(path), {}))


def one(path: Path, language: str = "") -> Document:
    """The one document of a file."""
    (document,) = fetch(path, language)
    assert isinstance(document, Document)
    return document


def write(path: Path, content: str | bytes) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with something of everything."""
    root = tmp_path / "corpus"
    write(root / "b.md", "# B")
    write(root / "a" / "Apollo_8.wiki", "'''Apollo 8'''")
    write(root / "a" / "z" / "deep.txt", "deep")
    write(root / "a.html", "<title>A</title>")
    write(root / "empty.txt", "")
    write(root / "picture.png", b"\x89PNG")
    write(root / "LICENSE", "MIT")
    write(root / "noise.txt", bytes(range(256)))
    write(root / ".hidden.md", "hidden")
    write(root / ".git" / "note.md", "hidden")
    return root


def test_a_folder_gives_each_file_once_in_the_order_of_its_path(folder: Path) -> None:
    """Nothing that is not hidden is lost: every file is a document or a reject, in an order of names alone."""
    found = fetch(folder)
    names = [item.id if isinstance(item, Document) else item.item_id for item in found]
    assert names == ["LICENSE", "a/Apollo_8.wiki", "a/z/deep.txt", "a.html", "b.md", "empty.txt", "noise.txt", "picture.png"]
    assert {item.item_id: item.reason for item in found if isinstance(item, Reject)} == {
        "LICENSE": Reason.UNSUPPORTED,
        "noise.txt": Reason.UNREADABLE,
        "picture.png": Reason.UNSUPPORTED,
    }


def test_the_same_files_elsewhere_are_the_same_documents(folder: Path, tmp_path: Path) -> None:
    """Neither the place of a folder nor the times of its files are in a document."""
    before = fetch(folder)
    copy = tmp_path / "on another machine" / "x"
    shutil.copytree(folder, copy)
    for path in copy.rglob("*"):
        os.utime(path, (0, 0))
    assert fetch(copy) == before


def test_a_changed_file_keeps_its_id_and_changes_its_revision(tmp_path: Path) -> None:
    """The revision is the content's digest."""
    before = one(write(tmp_path / "a.txt", "one"))
    after = one(write(tmp_path / "a.txt", "two"))
    assert before.id == after.id == "a.txt"
    assert before.revision != after.revision


@pytest.mark.parametrize(
    ("name", "form"),
    [("x.wiki", "wikitext"), ("x.wikitext", "wikitext"), ("x.mediawiki", "wikitext"), ("x.md", "markdown"),
     ("x.MARKDOWN", "markdown"), ("x.txt", "text"), ("x.html", "html"), ("x.HTM", "html")],
)  # fmt: skip
def test_the_suffix_names_the_cleaner(tmp_path: Path, name: str, form: str) -> None:
    """Suffixes count in upper and lower case."""
    assert one(write(tmp_path / name, "text")).format == form


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_unicode_encoding_gives_one_document(tmp_path: Path, encoding: str) -> None:
    """A byte order mark is read and left out, so that the encoding of a file is not part of its document."""
    text = "Größe, 月 and 🚀"
    plain = one(write(tmp_path / "plain" / "x.txt", text.encode()))
    assert plain.text == text
    assert one(write(tmp_path / encoding / "x.txt", text.encode(encoding))) == plain


def test_line_ends_are_one_line_end(tmp_path: Path) -> None:
    """A checkout with Windows' line ends is the same document."""
    assert one(write(tmp_path / "x.txt", "a\r\nb\rc\n")).text == "a\nb\nc\n"


@pytest.mark.parametrize(
    "data",
    [b"\x89PNG\r\n\x1a\n\0\0", "Größe".encode("latin-1"), "no mark".encode("utf-16-le"), b"\0" * 10, b"\xff\xfe\x00", b"\xed\xb0\x80"],
)
def test_what_is_not_text_is_not_guessed_at(data: bytes) -> None:
    """Other encodings, images, zeros and lone surrogates are no text."""
    assert decode(data) is None


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("Apollo_8.wiki", "", "Apollo 8"),
        ("A.E._van_Vogt.wiki", "x", "A.E. van Vogt"),
        ("_.txt", "x", "_.txt"),
        ("a\nb.txt", "x", r"a\nb"),
        ("x.md", '---\ndate: 2020\ntitle: "Moon: \\"a\\" guide"  # new\n---\ntext', 'Moon: "a" guide'),
        ("x.md", "---\r\ntitle: It''s # plain\r\n---\r\n", "It''s"),
        ("x.md", "---\ntitle: 'It''s'\n---", "It's"),
        ("x.md", '+++\ntitle = "Announcing `async fn`"\n+++\n', "Announcing `async fn`"),
        ("x.md", "---\ntitle: >\n  folded\n  line\n---\n", "folded line"),
        ("x.md", "text\n---\ntitle: not front matter\n---\n", "x"),
        ("x.md", "---\nsubtitle: no\n---\n", "x"),
        ("x.html", "<html><head><title>\n Apollo &amp; 8 </title></head>", "Apollo & 8"),
        ("x.html", '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>X8</title></head></html>', "X8"),
        ("x.html", "<body><svg><title>icon</title></svg></body>", "x"),
        ("x.html", "<title>\x1b[31mred</title>", "[31mred"),
        ("x.html", "<div>" * 20_000, "x"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_document_has_its_own_title_or_its_files_name(tmp_path: Path, name: str, content: str, title: str) -> None:
    """HTML's <title> and Markdown's front matter go before the file's name; a title is always one printable line."""
    assert one(write(tmp_path / name, content)).title == title


def test_the_language_of_a_page_goes_before_the_settings(tmp_path: Path) -> None:
    """`<html lang>` is what the document says of itself; the settings speak where it is silent."""
    assert one(write(tmp_path / "a.html", '<html lang="de-DE">'), "en").language == "de-DE"
    assert one(write(tmp_path / "b.html", "<p>"), "en").language == "en"


def test_an_empty_file_is_a_document(tmp_path: Path) -> None:
    """To reject it is the cleaner's business."""
    assert one(write(tmp_path / "x.txt", b"")).text == ""


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", b"\xff\xfe\xfd", "is not text in UTF-8"),
        ("x.png", b"\x89PNG", r"\.png is not a format that can be read \(a document is one of \.wiki, "),
        ("README", b"text", "a name without a suffix is not a format"),
        ("x.txt", None, "there is no such file or folder"),
        ("x.txt/y.txt", None, "there is no such file or folder"),
        ("nul\0.txt", None, "cannot be read: embedded null"),
        ("n" * 300 + ".txt", None, "File name too long"),
    ],
)
def test_a_single_file_that_cannot_be_read_is_one_line(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    """What is a reject within a folder is the user's mistake when named alone."""
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(CorpusTunerError, match=message) as caught:
        fetch(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_empty_folder_is_one_line(tmp_path: Path) -> None:
    """A folder that holds hidden files only says what belongs there."""
    write(tmp_path / ".hidden.txt", "x")
    with pytest.raises(CorpusTunerError, match=r"holds no file: put documents there \(\.wiki, "):
        fetch(tmp_path)


@pytest.mark.parametrize("suffix", ["txt", "md", "html", "wiki", "csv", "jsonl", "pdf", "epub"])
def test_a_line_of_a_gigabyte_is_one_reject(tmp_path: Path, suffix: str) -> None:
    """A file of one endless line costs neither time nor memory, whatever its format; in a folder the others go on."""
    with (tmp_path / f"endless.{suffix}").open("wb") as file:
        file.truncate(1 << 30)  # without a line break; the disk holds none of it
    write(tmp_path / "fits.txt", "1234")
    before = time.process_time()
    big, fits = fetch(tmp_path)
    assert time.process_time() - before < 1
    assert isinstance(big, Reject)
    assert big.detail.startswith("has 1,073,741,824 bytes")
    assert isinstance(fits, Document)


def test_a_file_above_the_bound_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size decides before a byte is read; in a folder the others go on."""
    monkeypatch.setattr(files, "MAX_BYTES", 4)
    write(tmp_path / "big.txt", "12345")
    write(tmp_path / "fits.txt", "1234")
    big, fits = fetch(tmp_path)
    assert isinstance(big, Reject)
    assert (big.reason, big.detail) == (Reason.UNSUPPORTED, "has 5 bytes, more than 4: split it")
    assert isinstance(fits, Document)


def test_no_link_leads_out_of_a_folder(tmp_path: Path) -> None:
    """A link to a file or folder outside is a reject; one to a folder within, or to its own parent, adds nothing."""
    write(tmp_path / "secret" / "key.txt", "secret")
    root = tmp_path / "corpus"
    write(root / "sub" / "in.txt", "in")
    (root / "file.txt").symlink_to(tmp_path / "secret" / "key.txt")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "loop").symlink_to(root)
    (root / "broken.txt").symlink_to(root / "gone.txt")
    (root / "circle.txt").symlink_to(root / "circle.txt")
    (root / "same.txt").symlink_to(root / "sub" / "in.txt")
    found = {item.id if isinstance(item, Document) else item.item_id: item for item in fetch(root)}
    assert {name for name, item in found.items() if isinstance(item, Document)} == {"sub/in.txt", "same.txt"}
    assert {name for name, item in found.items() if isinstance(item, Reject)} == {"file.txt", "folder", "broken.txt", "circle.txt"}
    assert "secret" not in repr([item for item in found.values() if isinstance(item, Document)])


def test_a_folder_that_cannot_be_listed_is_a_reject(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies in a closed folder is not lost without a word, and the rest goes on."""
    listed = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = {item.item_id: item for item in fetch(folder) if isinstance(item, Reject)}
    assert (found["a"].reason, found["a"].detail) == (Reason.UNREADABLE, "cannot be listed: Permission denied")


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    """What is no regular file would be waited for without end."""
    os.mkfifo(tmp_path / "pipe.txt")
    (found,) = fetch(tmp_path)
    assert isinstance(found, Reject)
    assert found.detail == "is not a regular file"


@pytest.fixture
def undecodable(tmp_path: Path) -> Path:
    """A file whose name is no UTF-8; skipped where the file system refuses one."""
    try:
        path = os.fsencode(tmp_path) + b"/na\xefve.txt"
        os.close(os.open(path, os.O_CREAT))
    except OSError as error:
        pytest.skip(f"the file system refuses such a name: {error}")
    return tmp_path


def test_a_name_that_is_no_text_becomes_an_id_that_is(undecodable: Path) -> None:
    """Ids and titles can be written to a JSON file whatever a file is called."""
    (document,) = fetch(undecodable)
    assert isinstance(document, Document)
    assert document.id == r"na\xefve.txt"
    document.title.encode()


def test_composed_and_decomposed_names_are_one_id(tmp_path: Path) -> None:
    """A name typed on another system has the same id."""
    assert one(write(tmp_path / "Gro\u0308ße.txt", "x")).id == "Größe.txt"


@pytest.mark.parametrize(
    ("locator", "claimed"),
    [("a.md", True), ("/tmp/corpus", True), ("C:\\corpus\\a.md", True), ("missing", True), ("https://example.org/a.md", False),
     ("file:///tmp/a.md", True), ("s3://bucket/a.md", True), ("foo://x/a.md", False), ("", False)],
)  # fmt: skip
def test_paths_are_claimed_and_urls_of_pages_are_not(locator: str, claimed: bool) -> None:
    """Whether the path is there is for `fetch` to say, in its own words."""
    assert Files(Settings()).claims(locator) is claimed
