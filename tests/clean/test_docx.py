"""The cleaner of DOCX, on documents of a few elements each."""

from __future__ import annotations

import io
import zipfile

import pytest

from corpus_tuner import archive
from corpus_tuner.clean import clean_document
from corpus_tuner.records import Document, Reason, Reject, Section

NS = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
STYLES = f"""<w:styles {NS}>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="H2b"><w:name w:val="Own red"/><w:basedOn w:val="H2"/></w:style>
<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>
<w:style w:type="paragraph" w:styleId="Code"><w:name w:val="Source Code"/></w:style>
<w:style w:type="paragraph" w:styleId="T1"><w:name w:val="toc 1"/></w:style></w:styles>"""
NUMBERING = f"""<w:numbering {NS}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="decimal"/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="0"/></w:num></w:numbering>"""


def p(text: str, style: str = "", properties: str = "") -> str:
    """A paragraph."""
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{named}{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def item(text: str, level: int) -> str:
    """An item of list 7."""
    return p(text, "", f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="7"/></w:numPr>')


def table(*rows: tuple[str, ...]) -> str:
    """A table of plain cells."""
    return "<w:tbl>" + "".join("<w:tr>" + "".join(f"<w:tc>{p(cell)}</w:tc>" for cell in row) + "</w:tr>" for row in rows) + "</w:tbl>"


def packed(body: str, **files: str) -> bytes:
    """A DOCX with this body."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("word/document.xml", f"<w:document {NS}><w:body>{body}</w:body></w:document>")
        target.writestr("word/styles.xml", STYLES)
        target.writestr("word/numbering.xml", NUMBERING)
        for name, text in files.items():
            target.writestr(f"word/{name}.xml", text)
    return out.getvalue()


def clean(content: bytes) -> list[Section | Reject]:
    """Sections and rejects."""
    return list(clean_document(Document("d", "Doc", "", "docx", "", "en", blob="x"), (), lambda _: content))


def texts(body: str, **files: str) -> dict[tuple[str, ...], str]:
    """Texts by path."""
    return {one.path: one.text for one in clean(packed(body, **files)) if isinstance(one, Section)}


def test_headings_are_told_by_name_by_level_and_by_inheritance() -> None:
    """Word's English names, an own style's outline level, that of the style it is based on, and a paragraph's own level."""
    body = p("Lead.") + p("One", "berschrift1") + p("a") + p("Two", "H2") + p("b") + p("Three", "H2b") + p("c") + p("Four", "", '<w:outlineLvl w:val="0"/>') + p("d", "Loop")
    assert texts(body) == {(): "Lead.", ("One",): "a", ("One", "Two"): "b", ("One", "Three"): "c", ("Four",): "d"}


def test_lists_keep_their_numbers_and_depth() -> None:
    """A number starts where the list says; deeper bullets are indented."""
    assert texts(item("a", 0) + item("b", 1) + item("c", 0))[()] == "3. a\n  - b\n4. c"


def test_a_table_is_a_line_for_each_row_and_a_frame_is_none() -> None:
    """Cells between semicolons; a table of one column is read as what stands in it."""
    assert texts(table(("a", "b"), ("c", "")) + table((("boxed"),)))[()] == "a; b\nc; –\n\nboxed"


def test_code_stays_whole() -> None:
    """Paragraphs of code that follow one another are one block, indents kept."""
    assert texts(p("def f():", "Code") + p("    return 1", "Code").replace("<w:t>", '<w:t xml:space="preserve">'))[()] == "def f():\n    return 1"


def test_changes_and_hidden_text_are_read_as_accepted() -> None:
    """Insertions and content controls count, deletions, hidden runs and the second form of a drawing do not."""
    run = "<w:r><w:t>{}</w:t></w:r>"
    body = (
        f"<w:sdt><w:sdtContent><w:p><w:ins>{run.format('in ')}</w:ins><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        f"<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><mc:AlternateContent><mc:Choice>{run.format('once')}</mc:Choice>"
        f"<mc:Fallback>{run.format('twice')}</mc:Fallback></mc:AlternateContent></w:p></w:sdtContent></w:sdt>"
    )
    assert texts(body)[()] == "in once"


def test_notes_follow_their_paragraph_and_the_contents_are_boilerplate() -> None:
    """A footnote is not lost; a table of contents is not learned."""
    note = f'<w:footnotes {NS}><w:footnote w:type="separator" w:id="0"/><w:footnote w:id="2">{p("Note.")}</w:footnote></w:footnotes>'
    body = p("One ... 1", "T1") + '<w:p><w:r><w:t>Text.</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    found = clean(packed(body, footnotes=note))
    assert [one.text for one in found if isinstance(one, Section)] == ["Text.\n\nNote."]
    assert [one.reason for one in found if isinstance(one, Reject)] == [Reason.BOILERPLATE]


BOMB = io.BytesIO()
with zipfile.ZipFile(BOMB, "w", zipfile.ZIP_DEFLATED) as packing:
    packing.writestr("word/document.xml", b" " * (archive.MAX_BYTES + 1))
ENTITIES = '<!DOCTYPE x [<!ENTITY a "lol">' + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghij", "bcdefghijk")) + "]>"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a whole zip archive"),
        (b"PK\x03\x04 cut", "is not a whole zip archive"),
        (packed(p("x"))[:-30], "is not a whole zip archive"),
        (BOMB.getvalue(), "unpacks to 1 files and 256 MiB"),
        (packed("<w:p>" * 10_000 + "</w:p>" * 10_000), "is not XML"),
        (packed("<w:p>"), "is not XML"),
    ],
    ids=["empty", "head", "cut", "bomb", "deep", "open"],
)
def test_a_hostile_file_is_one_reject(content: bytes, message: str) -> None:
    """It is told in a line, and never unpacked."""
    (reject,) = clean(content)
    assert isinstance(reject, Reject)
    assert reject.reason == Reason.UNREADABLE
    assert message in reject.detail


