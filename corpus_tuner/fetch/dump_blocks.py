"""The file of a dump: plain, gzip or bzip2; and the blocks of a multistream one, which can be read by themselves."""

from __future__ import annotations

import bz2
import gzip
import html
import io
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from corpus_tuner.fetch.dump_xml import Damaged, Export, Page, Site, pages
from corpus_tuner.fetch.remote import span

CHUNK = 1 << 18  # bytes
MAX_BLOCK = 64 << 20  # compressed bytes of a block; Wikimedia's hold a hundred pages, 1 MB
_STREAM = re.compile(rb"BZh[1-9]1AY&SY")  # a bzip2 stream's header and its first block's
_INDEXED = re.compile(r"multistream(\d*)\.xml")


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes `start` to `end` of a multistream dump: bzip2 streams of their own, with whole pages in them."""

    start: int
    end: int


def opened(path: Path) -> IO[bytes]:
    """What is in a dump file or its index, decompressed. Raises OSError."""
    suffix = path.suffix.lower()
    if suffix not in (".bz2", ".gz"):
        return path.open("rb")
    file = path if isinstance(path, Path) else path.open("rb")
    return bz2.open(file) if suffix == ".bz2" else gzip.open(file)


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """What is in `file`, decompressed. Raises Damaged."""
    try:
        while data := file.read(CHUNK):
            yield data
    except EOFError:
        raise Damaged("it ends in the middle") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(f"its compressed data is broken ({error})") from None
    except OSError as error:
        if error.errno is not None:  # the disk's fault; bzip2's has no number
            raise
        raise Damaged(f"its compressed data is broken ({error})") from None


def site_of(path: Path) -> Site | None:
    """The <siteinfo> of a dump; None where there is none before its first page. Raises Damaged and OSError."""
    export = Export()
    with opened(path) as file:
        for chunk in chunks(file):
            if export.feed(chunk) or export.site:
                break
    return export.site


def is_multistream(path: Path) -> bool:
    """Whether a dump's name says that it is one of blocks."""
    return path.suffix.lower() == ".bz2" and "multistream" in path.name


def index_of(path: Path) -> Path | None:
    """The index beside a multistream dump, compressed or not, if there is one."""
    name = _INDEXED.sub(r"multistream-index\1.txt", path.name)
    for candidate in (path.with_name(name), path.with_name(name.removesuffix(".bz2"))):
        if candidate != path and candidate.is_file():
            return candidate
    return None


def entries(index: Path) -> Iterator[tuple[int, str]]:
    """(offset of its block, title) of every page in an index. Raises Damaged."""
    try:
        with opened(index) as file:
            for line in file:
                offset, _, title = line.decode("utf-8", "replace").rstrip("\n").split(":", 2)
                yield int(offset), html.unescape(title)  # as it stands in the XML: AT&amp;T
    except (EOFError, ValueError, OSError) as error:
        raise Damaged(f"its index {index.name} cannot be read ({error})") from None


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a multistream dump in order: by its index if it has one, else by the streams' own headers.

    What is read by them is what the whole file holds; none depends on another. Raises Damaged and OSError.
    """
    size, index = path.stat().st_size, index_of(path)
    before = None
    for start in (offset for offset, _ in entries(index)) if index else _streams(path):
        if (before is not None and start < before) or start >= size:
            raise Damaged(f"it has {size:,} bytes, and its index names a block at {start:,}: one of the two is of another dump, or cut")
        if before is not None and start > before:
            yield Block(before, start)
        before = start
    if before is not None:
        yield Block(before, size)


def grouped(found: Iterable[Block], size: int) -> Iterator[Block]:
    """Neighbours joined to blocks of `size` bytes or more: streams one after the other are read as one."""
    start = end = 0
    for block in found:
        start = start if start < end else block.start
        end = block.end
        if end - start >= size:
            yield Block(start, end)
            start = end
    if start < end:
        yield Block(start, end)


def _streams(path: Path) -> Iterator[int]:
    """Where bzip2 streams begin. Ten bytes by chance are as good as impossible: one in 2**76 places."""
    with path.open("rb") as file:
        position, tail = 0, b""
        while data := file.read(1 << 22):
            window = tail + data
            for match in _STREAM.finditer(window):
                if match.end() > len(tail):
                    yield position - len(tail) + match.start()
            position, tail = position + len(data), window[-9:]


def read_block(path: Path, block: Block, site: Site | None) -> Iterator[Page]:
    """The pages of one block. Raises Damaged and OSError."""
    if block.end - block.start > MAX_BLOCK:
        raise Damaged(f"its block at byte {block.start:,} has more than {MAX_BLOCK >> 20} MiB")
    with bz2.open(io.BytesIO(span(path, block.start, block.end))) as stream:
        yield from pages(chunks(stream), Export(site, part=True, inside=block.start > 0))


def find(path: Path, titles: Iterable[str]) -> dict[str, Block]:
    """Where pages lie, by their titles, as the index of a multistream dump says; titles that it lacks are left out."""
    index = index_of(path)
    wanted = set(titles)
    found: dict[str, Block] = {}
    start = 0
    here: set[str] = set()
    for offset, title in entries(index) if index else ():
        if offset != start:
            found |= dict.fromkeys(here, Block(start, offset))
            start, here = offset, set()
        if title in wanted:
            here.add(title)
    return found | dict.fromkeys(here, Block(start, path.stat().st_size))
