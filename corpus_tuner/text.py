"""What counts as a sentence, a word and the same answer: one definition for every stage."""

from __future__ import annotations

import csv
import io
import re
import string
import unicodedata
from collections import Counter
from functools import cache

_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_CLUSTERED = r"\u0e01-\u0e4e\u0e80-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17dd"  # Thai, Lao, Burmese, Khmer
_UNSPACED = re.compile(f"[{_CJK}{_CLUSTERED}]")
_POINTS = re.compile(  # stress, and what a lower-case i with a dot leaves; Hebrew points; Arabic vowels and lengthening
    r"[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0670]"
)
_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)?")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_WIDE_SPACE = re.compile(r"[^\S\x00-\x7f]")  # no-break space, line separator and other white space outside of ASCII
_ARTICLES = re.compile(r"\b(a|an|the)\b")

_ENGLISH = frozenset(
    """a about above after again against all also am an and any are aren't as at be because been before being below
    between both but by can can't cannot could did didn't do does doesn't doing don't down during each either few for
    from further had has have having he her here hers herself him himself his how i if in into is isn't it its itself
    just me more most my myself neither no nor not now of off on once only or other our ours out over own per same she
    should so some such than that the their theirs them themselves then there these they this those through to too
    under until up upon us very via was wasn't we were weren't what when where which while who whom whose why will with
    within without would you your yours s t d ll m re ve""".split()
)


def sentences(text: str, language: str = "en") -> tuple[tuple[int, int], ...]:
    """Spans (start, end) of the sentences of `text`, in order, without the white space between them.

    A line break always ends a sentence: cleaned text has one paragraph, list item or table row a line. Within a
    line the rules are those of sentencex (Wikimedia), which knows about 300 languages.
    """
    from sentencex import get_sentence_boundaries

    spans = []
    for line in re.finditer(r"[^\n]+", text):
        # sentencex takes UTF-8, which has no lone surrogates, and 1.0.32 panics on a capital, a no-break space and a full stop
        known = _WIDE_SPACE.sub(" ", _SURROGATE.sub("\ufffd", line.group()))
        found = get_sentence_boundaries(language.split("-")[0] or "en", known)
        for sentence in found:
            raw = sentence["text"]
            start = line.start() + sentence["start_index"] + len(raw) - len(raw.lstrip())
            end = line.start() + sentence["start_index"] + len(raw.rstrip())
            if start < end:
                spans.append((start, end))
    return tuple(spans)


def words(text: str) -> list[str]:
    """Words in lower case, compatibility-normalised, with straight apostrophes and without what a writer may leave out: marks of
    stress, and the vowels of Arabic and Hebrew.

    A script that puts no spaces between words counts by character: Chinese and Japanese, and Thai, Lao, Burmese and Khmer
    with the marks on it.
    """
    if text.isascii():
        return _word().findall(text.lower())
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return _word().findall(_POINTS.sub("", plain))


@cache
def _word() -> re.Pattern[str]:
    """With the combining marks on its letters: without its vowel signs no word of India is itself."""
    marks = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)).startswith("M"))
    spaced, letters = (rf"[^\W_{but}]+(?:[{marks}]+[^\W_{but}]*)*" for but in (_CJK + _CLUSTERED, ""))
    return re.compile(rf"{spaced}(?:'{letters})*|[{_CJK}]|(?=[^\W_])[{_CLUSTERED}][{marks}]*")


def is_unspaced(word: str) -> bool:
    """Whether a word is a character of a script that puts no spaces between words."""
    return bool(_UNSPACED.match(word))


@cache
def stop_words(language: str = "en") -> frozenset[str]:
    """Function words of a language; empty where no list is at hand."""
    code = language.split("-")[0]
    if code in ("", "en"):
        return _ENGLISH
    from bm25s import stopwords

    names = {
        "de": "GERMAN",
        "fr": "FRENCH",
        "es": "SPANISH",
        "it": "ITALIAN",
        "ru": "RUSSIAN",
        "pt": "PORTUGUESE",
        "nl": "DUTCH",
        "sv": "SWEDISH",
        "no": "NORWEGIAN",
        "da": "DANISH",
        "tr": "TURKISH",
    }
    return frozenset(getattr(stopwords, f"STOPWORDS_{names[code]}")) if code in names else frozenset()


