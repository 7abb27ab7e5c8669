"""The checks of a pair: what people write passes, what is invented does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus_tuner.generate.evidence import Passage, examine
from corpus_tuner.records import Reason, Section
from corpus_tuner.text import sentences

DATA = Path(__file__).parents[1] / "data/qa"


def passage(text: str, language: str = "en", title: str = "Apollo 8") -> Passage:
    return Passage(Section("s", "d", title, ("Mission",), text, sentences(text, language), language=language))


CREW = (
    "Apollo 8 was the first crewed spacecraft to leave Earth's gravity. Frank Borman commanded the crew of three. "
    "Lovell and Anders flew with him. It was launched on December 21, 1968, from Kennedy Space Center. "
    "The Saturn V weighed 2,800 tons and took sixty-eight hours to reach the Moon. It cost 1.5 billion dollars. "
    "The National Aeronautics and Space Administration had planned the flight for early 1969."
)


@pytest.mark.parametrize(
    ("question", "answer", "cited", "expected"),
    [
        ("Who commanded Apollo 8?", "Frank Borman", [2], (2,)),
        ("Who commanded Apollo 8?", "Frank Borman", [7], (2,)),
        ("Who commanded Apollo 8?", "Frank Borman", [999], (2,)),
        ("Who commanded Apollo 8?", "Frank Borman", [], (2,)),
        ("Who commanded Apollo 8?", "Frank Borman.", [1, 2, 3, 4, 5, 6], (2,)),
        ("How many men flew on Apollo 8?", "3", [2], (2,)),
        ("How long did Apollo 8 take to the Moon?", "68 hours", [5], (5,)),
        ("How heavy was the Saturn V?", "2800 tons", [5], (5,)),
        ("What did Apollo 8 cost?", "1,500,000,000 dollars", [6], (6,)),
        ("Which agency planned Apollo 8?", "NASA had planned the flight.", [7], (7,)),
        ("Did Apollo 8 leave Earth's gravity?", "Yes", [1], (1,)),
        (
            "How did the flight of Apollo 8 begin?",
            "Apollo 8 was launched from Kennedy Space Center on December 21, 1968. Its commander was Frank Borman.",
            [4, 2],
            (2, 4),
        ),
    ],
)
def test_a_sound_pair_rests_on_the_sentences_that_hold_it(
    question: str, answer: str, cited: list[int], expected: tuple[int, ...]
) -> None:
    """Cited ones where they do, the best ones where not; numbers as digits, as words, or at another scale."""
    assert examine(question, answer, cited, passage(CREW)) == expected


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("", "Frank Borman", Reason.EMPTY_TEXT),
        ("Who commanded Apollo 8?", "...", Reason.EMPTY_TEXT),
        ("Frank Borman commanded Apollo 8.", "Frank Borman", Reason.NOT_A_QUESTION),
        ("In 1968 Apollo 8 flew", "Frank Borman", Reason.NOT_A_QUESTION),
        ("Who is named in the passage as commander?", "Frank Borman", Reason.NOT_SELF_CONTAINED),
        ("According to this section, who commanded Apollo 8?", "Frank Borman", Reason.NOT_SELF_CONTAINED),
        ("What does the text say about Borman?", "He commanded the crew", Reason.NOT_SELF_CONTAINED),
        ("When was it launched?", "December 21, 1968", Reason.NOT_SELF_CONTAINED),
        ("What did he command?", "the crew", Reason.NOT_SELF_CONTAINED),
        ("Who was his commander?", "Frank Borman", Reason.NOT_SELF_CONTAINED),
        ("What did Frank Borman do for Apollo 8?", "Frank Borman", Reason.ANSWER_IN_QUESTION),
        ("Who commanded Apollo 8?", "Who commanded Apollo 8?", Reason.ANSWER_IS_QUESTION),
        ("Who commanded Apollo 8?", "Who else was there?", Reason.ANSWER_IS_QUESTION),
        ("When was Apollo 8 launched?", "December 24, 1968", Reason.UNSUPPORTED_NUMBER),
        ("How many flew on Apollo 8?", "Apollo 8 carried a crew of 5.", Reason.UNSUPPORTED_NUMBER),
        ("Who commanded Apollo 8?", "The crew of Apollo 8 was commanded by Neil Armstrong.", Reason.UNSUPPORTED_NAME),
        ("Which agency flew Apollo 8?", "The flight had been planned by ESA.", Reason.UNSUPPORTED_NAME),
        ("Why was Apollo 8 flown?", "to photograph lunar craters", Reason.UNSUPPORTED_ANSWER),
        ("Who commanded Apollo 8?", "Франк Борман командовал экипажем", Reason.UNSUPPORTED_NAME),
    ],
)
def test_each_fault_of_a_pair_has_its_name(question: str, answer: str, reason: Reason) -> None:
    """Planted bad pairs are stopped, each by the check that is meant for it."""
    found = examine(question, answer, [1, 2], passage(CREW))
    assert isinstance(found, Reason), found
    assert found is reason


@pytest.mark.parametrize(
    "question",
    [
        "How long does it take to reach the Moon?",
        "Why is it common for crews to train together?",
        "When the crew landed, what did they do?",
        "Which article of the Outer Space Treaty forbids weapons?",
        "What is the text of the plaque that Borman carried?",
        "Where was Borman when he read from Genesis?",
        "Name the commander of Apollo 8.",
        "Complete: The commander of Apollo 8 was ____.",
        "In which year did Apollo 8 fly",
    ],
)
def test_a_question_that_people_ask_is_not_stopped(question: str) -> None:
    """An "it" that stands for nothing, a "they" with its noun, an article of law, an order, a forgotten mark."""
    found = examine(question, "Frank Borman", [2], passage(CREW))
    assert found not in (Reason.NOT_A_QUESTION, Reason.NOT_SELF_CONTAINED)


@pytest.mark.parametrize(
    ("language", "text", "good", "bad", "reason"),
    [
        ("de", "Apollo 8 startete am 21. Dezember 1968. Frank Borman leitete die Mission mit drei Mann.", ("Wer leitete Apollo 8?", "Frank Borman"), ("Wer leitete laut dem Text Apollo 8?", "Frank Borman"), Reason.NOT_SELF_CONTAINED),
        ("de", "Apollo 8 startete am 21. Dezember 1968. Frank Borman leitete die Mission mit drei Mann.", ("Wie viele Männer flogen mit Apollo 8?", "3 Mann"), ("Wer leitete Apollo 8?", "Die Mission leitete Neil Armstrong"), Reason.UNSUPPORTED_NAME),
        ("ru", "«Аполлон-8» стартовал 21 декабря 1968 года. Командиром экипажа из трёх человек был Фрэнк Борман.", ("Кто был командиром «Аполлона-8»?", "Фрэнк Борман"), ("Кто упомянут в тексте?", "Фрэнк Борман"), Reason.NOT_SELF_CONTAINED),
        ("ru", "«Аполлон-8» стартовал 21 декабря 1968 года. Командиром экипажа из трёх человек был Фрэнк Борман.", ("Сколько человек было на «Аполлоне-8»?", "3 человека"), ("Когда стартовал «Аполлон-8»?", "24 декабря 1968 года"), Reason.UNSUPPORTED_NUMBER),
        ("zh", "阿波罗8号于1968年12月21日发射。弗兰克·博尔曼担任指令长。", ("谁担任阿波罗8号的指令长？", "弗兰克·博尔曼"), ("本文提到谁？", "弗兰克·博尔曼"), Reason.NOT_SELF_CONTAINED),
        ("zh", "阿波罗8号于1968年12月21日发射。弗兰克·博尔曼担任指令长。", ("阿波罗8号何时发射？", "1968年12月21日"), ("阿波罗8号为什么发射？", "为了拍摄月球环形山"), Reason.UNSUPPORTED_ANSWER),
        ("es", "El Apolo 8 despegó el 21 de diciembre de 1968. Frank Borman mandaba la tripulación de tres hombres.", ("¿Quién mandaba el Apolo 8?", "Frank Borman"), ("¿Quién aparece en el texto?", "Frank Borman"), Reason.NOT_SELF_CONTAINED),
        ("fr", "Apollo 8 décolla le 21 décembre 1968. Frank Borman commandait un équipage de trois hommes.", ("Quand l'équipage d'Apollo 8 partit-il ?", "le 21 décembre 1968"), ("Quand est-il né ?", "le 21 décembre 1968"), Reason.NOT_SELF_CONTAINED),
    ],
)  # fmt: skip
def test_the_checks_speak_other_languages(
    language: str, text: str, good: tuple[str, str], bad: tuple[str, str], reason: Reason
) -> None:
    """A sound pair passes and a bad one is named in German, Russian, Chinese, Spanish and French."""
    where = passage(text, language)
    assert isinstance(examine(*good, (), where), tuple)
    assert examine(*bad, (), where) is reason


@pytest.mark.parametrize(("file", "language"), [("xquad_sample.json", "en"), ("xquad_zh_sample.json", "zh")])
def test_pairs_that_people_wrote_pass(file: str, language: str) -> None:
    """Less than 3 % of human questions with their human answers are stopped, and the evidence holds the answer."""
    total = stopped = 0
    for article in json.loads((DATA / file).read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            where = passage(paragraph["context"], language, article.get("title", ""))
            for item in paragraph["qas"]:
                answer = item["answers"][0]["text"]
                found = examine(item["question"], answer, (), where)
                total += 1
                stopped += isinstance(found, Reason)
                if isinstance(found, tuple) and language == "en" and len(where.sentences) > 1:
                    cited = " ".join(where.section.sentence(number) for number in found)
                    assert answer.split()[0].strip(".,()\"'").lower() in cited.lower()
    assert total > 20
    assert stopped / total < 0.03


def test_unknown_languages_keep_the_checks_that_need_no_words() -> None:
    """Georgian: no tables, yet marks, numbers and support still count."""
    where = passage("აპოლონ 8 გაუშვეს 1968 წლის 21 დეკემბერს. ეკიპაჟს მეთაურობდა ფრენკ ბორმანი.", "ka")
    assert examine("ვინ მეთაურობდა აპოლონ 8-ს?", "ფრენკ ბორმანი", (), where) == (2,)
    assert examine("როდის გაუშვეს აპოლონ 8?", "1970 წელს", (), where) is Reason.UNSUPPORTED_NUMBER
