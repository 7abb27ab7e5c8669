"""The polite client, against a real HTTP server."""

from __future__ import annotations

import gzip
import time
from email.utils import formatdate
from itertools import pairwise

import pytest
from scripted_server import ScriptedServer, Told

from corpus_tuner.errors import CorpusTunerError, Unavailable
from corpus_tuner.fetch.client import Client, _check_hop, is_local, user_agent
from corpus_tuner.fetch.line import one_line

PAGE = Told(body=b"page")


def impatient(**settings: object) -> Client:
    """A client that gives up soon."""
    return Client("test", **{"attempts": 3, "pause": 0.01, "timeout": (1.0, 0.5), "max_bytes": 1 << 20} | settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_fault_that_passes_is_retried(server: ScriptedServer, status: int) -> None:
    """A busy server is asked again, and its answer taken."""
    server.script(Told(status), Told(status), PAGE)
    assert impatient().get(server.url).body == b"page"
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 410])
def test_an_answer_is_not_asked_for_again(server: ScriptedServer, status: int) -> None:
    """Only faults that may pass are retried."""
    server.script(Told(status, body=b"said"))
    answer = impatient().get(server.url)
    assert (answer.status, answer.body, len(server.asked)) == (status, b"said", 1)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_waited_for(server: ScriptedServer, status: int, form: str) -> None:
    """The second request comes no earlier than the server asked for."""
    moment = int(time.time()) + 2
    header = "1" if form == "seconds" else formatdate(moment, usegmt=True)
    server.script(Told(status, {"Retry-After": header}), PAGE)
    earliest = time.monotonic() + (1 if form == "seconds" else moment - time.time())
    assert impatient().get(server.url).body == b"page"
    assert server.asked[1].at >= earliest - 0.05


@pytest.mark.parametrize("header", ["121", "9" * 30, "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_beyond_patience_is_not_begun(server: ScriptedServer, header: str) -> None:
    """A server that asks for more than the bound is not asked again, and the error says what it asked for."""
    server.script(Told(503, {"Retry-After": header}))
    with pytest.raises(Unavailable, match=r"answers 503 .*asks to wait \d+ s\): run the same command again"):
        impatient().get(server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize("header", ["soon", "-5", "1e999", "", "9" * 5000])
def test_a_retry_after_that_makes_no_sense_is_no_wait(server: ScriptedServer, header: str) -> None:
    """An unreadable Retry-After leaves our own back-off; one of absurd length is as good as unreadable."""
    server.script(Told(503, {"Retry-After": header}), PAGE)
    assert impatient().get(server.url).body == b"page"


def test_the_pauses_grow(server: ScriptedServer) -> None:
    """Without Retry-After each wait is at least the double of what the one before had to be."""
    server.script(Told(503), Told(503), Told(503), PAGE)
    impatient(attempts=4, pause=0.1).get(server.url)
    times = [asked.at for asked in server.asked]
    waits = [after - before for before, after in pairwise(times)]
    assert all(wait >= 0.1 * 2**number for number, wait in enumerate(waits))


def test_a_server_that_stays_down_is_unavailable(server: ScriptedServer) -> None:
    """After the last attempt the error names host and fault, and its exit code is 1."""
    server.script(Told(503))
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+ answers 503 Service Unavailable \(asked 3 times\)") as caught:
        impatient().get(server.url)
    assert len(server.asked) == 3
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(Told(headers={"Content-Length": "100"}, body=b"cut"), id="short"),
        pytest.param(Told(headers={"Content-Encoding": "gzip"}, body=b"not gzip"), id="encoding"),
        pytest.param(Told(body=b"x" * 40, pace=0.1), id="drip"),
        pytest.param(Told(headers={"Content-Length": "9"}, body=b"stalled", pace=1.5), id="stall"),
    ],
)
def test_a_broken_answer_is_asked_for_again(server: ScriptedServer, told: Told) -> None:
    """An answer that is cut, garbled, stalled or sent byte by byte is never taken for the whole."""
    server.script(told, PAGE)
    assert impatient().get(server.url).body == b"page"


@pytest.mark.parametrize("compressed", [False, True])
def test_a_huge_answer_is_refused(server: ScriptedServer, compressed: bool) -> None:
    """The bound holds for what arrives decompressed, too."""
    body = b"0" * (50 << 20 if compressed else 2 << 20)
    server.script(Told(headers={"Content-Encoding": "gzip"}, body=gzip.compress(body)) if compressed else Told(body=body))
    with pytest.raises(CorpusTunerError, match="more than 1 MiB"):
        impatient().get(server.url)
    assert len(server.asked) == 1


def test_only_the_head_of_a_page_is_read_where_that_is_enough(server: ScriptedServer) -> None:
    """`head` bounds what is read of however long a body."""
    server.script(Told(body=b"0" * (2 << 20)))
    assert impatient().get(server.url, head=10).body == b"0" * 10


def test_a_redirect_is_followed(server: ScriptedServer) -> None:
    """The answer's URL is where the redirects ended; a relative Location counts from the page."""
    server.script(Told(301, {"Location": "/b"}), PAGE)
    answer = impatient().get(f"{server.url}/a?x=1")
    assert (answer.url, answer.body) == (f"{server.url}/b", b"page")


def test_redirects_without_end_are_left(server: ScriptedServer) -> None:
    """The sixth redirect is not followed."""
    server.script(Told(302, {"Location": "/"}))
    with pytest.raises(CorpusTunerError, match="more than 5 redirects"):
        impatient().get(server.url)
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("https://example.org/", "http://example.org/"),
        ("https://example.org/", "file:///etc/passwd"),
        ("http://example.org/", "gopher://example.org/"),
        ("http://example.org/", "http://127.0.0.1:8080/"),
        ("http://example.org/", "http://localhost/"),
        ("http://example.org/", "http://[::1]/"),
        ("https://example.org/", "https://169.254.169.254/latest"),
    ],
)
def test_a_redirect_that_is_not_safe_is_refused(source: str, target: str) -> None:
    """No redirect drops encryption, leaves HTTP, or leads from outside into the user's own network."""
    with pytest.raises(CorpusTunerError, match=r"example\.org redirects to"):
        _check_hop(source, target)


