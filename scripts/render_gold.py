#!/usr/bin/env python3
"""Renders wikitext with MediaWiki's own parser, as a judge of the cleaner: writes the gold.json that score_cleaning.py reads.

  render_gold.py FOLDER TEMPLATES.json OUT.json [--dump DUMP] [--work DIR]

FOLDER           index.json ({"pages": [{"file", "title", "lang"}]}) and the wikitext files
TEMPLATES.json   {language or "*": {template: its wikitext}}: what templates are answered with; any other renders as nothing
--dump           a dump whose articles are written into FOLDER first
--work           where MediaWiki's code, its extensions and a wiki on SQLite are kept from one run to the next

Needs Debian or Ubuntu: scripts/mediawiki_up.sh fetches the packages. Each page is parsed with the content language of its
wiki, so that namespaces and magic words are its own, and with the extensions that pages use. Image captions, references,
edit links and error messages are left out. Appendices are those that the cleaner knows by name: what it takes for one
falsely does not show here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from corpus_tuner.clean.outline import Outline
from corpus_tuner.clean.wikitext.names import load_names
from corpus_tuner.fetch.dump import Dump
from corpus_tuner.records import Document
from corpus_tuner.settings import Settings

EXTENSIONS = ("ParserFunctions", "Cite", "Poem", "SyntaxHighlight_GeSHi", "ImageMap", "InputBox", "CategoryTree", "TemplateData")
GONE = (
    ".mw-editsection, sup.reference, .mw-references-wrap, ol.references, .thumb, figure, .gallery, style, script, .error, .mw-ext-cite-error, "
    'a.image, img, [style*="display:none"], [style*="display: none"], .navbox, .infobox, .metadata, map, .mw-inputbox-centered'
)
PHP = r"""<?php
require_once getenv( 'MW_CODE' ) . '/maintenance/Maintenance.php';
class Render extends Maintenance {
  public function execute() {
    $job = json_decode( file_get_contents( 'php://stdin' ), true );
    $parser = MediaWiki\MediaWikiServices::getInstance()->getParserFactory()->create();
    foreach ( [ 'math', 'ce', 'chem', 'timeline', 'score', 'hiero', 'mapframe', 'maplink', 'graph' ] as $tag ) {
      $parser->setHook( $tag, static fn () => '' );
    }
    foreach ( $job['pages'] as $page ) {
      $options = ParserOptions::newFromAnon();
      $options->setTemplateCallback( static function ( $title ) use ( $job ) {
        $name = mb_strtolower( str_replace( '_', ' ', $title->getText() ) );
        return [ 'text' => $job['definitions'][$name] ?? '', 'finalTitle' => $title, 'deps' => [], 'revision-record' => null ];
      } );
      $out = $parser->parse( file_get_contents( $page['path'] ), Title::newFromText( $page['title'] ) ?: Title::newFromText( 'Page' ), $options );
      $html = $out->getText( [ 'enableSectionEditLinks' => false, 'allowTOC' => false ] );
      echo json_encode( [ 'file' => $page['file'], 'html' => $html ], JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE ), "\n";
    }
  }
}
$maintClass = Render::class;
require_once RUN_MAINTENANCE_IF_MAIN;
"""


def wiki(work: Path) -> dict[str, str]:
    """Installs MediaWiki into `work` where it is not there yet; the environment that its scripts need."""
    work = work.resolve()
    code = Path(os.environ.get("CORPUS_TUNER_MEDIAWIKI_CODE") or work / "code")
    environment = os.environ | {"MW_CODE": str(code), "MW_NO_SERVE": "1"}
    subprocess.run(["bash", Path(__file__).with_name("mediawiki_up.sh"), "1", work], env=environment, check=True)
    extensions = work / "packages/usr/share/mediawiki/extensions-core"
    if not extensions.exists():
        subprocess.run("apt-get download -qq mediawiki && dpkg-deb -x mediawiki_*.deb packages", shell=True, cwd=work, check=True)
    settings = work / "conf/LocalSettings.php"
    if "MW_LANGUAGE" not in settings.read_text(encoding="utf-8"):
        lines = [f"wfLoadExtension( '{name}', '{extensions / name / 'extension.json'}' );" for name in EXTENSIONS]
        with settings.open("a", encoding="utf-8") as file:
            file.write("$wgLanguageCode = getenv( 'MW_LANGUAGE' ) ?: 'en';\n" + "\n".join(lines) + "\n")
    with sqlite3.connect(work / "db/wiki.sqlite") as table:
        rows = [(prefix, f"https://{prefix}.example.org/$1") for prefix in load_names().interlanguage]
        table.executemany("INSERT OR REPLACE INTO interwiki VALUES (?, ?, '', '', 0, 0)", rows)
    (work / "render.php").write_text(PHP, encoding="utf-8")
    return environment | {"MW_CONFIG_FILE": str(settings), "MW_SERVER": "http://127.0.0.1:1"}


def rendered(pages: list[dict[str, Any]], folder: Path, definitions: dict[str, Any], work: Path) -> Iterator[tuple[str, str]]:
    """(file, HTML) of each page, those of one language by one process."""
    environment = wiki(work)
    by_language = defaultdict(list)
    for page in pages:
        by_language[page["lang"]].append({"file": page["file"], "title": page["title"], "path": str((folder / page["file"]).resolve())})
    for language, some in sorted(by_language.items()):
        job = {"definitions": definitions.get(language) or definitions["*"], "pages": some}
        done = subprocess.run(
            ["php", "-d", "memory_limit=1024M", "-d", "error_reporting=0", work / "render.php"],
            input=json.dumps(job), capture_output=True, text=True, check=False, env=environment | {"MW_LANGUAGE": language},
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith('{"file"')]
        if len(lines) < len(some):
            print(f"{language}: {len(some) - len(lines)} pages could not be rendered: {(done.stdout + done.stderr)[-300:]}", file=sys.stderr)
        yield from ((row["file"], row["html"]) for row in map(json.loads, lines))


def unpack(dump: Path, folder: Path) -> None:
    """Writes the articles of a dump, and their index."""
    pages = []
    folder.mkdir(parents=True, exist_ok=True)
    for item in Dump(Settings()).fetch(str(dump), {}):
        if isinstance(item, Document):
            pages.append({"file": f"{item.language}__{len(pages):04}.wiki", "title": item.title, "lang": item.language or "en"})
            (folder / pages[-1]["file"]).write_text(item.text, encoding="utf-8")
    (folder / "index.json").write_text(json.dumps({"pages": pages}, ensure_ascii=False), encoding="utf-8")


def sections(html: str) -> list[dict[str, Any]]:
    """The units of a rendered page under their headings."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "lxml")
    for gone in [*soup.select(GONE), *filter(_is_missing_file, soup.select("a.new"))]:
        gone.decompose()
    outline = Outline(load_names().is_appendix)
    found = [{"level": 0, "path": [], "app": False, "units": []}]
    _walk(soup.body or soup, outline, found)
    return found


