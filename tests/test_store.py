"""What lies on disk: whole or not at all, and read back as it was written."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from corpus_tuner import records
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.store import Calls, digest, file_digest, read_jsonl, replacing, write_json, write_jsonl, write_text

ODD = {
    "breaks": "a\rb\nc\r\nd\u2028e\u2029f\u0085g\x0bh\x0ci\x1cj",
    "controls": "\x00\x01\x1b[31m\x7f\ufeff\ufffe",
    "beyond": "🚀𝔘𠀀" + chr(0x10FFFF),
    "marks": "e\u0301 \u200b\u200d\u202e \u00a0",
    "surrogates": "\ud800 and \udc80 alone",
    "quotes": '"\\"\'\\n{}[]: null',
    "empty": "",
}


def every_record(text):
    """One record of every kind with `text` in every place that takes text."""
    return [
        records.Document(text, text, text, "wikitext", text, text, text, text, text),
        records.Section(text, text, text, (text, "x"), text, ((0, 1), (2, 3)), text, text),
        records.Section(text, text, text, (), text, ()),
        records.Example(text, "basic", text, text, ((text, 1), ("b", 2)), text, text),
        records.Example(text, "basic", text, text, (), text, text, text),
        *(records.Reject(text, text, reason, text) for reason in records.Reason),
        records.Question(text, text, text, (text, text), ((text, 3),), text),
        records.Expert(text, text, text, metrics={text: [1, 2.5, None, {text: True}]}),
        records.Answer(text, text, text, {text: 0.5}),
        records.Reply(text, usage={"prompt_tokens": 3}),
    ]


@pytest.mark.parametrize("name", ODD)
def test_every_record_comes_back_as_it_was_written(tmp_path, name):
    """Any text in any field, odd line breaks and lone surrogates too, survives write_jsonl and read_jsonl."""
    path = tmp_path / "records.jsonl"
    for record in every_record(ODD[name]):
        assert write_jsonl(path, [record, record]) == 2
        assert list(read_jsonl(path, type(record))) == [record, record]
        path.read_bytes().decode("utf-8")  # strict: other readers get real UTF-8


def test_no_record_type_is_forgotten():
    """The round trip covers every dataclass of records.py but Blob, whose bytes never become JSON."""
    known = {value for value in vars(records).values() if dataclasses.is_dataclass(value)} - {records.Blob}
    assert {type(record) for record in every_record("x")} == known


def test_a_reason_comes_back_as_the_enum_it_was(tmp_path):
    """JSON has no enums: reading makes a Reason of the string again, and refuses one that is none."""
    path = tmp_path / "rejects.jsonl"
    write_jsonl(path, [records.Reject("clean", "1", records.Reason.EMPTY)])
    assert next(read_jsonl(path, records.Reject)).reason is records.Reason.EMPTY
    path.write_text(path.read_text().replace('"empty"', '"because"'))
    with pytest.raises(CorpusTunerError, match=r"rejects\.jsonl:1"):
        list(read_jsonl(path, records.Reject))


@pytest.mark.parametrize("line", [b"{", b"null", b"[1]", b"3", b'{"nonsense": 1}', b"{}", b"\xff\xfe\x00", b""])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    """File and line stand in the error, whatever is wrong with it; the lines before it are read."""
    path = tmp_path / "answers.jsonl"
    write_jsonl(path, [records.Answer("q", "m", "t")])
    with path.open("ab") as file:
        file.write(line + b"\n")
    reader = read_jsonl(path, records.Answer)
    assert next(reader).text == "t"
    with pytest.raises(CorpusTunerError, match=r"answers\.jsonl:2 is not a Answer"):
        next(reader)


def test_no_file_reads_as_no_records(tmp_path):
    """An absent file is an empty one."""
    assert list(read_jsonl(tmp_path / "none.jsonl", records.Answer)) == []
    assert file_digest(tmp_path / "none.jsonl") == ""


def test_a_line_that_holds_nothing_of_what_is_sought_is_passed_over_unread(tmp_path):
    """Few of a dump's millions of rejects are wanted at once; those that are come by their own line's number."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"stage": "clean", "item_id": "1", "reason": "empty", "detail": ""}\nno JSON\n{"reason": "malformed\n')
    assert list(read_jsonl(path, records.Reject, b"nowhere")) == []
    assert [one.item_id for one in read_jsonl(path, records.Reject, b"empty")] == ["1"]
    with pytest.raises(CorpusTunerError, match=r"a\.jsonl:3"):
        list(read_jsonl(path, records.Reject, b"malformed"))


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_written_json_is_real_utf8_and_holds_what_was_given(tmp_path, text):
    """Lone surrogates are escaped, so that strict readers can read the file and get the same text."""
    write_json(tmp_path / "a.json", {text: [text]})
    assert json.loads((tmp_path / "a.json").read_bytes().decode("utf-8")) == {text: [text]}


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    """An exception in the middle of a stage: the old file stands, the temporary one is gone."""
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [{"n": 1}])

    def broken():
        yield {"n": 2}
        raise OSError("the world ended")

    with pytest.raises(OSError, match="the world ended"):
        write_jsonl(path, broken())
    assert path.read_text() == '{"n": 1}\n'
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    """While a file is replaced over and over, every read finds it whole."""
    path = tmp_path / "a.txt"
    write_text(path, "0" * 100_000)
    stop = threading.Event()

    def replace():
        number = 0
        while not stop.is_set():
            number = (number + 1) % 10
            write_text(path, str(number) * 100_000)

    writer = threading.Thread(target=replace)
    writer.start()
    seen = [path.read_text() for _ in range(200)]
    stop.set()
    writer.join()
    assert all(len(text) == 100_000 and len(set(text)) == 1 for text in seen)


