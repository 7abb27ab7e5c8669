"""Text from elsewhere, made fit for a title or a line of a terminal."""

from __future__ import annotations


def one_line(text: object, limit: int = 200) -> str:
    """`text` without control characters and with single spaces, cut to `limit` characters."""
    clean = "".join(character if character.isprintable() else " " for character in str(text)[: 5 * limit])
    line = " ".join(clean.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
