"""Pig Latin, the function that ships as an example of a recipe's."""

from __future__ import annotations

import re

_ONSET = re.compile(r"((?:s?qu|[^\W\d_aeiouáàâäéèêëíìîïóòôöúùûü])*?)((?:[aeiouáàâäéèêëíìîïóòôöúùûü]|(?<!^)y)\w*)", re.IGNORECASE)


def pig_latin(word: str) -> str | None:
    """`apollo` becomes `apolloway`, `rocket` becomes `ocketray`, `square` becomes `aresquay`, `rhythm` becomes `ythmrhay`.

    None for what has no vowel, or is no word of Latin letters.
    """
    found = _ONSET.fullmatch(word)
    if not found or not word.isalpha():
        return None
    onset, rest = found.groups()
    return f"{rest}{onset}ay" if onset else f"{rest}way"
