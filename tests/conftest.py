"""What tests of several rooms share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import mediawiki as real_mediawiki
import pytest
import scripted_server

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's background job; the tests' own processes must hear Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mediawiki(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[real_mediawiki.MediaWiki]:
    """A real MediaWiki on loopback, with the pages of tests/data/fetch/export.xml."""
    code = os.environ.get("CORPUS_TUNER_MEDIAWIKI_CODE") or str(pytestconfig.cache.mkdir("mediawiki"))
    with real_mediawiki.running(tmp_path_factory.mktemp("mediawiki"), Path(code)) as wiki:
        yield wiki


@pytest.fixture
def server() -> Iterator[scripted_server.ScriptedServer]:
    """A real HTTP server on loopback that answers what the test tells it to."""
    with scripted_server.serving() as running:
        yield running


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread for torch: of a model this small, on a busy machine, a second one only waits."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
