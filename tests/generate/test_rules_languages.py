"""Other languages than English: few questions, each in the section's own language."""

from __future__ import annotations

import pytest

from corpus_tuner.generate.rules import RulesWriter
from corpus_tuner.records import Example, Section
from corpus_tuner.settings import Settings
from corpus_tuner.text import sentences

TEXTS = {
    "de": ("Apollo 8 startete am 21. Dezember 1968 von Cape Canaveral. Er kehrte 1969 zurück.", "Was fehlt"),
    "fr": ("La mission Apollo 8 fut lancée en 1968 par la NASA. Il revint en 1969 à Paris.", "Que manque"),
    "es": ("La misión Apolo 8 fue lanzada por la NASA en 1968. Este vuelo duró 6 días.", "¿Qué falta"),
    "it": ("La missione Apollo 8 fu lanciata dalla NASA nel 1968. Questo volo durò 6 giorni.", "Che cosa manca"),
    "ru": ("Корабль «Аполлон-8» стартовал с мыса Канаверал в 1968 году. Он вернулся через 6 дней.", "Что пропущено"),
    "zh": ("阿波罗8号于1968年12月21日从肯尼迪航天中心发射升空。它于1969年返回。", "在条目"),
    "sw": ("Chombo cha Apollo 8 kilirushwa na NASA mwaka 1968 kutoka Florida.", "X: "),
}


@pytest.mark.parametrize("language", TEXTS)
def test_questions_are_in_the_sections_language(language: str) -> None:
    """A completion is asked by the language's own template (a wordless one where there is none), and is grounded."""
    text, opening = TEXTS[language]
    section = Section("s", "d", "X", (), text, sentences(text, language), language=language)
    pairs = [p for p in RulesWriter(Settings()).write([section], "basic", 10) if isinstance(p, Example)]
    assert pairs
    assert any(pair.question.startswith(opening) for pair in pairs)
    assert all(pair.answer in section.sentence(1) for pair in pairs)
    assert any("1968" in pair.answer for pair in pairs)


@pytest.mark.parametrize("language", [code for code in TEXTS if code != "sw"])
def test_sentences_that_lean_on_another_are_left_alone(language: str) -> None:
    """No question is made from a sentence that opens with a pronoun."""
    text, _ = TEXTS[language]
    section = Section("s", "d", "X", (), text, sentences(text, language), language=language)
    pairs = [p for p in RulesWriter(Settings()).write([section], "basic", 10) if isinstance(p, Example)]
    assert {number for pair in pairs for _, number in pair.evidence} == {1}
