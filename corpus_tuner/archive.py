"""Zip archives and XML from strangers, read within bounds: what DOCX, EPUB and XLSX are made of."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml import etree

MAX_FILES = 20_000
MAX_BYTES = 256 << 20  # of all files unpacked
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an OLE compound file, in which Office wraps what it encrypts, too
MAX_MEMBER = 64 << 20


class Damaged(ValueError):
    """An archive or an XML file that cannot be read, or would grow beyond the bounds: one line of why."""


class Archive:
    """The files of a zip archive by name. Nothing is ever written to disk, so that a name with `../` leads nowhere.

    Raises Damaged for bytes that are no zip archive, and for one that unpacks to more than `MAX_BYTES`: zipfile reads
    no more of a file than the size that its directory states, so that the sum of these sizes is a true bound.
    """

    def __init__(self, content: bytes) -> None:
        if content.startswith(_OLD_OFFICE):
            raise Damaged("is encrypted, or of an Office before 2007: save it anew, without a password")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            files = self._zip.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
            raise Damaged("is not a whole zip archive, as its format must be") from error
        size = sum(file.file_size for file in files)
        if len(files) > MAX_FILES or size > MAX_BYTES:
            raise Damaged(f"unpacks to {len(files):,} files and {size >> 20:,} MiB, more than {MAX_FILES:,} or {MAX_BYTES >> 20} MiB")
        self.names = frozenset(file.filename for file in files)

    def read(self, name: str, limit: int = MAX_MEMBER) -> bytes:
        """The bytes of a file. Raises Damaged if it is missing, encrypted, broken or above `limit` bytes."""
        try:
            info = self._zip.getinfo(name)
            if info.file_size > limit:
                raise Damaged(f"holds {name!r} of {info.file_size:,} bytes, more than {limit:,}")
            return self._zip.read(info)
        except KeyError:
            raise Damaged(f"lacks {name!r}") from None
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise Damaged(f"holds {name!r}, which cannot be unpacked: {error}") from error

    def xml(self, name: str) -> etree._Element:
        """The root of an XML file, as `xml_root` gives it."""
        return xml_root(self.read(name), name)


def xml_root(content: bytes, name: str, *, forgiving: bool = False) -> Any:
    """The root element of an XML document; no entity of its own is expanded, nothing is loaded from elsewhere.

    libxml2 stops at 256 levels and 10 MB of one text. `forgiving` keeps what can be read of a document with mistakes
    (feeds have many). Raises Damaged where nothing can be read.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True, recover=forgiving
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Damaged(f"holds {name!r}, which is not XML: {' '.join(str(error).split())[:200]}") from error
    if root is None:
        raise Damaged(f"holds {name!r}, which is not XML")
    return root
