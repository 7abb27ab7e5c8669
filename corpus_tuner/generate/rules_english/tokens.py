"""Words of an English sentence with their parts of speech (Penn Treebank tags), and back to text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from corpus_tuner.generate.rules_english.tagger import is_verb, lexicon, tagged
from corpus_tuner.generate.rules_english.words import BE, IRREGULAR, MODALS, MONTHS, NUMBER_WORDS, WEEKDAYS

_TOKEN = re.compile(
    r"""(?:[A-Z]\.){2,}                                  # U.S.
    | (?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Gen|Brig|Maj|Col|Capt|Lt|Sen|Rep|Gov|Prof|Rev|Inc|Corp|Ltd|Co|vs|No)\.(?=[\s,;)]|$)
    | [A-Z]\.(?=\s[A-Z])                                 # an initial
    | \d{4}-\d\d-\d\d\b                               # 1968-12-21
    | [$€£¥]?\d+(?:[,.:]\d+)*(?:%|st\b|nd\b|rd\b|th\b|s\b)?(?:-[^\W\d_]+)*
    | [’']s\b
    | n[’']t\b | [^\W\d_]+?(?=n[’']t\b)                  # couldn't
    | [A-Z][’'][A-Z][^\W_]+                              # O'Connor
    | [^\W_]+(?:[-_.&/+][^\W_]+)*\+*\#?                  # well-known, AT&T, C++, crates.io
    | [’'][a-z]+\b
    | \.\.\. | \S""",
    re.VERBOSE,
)
_OPENING = {"(": ")", "[": "]", "{": "}"}
_BEFORE_INFINITIVES = MODALS | {"do", "does", "did", "please"}
_OPENERS = ("\"", "“", "‘", "(", "[", ":")
_SILENT_E = re.compile(
    r"(?:[aeiou]|[^aeiou]|^)(?:[aiou][bcdgkmnprstvz]|[sz]|[uv]|[^n]g|dg|bl|tl|pl|gl|rs|ns|c)$"
)  # a stem that lost its -e before -ed is likelier than one that ends so ("create", "move")
_YEAR = re.compile(r"(?:1[0-9]|20)\d\d")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a sentence: `index` among its tokens, (start, end) in its text; `aside` inside of brackets."""

    text: str
    tag: str
    index: int
    start: int
    end: int
    aside: bool

    @property
    def lower(self) -> str:
        return self.text.lower()

    @property
    def is_name(self) -> bool:
        return self.tag in ("NNP", "NNPS")

    @property
    def is_noun(self) -> bool:
        return self.tag[:2] == "NN"

    @property
    def is_finite(self) -> bool:
        return self.tag in ("VBD", "VBZ", "VBP", "MD")


@lru_cache(maxsize=4096)
def tokenise(sentence: str) -> tuple[Token, ...]:
    """The tokens of one sentence."""
    matches = list(_TOKEN.finditer(sentence))
    texts = [match.group() for match in matches]
    if not texts:
        return ()
    known = lexicon()
    plain = [text.replace("’", "'") for text in texts]
    tags = tagged([text.lower() if _opens_speech(texts, i, known) else text for i, text in enumerate(plain)])
    for i, text in enumerate(texts):
        tags[i] = _mend(texts, tags, i, known)
        if text[:1].isdigit() and text[-2:] in ("st", "nd", "rd", "th"):
            tags[i] = "JJ"
    for i in range(1, len(texts) - 1):
        tags[i] = _finite(texts, tags, i)
    tokens, closing = [], []
    for i, match in enumerate(matches):
        text = texts[i]
        if text in _OPENING:
            closing.append(_OPENING[text])
        aside = bool(closing)
        if closing and text == closing[-1]:
            closing.pop()
        tokens.append(Token(text, tags[i], i, match.start(), match.end(), aside))
    return tuple(tokens)


def _mend(texts: list[str], tags: list[str], i: int, known: dict[str, str]) -> str:
    """What a Brill tagger trained on news gets wrong in encyclopaedic text."""
    text, tag = texts[i], tags[i]
    closed = _closed_class(text, tag, i)
    if closed:
        return closed
    is_article = text.lower() in ("the", "a", "an", "i")
    opens = i == 0 or _opens_speech(texts, i, known)
    if text[:1].isupper() and not is_article and (not opens or _starts_name(texts, text.lower(), known)):
        return "NNPS" if tag == "NNPS" else "NNP" if i or tag[:2] in ("NN", "VB", "JJ", "FW") else tag
    follows_noun = i + 1 < len(tags) and tags[i + 1][:2] == "NN"
    if tag == "VBD" and i and tags[i - 1] in ("DT", "PRP$", "JJ") and follows_noun:
        return "VBN"  # "the rebuilt church"
    if tag in ("VB", "VBP") and i and texts[i - 1].lower() in ("the", "a", "an"):
        return "NN"
    return tag


def _closed_class(text: str, tag: str, i: int) -> str:
    """The tag that a word's own shape decides; "" for any other word."""
    lower = text.lower()
    if lower in BE | {"has", "does"}:
        return {"was": "VBD", "were": "VBD", "are": "VBP"}.get(lower, "VBZ")
    if text in ("'s", "’s"):
        return "POS"
    if not any(char.isalnum() for char in text):
        return tag if tag in (":", ",", ".") else {",": ",", ".": ".", ";": ":", ":": ":"}.get(text, "SYM")
    if text in WEEKDAYS or (text in MONTHS and (text != "May" or (i and tag != "MD"))):
        return "NNP"
    counts = text[:1].isdigit() or text[:1] in "$€£¥" or (lower in NUMBER_WORDS and (tag != "NNP" or not i))
    return "CD" if counts else ""


def _finite(texts: list[str], tags: list[str], i: int) -> str:
    """The tag of a word by its neighbours: a verb right after a noun and right before its object is finite (participles
    and nouns take none), and after a modal or "do" comes an infinitive."""
    word, tag, before, after = texts[i].lower(), tags[i], tags[i - 1], tags[i + 1]
    k = i - 1
    while k > 0 and tags[k] == "RB":
        k -= 1
    if tag == "NNS" and is_verb(word[:-1]) and before in ("WDT", "WP") and after in ("DT", "PRP", "PRP$"):
        return "VBZ"
    if tag == "NN" and texts[k].lower() in _BEFORE_INFINITIVES and is_verb(word):
        return "VB"
    takes_object = after in ("DT", "PRP$", "PRP", "NNP", "CD") or texts[i + 1].lower() == "that"
    follows_subject = tags[k][:2] == "NN" or tags[k] == "PRP" or texts[k] in (",", ")")
    if tag == "VBN" and takes_object and follows_subject and word not in ("named", "called"):
        return "VBD" if word.endswith("ed") or word in IRREGULAR else tag
    if tag == "VBN" and (tags[k] in ("PRP", "WP") or texts[k].lower() == "which"):
        return "VBD"
    if tag == "NNS" and is_verb(word[:-1]) and _single(texts, tags, i):
        return "VBZ"
    if tag == "NN" and before == "NNS" and after in ("DT", "PRP$"):
        return "VBP" if is_verb(word) else tag
    return tag


def _single(texts: list[str], tags: list[str], i: int) -> bool:
    """Whether the noun phrase that ends before `i` is one thing's ("an old aardwolf"), so that no plural ends it."""
    k = i - 1
    while k > 0 and tags[k] in ("NN", "JJ", "NNP"):
        k -= 1
    return tags[i - 1] in ("NN", "NNP") and texts[k].lower() in ("a", "an", "each", "every")


def _opens_speech(texts: list[str], i: int, known: dict[str, str]) -> bool:
    """Whether a common word has its capital only because it stands first in quotation marks, in brackets or after a colon."""
    text = texts[i]
    follows = texts[i + 1] if i + 1 < len(texts) else ""
    return i > 0 and texts[i - 1] in _OPENERS and text[:1].isupper() and text[1:].islower() and text.lower() in known and (
        not follows[:1].isupper())


def _starts_name(texts: list[str], lower: str, known: dict[str, str]) -> bool:
    """Whether the capital of a sentence's first word is the word's own."""
    return (known.get(lower) is None and not texts[0].isupper()) or texts[0][1:] != texts[0][1:].lower()


def is_year(token: Token) -> bool:
    """1000 to 2099, in digits."""
    return bool(_YEAR.fullmatch(token.text))


def render(tokens: Sequence[Token], lower_first: bool = False) -> str:
    """The text of `tokens`, spaced as in the sentence; where some were left out, one space stands."""
    out = ""
    for before, token in zip([None, *tokens], tokens):
        if before is not None:
            adjacent = before.index + 1 == token.index and before.end == token.start
            out += "" if adjacent or token.text in (",", ".", ";", ":", "%") else " "
        out += token.text
    if lower_first and tokens and not own_capital(tokens[0]):
        out = out[:1].lower() + out[1:]
    return out


def own_capital(token: Token) -> bool:
    """Whether a word keeps its capital inside of a sentence."""
    common = token.text[1:] == token.text[1:].lower() and lexicon().get(token.lower) is not None
    inflected = token.lower.endswith("s") and lexicon().get(token.lower[:-1]) is not None
    return token.is_name or token.text == "I" or not (common or inflected or token.tag == "NNS")


def lemma(verb: str, tag: str) -> str | None:
    """The infinitive of a past (VBD), third-person (VBZ) or plural present (VBP) form; None where it is not certain."""
    verb, known = verb.lower(), lexicon()
    if tag == "VBP":
        return verb if known.get(verb, "")[:2] == "VB" else None
    if tag == "VBD" and verb in IRREGULAR:
        return IRREGULAR[verb]
    if tag == "VBZ" and verb == "has":
        return "have"
    for stem in _stems(verb, "ed" if tag == "VBD" else "s"):
        if known.get(stem) in ("VB", "VBP", "NN", "JJ"):
            return stem
    return None


def _stems(verb: str, ending: str) -> list[str]:
    """Infinitives that a regular form may come from, the likeliest spelling first."""
    if ending == "ed" and verb.endswith("ed") and len(verb) > 3:
        body = verb[:-2]
        doubled = [body[:-1]] if body[-1:] == body[-2:-1] and body[-1] not in "aeious" else []
        final_y = [body[:-1] + "y"] if body.endswith("i") and len(body) > 2 else []
        silent = _SILENT_E.search(body) and not body.endswith("ss")
        if lexicon().get(body) in ("VB", "VBP"):
            return [body + "e", body, *doubled] if silent else [body, *doubled]
        return [*doubled, *final_y, *([body + "e", body] if silent else [body, body + "e"])]
    if ending == "s" and verb.endswith("s"):
        stems = [verb[:-3] + "y"] if verb.endswith("ies") and len(verb) > 4 else []
        stems += [verb[:-2]] if re.search(r"(?:s|x|z|ch|sh|o)es$", verb) else []
        return [*stems, verb[:-1]]
    return []
