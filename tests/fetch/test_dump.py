"""Dumps: a real excerpt, every way to pack one, damage at every place, and files made to harm."""

from __future__ import annotations

import bz2
import gzip
import itertools
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.fetch import dump, dump_blocks
from corpus_tuner.fetch.dump import Dump
from corpus_tuner.records import Document, Reason, Reject
from corpus_tuner.settings import Settings, SourceSettings

EXCERPT = Path(__file__).parents[1] / "data" / "fetch" / "enwiki-excerpt-pages-articles-multistream.xml.bz2"
HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="de">\n<siteinfo><sitename>Wikipedia</sitename>'
    "<dbname>dewiki</dbname><base>https://de.wikipedia.org/wiki/Wikipedia:Hauptseite</base><case>first-letter</case><namespaces>"
    '<namespace key="0" case="first-letter" /><namespace key="1" case="first-letter">Diskussion</namespace>'
    '<namespace key="4" case="first-letter">Wikipedia</namespace></namespaces></siteinfo>\n'
)
TAIL = "</mediawiki>\n"
Item = Document | Reject


def page(title: str, text: str, number: int = 1, ns: str = "<ns>0</ns>", extra: str = "", model: str = "wikitext") -> str:
    return (
        f"<page><title>{escape(title)}</title>{ns}<id>{number}</id>{extra}<revision><id>{number + 1000}</id><timestamp>2024-01-02T03:04:05Z"
        f'</timestamp><contributor><username>A</username><id>77</id></contributor><model>{model}</model><text xml:space="preserve">{escape(text)}</text>'
        "<sha1>x</sha1></revision></page>\n"
    )


PAGES = [page(f"Ort {number}", f"'''Ort {number}''' liegt & steht \"hier\" <ref>ä{number}</ref> 🚀.\n", number) for number in range(1, 41)]


def pull(path: Path | str, **source: object) -> list[Item]:
    """What a locator gives, with the keys of its [[source]]."""
    settings = Settings(source=(SourceSettings(locator=str(path), **source),))
    return list(Dump(settings).fetch(str(path), {}))


def piece_by_piece(path: Path) -> list[Item]:
    """The same in pieces, each read from its pickle and the last one first."""
    pieces = Dump(Settings()).blocks(str(path))
    assert pieces is not None
    assert len({name for name, _ in pieces}) == len(pieces)
    read = [list(pickle.loads(pickle.dumps(piece))()) for _, piece in reversed(pieces)]
    return [item for items in reversed(read) for item in items]


def texts(items: Iterable[Item]) -> dict[str, str]:
    return {item.title: item.text for item in items if isinstance(item, Document)}


def multistream(folder: Path, pages: list[str], each: int = 7, index: str = ".txt.bz2") -> Path:
    """A multistream dump, `each` pages a block, and its index (none for "")."""
    data, lines = bz2.compress(HEAD.encode()), []
    for at in range(0, len(pages), each):
        block = "".join(pages[at : at + each])
        for one in pages[at : at + each]:
            lines.append(f"{len(data)}:1:{one.partition('<title>')[2].partition('<')[0]}\n")
        data += bz2.compress(block.encode())
    path = folder / "dewiki-20240101-pages-articles-multistream.xml.bz2"
    path.write_bytes(data + bz2.compress(TAIL.encode()))
    if index:
        body = "".join(lines).encode()
        path.with_name(f"dewiki-20240101-pages-articles-multistream-index{index}").write_bytes(bz2.compress(body) if index.endswith("bz2") else body)
    return path