def _is_missing_file(link: Any) -> bool:
    """Whether MediaWiki shows a name where there would be an image: the wiki has no files."""
    return link.get("title", "").partition(":")[0].replace("_", " ").lower() in load_names().file


def _walk(node: Any, outline: Outline, found: list[dict[str, Any]]) -> None:
    loose: list[str] = []

    def end() -> None:
        if text := " ".join("".join(loose).split()):
            found[-1]["units"].append(["prose", text])
        loose.clear()

    for child in list(node.children):
        name = getattr(child, "name", None)
        if name is None:
            loose.append(str(child) if type(child).__name__ == "NavigableString" else "")
        elif re.fullmatch("h[1-6]", name):
            end()
            title = " ".join(child.get_text().split())
            path = outline.enter(int(name[1]), title)
            found.append({"level": int(name[1]), "path": list(path), "app": outline.in_appendix, "units": []})
        elif name in ("p", "ul", "ol", "dl", "table", "pre"):
            end()
            kind = {"p": "prose", "pre": "pre", "table": "table"}.get(name, "list")
            if text := " ".join(child.get_text(" " if kind == "table" else "").split()):
                found[-1]["units"].append([kind, text])
        elif name in ("div", "center", "blockquote", "section", "body"):
            end()
            _walk(child, outline, found)
        else:
            loose.append(child.get_text())
    end()


def main() -> None:
    """Renders, and writes the gold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("templates", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--work", type=Path, default=Path("mediawiki"))
    parser.add_argument("--dump", type=Path)
    options = parser.parse_args()
    if options.dump:
        unpack(options.dump, options.folder)
    pages = json.loads((options.folder / "index.json").read_text(encoding="utf-8"))["pages"]
    definitions = json.loads(options.templates.read_text(encoding="utf-8"))
    gold = {file.removesuffix(".wiki"): sections(html) for file, html in rendered(pages, options.folder, definitions, options.work)}
    options.out.write_text(json.dumps(gold, ensure_ascii=False), encoding="utf-8")
    print(f"{len(gold)} of {len(pages)} pages rendered into {options.out}")


if __name__ == "__main__":
    main()
