"""A real MediaWiki on loopback for the tests, and cassettes recorded from it.

CORPUS_TUNER_MEDIAWIKI says what to do about it:
  auto (default)  bring it up; skip its tests, with the reason, where that cannot be done. PHP's packages are installed
                  by apt only for root (a container); for anybody else they must be there
  on              bring it up, by `sudo -n apt-get` if need be; fail where that cannot be done
  off             skip its tests
  record          as `on`, and record the cassettes anew
CORPUS_TUNER_MEDIAWIKI_CODE names a folder that keeps MediaWiki's code (190 MB) from one session to the next; default:
pytest's cache.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MODE = os.environ.get("CORPUS_TUNER_MEDIAWIKI", "auto")
SCRIPT = Path(__file__).parents[1] / "scripts" / "mediawiki_up.sh"
EXPORT = Path(__file__).parent / "data" / "fetch" / "export.xml"
LISTS = EXPORT.with_name("lists.xml")  # sixty craters in two categories that contain each other
CASSETTES = EXPORT.parent / "cassettes"
RECORDED = "http://127.0.0.1:39800"  # where the wiki stood when the cassettes were recorded
PATIENCE = 300  # seconds: apt and a download of 40 MB on a slow line


@dataclass(frozen=True)
class MediaWiki:
    """A running wiki: `url` is its root, `folder` what scripts/mediawiki_up.sh made."""

    url: str
    folder: Path

    @contextmanager
    def lagging(self, seconds: float) -> Iterator[Path]:
        """The wiki answers as one whose replicas lag; yields the file whose removal ends it."""
        file = self.folder / "conf" / "lag"
        file.write_text(str(seconds))
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)


@contextmanager
def running(folder: Path, code: Path) -> Iterator[MediaWiki]:
    """A wiki made from the export in `folder`, ended with the block. Skips or fails as MODE says."""
    if MODE == "off":
        pytest.skip("CORPUS_TUNER_MEDIAWIKI=off")
    if shutil.which("apt-get") is None:
        _give_up("MediaWiki needs apt-get, of Debian or Ubuntu")
    port = RECORDED.rpartition(":")[2] if MODE == "record" else str(_free_port())
    try:
        _bring_up([str(SCRIPT), port, str(folder), str(EXPORT), str(LISTS)], code)
        _mark_as_disambiguation(folder, "Ambiguous")
        yield MediaWiki(f"http://127.0.0.1:{port}", folder)
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=False)


def _bring_up(command: list[str], code: Path) -> None:
    environment = os.environ | {"MW_CODE": str(code)}
    if MODE == "auto" and os.geteuid() != 0:
        environment["MW_NO_APT"] = "1"
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        _give_up(f"MediaWiki was not up within {PATIENCE} s")
    if process.returncode:
        _give_up(f"MediaWiki did not start: {errors.strip()[-300:]}")


def _give_up(reason: str) -> None:
    if MODE == "auto":
        pytest.skip(reason)
    pytest.fail(reason)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _mark_as_disambiguation(folder: Path, title: str) -> None:
    """Sets the page property that the Disambiguator extension, which Debian does not package, would set."""
    with sqlite3.connect(folder / "db" / "wiki.sqlite") as database:
        (page,) = database.execute("SELECT page_id FROM page WHERE page_title = ?", (title,)).fetchone()
        database.execute("INSERT INTO page_props (pp_page, pp_propname, pp_value) VALUES (?, 'disambiguation', '')", (page,))
    database.close()


@contextmanager
def cassette(name: str) -> Iterator[None]:
    """Requests go to `cassettes/NAME.yaml`; in record mode to the wiki, and into that file."""
    import vcr
    from vcr.stubs import VCRHTTPResponse

    recorder = vcr.VCR(
        cassette_library_dir=str(CASSETTES),
        record_mode="all" if MODE == "record" else "none",
        decode_compressed_response=True,
        before_record_request=_scrub_request,
        before_record_response=_scrub_response,
    )
    if MODE == "record":
        (CASSETTES / f"{name}.yaml").unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch, recorder.use_cassette(f"{name}.yaml"):
        # urllib3's read1 takes decode_content, vcrpy's stand-in does not (its bodies are decoded already)
        patch.setattr(VCRHTTPResponse, "read1", lambda self, amt=-1, decode_content=None: self._content.read1(amt))
        yield


def _scrub_request(request: Any) -> Any:
    request.headers = {}
    return request


def _scrub_response(response: dict[str, Any]) -> dict[str, Any]:
    """Only what the tests are about: two headers, and of a page no more than its head without scripts."""
    response["headers"] = {
        name: value for name, value in response["headers"].items() if name.lower() in ("content-type", "retry-after", "location")
    }
    body = response["body"]["string"]
    if body.lstrip().startswith(b"<!DOCTYPE html>"):
        head = body.partition(b"</head>")[0] + b"</head>"
        response["body"]["string"] = re.sub(rb"<script.*?</script>|<style.*?</style>", b"", head, flags=re.DOTALL)
    return response
