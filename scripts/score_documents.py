"""How well HTML, PDF, DOCX and EPUB are read, beside what other tools read from the same files; prints a table.

    python scripts/score_documents.py DATA_FOLDER

DATA_FOLDER holds any of html/, markdown/, pdf/, docx/ and epub/. Headings are held against the document's own: every h1 to h6 of the
page's main landmark, of the whole page where it has none, outside of nav, aside and footer (HTML; Markdown as pandoc renders it), the outline (PDF), the paragraphs of heading styles as python-docx sees them
(DOCX), the table of contents (EPUB, NCX or navigation document). A heading counts when its words are there and its level
is right: it stands under the same heading. An appendix that we reject by name (References) has its place in the tree and
counts; what we take for the site's own (related posts, comments, a form) has none and does not. Code: the pre elements of a
page that are whole in the text. Words: pdftotext (PDF) and pandoc (DOCX, EPUB) are the reference, and ours, boilerplate included, is
theirs. `by fonts alone` reads a PDF as if it had no outline. Other tools take part where they are installed
(pip install html2text trafilatura markdownify readability-lxml pypdf pdfminer.six python-docx; apt install poppler-utils pandoc).
"""

from __future__ import annotations

import importlib.util
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from corpus_tuner import plugins
from corpus_tuner.clean.pdf import parse as parse_pdf
from corpus_tuner.fetch.files import Files
from corpus_tuner.records import Blob, Reason
from corpus_tuner.settings import Settings

Headings = list[tuple[int, str]]  # (level, words)

NUMBER = re.compile(r"^\s*(?:(?:chapter|appendix|part|kapitel|anhang)\s+)?(?:[A-Z]|\d{1,3})(?:\.\d{1,3})*[.:]?\s+(?=\S)", re.IGNORECASE)


def main() -> None:
    """Scores every file of the folder."""
    root = Path(sys.argv[1])
    warnings.filterwarnings("ignore", message=".*HTML parser to parse an XML.*")
    logging.disable(logging.WARNING)
    for kind in OWN:
        totals: dict[str, Counter[str]] = {}
        print(f"\n{kind:40} {'tool':18} {'headings':>9} {'at level':>9} {'code':>9}  words of the reference in it / of it in the reference")
        for path in sorted(path for folder in root.glob(f"{kind}*") for path in folder.rglob("*.*") if path.is_file()):
            for row in rows(kind, path):
                total = totals.setdefault(row.tool, Counter())
                total.update(own=row.own, there=row.there, level=row.level, whole=row.whole, codes=row.codes)
                print(f"{path.name[:40] if row.tool == 'corpus_tuner' else '':40} {row.line()}")
        for tool, total in totals.items():
            level = f"headings at level {total['level']}/{total['own']} = {total['level'] / total['own']:.1%}" if total["own"] else ""
            code = f", code blocks whole {total['whole']}/{total['codes']}" if total["codes"] else ""
            print(f"{kind + ': all':40} {tool:18} {level}{code}")
    missing = [name for name in ("html2text", "trafilatura", "markdownify", "readability", "pypdf", "pdfminer", "docx") if not importlib.util.find_spec(name)]
    missing += [name for name in ("pdftotext", "pandoc") if not shutil.which(name)]
    if missing:
        print(f"\nnot installed, and so not compared: {', '.join(missing)}")


@dataclass
class Row:
    """One tool on one file."""

    tool: str
    own: int
    there: int
    level: int
    whole: int
    codes: int
    shares: str

    def line(self) -> str:
        """As printed."""
        headings = f"{self.there:>4}/{self.own:<4} {self.level:>4}/{self.own:<4}" if self.own else f"{'-':>9} {'-':>9}"
        return f"{self.tool:18} {headings} {f'{self.whole}/{self.codes}' if self.codes else '-':>9}  {self.shares}"