def test_a_write_into_a_folder_that_is_not_there_makes_it(tmp_path):
    """Folders appear with their first file."""
    with replacing(tmp_path / "a" / "b" / "c.txt") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "x"


@pytest.mark.skipif(os.name != "posix", reason="other systems have no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_who_may_read_a_file_is_the_umasks_to_say(tmp_path, umask, mode):
    """Also where a writer made the file anew and kept it to its user."""
    before = os.umask(umask)
    try:
        with replacing(tmp_path / "x") as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == mode


def test_a_digest_tells_values_and_their_borders_apart():
    """Equal values have equal digests whatever the order of keys; parts do not run into each other."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest(["ab", "c"]), digest("ab", "c", "")}) == 5
    assert digest("\ud800") != digest("?")


# ------------------------------------------------------------------------------------------------------------- Calls


def exchange(number, size=10):
    """What one call records."""
    return {"request": {"n": number}, "reply": f"reply {number} " + "é" * size, "usage": {}, "time": 0.5}


def test_what_was_added_is_found_now_and_by_the_next_process(tmp_path):
    """get, in, len and iteration agree, in the object that wrote and in one that opens the file later."""
    path = tmp_path / "calls.jsonl"
    first = Calls(path)
    for number in range(5):
        first.add(f"k{number}", **exchange(number))
    for calls in (first, Calls(path)):
        assert len(calls) == 5
        assert calls.get("k3") == {"key": "k3", **exchange(3)}
        assert "k4" in calls
        assert calls.get("k5") is None
        assert [call["key"] for call in calls] == [f"k{number}" for number in range(5)]
        calls.close()


@pytest.mark.parametrize("name", ODD)
def test_any_reply_is_recorded_as_it_came(tmp_path, name):
    """Odd line breaks, control characters and lone surrogates come back, and stay one line."""
    calls = Calls(tmp_path / "calls.jsonl")
    calls.add("k", reply=ODD[name])
    calls.add("l", reply="next")
    assert calls.get("k")["reply"] == ODD[name]
    assert Calls(calls.path).get("k")["reply"] == ODD[name]
    assert calls.path.read_bytes().count(b"\n") == 2


def test_cut_at_any_byte_the_file_loses_at_most_its_last_line(tmp_path):
    """For every length that a kill may leave: whole lines are found, the torn one is not, and adding goes on."""
    path = tmp_path / "calls.jsonl"
    calls = Calls(path)
    for number in range(3):
        calls.add(f"k{number}", **exchange(number, 2))
    calls.close()
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        calls = Calls(path)
        lines = whole[:length].count(b"\n")
        assert len(calls) == lines == sum(1 for _ in calls)
        calls.add("new", **exchange(9))
        assert calls.get("new")["reply"] == exchange(9)["reply"]
        assert [call["key"] for call in calls] == [*(f"k{number}" for number in range(lines)), "new"]
        calls.close()


def test_a_torn_line_longer_than_a_block_is_cut_off_whole(tmp_path):
    """A reply of megabytes, torn: the search for the last line break goes back as far as it must."""
    path = tmp_path / "calls.jsonl"
    calls = Calls(path)
    calls.add("k", **exchange(1))
    with path.open("ab") as file:
        file.write(b'{"key": "torn", "reply": "' + b"x" * 3_000_000)
    calls.close()
    Calls(path).add("l", **exchange(2))
    assert [call["key"] for call in Calls(path)] == ["k", "l"]


def test_opening_to_read_changes_no_byte(tmp_path):
    """A torn line may be another process's line on its way: only a writer, alone, cuts it off."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"key": "a", "reply": "1"}\n{"key": "b", "re')
    before = path.read_bytes()
    assert [call["key"] for call in Calls(path)] == ["a"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("line", [b"\0" * 20, b'{"key": "x', b"{}", b"[]", b'{"reply": 1}'])
def test_a_damaged_line_in_the_middle_is_named_and_not_passed_over(tmp_path, line):
    """It was paid for: the user is told which line it is."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"key": "a"}\n' + line + b'\n{"key": "b"}\n')
    with pytest.raises(CorpusTunerError, match=r"calls\.jsonl:2 is damaged"):
        Calls(path)


def test_another_writers_json_is_understood(tmp_path):
    """A recording that another tool wrote without spaces or with its keys in another order is found, not paid again."""
    path = tmp_path / "calls.jsonl"
    path.write_bytes(b'{"key":"a","reply":"1"}\n{"reply": "2", "key": "b"}\n')
    calls = Calls(path)
    assert (calls.get("a")["reply"], calls.get("b")["reply"]) == ("1", "2")


def test_many_threads_add_and_read_without_losing_or_mixing_a_line(tmp_path):
    """Sixteen threads, 100 calls each, of very different lengths: every one is found under its own key."""
    calls = Calls(tmp_path / "calls.jsonl")

    def work(thread):
        for number in range(100):
            key = f"{thread}-{number}"
            calls.add(key, **exchange(key, (thread * number * 37) % 5000))
            assert calls.get(key)["request"] == {"n": key}

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = Calls(calls.path)
    keys = {f"{thread}-{number}" for thread in range(16) for number in range(100)}
    assert len(calls) == len(again) == 1600
    assert all(again.get(key)["request"] == {"n": key} for key in keys)


WRITER = """
import sys
from corpus_tuner.store import Calls
calls = Calls(__import__("pathlib").Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    key = f"{sys.argv[2]}-{number}"
    calls.add(key, request={"n": key}, reply="x" * (number * 7919 % 30000))
    print(key, flush=True)
"""


def writer(path, name, count):
    """Another process that adds to the same file."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_add_to_one_file_and_each_finds_its_own(tmp_path):
    """Even so, no line is lost, torn or taken for another."""
    path = tmp_path / "calls.jsonl"
    processes = [writer(path, name, 200) for name in ("a", "b")]
    for process in processes:
        process.communicate(timeout=30)
        assert process.returncode == 0
    calls = Calls(path)
    assert len(calls) == 400
    assert all(call["request"] == {"n": call["key"]} for call in calls)


def test_kill_9_loses_no_call_that_was_acknowledged(tmp_path):
    """Every call whose add returned is there after a kill at an arbitrary moment; five times over one file."""
    path = tmp_path / "calls.jsonl"
    told = []
    for attempt in range(5):
        process = writer(path, str(attempt), 100_000)
        told += [process.stdout.readline().strip() for _ in range(20 + attempt * 13)]
        process.kill()
        told += process.communicate()[0].split("\n")[:-1]
    calls = Calls(path)
    assert len(told) > 200
    assert all(calls.get(key)["request"] == {"n": key} for key in told)


FULL = """
import resource, sys
from pathlib import Path
from corpus_tuner.store import Calls, write_jsonl
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
calls = Calls(folder / "calls.jsonl")
added = 0
try:
    while True:
        calls.add(f"k{added}", reply="x" * 3000)
        added += 1
except OSError:
    print(added, len(calls), sum(1 for _ in calls), (folder / "calls.jsonl").read_bytes()[-1:])
try:
    write_jsonl(folder / "old.jsonl", ({"n": n} for n in range(100_000)))
except OSError:
    print((folder / "old.jsonl").read_text().strip(), sorted(path.name for path in folder.iterdir()))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
calls.add("after", reply="y")
print(calls.get("after")["reply"], [call["key"] for call in calls][-1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="file size limits are a Unix matter")
def test_a_full_disk_raises_and_leaves_whole_lines_and_the_old_file(tmp_path):
    """The add that does not fit raises and leaves no half line; a stage's file stays the old one; room lets it go on."""
    (tmp_path / "old.jsonl").write_text("old\n")
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "6 6 6 b'\\n'",
        "old ['calls.jsonl', 'old.jsonl']",
        "y after",
    ]


def test_twenty_thousand_calls_are_indexed_quickly(tmp_path):
    """40 MB of calls: the file opens in a fraction of a second, since lines are not parsed."""
    path = tmp_path / "calls.jsonl"
    with path.open("wb") as file:
        for number in range(20_000):
            file.write(json.dumps({"key": f"{number:032x}", "reply": "x" * 2000}).encode() + b"\n")
    began = time.process_time()
    calls = Calls(path)
    assert time.process_time() - began < 1.0
    assert len(calls) == 20_000
    assert calls.get(f"{19_999:032x}")["reply"] == "x" * 2000


def test_the_newest_of_two_calls_with_one_key_counts(tmp_path):
    """A call recorded twice is found once, as it was last."""
    path = tmp_path / "calls.jsonl"
    calls = Calls(path)
    calls.add("k", reply="1")
    calls.add("k", reply="2")
    assert (calls.get("k")["reply"], Calls(path).get("k")["reply"], len(calls)) == ("2", "2", 1)


def test_an_empty_record_is_true_and_a_closed_one_takes_nothing(tmp_path) -> None:
    """`if calls` means that there is a record; a late thread writes into no other file."""
    calls = Calls(tmp_path / "calls.jsonl")
    assert calls
    assert len(calls) == 0
    calls.close()
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(ValueError, match="file descriptor"):
        calls.add("k", reply="late")
    os.close(other)
    assert (tmp_path / "other").read_bytes() == b""
