"""How well HTML, PDF, DOCX and EPUB are read, beside what other tools read from the same files; prints a table.

    python scripts/score_documents.py DATA_FOLDER

DATA_FOLDER holds any of html/, pdf/, docx/ and epub/. Headings are held against the document's own: every h1 to h6 of the
page outside of nav, aside and footer (HTML), the outline (PDF), the paragraphs of heading styles as python-docx sees them
(DOCX), the table of contents (EPUB, NCX or navigation document). A heading counts when its words are there and its level
is right: it stands under the same heading. `site` counts those that we reject by name as boilerplate. Words: the share of the other tool's words that our sections and boilerplate
hold, and the share of ours that the other tool has. Other tools are used where they are installed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path

from corpus_tuner import plugins
from corpus_tuner.fetch.files import Files
from corpus_tuner.records import Blob, Reason
from corpus_tuner.settings import Settings

Headings = list[tuple[int, str]]  # (level, words)


def main() -> None:
    """Scores every file of the folder."""
    root = Path(sys.argv[1])
    warnings.filterwarnings("ignore", message=".*HTML parser to parse an XML.*")
    print(f"{'file':44} {'headings':>9} {'at level':>9} {'site':>8}  others (headings at level; words of theirs in ours / of ours in theirs)")
    for kind in ("html", "pdf", "docx", "epub"):
        total = Counter()
        for path in sorted((root / kind).glob("*.*")):
            own = OWN[kind](path)
            ours, text, code, site = ours_of(path)
            level, there = at_level(own, ours)
            out = sum((Counter(key(text) for _, text in own) & Counter(site)).values())
            total.update(own=len(own), level=level, out=out, code=code[0], codes=code[1])
            others = []
            for name, headings, words in others_of(kind, path):
                right = f"{at_level(own, headings)[0]}/{len(own)}" if headings is not None else "-"
                others.append(f"{name} {right}" + (f"; {shared(words, text):.1%} / {shared(text, words):.1%}" if words is not None else ""))
            print(f"{path.name[:44]:44} {there:>4}/{len(own):<4} {level:>4}/{len(own):<4} {out:>8}  {', '.join(others)}")
        if total["own"]:
            print(f"{kind + ': all':44} {'':9} {total['level'] / total['own']:>9.1%} (without the site's own: {total['level'] / (total['own'] - total['out']):.1%})" + (f"  code blocks whole {total['code']}/{total['codes']}" if total["codes"] else ""))


def ours_of(path: Path) -> tuple[Headings, str, tuple[int, int], list[str]]:
    """(headings, text with boilerplate, (code blocks whole, code blocks), keys of the headings that are rejected by name as
    boilerplate: of navigation, references, related news) as our cleaner reads the file."""
    (item,) = Files(Settings()).fetch(str(path), {})
    document = item.document if isinstance(item, Blob) else item
    parse = plugins.load("cleaners", document.format)
    parts = list(parse(document, item.content) if isinstance(item, Blob) else parse(document))
    headings = [(len(part.path), part.path[-1]) for part in parts if part.path and part.reason != Reason.BOILERPLATE]
    text = "\n".join("\n".join((*part.path[-1:], part.text)) for part in parts)
    blocks = code_blocks(path) if document.format == "html" else []
    site = [key(part.path[-1]) for part in parts if part.path and part.reason == Reason.BOILERPLATE]
    return headings, text, (sum(block in text for block in blocks), len(blocks)), site


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
    return [(int(h.name[1]), text) for h in soup.find_all(re.compile("^h[1-6]$")) if (text := " ".join(h.get_text().split()))]


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


OWN = {"html": own_html, "pdf": own_pdf, "docx": own_docx, "epub": own_epub}


def others_of(kind: str, path: Path) -> Iterable[tuple[str, Headings | None, str | None]]:
    """(tool, headings or None, text or None) of each other tool that is installed."""
    if kind == "html":
        yield from markdown_tools(path.read_text(encoding="utf-8", errors="replace"))
    elif kind == "pdf" and shutil.which("pdftotext"):
        yield "pdftotext", None, run("pdftotext", str(path), "-")
    elif kind in ("docx", "epub") and shutil.which("pandoc"):
        yield "pandoc", of_markdown(run("pandoc", "-t", "gfm", "--wrap=none", str(path))), run("pandoc", "-t", "plain", "--wrap=none", str(path))


def markdown_tools(page: str) -> Iterable[tuple[str, Headings, None]]:
    """html2text and trafilatura on a page."""
    try:
        import html2text

        reader = html2text.HTML2Text()
        reader.body_width, reader.ignore_links = 0, True
        yield "html2text", of_markdown(reader.handle(page)), None
    except ImportError:
        pass
    try:
        import trafilatura

        yield "trafilatura", of_markdown(trafilatura.extract(page, output_format="markdown") or ""), None
    except ImportError:
        pass


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
    """Letters and digits alone, without the number in front."""
    return "".join(c for c in text.casefold() if c.isalnum())


def shared(of: str, within: str) -> float:
    """The share of the words of one text that the other has, each as often."""
    left, right = (Counter(re.findall(r"[^\W_]+", re.sub(r"-\s*\n", "", text).casefold())) for text in (of, within))
    return sum((left & right).values()) / max(1, left.total())


if __name__ == "__main__":
    main()
