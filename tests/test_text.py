"""Sentences, words, numbers and the same answer: what every stage relies on."""

import itertools
import random

import pytest

from corpus_tuner import text

ALPHABET = "abc ABC  ..!?,;:\n\n\t123-–'’\"()[] 。！他她\u00a0\u2028\u0085\r🚀é\u0301\u200bاب\ud800ßﬁ"
SENTENCES = [
    ("Dr. Smith went to the U.S. army. He left.", "en", ["Dr. Smith went to the U.S. army.", "He left."]),
    ("It rose 3.5 km. Then 4.2 km.", "en", ["It rose 3.5 km.", "Then 4.2 km."]),
    ("One line\nanother line\n\nA third. And more.", "en", ["One line", "another line", "A third.", "And more."]),
    ("🚀🚀 First. Second 🚀. Third.", "en", ["🚀🚀 First.", "Second 🚀.", "Third."]),
    ("他来了。她走了！", "zh", ["他来了。", "她走了！"]),
    ("Am 24. Dezember z. B. war es so. Dann nicht.", "de", ["Am 24. Dezember z. B. war es so.", "Dann nicht."]),
    ("Vitamin C\u00a0. Then more\u2028of D\u3000!", "en", ["Vitamin C\u00a0.", "Then more\u2028of D\u3000!"]),
    ("\ud800 First. Second \udfff.", "en", ["\ud800 First.", "Second \udfff."]),
    ("  \n \n", "en", []),
    ("", "en", []),
]


def noise(seed: int, length: int = 400) -> str:
    """Text that no author wrote: the same for the same seed."""
    chance = random.Random(seed)
    return "".join(chance.choice(ALPHABET) for _ in range(length))


@pytest.mark.parametrize(("whole", "language", "expected"), SENTENCES)
def test_sentences_end_where_a_reader_says(whole, language, expected) -> None:
    """Abbreviations and decimals do not end one; line breaks, full stops of any script and exclamation marks do."""
    assert [whole[start:end] for start, end in text.sentences(whole, language)] == expected


@pytest.mark.parametrize("language", ["en", "", "zh-Hans", "xx-nowhere", "ru"])
def test_sentences_are_spans_in_order_that_leave_out_nothing_but_white_space(language) -> None:
    """For any text whatever: disjoint, ascending, not empty, no white space at either end, and every word is in one."""
    for seed in range(60):
        whole = noise(seed)
        spans = text.sentences(whole, language)
        assert all(start < end for start, end in spans)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
        covered = "".join(whole[start:end] for start, end in spans)
        assert "".join(covered.split()) == "".join(whole.split())
        assert all(whole[start:end] == whole[start:end].strip() for start, end in spans)
        assert all("\n" not in whole[start:end] for start, end in spans)


def test_a_sentence_of_a_hundred_thousand_words_is_no_obstacle() -> None:
    """Length alone neither fails nor splits."""
    whole = "word " * 100_000 + "end."
    assert text.sentences(whole) == ((0, len(whole)),)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Don't STOP", ["don't", "stop"]),
        ("rock’n’roll, rock'n'roll", ["rock'n'roll", "rock'n'roll"]),
        ("ﬁne ＡＢＣ", ["fine", "abc"]),
        ("snake_case x2", ["snake", "case", "x2"]),
        ("東京タワー1958", ["東", "京", "タ", "ワ", "ー", "1958"]),
        ("한국어 말", ["한국어", "말"]),
        ("naïve Ελλάδα", ["naïve", "ελλάδα"]),
        ("'quoted' -- (x)", ["quoted", "x"]),
        ("…!?", []),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("ที่กิน ๒๕", ["ที่", "กิ", "น", "๒๕"]),
        ("ភាសា", ["ភា", "សា"]),
        ("Бо́рман Йод", ["борман", "йод"]),
        ("İstanbul", ["istanbul"]),
        ("קָרְאוּ כַּרְמֶל", ["קראו", "כרמל"]),
        ("قُرْآن", ["قرآن"]),
    ],
)
def test_words_are_lower_case_and_normalised_and_a_cjk_character_is_one(given, expected) -> None:
    """One definition, whatever the script or the typography."""
    assert text.words(given) == expected


def test_words_of_words_are_the_same_words() -> None:
    """Splitting again changes nothing, for any text."""
    for seed in range(60):
        found = text.words(noise(seed))
        assert text.words(" ".join(found)) == found


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "ru", "pt", "nl", "sv", "no", "da", "tr"])
def test_a_language_with_a_list_has_function_words(language) -> None:
    """And they are words as `words` sees them, at least nearly all."""
    stop = text.stop_words(language)
    assert len(stop) > 50
    assert sum(1 for word in stop if text.words(word) == [word]) > 0.9 * len(stop)


