"""What a cleaner returns: the pieces of one document, in order, each with its heading path."""

from __future__ import annotations

from dataclasses import dataclass

from corpus_tuner.records import Reason


@dataclass(frozen=True, slots=True)
class Part:
    """The text under one heading, without that of its subsections; the lead's path is `()`.

    A cleaner yields one Part for the lead and one for each heading. `reason` is set where the part is not text to
    learn from (boilerplate); a part without text needs none. `anchor` is the fragment of the heading in the document's URL.
    `detail` is what its Reject says instead of where it stood: of a part that tells only what was dropped from the others.
    """

    path: tuple[str, ...]
    text: str
    reason: Reason | None = None
    anchor: str = ""
    detail: str = ""


class Unreadable(Exception):
    """A cleaner's word that a document cannot be read, or no further: one line of why, and the reason it counts under.

    What came before it stays; clean_document turns it into a Reject of the document.
    """

    def __init__(self, message: str, reason: Reason = Reason.UNREADABLE) -> None:
        super().__init__(message)
        self.reason = reason
