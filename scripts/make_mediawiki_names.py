#!/usr/bin/env python3
"""Writes corpus_tuner/clean/wikitext/names.json from MediaWiki's own language files.

  make_mediawiki_names.py MEDIAWIKI_FOLDER OUTPUT.json

MEDIAWIKI_FOLDER is an unpacked MediaWiki, for example Debian's package:
  apt-get download mediawiki && dpkg-deb -x mediawiki_*.deb x    (then x/usr/share/mediawiki)
Read are languages/messages/Messages*.php ($namespaceNames, $namespaceAliases, $magicWords) and the list of language
codes. What is kept are names, which are facts; the files that they come from are GPL-2.0-or-later.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

KINDS = {"NS_FILE": "file", "NS_CATEGORY": "category", "NS_TEMPLATE": "template"}
NAME = re.compile(r"^\t(NS_\w+)\s*=>\s*'([^']+)'", re.M)
ALIAS = re.compile(r"^\t'([^']+)'\s*=>\s*(NS_\w+)", re.M)
MAGIC = re.compile(r"^\t'(\w+)'\s*=>\s*\[\s*'?[01]'?,\s*(.*?)\s*\],?$", re.M)
# options that take an image out of its line: the paragraph around it is split
FLOATING = {"img_thumbnail", "img_manualthumb", "img_framed", "img_right", "img_left", "img_center", "img_none"}


SEPARATORS = re.compile(r"\$separatorTransformTable = \[(.*?)\];", re.S)
SEPARATOR = re.compile(r"'([,.])'\s*=>\s*(?:'([^']*)'|\"([^\"]*)\")")
GROUPING = re.compile(r"\$minimumGroupingDigits = (\d)")


def number_format(text: str) -> list[str | int] | None:
    """[thousands separator, decimal separator, least digits before the first separator], where a language has its own."""
    found = SEPARATORS.search(text)
    if found is None:
        return None
    own = {key: single or re.sub(r"\\u\{(\w+)\}", lambda code: chr(int(code[1], 16)), double) for key, single, double in SEPARATOR.findall(found[1])}
    grouping = GROUPING.search(text)
    return [own.get(",", ","), own.get(".", "."), int(grouping[1]) if grouping else 1]


def quoted(text: str) -> list[str]:
    """The single-quoted strings of a PHP array."""
    return [value.replace("\\'", "'") for value in re.findall(r"'((?:[^'\\]|\\.)*)'", text)]


def read(path: Path) -> dict[str, set[str]]:
    """Names by kind in one language file."""
    text, found = path.read_text(encoding="utf-8"), defaultdict(set)
    pairs = [(kind, name) for kind, name in NAME.findall(text)] + [(kind, name) for name, kind in ALIAS.findall(text)]
    for kind, name in pairs:
        if kind in KINDS:
            found[KINDS[kind]].add(name.replace("_", " ").lower())
    for word, values in MAGIC.findall(text):
        if word in FLOATING:
            found["floating"].update(value.split("=")[0].lower() for value in quoted(values))
        elif word == "redirect":
            found["redirect"].update(value.lower() for value in quoted(values))
        else:
            found["switch"].update(value for value in quoted(values) if value.startswith("__"))
    return found


def main() -> None:
    """Reads every language and writes the table."""
    folder, output = Path(sys.argv[1]), Path(sys.argv[2])
    languages, union, numbers = {}, defaultdict(set), {}
    for path in sorted((folder / "languages/messages").glob("Messages*.php")):
        code = path.stem.removeprefix("Messages").replace("_", "-").lower()
        names = read(path)
        if numbers_of := number_format(path.read_text(encoding="utf-8")):
            numbers[code] = numbers_of
        languages[code] = {kind: sorted(names[kind]) for kind in ("file", "category", "template") if names[kind]}
        for kind in ("floating", "redirect", "switch"):
            union[kind] |= names[kind]
    codes = re.findall(r"^\t+'([a-z-]+)'\s*=>", (folder / "includes/languages/data/Names.php").read_text("utf-8"), re.M)
    version = re.search(r"MW_VERSION', '([^']+)'", (folder / "includes/Defines.php").read_text("utf-8"))
    table = {
        "origin": f"MediaWiki {version.group(1) if version else ''}, languages/messages; made by scripts/{Path(__file__).name}",
        "languages": {code: names for code, names in languages.items() if names},
        **{kind: sorted(values) for kind, values in union.items()},
        "codes": sorted(codes),
        "numbers": numbers,
    }
    output.write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")).replace('},"', '},\n"') + "\n", "utf-8")


if __name__ == "__main__":
    main()
