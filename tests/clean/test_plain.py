"""Plain text."""

from __future__ import annotations

from pages import document

from corpus_tuner.clean.plain import parse


def parts(text: str) -> list[tuple[tuple[str, ...], str]]:
    """Paths and texts."""
    return [(part.path, part.text) for part in parse(document(text, "text"))]


def test_a_text_without_headings_is_one_section() -> None:
    """Paragraphs stand between blank lines, and lines that are no running text stay lines."""
    assert parts("a\n\n\nb\nc\n") == [((), "a\n\nb\nc")]


def test_hard_wrapped_paragraphs_become_one_line() -> None:
    """Running text that was wrapped at a column is joined; lists and verses are not."""
    line = "These are the words of a paragraph that somebody wrapped at seventy"
    assert parts(f"{line}\n{line}\nand so on.") == [((), f"{line} {line} and so on.")]
    assert parts(f"- {line}\n- {line}") == [((), f"- {line}\n- {line}")]


def test_underlined_headings_make_a_tree() -> None:
    """The order in which underlines appear gives their levels; what is not beyond doubt is text."""
    text = "lead\n\nTitle\n=====\n\na\n\nPart\n----\nb\n\nOther\n=====\n\nno heading\nx\n---\n\n---\n\nc"
    assert parts(text) == [
        ((), "lead"),
        (("Title",), "a"),
        (("Title", "Part"), "b"),
        (("Other",), "no heading\nx\n---\n\n---\n\nc"),
    ]
