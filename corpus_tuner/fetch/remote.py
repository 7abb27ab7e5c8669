"""Files that lie elsewhere, by fsspec: s3://, gs://, hf:// and others; and the paths that file: URLs are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from corpus_tuner.errors import CorpusTunerError, MissingExtra, Unavailable

SCHEMES = {  # and the package that fsspec needs for it; "" for none
    "s3": "s3fs", "s3a": "s3fs",
    "gs": "gcsfs", "gcs": "gcsfs",
    "az": "adlfs", "abfs": "adlfs",
    "hf": "huggingface_hub",
    "sftp": "paramiko", "hdfs": "pyarrow", "ftp": "", "memory": "",
}  # fmt: skip
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def is_path(locator: str) -> bool:
    """Whether `locator` names files: by a path, a file: URL, or a URL of SCHEMES."""
    scheme = _URL.match(locator)
    return scheme is None or scheme[1].lower() in {"file", *SCHEMES}


def is_remote(locator: str) -> bool:
    """Whether `locator` is a URL of SCHEMES."""
    scheme = _URL.match(locator)
    return scheme is not None and scheme[1].lower() in SCHEMES


def is_url(locator: str) -> bool:
    """Whether `locator` is one of those, or a file: URL."""
    return is_remote(locator) or locator.lower().startswith("file:")


def path_of(locator: str) -> Path:
    """The path of a locator: of one elsewhere universal_pathlib's, which has the methods of a Path.

    Raises CorpusTunerError, naming the package, where fsspec or what it needs for the scheme is not installed.
    """
    if re.match("file:", locator, re.IGNORECASE):
        return Path(url2pathname(urlsplit(locator).path))
    found = _URL.match(locator)
    if found is None:
        return Path(locator)
    scheme = found[1].lower()
    try:
        from upath import UPath
    except ImportError:
        raise MissingExtra(f"{scheme}://", "remote", "fsspec and universal-pathlib") from None
    try:
        path: Any = UPath(locator)
        path.fs  # noqa: B018 - opens the file system, whose package may be missing
    except ImportError:
        package = SCHEMES.get(scheme) or "a package of its own"
        raise CorpusTunerError(f"{scheme}:// needs {package}: pip install {package}") from None
    except OSError as error:
        raise Unavailable(f"{locator} cannot be reached ({error.strerror or error}): run the same command again later") from error
    except ValueError as error:
        raise CorpusTunerError(f"{locator}: fsspec cannot read such a URL ({error})") from None
    return path


@contextmanager
def reaching(path: Any) -> Iterator[None]:
    """Raises Unavailable for whatever the client of a place elsewhere fails with: each scheme's package has errors of its own."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, CorpusTunerError):
        raise
    except Exception as error:
        if isinstance(path, Path):
            raise
        why = " ".join(str(getattr(error, "strerror", None) or error).split())[:300] or type(error).__name__
        raise Unavailable(f"{path} cannot be read: {why}: run the same command again later") from error


def files_below(root: Any) -> Iterator[tuple[str, Any]]:
    """(path below `root`, file) of all that lies below a folder elsewhere and is not hidden, as one listing gives it."""
    top = root.path.rstrip("/")
    for found in root.fs.find(top):
        name = found[len(top) :].strip("/")
        if not any(step.startswith(".") for step in name.split("/")):
            yield name, root / name


def span(path: Path, start: int, end: int) -> bytes:
    """Bytes `start` to `end` of a file, and no more over the network."""
    if not isinstance(path, Path):
        return path.fs.cat_file(path.path, start=start, end=end)
    with path.open("rb") as file:
        file.seek(start)
        return file.read(end - start)
