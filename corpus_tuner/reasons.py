"""Why an item leaves the flow."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why an item left the flow: a closed list, counted in every summary."""

    # fetch
    UNREADABLE = "unreadable"  # not text, or not in an encoding that we know
    UNSUPPORTED = "unsupported format"
    DISAMBIGUATION = "disambiguation page"
    REDIRECT = "redirect"
    OTHER_NAMESPACE = "not an article"  # a wiki's talk, user, template and file pages
    MISSING = "missing"  # named by a list, and not there
    LIMIT = "beyond the limit of pages or bytes"
    # clean
    EMPTY = "empty"
    BOILERPLATE = "boilerplate"  # references, external links, navigation
    NOT_SELECTED = "not selected"  # outside of the sections that the settings name
    TOO_DEEP = "markup nested too deep"
    UNKNOWN_TEMPLATES = "unknown templates"  # of one document, all together: what they held is dropped
    # generate: a whole reply
    REFUSAL = "refusal"
    UNANSWERED = "unanswered"  # every ask met a fault of the server
    UNPARSABLE = "unparsable reply"
    EMPTY_REPLY = "empty reply"
    TOO_LONG = "reply too long"
    # generate: one pair
    CUT = "cut short"
    EMPTY_TEXT = "empty question or answer"
    NOT_A_QUESTION = "not a question"
    NOT_SELF_CONTAINED = "does not stand on its own"
    OTHER_LANGUAGE = "not in the language of the source"
    ANSWER_IN_QUESTION = "question contains its answer"
    ANSWER_IS_QUESTION = "answer repeats the question"
    UNSUPPORTED_NUMBER = "number not in the source"
    UNSUPPORTED_NAME = "name not in the source"
    UNSUPPORTED_ANSWER = "not supported by the source"
    DUPLICATE = "duplicate"
    REPEATED = "near-duplicate of another pair"
    SURPLUS = "more than asked for"
    ONE_SECTION = "needs one section only"
    ONE_SENTENCE = "needs one sentence only"
    ANSWERABLE = "may be answered by the source"  # a question that should have no answer there
    NO_TWIN = "no answerable twin"
    OTHER_ANSWER = "the section alone gives another answer"  # a round trip
    JUDGED = "unsound by the judge"
    UNCHECKED = "could not be checked"  # by the model that was to check it
    LEFT_OUT = "left out by the function"  # of a recipe
    GIVEN_UP = "states nothing to ask about"  # a sentence, by the model's word
    # dataset
    MIXED_SPLIT = "rests on trained and on held-out sentences"
    NEAR_DUPLICATE = "near-duplicate of a held-out question"
    STALE = "its sentences have changed"  # since a later pair was written for them