def test_content_words_are_the_words_that_are_left() -> None:
    """English by its list; a language without one keeps everything; a region changes nothing."""
    assert text.content_words("The crew of the ship was in orbit") == ["crew", "ship", "orbit"]
    assert text.content_words("The crew", "en-GB") == ["crew"]
    assert text.content_words("the crew", "xx") == ["the", "crew"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("In 1968, at 3.5 km.", {"1968", "3.5"}),
        ("1,234,567 and 1 234 567 and 1\u00a0234\u202f567", {"1234567"}),
        ("10,000.5", {"10000.5"}),
        ("December 24 1968", {"24", "1968"}),
        ("In 1968 300 people came", {"1968", "300"}),
        ("1968–69, 1968-12-21, 8:30", {"1968", "69", "12", "21", "8", "30"}),
        ("1,5 Liter", {"1.5"}),
        ("1,2345", {"1.2345"}),
        ("none", set()),
        ("", set()),
    ],
)
def test_numbers_are_told_whatever_separates_their_thousands(given, expected) -> None:
    """A year beside a day or a count stays a number of its own."""
    assert text.numbers(given) == expected


def test_no_digit_of_a_text_is_lost_from_its_numbers() -> None:
    """Every run of digits stands in one of the numbers, for any text."""
    for seed in range(60):
        whole = noise(seed)
        for run in "".join(character if character in "123" else " " for character in whole).split():
            assert any(run in number for number in text.numbers(whole))


@pytest.mark.parametrize(
    ("answer", "gold"),
    [
        ("The Moon.", "moon"),
        ("a  Saturn V", "Saturn V"),
        ("“Earthrise”", "earthrise"),
        ("U.S.", "us"),
        ("An apple", "the Apple!"),
        ("《北京》。", "北京"),
        ("¿Borman?", "borman"),
        ("चाँद।", "चाँद"),
    ],
)
def test_answers_that_differ_in_case_articles_and_punctuation_are_the_same(answer, gold) -> None:
    """As SQuAD's own evaluation has it."""
    assert text.exact_match(answer, gold)
    assert text.token_f1(answer, gold) == 1.0


@pytest.mark.parametrize(
    ("answer", "gold", "f1"),
    [
        ("Frank Borman", "Borman", 2 / 3),
        ("Frank Borman", "Jim Lovell", 0.0),
        ("moon moon", "moon", 2 / 3),
        ("", "moon", 0.0),
        ("moon", "", 0.0),
        ("", "", 1.0),
        ("the", "", 1.0),
        ("東京タワー", "東京", 4 / 7),
    ],
)
def test_f1_counts_the_words_that_answer_and_gold_share(answer, gold, f1) -> None:
    """By hand: 2 · shared / (words of both)."""
    assert text.token_f1(answer, gold) == pytest.approx(f1)


def test_scores_agree_with_each_other_on_any_text() -> None:
    """Within 0 to 1, symmetrical, 1 against itself; an exact match has F1 1 and contains its gold."""
    for seed in range(80):
        left, right = noise(seed, 30), noise(seed + 1000, 30)
        f1, similar = text.token_f1(left, right), text.jaccard(left, right)
        assert 0 <= f1 <= 1
        assert 0 <= similar <= 1
        assert (f1, similar) == (text.token_f1(right, left), text.jaccard(right, left))
        assert text.token_f1(left, left) == text.jaccard(left, left) == 1
        assert text.exact_match(left, left)
        assert text.contains_answer(f"{right} {left} {right}", left) or not text.words(text.normalise_answer(left))


@pytest.mark.parametrize(
    ("answer", "gold", "holds"),
    [
        ("It was launched on December 21, 1968.", "December 21, 1968", True),
        ("It was launched in 1968.", "196", False),
        ("the Moonlight", "Moon", False),
        ("to the Moon", "The Moon", True),
        ("他在东京出生", "东京", True),
        ("anything", "", False),
        ("anything", "the", False),
        ("", "moon", False),
    ],
)
def test_an_answer_contains_gold_as_whole_words_only(answer, gold, holds) -> None:
    """A piece of a word or of a number does not count, and an empty gold is in nothing."""
    assert text.contains_answer(answer, gold) is holds


def test_similarity_is_by_the_set_of_words() -> None:
    """Order and repetition do not matter; nothing is like nothing."""
    assert text.jaccard("When did Apollo 8 launch?", "did apollo 8 launch when when") == 1.0
    assert text.jaccard("a b c d", "c d e f") == pytest.approx(2 / 6)
    assert text.jaccard("", "") == 1.0
    assert text.jaccard("a", "") == 0.0
