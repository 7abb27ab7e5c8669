"""The package document of an EPUB: its reading order and its table of contents."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from corpus_tuner.archive import Archive, Damaged

MOST = 50_000  # entries of a table of contents


@dataclass(slots=True)
class Entry:
    """A line of the table of contents; `depth` counts from 1."""

    depth: int
    label: str
    file: str
    anchor: str


class Book:
    """Raises Damaged for a book that lacks its package document, or that is encrypted."""

    def __init__(self, archive: Archive) -> None:
        container = archive.xml("META-INF/container.xml").find(".//{*}rootfile")
        package = container.get("full-path", "") if container is not None else ""
        root = archive.xml(package)
        folder = posixpath.dirname(package)
        items = {item.get("id"): item for item in root.iter("{*}item")}
        paths = {key: _joined(folder, item.get("href", "")) for key, item in items.items()}
        self.spine = [paths[one.get("idref")] for one in root.iter("{*}itemref") if one.get("idref") in paths]
        self.navigation = next((paths[key] for key, item in items.items() if "nav" in item.get("properties", "").split()), "")
        if not _encrypted(archive).isdisjoint(self.spine):
            raise Damaged("is encrypted: only a copy without rights management can be read")
        spine = root.find(".//{*}spine")
        ncx = paths.get(spine.get("toc", "") if spine is not None else "", "")
        self.contents = _contents(archive, self.navigation, ncx)[:MOST]
        for entry, after in zip(reversed(self.contents[:-1]), reversed(self.contents[1:]), strict=True):
            if not entry.file:  # a mere label begins where the first entry below it does
                entry.file, entry.anchor = after.file, after.anchor


def _encrypted(archive: Archive) -> set[str]:
    """The names of encrypted files (EPUB 3.3, 4.2.6.3.3); fonts often are."""
    if "META-INF/encryption.xml" not in archive.names:
        return set()
    return {_joined("", reference.get("URI", "")) for reference in archive.xml("META-INF/encryption.xml").iter("{*}CipherReference")}


def _contents(archive: Archive, navigation: str, ncx: str) -> list[Entry]:
    """The entries of the navigation document, or of an EPUB 2's NCX; [] where there is neither, or it is broken."""
    try:
        if navigation in archive.names:
            lists = [nav for nav in archive.xml(navigation).iter("{*}nav") if nav.get("{http://www.idpf.org/2007/ops}type") == "toc"]
            return list(_listed(lists[0].find("{*}ol"), posixpath.dirname(navigation), 1)) if lists else []
        if ncx in archive.names:
            points = archive.xml(ncx).find("{*}navMap")
            return list(_points(points, posixpath.dirname(ncx), 1)) if points is not None else []
    except Damaged:
        return []
    return []


def _listed(ol: Any, folder: str, depth: int) -> Iterator[Entry]:
    for li in ol.findall("{*}li") if ol is not None else ():
        link = li.find("{*}a")
        label = link if link is not None else li.find("{*}span")
        yield _entry(depth, "".join(label.itertext()) if label is not None else "", link.get("href", "") if link is not None else "", folder)
        yield from _listed(li.find("{*}ol"), folder, depth + 1)


def _points(parent: Any, folder: str, depth: int) -> Iterator[Entry]:
    for point in parent.findall("{*}navPoint"):
        target = point.find("{*}content")
        yield _entry(depth, point.findtext("{*}navLabel/{*}text") or "", target.get("src", "") if target is not None else "", folder)
        yield from _points(point, folder, depth + 1)


def _entry(depth: int, label: str, href: str, folder: str) -> Entry:
    path, _, anchor = href.partition("#")
    return Entry(depth, " ".join(label.split()), _joined(folder, path) if path else "", unquote(anchor))


def _joined(folder: str, href: str) -> str:
    """A name in the archive; one that climbs out of it is in no archive."""
    return posixpath.normpath(posixpath.join(folder, unquote(href)))
