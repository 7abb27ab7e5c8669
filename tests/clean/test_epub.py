"""The cleaner of EPUB, on books of a few files each."""

from __future__ import annotations

import io
import zipfile

import pytest

from corpus_tuner import archive
from corpus_tuner.clean import clean_document
from corpus_tuner.records import Document, Reason, Reject, Section

NAV = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body><nav epub:type="toc">{}</nav></body></html>'


def packed(files: dict[str, str], spine: tuple[str, ...], nav: str = "", ncx: str = "") -> bytes:
    """An EPUB of XHTML bodies; `nav` is the list of its navigation document, `ncx` the map of an EPUB 2."""
    names = [*files, *(["nav.xhtml"] if nav else [])]
    items = "".join(f'<item id="i{n}" href="{name}"{" properties=" + chr(34) + "nav" + chr(34) if name == "nav.xhtml" else ""}/>' for n, name in enumerate(names))
    items += '<item id="ncx" href="toc.ncx"/>' if ncx else ""
    refs = "".join(f'<itemref idref="i{names.index(name)}"/>' for name in spine)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("META-INF/container.xml", '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>')
        target.writestr("OEBPS/book.opf", f'<package><manifest>{items}</manifest><spine toc="ncx">{refs}</spine></package>')
        for name, body in files.items():
            target.writestr(f"OEBPS/{name}", f"<html><head><title/></head><body>{body}</body></html>")
        if nav:
            target.writestr("OEBPS/nav.xhtml", NAV.format(nav))
        if ncx:
            target.writestr("OEBPS/toc.ncx", f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{ncx}</navMap></ncx>')
    return out.getvalue()


def clean(content: bytes) -> list[Section | Reject]:
    """Sections and rejects."""
    return list(clean_document(Document("d", "Book", "", "epub", "", "en", blob="x"), (), lambda _: content))


def texts(content: bytes) -> dict[tuple[str, ...], str]:
    """Texts by path."""
    return {one.path: one.text for one in clean(content) if isinstance(one, Section)}


def test_the_spine_is_the_order_and_the_contents_are_the_levels() -> None:
    """Chapters that all open with an h1 stand where the nested table of contents puts them, in the order of the spine."""
    files = {"b.xhtml": "<h1>Two</h1><p>b</p>", "a.xhtml": '<h1>One</h1><p>a</p><h1 id="x">Inner</h1><p>i</p><h2>Below</h2><p>j</p>'}
    nav = '<ol><li><a href="a.xhtml">One</a><ol><li><a href="a.xhtml#x">Inner</a></li></ol></li><li><a href="b.xhtml">Two</a></li></ol>'
    expected = {("One",): "a", ("One", "Inner"): "i", ("One", "Inner", "Below"): "j", ("Two",): "b"}
    assert texts(packed(files, ("a.xhtml", "b.xhtml"), nav)) == expected


def test_an_epub_2_has_its_contents_in_the_ncx() -> None:
    """navPoints nest as lists do."""
    point = '<navPoint><navLabel><text>{}</text></navLabel><content src="{}"/>{}</navPoint>'
    ncx = point.format("Part", "a.xhtml", point.format("One", "b.xhtml#s", ""))
    files = {"a.xhtml": "<p>part</p>", "b.xhtml": '<div id="s"><h1>One</h1><p>one</p></div>'}
    assert texts(packed(files, ("a.xhtml", "b.xhtml"), ncx=ncx)) == {("Part",): "part", ("Part", "One"): "one"}


def test_a_label_without_a_place_is_a_step() -> None:
    """A part that is only named in the table of contents begins with its first chapter."""
    nav = '<ol><li><span>Part</span><ol><li><a href="a.xhtml">One</a></li></ol></li></ol>'
    assert texts(packed({"a.xhtml": "<h2>One</h2><p>a</p>"}, ("a.xhtml",), nav)) == {("Part", "One"): "a"}


def test_a_label_takes_the_heading_that_it_names_and_keeps_the_words_of_another() -> None:
    """A heading in two pieces is one; what the label lacks stays as text."""
    nav = '<ol><li><a href="a.xhtml">1 The Sea</a></li><li><a href="b.xhtml">Last</a></li></ol>'
    files = {"a.xhtml": "<h1>1</h1><h2>The Sea</h2><p>a</p>", "b.xhtml": "<h1>Farewell</h1><p>b</p>"}
    assert texts(packed(files, ("a.xhtml", "b.xhtml"), nav)) == {("1 The Sea",): "a", ("Last",): "Farewell\n\nb"}


def test_a_heading_that_repeats_its_entry_is_no_step_of_its_own() -> None:
    """A title below the introduction of its own chapter is a line of it, and what is listed below stands right."""
    nav = '<ol><li><a href="a.xhtml">1 The Sea</a><ol><li><a href="a.xhtml#x">Salt</a></li></ol></li></ol>'
    body = '<h1>1</h1><p>About it.</p><h2>The Sea</h2><p>a</p><h3 id="x">Salt</h3><p>s</p>'
    assert texts(packed({"a.xhtml": body}, ("a.xhtml",), nav)) == {("1 The Sea",): "About it.\n\nThe Sea\n\na", ("1 The Sea", "Salt"): "s"}


def test_a_title_page_is_no_step_above_the_chapters() -> None:
    """Headings that the contents do not name stand below their entry; the entries below it stand beside them."""
    nav = '<ol><li><a href="t.xhtml">Book</a><ol><li><a href="a.xhtml">One</a></li></ol></li></ol>'
    found = texts(packed({"t.xhtml": "<h1>Book</h1><h2>Subtitle</h2><p>t</p><h3>An Author</h3><p>b</p>", "a.xhtml": "<h2>One</h2><p>a</p>"}, ("t.xhtml", "a.xhtml"), nav))
    assert found == {("Book", "Subtitle"): "t", ("Book", "Subtitle", "An Author"): "b", ("Book", "One"): "a"}


def test_without_contents_the_headings_are_the_levels() -> None:
    """A file without a heading goes on where the one before it ended."""
    files = {"a.xhtml": "<h1>One</h1><p>a</p>", "b.xhtml": "<p>b</p><h2>Two</h2><p>c</p>"}
    assert texts(packed(files, ("a.xhtml", "b.xhtml"))) == {("One",): "a\n\nb", ("One", "Two"): "c"}


def test_the_contents_and_page_breaks_are_no_text() -> None:
    """A navigation document in the spine is boilerplate; the number of a printed page is dropped."""
    nav = '<ol><li><a href="a.xhtml">One</a></li></ol>'
    body = '<p><span epub:type="pagebreak" id="p7">7</span></p><h1>One</h1><p>a<span role="doc-pagebreak">8</span>b</p>'
    found = clean(packed({"a.xhtml": body}, ("nav.xhtml", "a.xhtml"), nav))
    assert {one.path: one.text for one in found if isinstance(one, Section)} == {("One",): "ab"}
    assert Reason.BOILERPLATE in [one.reason for one in found if isinstance(one, Reject)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no zip", "is not a whole zip archive"),
        (packed({}, ()).replace(b"META-INF", b"META-XXX"), "lacks 'META-INF/container.xml'"),
        (packed({"../../../etc/passwd": "<p>x</p>"}, ()).replace(b"book.opf", b"../x.opf"), "lacks"),
    ],
)
def test_a_damaged_book_is_one_reject(content: bytes, message: str) -> None:
    """It is told in a line."""
    (reject,) = clean(content)
    assert isinstance(reject, Reject)
    assert (reject.reason, message in reject.detail) == (Reason.UNREADABLE, True)


