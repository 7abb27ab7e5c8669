"""What counts as a training row."""

from pathlib import Path

import pytest

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.train.rows import is_learnt, read_rows

CHAT = '{"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Borman"}]}'


def write(path: Path, *lines: str) -> Path:
    """A training file of these lines."""
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_both_shapes_say_the_same(tmp_path: Path) -> None:
    """A prompt/completion row and a chat row give the same conversation; empty lines and a byte-order mark are passed over."""
    rows = read_rows(write(tmp_path / "a", "\ufeff" + CHAT, "", '{"prompt": "Who?", "completion": "Borman"}', ""))
    assert len(rows) == 2
    assert rows[0] == rows[1]


def test_a_weight_of_zero_is_not_learnt(tmp_path: Path) -> None:
    """An assistant message of weight 0 is context; a row with nothing else is refused."""
    line = CHAT.replace('"assistant",', '"assistant", "weight": 0,')
    assert not is_learnt({"role": "assistant", "content": "x", "weight": 0})  # type: ignore[dict-item]
    with pytest.raises(CorpusTunerError, match="no assistant message"):
        read_rows(write(tmp_path / "a", line))


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "7", '{"messages": "x"}', '{"messages": []}', '{"prompt": "x"}', '{"prompt": 1, "completion": "x"}',
     '{"messages": [{"role": "robot", "content": "x"}]}', '{"messages": [{"role": ["user"], "content": "x"}]}', '{"messages": [{"role": "assistant", "content": null}]}'],
)  # fmt: skip
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    """What is no training row is refused in one line that names file and line number."""
    with pytest.raises(CorpusTunerError, match="rows:2") as caught:
        read_rows(write(tmp_path / "rows", CHAT, line))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00"])
def test_a_file_without_rows_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty file and one that is not text are the user's mistake."""
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(CorpusTunerError, match="rows"):
        read_rows(tmp_path / "rows")