def test_every_redirect_is_looked_at_before_it_is_followed(server: ScriptedServer) -> None:
    """A server's unsafe Location ends the request with an error that names it."""
    server.script(Told(302, {"Location": "/b"}), Told(302, {"Location": "file:///etc/passwd"}))
    with pytest.raises(CorpusTunerError, match="redirects to file:///etc/passwd, which is not safe to follow"):
        impatient().get(server.url)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("a.localhost.", True), ("10.0.0.1", True), ("fe80::1", True), ("8.8.8.8", False), ("example.org", False), (None, False)],
)  # fmt: skip
def test_the_own_network_is_told_from_the_world(host: str | None, local: bool) -> None:
    """Loopback, private and link-local addresses are local."""
    assert is_local(host) is local


def test_the_user_agent_names_client_page_and_contact() -> None:
    """The form of Wikimedia's User-Agent policy, with and without a contact."""
    assert user_agent("a@b.org").endswith(" (https://pypi.org/project/corpus-tuner/; a@b.org)")
    assert user_agent("").endswith(" (https://pypi.org/project/corpus-tuner/)")
    assert user_agent("").startswith("corpus-tuner/")


@pytest.mark.parametrize("contact", ["a\r\nX-Evil: 1", "ann@exämple.org", "\0"])
def test_a_contact_that_cannot_stand_in_a_header_is_refused(contact: str) -> None:
    """No contact can add a header of its own."""
    with pytest.raises(CorpusTunerError, match=r"corpus\.contact"):
        user_agent(contact)


@pytest.mark.parametrize("text", ["a\x1b[2Jb\nc\r\td", "\u202eevil", "x" * 5000, "", " \n "])
def test_words_of_others_fit_one_line(text: str) -> None:
    """Nothing of another's text moves the cursor, breaks the line or fills the screen."""
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 200
    assert line == line.strip()