def rows(kind: str, path: Path) -> Iterable[Row]:
    """Ours, then the others; the first other that reads text is the reference of words, and ours is its."""
    own, blocks = OWN[kind](path), code_blocks(path) if kind == "html" else code_blocks(rendered(path)) if kind == "markdown" and shutil.which("pandoc") else []
    tools = [("corpus_tuner", *ours_of(path)), *others_of(kind, path)]
    if kind == "pdf" and own:
        tools.insert(1, ("  by fonts alone", *ours_of(path, fonts=True)))
    reference = next((text for name, _, text in tools if name in ("pdftotext", "pandoc")), None)
    for name, headings, text in tools:
        level, there = at_level(own, headings) if headings is not None else (0, 0)
        against = None if kind == "html" else tools[0][2] if text is reference else reference
        shares = f"{shared(against, text):6.1%} / {shared(text, against):6.1%}" if against is not None else ""
        yield Row(name, len(own) if headings is not None else 0, there, level, sum(squeezed(block) in squeezed(text) for block in blocks), len(blocks), shares)


def squeezed(text: str) -> str:
    """Lines without the spaces at their ends, nor an indent that all of a block's lines share: a Markdown block in a list has one."""
    return "\n".join(line.replace("\xa0", " ").strip() for line in text.splitlines())


def ours_of(path: Path, fonts: bool = False) -> tuple[Headings, str]:
    """(headings, text with boilerplate) as our cleaner reads the file; with `fonts` as if a PDF had no outline."""
    (item,) = Files(Settings()).fetch(str(path), {})
    document = item.document if isinstance(item, Blob) else item
    if fonts:
        parts = list(parse_pdf(document, item.content, with_outline=False))
    else:
        parse = plugins.load("cleaners", document.format)
        parts = list(parse(document, item.content) if isinstance(item, Blob) else parse(document))
    headings = [(len(part.path), part.path[-1]) for part in parts if part.path and (part.reason != Reason.BOILERPLATE or len(part.path) > 1)]
    return headings, "\n".join("\n".join((*part.path[-1:], part.text)) for part in parts)


def code_blocks(path: Path) -> list[str]:
    """The text of each pre of a page, without blank lines around it."""
    from bs4 import BeautifulSoup

    found = (pre.get_text().replace("\r\n", "\n").strip("\n").rstrip() for pre in BeautifulSoup(path.read_bytes(), "lxml").find_all("pre"))
    return [block for block in found if block.strip()]