def test_entities_do_not_expand() -> None:
    """A billion laughs is no text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("word/document.xml", f"{ENTITIES}<w:document {NS}><w:body>{p('&k;')}{p('after')}</w:body></w:document>")
    assert "lol" not in repr(clean(out.getvalue()))


FORMULAS = {
    "E=mc^2": "<m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>",
    "(a+1)/2": "<m:f><m:num><m:r><m:t>a+1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>",
    "a_n x": "<m:sSub><m:e><m:r><m:t>a</m:t></m:r></m:e><m:sub><m:r><m:t>n</m:t></m:r></m:sub></m:sSub><m:r><m:t>x</m:t></m:r>",
    "3√(x+1)": "<m:rad><m:deg><m:r><m:t>3</m:t></m:r></m:deg><m:e><m:r><m:t>x+1</m:t></m:r></m:e></m:rad>",
    "∑_(i=0)^n i": '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i=0</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t></m:r></m:sup>'
    "<m:e><m:r><m:t>i</m:t></m:r></m:e></m:nary>",
    "[1, 2; 3, 4]": '<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e><m:m><m:mr><m:e><m:r><m:t>1</m:t></m:r></m:e><m:e><m:r><m:t>2</m:t></m:r></m:e></m:mr>'
    "<m:mr><m:e><m:r><m:t>3</m:t></m:r></m:e><m:e><m:r><m:t>4</m:t></m:r></m:e></m:mr></m:m></m:e></m:d>",
}  # fmt: skip


@pytest.mark.parametrize("line", FORMULAS)
def test_a_formula_is_a_line_that_says_the_same(line: str) -> None:
    """What is raised, lowered or below a fraction's bar is told apart: mc² is not mc2."""
    math = f'<w:p><m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">{FORMULAS[line]}</m:oMath></w:p>'
    assert texts(math) == {(): line}


def test_the_text_is_where_the_package_says() -> None:
    """Word on the web calls it `document22.xml`."""
    out = io.BytesIO()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("_rels/.rels", f'<Relationships><Relationship Type="{kind}" Target="/word/document22.xml"/></Relationships>')
        target.writestr("word/document22.xml", f"<w:document {NS}><w:body>{p('a')}</w:body></w:document>")
    assert [one.text for one in clean(out.getvalue())] == ["a"]


def test_an_encrypted_document_is_called_so() -> None:
    """Office wraps what it encrypts in the container of its old formats, which are no zip archives."""
    [reject] = clean(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    assert reject.reason == Reason.UNREADABLE
    assert reject.detail == "Doc: is encrypted, or of an Office before 2007: save it anew, without a password"