def test_a_name_that_climbs_out_reads_nothing() -> None:
    """A href with ../ is a name in the archive, or none: nothing of this machine is read."""
    content = packed({"../../../../../../etc/passwd": "<p>inside</p>"}, ("../../../../../../etc/passwd",))
    assert "root:" not in repr(clean(content))


def test_a_missing_file_costs_no_other() -> None:
    """A spine that names a file which is not there is a Reject of that file."""
    content = packed({"a.xhtml": "<h1>One</h1><p>a</p>", "b.xhtml": "<p>b</p>"}, ("b.xhtml", "a.xhtml")).replace(b"OEBPS/b.", b"OEBPS/c.")
    found = clean(content)
    assert [one.path for one in found if isinstance(one, Section)] == [("One",)]
    assert Reason.UNREADABLE in [one.reason for one in found if isinstance(one, Reject)]


def test_a_book_that_would_grow_beyond_measure_is_not_unpacked() -> None:
    """The sizes that its directory states decide: a kilobyte that unpacks to a quarter of a gigabyte is one Reject."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target, target.open("OEBPS/a.xhtml", "w") as member:
        for _ in range(archive.MAX_BYTES >> 20):
            member.write(b" " * (1 << 20))
        member.write(b" ")
    (reject,) = clean(out.getvalue())
    assert isinstance(reject, Reject)
    assert "unpacks to 1 files and 256 MiB" in reject.detail


def test_entities_of_a_book_do_not_expand() -> None:
    """A billion laughs in its contents or in a chapter is no text."""
    entities = '<!DOCTYPE x [<!ENTITY a "lol">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghij", "bcdefghijk")) + "]>"
    content = packed({"a.xhtml": "<p>&k; after</p>"}, ("a.xhtml",), '<ol><li><a href="a.xhtml">&k;</a></li></ol>')
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, entities.encode() * name.endswith("xhtml") + source.read(name))
    found = repr(clean(out.getvalue()))
    assert "lol" not in found.replace('"lol"', "")
    assert "after" in found


def test_deep_markup_and_deep_contents_are_bounded() -> None:
    """Ten thousand levels of either end in no time."""
    nav = "<ol><li>" * 10_000 + "</li></ol>" * 10_000
    found = texts(packed({"a.xhtml": "<div>" * 10_000 + "<p>deep</p>"}, ("a.xhtml",), nav))
    assert found == {(): "deep"}


@pytest.mark.parametrize(("encrypted", "read"), [("OEBPS/a.xhtml", False), ("OEBPS/fonts/a.otf", True)])
def test_an_encrypted_book_is_called_so_and_encrypted_fonts_are_none_of_our_business(encrypted: str, read: bool) -> None:
    """Rights management leaves the names of files as they are, and takes their text."""
    out = io.BytesIO(packed({"a.xhtml": "<h1>One</h1><p>b"}, ("a.xhtml",)))
    with zipfile.ZipFile(out, "a") as book:
        book.writestr("META-INF/encryption.xml", f'<encryption><EncryptedData><CipherData><CipherReference URI="{encrypted}"/></CipherData></EncryptedData></encryption>')
    found = clean(out.getvalue())
    assert [one.path for one in found if isinstance(one, Section)] == [("One",)] * read
    assert any("is encrypted" in one.detail for one in found if isinstance(one, Reject)) is not read