def own_html(path: Path) -> Headings:
    """Headings of a page outside of navigation."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(path.read_bytes(), "lxml")
    for gone in soup.select("nav, aside, footer, script, style, .mw-editsection, .headerlink, [role=navigation], .toc"):
        gone.decompose()
    main = soup.select_one("main, [role=main]") or soup
    return [(int(h.name[1]), text) for h in main.find_all(re.compile("^h[1-6]$")) if (text := " ".join(h.get_text().split()))]


def rendered(path: Path) -> Path:
    """A Markdown file as a page by pandoc's CommonMark, its front matter left out."""
    text = re.sub(r"\A(\+\+\+|---)\n.*?\n\1\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    page = Path(tempfile.mkdtemp()) / "page.html"
    page.write_text(subprocess.run(["pandoc", "-f", "commonmark", "-t", "html"], input=text, capture_output=True, text=True, check=True).stdout)
    return page


def own_markdown(path: Path) -> Headings:
    """Headings of a Markdown file, by pandoc."""
    return own_html(rendered(path)) if shutil.which("pandoc") else []


def own_pdf(path: Path) -> Headings:
    """The outline of a PDF."""
    import pypdfium2

    return [(mark.level + 1, mark.get_title()) for mark in pypdfium2.PdfDocument(path).get_toc()]


def own_docx(path: Path) -> Headings:
    """Paragraphs of heading styles, by python-docx."""
    try:
        import docx
    except ImportError:
        return []
    named = ((re.fullmatch(r"Heading (\d)", p.style.name), " ".join(p.text.split())) for p in docx.Document(str(path)).paragraphs)
    return [(int(match[1]), text) for match, text in named if match and text]


def own_epub(path: Path) -> Headings:
    """The table of contents by plain BeautifulSoup, independent of our reader."""
    from bs4 import BeautifulSoup

    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            if name.endswith((".xhtml", ".html")):
                toc = BeautifulSoup(book.read(name), "lxml").find("nav", attrs={"epub:type": "toc"})
                if toc:
                    return [(len(li.find_parents("li")) + 1, " ".join(li.find(["a", "span"]).get_text().split())) for li in toc.find_all("li")]
        for name in book.namelist():
            if name.endswith(".ncx"):
                points = BeautifulSoup(book.read(name), "xml").find_all("navPoint")
                return [(len(point.find_parents("navPoint")) + 1, point.navLabel.get_text().strip()) for point in points]
    return []


OWN = {"html": own_html, "markdown": own_markdown, "pdf": own_pdf, "docx": own_docx, "epub": own_epub}


def others_of(kind: str, path: Path) -> Iterable[tuple[str, Headings | None, str]]:
    """(tool, headings or None where it tells none, text) of each other tool that is installed."""
    if kind == "html":
        page = path.read_text(encoding="utf-8", errors="replace")
        for name, convert in MARKDOWN.items():
            if importlib.util.find_spec(name):
                text = convert(page)
                yield name, of_markdown(text), text
    elif kind == "pdf":
        if shutil.which("pdftotext"):
            yield "pdftotext", None, run("pdftotext", str(path), "-")
        for name, convert in PDF.items():
            if importlib.util.find_spec(name):
                yield name, None, convert(path)
    elif shutil.which("pandoc"):
        yield "pandoc", of_markdown(run("pandoc", "-t", "gfm", "--wrap=none", str(path))), run("pandoc", "-t", "plain", "--wrap=none", str(path))


def html2text(page: str) -> str:
    """Without links, unwrapped, code in fences."""
    import html2text as library

    reader = library.HTML2Text()
    reader.body_width, reader.ignore_links, reader.mark_code = 0, True, False
    return reader.handle(page)


def trafilatura(page: str) -> str:
    """As Markdown."""
    import trafilatura as library

    return library.extract(page, output_format="markdown") or ""


def markdownify(page: str) -> str:
    """With headings as `#`."""
    import markdownify as library

    return library.markdownify(page, heading_style="ATX")


def readability(page: str) -> str:
    """The article that readability finds, through html2text."""
    import readability as library

    return html2text(library.Document(page).summary())


def pypdf(path: Path) -> str:
    """extract_text of each page."""
    import pypdf as library

    return "\n".join(page.extract_text() for page in library.PdfReader(path).pages)


def pdfminer(path: Path) -> str:
    """extract_text."""
    from pdfminer.high_level import extract_text

    return extract_text(path)


MARKDOWN = {"html2text": html2text, "trafilatura": trafilatura, "markdownify": markdownify, "readability": readability}
PDF = {"pypdf": pypdf, "pdfminer": pdfminer}


def of_markdown(text: str) -> Headings:
    """ATX headings of Markdown."""
    return [(len(match[1]), re.sub(r"[*_`\\]|<[^>]*>", "", match[2]).strip()) for match in re.finditer(r"^(#{1,6}) +(.*?)#*$", text, re.MULTILINE)]


def run(*command: str) -> str:
    """What a command writes."""
    return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace").stdout


def at_level(own: Headings, found: Headings) -> tuple[int, int]:
    """(headings of `own` found in order with their words and their depth in the tree, found with their words)."""
    left, right = [key(text) for _, text in own], [key(text) for _, text in found]
    pairs = [(block.a + n, block.b + n) for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks() for n in range(block.size)]
    parents = [parent(own, at) for at in range(len(own))], [parent(found, at) for at in range(len(found))]
    partner = dict(pairs)
    right_level = 0
    for one, other in pairs:
        above, there = parents[0][one], parents[1][other]
        right_level += (above is None and (there is None or there not in partner.values())) or (above is not None and partner.get(above) == there)
    return right_level, len(pairs)


def parent(headings: Headings, at: int) -> int | None:
    """The heading under which another stands."""
    return next((n for n in range(at - 1, -1, -1) if headings[n][0] < headings[at][0]), None)


def key(text: str) -> str:
    """Letters and digits alone, without the number in front, which an outline often leaves out."""
    words = NUMBER.sub("", text, count=1)
    return "".join(c for c in words.casefold() if c.isalnum())


def shared(of: str, within: str) -> float:
    """The share of the words of one text that the other has, each as often."""
    left, right = (Counter(re.findall(r"[^\W_]+", re.sub(r"-\s*\n", "", text).casefold())) for text in (of, within))
    return sum((left & right).values()) / max(1, left.total())


if __name__ == "__main__":
    main()