def content_words(text: str, language: str = "en") -> list[str]:
    """The words of `text` that are not function words."""
    stop = stop_words(language)
    return [word for word in words(text) if word not in stop]


def numbers(text: str) -> set[str]:
    """Digit sequences of `text` without their thousands separators: {"1968", "3.5"}."""
    found = set()
    for match in _NUMBER.findall(unicodedata.normalize("NFKC", text)):
        plain = re.sub(r"[,\s](?=\d{3}(?!\d))", "", match)
        found.add(plain.replace(",", ".").rstrip("."))
    return found


class _Punctuation(dict[int, int | None]):
    """A table for str.translate that takes away the punctuation of all scripts, filled as characters are met."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        kept = None if character in string.punctuation or unicodedata.category(character).startswith("P") else code
        return self.setdefault(code, kept)


_PUNCTUATION = _Punctuation()


def normalise_answer(text: str) -> str:
    """SQuAD's answer normalisation: lower case, no punctuation, no articles, single spaces (Rajpurkar et al. 2016); the
    punctuation is that of all scripts, as MLQA's scorer has it (Lewis et al. 2020)."""
    text = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return " ".join(text.split())


def exact_match(answer: str, gold: str) -> bool:
    """Equality after SQuAD's normalisation."""
    return normalise_answer(answer) == normalise_answer(gold)


def token_f1(answer: str, gold: str) -> float:
    """SQuAD's token F1, 0 to 1; a script without spaces between words counts by character, as `words` does."""
    got, want = (_f1_tokens(text) for text in (answer, gold))
    if not got or not want:
        return float(got == want)
    common = sum((Counter(got) & Counter(want)).values())
    return 2 * common / (len(got) + len(want))


def contains_answer(answer: str, gold: str) -> bool:
    """Whether the normalised gold stands in the normalised answer as whole words."""
    got, want = _f1_tokens(answer), _f1_tokens(gold)
    return bool(want) and any(got[i : i + len(want)] == want for i in range(len(got) - len(want) + 1))


def _f1_tokens(text: str) -> list[str]:
    return [word for part in normalise_answer(text).split() for word in (words(part) or [part])]


def jaccard(left: str, right: str) -> float:
    """Token-set Jaccard similarity of two texts, 0 to 1."""
    a, b = set(words(left)), set(words(right))
    return len(a & b) / len(a | b) if a or b else 1.0


ABSTENTIONS = {  # what an expert shall say to a question that its corpus does not answer
    "en": "I do not know.",
    "de": "Das weiß ich nicht.",
    "es": "No lo sé.",
    "fr": "Je ne sais pas.",
    "it": "Non lo so.",
    "pt": "Não sei.",
    "nl": "Dat weet ik niet.",
    "pl": "Nie wiem.",
    "cs": "Nevím.",
    "sv": "Det vet jag inte.",
    "da": "Det ved jeg ikke.",
    "no": "Det vet jeg ikke.",
    "fi": "En tiedä.",
    "tr": "Bilmiyorum.",
    "ru": "Я не знаю.",
    "uk": "Я не знаю.",
    "ar": "لا أعرف.",
    "zh": "我不知道。",
    "ja": "わかりません。",
    "ko": "모르겠습니다.",
}


def csv_separator(table: str) -> str:
    """What parts the first line of a CSV table most: a comma, or the semicolon or tab of other countries' spreadsheets."""
    first = table[:100_000].lstrip("\r\n")  # a table may have gigabytes
    return max(",;\t", key=lambda separator: _columns(first, separator))


def _columns(table: str, separator: str) -> int:
    """Cells of the first line, 0 where its quotes do not stand at such separators."""
    try:
        return len(next(csv.reader(io.StringIO(table, newline=""), delimiter=separator, strict=True), ()))
    except csv.Error:
        return 0