def written(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


XML = HEAD + "".join(PAGES) + TAIL
PACKED: dict[str, Callable[[Path], Path]] = {
    "plain": lambda folder: written(folder / "d.xml", XML.encode()),
    "gzip": lambda folder: written(folder / "d.xml.gz", gzip.compress(XML.encode())),
    "bzip2": lambda folder: written(folder / "d.xml.bz2", bz2.compress(XML.encode())),
    "part": lambda folder: written(folder / "dewiki-pages-articles1.xml-p1p41.bz2", bz2.compress(XML.encode())),
    "utf-8 with mark": lambda folder: written(folder / "d.xml", XML.encode("utf-8-sig")),
    "utf-16": lambda folder: written(folder / "d.xml", XML.encode("utf-16")),
    "utf-16 declared": lambda folder: written(folder / "d.xml", ('<?xml version="1.0" encoding="UTF-16"?>\n' + XML).encode("utf-16")),
    "multistream": lambda folder: multistream(folder, PAGES),
    "multistream, plain index": lambda folder: multistream(folder, PAGES, index=".txt"),
    "multistream without index": lambda folder: multistream(folder, PAGES, index=""),
    "one stream that is called multistream": lambda folder: written(folder / "a-multistream.xml.bz2", bz2.compress(XML.encode())),
}


def test_a_real_excerpt_keeps_all_that_pins_and_attributes() -> None:
    """Title, id, revision, time, language and licence of each article; redirects, a category and a disambiguation are rejects."""
    items = pull(EXCERPT)
    documents = {item.title: item for item in items if isinstance(item, Document)}
    assert list(documents) == ["Ingoldiomyces", "Borysthenia goldfussiana", "Dahlak SC", "Affirming the consequent", "Jim Pewter"]
    one = documents["Affirming the consequent"]
    assert one.id == "en.wikipedia.org:675"
    assert one.url == "https://en.wikipedia.org/wiki/Affirming_the_consequent"
    assert (one.format, one.language, one.licence, one.fetched_at) == ("wikitext", "en", "CC BY-SA 4.0", "")
    assert one.revision.isdecimal()
    assert one.revised_at.startswith("2016-0")
    assert one.text.startswith("{{Use dmy dates|date=June 2013}}\n'''Affirming the consequent'''")
    assert {item.item_id: item.reason for item in items if isinstance(item, Reject)} == {
        "AccessibleComputing": Reason.REDIRECT,
        "AfghanistanHistory": Reason.REDIRECT,
        "Category:Pininfarina": Reason.OTHER_NAMESPACE,
        "Food (disambiguation)": Reason.DISAMBIGUATION,
    }


@pytest.mark.parametrize("packed", PACKED)
def test_every_way_to_pack_a_dump_gives_the_same(tmp_path: Path, packed: str) -> None:
    """The same items in the same order, whatever the compression and the encoding."""
    plain = pull(PACKED["plain"](tmp_path))
    assert texts(plain) == {f"Ort {n}": f"'''Ort {n}''' liegt & steht \"hier\" <ref>ä{n}</ref> 🚀.\n" for n in range(1, 41)}
    path = PACKED[packed](tmp_path)
    assert Dump(Settings()).claims(str(path))
    assert pull(path) == plain


@pytest.mark.parametrize("size", [1, 600, 1 << 20])
@pytest.mark.parametrize("packed", [packed for packed in PACKED if "multi" in packed])
def test_pieces_are_the_whole_dump(tmp_path: Path, packed: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many blocks make a piece: read each by itself and in any order, they add up to the sequential reading."""
    monkeypatch.setattr(dump, "GROUP", size)
    path = PACKED[packed](tmp_path)
    assert piece_by_piece(path) == pull(path)
    pieces = Dump(Settings()).blocks(str(path))
    assert len(pieces) == (1 if size > 600 or "one" in packed else len(pieces))
    blocks = list(dump_blocks.grouped(dump_blocks.blocks(path), size))
    assert all(before.end == after.start for before, after in itertools.pairwise(blocks))


def test_what_cannot_be_divided_says_so(tmp_path: Path) -> None:
    """Another packing, a page, a bound: read from the start to the end; a dump that is not there is an error as ever."""
    multi = PACKED["multistream"](tmp_path)
    assert Dump(Settings()).blocks(str(PACKED["bzip2"](tmp_path))) is None
    assert Dump(Settings()).blocks(f"{multi}#Ort 1") is None
    assert Dump(Settings(source=(SourceSettings(max_documents=3),))).blocks(str(multi)) is None
    with pytest.raises(CorpusTunerError, match="no such file"):
        Dump(Settings()).blocks(str(tmp_path / "not-there-multistream.xml.bz2"))


def test_a_changed_dump_has_other_pieces(tmp_path: Path) -> None:
    """Their names pin what is in them."""
    names = []
    for pages in (PAGES, PAGES[:-1]):
        names.append({name for name, _ in Dump(Settings()).blocks(str(multistream(tmp_path, pages)))})
    assert not names[0] & names[1]


def test_every_page_is_a_document_or_a_reject(tmp_path: Path) -> None:
    """In = out + rejects, each with its reason; namespaces by number, by the old exports' prefix; the newest revision counts."""
    newest = page("Alt", "new", 9).replace("<revision>", "<revision><id>5</id><timestamp>2001-01-01T00:00:00Z</timestamp><text>old</text></revision><revision>")
    odd = [
        page("Weiter", "#WEITERLEITUNG [[Alt]]"), page("Ziel", "x", extra='<redirect title="Alt" />'),
        page("Diskussion:Alt", "talk", ns="<ns>1</ns>"), page("Diskussion:Neu", "talk", ns=""), page("Wikipedia:X", "project", ns=""),
        page("Code", "x", model="css"), page("Leer", ""), page("Mars", "{{Begriffsklärung}}"), newest, page("Drei: Teile", "text", 12, ns=""),
        page("Versteckt", "").replace('<text xml:space="preserve"></text>', '<text deleted="deleted" />'),
    ]  # fmt: skip
    items = pull(written(tmp_path / "d.xml", (HEAD + "".join(odd) + TAIL).encode()))
    assert len(items) == len(odd)
    assert texts(items) == {"Leer": "", "Alt": "new", "Drei: Teile": "text"}
    assert Counter(item.reason for item in items if isinstance(item, Reject)) == {
        Reason.REDIRECT: 2, Reason.OTHER_NAMESPACE: 3, Reason.UNSUPPORTED: 1, Reason.DISAMBIGUATION: 1, Reason.UNREADABLE: 1,
    }  # fmt: skip
    assert set(texts(pull(tmp_path / "d.xml", namespaces=(1,)))) == {"Diskussion:Alt", "Diskussion:Neu"}


def test_a_bound_is_told() -> None:
    """`max_documents` ends the reading, and a reject says so."""
    items = pull(EXCERPT, max_documents=2)
    assert len(texts(items)) == 2
    assert isinstance(items[-1], Reject)
    assert items[-1].reason is Reason.LIMIT


@pytest.mark.parametrize("packed", ["plain", "bzip2", "multistream", "multistream without index"])
def test_named_pages_come_in_the_order_of_their_names(tmp_path: Path, packed: str) -> None:
    """By `titles` or after "#", however the title is spelt; what is not there is a reject."""
    path = PACKED[packed](tmp_path)
    items = pull(path, titles=("Ort 30", "ort_2", "Nirgends", "Ort 30"))
    assert list(texts(items)) == ["Ort 30", "Ort 2"]
    assert [(item.item_id, item.reason) for item in items if isinstance(item, Reject)] == [("Nirgends", Reason.MISSING)]
    assert list(texts(pull(f"{path}#Ort_7"))) == ["Ort 7"]
    assert list(texts(pull(f"{path.as_uri()}#Ort%207"))) == ["Ort 7"]
    with pytest.raises(CorpusTunerError, match=r"there is no 'Nirgends' in .*check the spelling"):
        pull(f"{path}#Nirgends")


def test_a_named_redirect_leads_to_its_target(tmp_path: Path) -> None:
    """Once each, over several hops; one that leads out of the dump, or in a circle, is a reject."""
    pages = [
        page("A", "x", extra='<redirect title="B" />'), page("B", "#REDIRECT [[AT&T#C]]"), page("AT&T", "text", 5), page("E", "#REDIRECT [[F]]"),
        page("F", "#REDIRECT [[E]]"), page("G", "#REDIRECT [[Nowhere]]"),
    ]  # fmt: skip
    for path in (multistream(tmp_path, pages, each=1), written(tmp_path / "d.xml", (HEAD + "".join(pages) + TAIL).encode())):
        items = pull(path, titles=("A", "B", "AT&T", "E", "G"))
        assert list(texts(items)) == ["AT&T"]
        assert {item.reason for item in items if isinstance(item, Reject)} == {Reason.REDIRECT}


def test_only_the_block_of_a_named_page_is_read(tmp_path: Path) -> None:
    """Random access: every other block may be broken."""
    path = multistream(tmp_path, PAGES)
    blocks = list(dump_blocks.blocks(path))
    data = bytearray(path.read_bytes())
    for block in blocks[:2] + blocks[3:]:
        data[block.start + 4 : block.end] = bytes(block.end - block.start - 4)
    path.write_bytes(data)
    assert list(texts(pull(f"{path}#Ort 16"))) == ["Ort 16"]
    with pytest.raises(CorpusTunerError, match="in the block of bytes"):
        piece_by_piece(path)


# ---------------------------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize("packed", ["plain", "gzip", "bzip2", "multistream", "multistream without index"])
@pytest.mark.parametrize("read", [pull, piece_by_piece])
def test_a_cut_dump_says_how_far_it_got(tmp_path: Path, packed: str, read: Callable[[Path], list[Item]]) -> None:
    """Cut anywhere, the dump is an error of one line that names the file, and the last page or block that was whole."""
    if read is piece_by_piece and "multi" not in packed:
        pytest.skip("cannot be divided")
    path = PACKED[packed](tmp_path)
    whole = path.read_bytes()
    for tenth in range(1, 10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(CorpusTunerError, match=rf"{path.name}: .*(ends in the middle|broken|cut).*download it again") as caught:
            read(path)
        assert "\n" not in str(caught.value)
        assert caught.value.exit_code == 2


def test_the_last_whole_page_is_named(tmp_path: Path) -> None:
    """Count and title of the last page before the damage."""
    path = written(tmp_path / "d.xml", (HEAD + "".join(PAGES[:9])).encode())
    with pytest.raises(CorpusTunerError, match=r"d\.xml: it ends in the middle, after 9 pages \(the last: 'Ort 9'\)"):
        pull(path)


def test_an_index_of_another_dump_is_told(tmp_path: Path) -> None:
    """An offset beyond the file, or one that goes back."""
    path = multistream(tmp_path, PAGES, index=".txt")
    index = dump_blocks.index_of(path)
    assert index is not None
    for body in ("999999999:1:A\n", "700:1:A\n300:2:B\n", "not an index\n"):
        index.write_text(body)
        with pytest.raises(CorpusTunerError, match="index"):
            piece_by_piece(path)


# ------------------------------------------------------------------------------------------------------ made to harm

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij")) + "]>\n"
HARM = {
    "billion laughs": (LAUGHS + HEAD.replace("de.wiki", "&j;") + TAIL, "document type"),
    "external entity": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + HEAD + page("A", "x").replace(">x<", ">&a;<") + TAIL, "document type"),
    "undefined entity": (HEAD + page("A", "x").replace(">x<", ">&a;<") + TAIL, "broken .undefined entity"),
    "nested": (HEAD + "<page>" * 10_000 + "</page>" * 10_000 + TAIL, "nested more than 16 deep"),
    "pages that never close": (HEAD + "<page><title>A</title>" * 100_000, "nested more than 16 deep"),
    "a text that never closes": (HEAD + PAGES[0] + "<page><revision><text>" + "x" * (20 << 20), "ends in the middle, after 1 pages"),
    "a tag that never closes": (HEAD + '<page a="' + "x" * (20 << 20), "tag of more than 4 MiB|ends in the middle"),
    "a title without end": (HEAD + "<page><title>" + "x" * (1 << 20), "<title> has more than 65,536 characters"),
    "another document": ("<html>" + "<mediawiki>" * 5, "no MediaWiki export: it opens with <html>"),
    "not well-formed": (HEAD + "<page><title>A</page>" + TAIL, "broken .mismatched tag"),
    "not xml": ("<mediawiki " * 100, "broken"),
    "control characters": (HEAD + page("A\x01", "x") + TAIL, "broken .not well-formed"),
}


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("suffix", [".xml", ".xml.bz2"])
def test_a_harmful_dump_is_one_clear_line(tmp_path: Path, harm: str, suffix: str) -> None:
    """Entities, nesting and what never ends: refused by name, with the file's."""
    body, message = HARM[harm]
    path = written(tmp_path / f"d{suffix}", bz2.compress(body.encode(), 1) if suffix.endswith("bz2") else body.encode())
    with pytest.raises(CorpusTunerError, match=message) as caught:
        pull(path)
    assert str(caught.value).startswith("d.xml")
    assert "\n" not in str(caught.value)


def test_a_page_beyond_all_measure_is_a_reject_among_others(tmp_path: Path) -> None:
    """A line of 40 million characters costs its own page, not the dump."""
    body = HEAD + PAGES[0] + page("Groß", "x" * (40 << 20), 50) + PAGES[1] + TAIL
    items = pull(written(tmp_path / "d.xml.bz2", bz2.compress(body.encode(), 1)))
    assert list(texts(items)) == ["Ort 1", "Ort 2"]
    (lost,) = (item for item in items if isinstance(item, Reject))
    assert (lost.item_id, lost.reason, lost.detail) == ("Groß", Reason.LIMIT, "has 41,943,040 characters")


MEASURE = """
import re, sys
from corpus_tuner.fetch.dump import Dump
from corpus_tuner.settings import Settings
def peak():  # kB; unlike ru_maxrss it begins anew with the program
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
count = sum(1 for _ in Dump(Settings()).fetch(sys.argv[1], {}))
print(count, (peak() - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_dump(tmp_path: Path) -> None:
    """200 MB of XML in a small gzip file (a bomb, if one likes) are read in less than 40 MB."""
    path = tmp_path / "d.xml.gz"
    text = "Wort " * 20_000
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(HEAD)
        for number in range(2000):
            file.write(page(f"S {number}", text, number))
        file.write(TAIL)
    count, grown = map(int, subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True).stdout.split())
    assert count == 2000
    assert grown < 40


@pytest.mark.parametrize(("name", "content", "claimed"), [
    ("d.xml", HEAD.encode(), True), ("feed.xml", b"<?xml version='1.0'?><rss></rss>", False), ("d.xml.bz2", b"BZh9 cut", True),
    ("d.xml.gz", gzip.compress(b"<html></html>"), False), ("missing.xml", None, True), ("notes.md", b"<mediawiki>", False),
    ("d.XML", HEAD.encode(), True), ("d.xml", HEAD.encode("utf-16-le"), True), ("empty.xml", b"", False),
])  # fmt: skip
def test_what_opens_as_an_export_is_claimed(tmp_path: Path, name: str, content: bytes | None, claimed: bool) -> None:
    """By suffix and first bytes; other XML is another source's."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    source = Dump(Settings())
    assert source.claims(str(path)) is claimed
    assert source.claims(path.as_uri()) is claimed
    assert source.claims(f"{path}#A title/with .xml in it") is claimed
    assert not source.claims(f"https://example.org/{name}")


def test_a_dump_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    """The user's mistake, by its name."""
    with pytest.raises(CorpusTunerError, match=r"missing\.xml\.bz2: there is no such file"):
        pull(tmp_path / "missing.xml.bz2")
