"""The phrases of each language, and the few facts that can be asked about without its grammar: completions only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from corpus_tuner.generate.rules_facts import BLANK, Fact, acceptable, apart
from corpus_tuner.records import Section
from corpus_tuner.text import stop_words, words


@dataclass(frozen=True, slots=True)
class Phrases:
    """Templates over title, heading, name, sentence; `leaning` are words that begin a sentence which needs another."""

    cloze: str
    gap: str
    lead: tuple[str, ...]
    heading: tuple[str, ...]
    about: tuple[str, ...] = ()
    after: str = ""
    leaning: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PHRASES = {
    "en": Phrases(
        'What is missing from this statement about {title}: "{sentence}"?',
        'Which words fill the gap in "{sentence}", in the account of {title}?',
        ("How is {title} introduced?", "What is the main thing to know about {title}?"),
        ('What does "{title}" say under the heading {heading}?',
         "In the account of {title}, what can you tell me about {heading}?"),
        ('What does "{title}" say about {name}{under}?', "What do you know about {name} in connection with {title}{under}?"),
        'How does "{title}" go on after {sentence}?',
        _words("he she it they we i you him his her its their this that these those such here there however but and or "
               "so then also both another others former latter therefore thus instead nor moreover meanwhile afterwards later"),
    ),
    "de": Phrases(
        "Was fehlt im Artikel „{title}“ in dem Satz „{sentence}“?", "„{sentence}“: Welche Angabe aus „{title}“ gehört in die Lücke?",
        ("Wie beginnt der Artikel „{title}“?",), ("Was steht im Artikel „{title}“ unter der Überschrift {heading}?",),
        leaning=_words("er sie es ihr ihm ihn ihre sein seine seinen dieser diese dieses diesem dies das dort hier dabei daher "
                       "dadurch damit danach dann jedoch aber und oder auch dazu davon darauf darin deshalb so solche wir ich beide"),
    ),
    "fr": Phrases(
        "Que manque-t-il, dans l’article « {title} », à la phrase « {sentence} » ?", "« {sentence} » : selon « {title} », quels mots remplissent le blanc ?",
        ("Comment commence l’article « {title} » ?",), ("Que dit l’article « {title} » sous le titre {heading} ?",),
        leaning=_words("il elle ils elles on ce cet cette ces cela ceci son sa ses leur leurs celui celle ceux y en lui mais et ou "
                       "ainsi donc cependant toutefois ensuite puis c'est c’est nous je ici là aussi tel telle"),
    ),
    "es": Phrases(
        "¿Qué falta, en el artículo «{title}», en la frase «{sentence}»?", "«{sentence}»: según «{title}», ¿qué palabras llenan el hueco?",
        ("¿Cómo empieza el artículo «{title}»?",), ("¿Qué dice el artículo «{title}» bajo el título {heading}?",),
        leaning=_words("él ella ellos ellas este esta estos estas ese esa esos esas esto eso aquel su sus lo le les pero y o así entonces "
                       "además luego después también sin nosotros yo aquí allí tal dicho dicha fue era es ha había tiene tenía"),
    ),
    "it": Phrases(
        "Che cosa manca, nell’articolo «{title}», nella frase «{sentence}»?", "«{sentence}»: secondo «{title}», quali parole riempiono lo spazio vuoto?",
        ("Come comincia l’articolo «{title}»?",), ("Che cosa dice l’articolo «{title}» sotto il titolo {heading}?",),
        leaning=_words("egli ella esso essa essi esse lui lei loro questo questa questi queste quello quella quelli ciò suo sua suoi sue "
                       "ma e o così quindi inoltre poi dopo anche tuttavia noi io qui lì tale tali è era fu ha aveva"),
    ),
    "pt": Phrases(
        "O que falta, no artigo «{title}», na frase «{sentence}»?", "«{sentence}»: segundo «{title}», que palavras preenchem a lacuna?",
        ("Como começa o artigo «{title}»?",), ("O que diz o artigo «{title}» sob o título {heading}?",),
        leaning=_words("ele ela eles elas este esta estes estas esse essa esses essas isto isso aquele seu sua seus suas mas e ou assim "
                       "então além depois também porém nós eu aqui ali tal foi era é tem tinha"),
    ),
    "nl": Phrases(
        "Wat ontbreekt er, in het artikel „{title}”, in de zin „{sentence}”?", "„{sentence}”: welke woorden vullen volgens „{title}” het gat?",
        ("Hoe begint het artikel „{title}”?",), ("Wat staat er in het artikel „{title}” onder de kop {heading}?",),
        leaning=_words("hij zij ze het we wij ik dit dat deze die zijn haar hun daar hier er maar en of ook toen dan daarna echter zo"),
    ),
    "ru": Phrases(
        "Что пропущено в статье «{title}» в предложении «{sentence}»?", "«{sentence}»: какие слова из статьи «{title}» стоят на месте пропуска?",
        ("Как начинается статья «{title}»?",), ("Что говорится в статье «{title}» в разделе {heading}?",),
        leaning=_words("он она оно они его её ее их ему ей им этот эта это эти тот та то те такой такая такие там здесь тогда затем но и "
                       "а или однако также поэтому потом после мы я свой при"),
    ),
    "zh": Phrases(
        "在条目《{title}》中，“{sentence}”这句话的空白处应填什么？", "根据《{title}》，“{sentence}”缺少的是什么？",
        ("条目《{title}》的开头是怎么说的？",), ("条目《{title}》在{heading}一节中说了什么？",),
        leaning=_words("他 她 它 这 该 此 那 其 我 你 但 而 并 也 因 所 同 另"),
    ),
}
_NEUTRAL = Phrases("{title}: {sentence} — {blank}?", "{sentence} ({title}) — {blank}?", ("{title}: …?",), ("{title} — {heading}: …?",))

_DATE = r"\d{3,4}年(?:\d{1,2}月(?:\d{1,2}日)?)?"
_NUMBER = r"(?<![\w.,:/-])\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+(?![\w])|(?<![\w.,:/-])\d+(?:[.,]\d+)?(?![\w/:-]|[.,]\d)"
_QUOTE = r"(?<=[«„「『《])[^«»„“”「」『』《》]{2,60}(?=[»“”」』》])"
_NAME = r"(?<=[^\W\d_] )[A-ZÀ-ÞА-ЯЁ][\w’'-]+(?: (?:(?:de|del|della|di|da|von|van|la|le|du) )?[A-ZÀ-ÞА-ЯЁ][\w’'-]+)+"
_SINGLE = r"(?<=[a-zß-ÿа-яё,] )[A-ZÀ-ÞА-ЯЁ][\w’'-]{2,}(?! [A-ZÀ-ÞА-ЯЁ])"
_SORTS = ((_DATE, 0.6), (_NUMBER, 0.5), (_NAME, 0.45), (_SINGLE, 0.35), (_QUOTE, 0.3))
_MAX_CLOZE_WORDS = 70
_SIDE = 6  # words on each side of the gap in the shorter wording


def code(section: Section) -> str:
    """The language of a section as ISO 639; "en" for an unlabelled one in which English function words abound."""
    if section.language:
        return section.language.split("-")[0].lower()
    found = words(section.text[:4000])
    share = sum(word in stop_words("en") for word in found) / max(len(found), 1)
    return "en" if share > 0.2 else "und"


def is_english(section: Section) -> bool:
    return code(section) in ("en", "simple")


def phrases(language: str) -> Phrases:
    """The templates of a language; one without words where there are none."""
    return _PHRASES.get(language.split("-")[0].lower(), _NEUTRAL)


def leans(sentence: str, language: str) -> bool:
    """Whether a sentence's first word points at the one before it."""
    found = words(sentence)
    return not found or found[0] in phrases(language).leaning


def facts(section: Section) -> Iterator[Fact]:
    """Facts of a section in any language, each asked by completing its sentence."""
    language = code(section)
    for number, (start, end) in enumerate(section.sentences, start=1):
        sentence = section.text[start:end].lstrip("-–•* ")
        if sentence[-1:] not in ".!?。！？…»”" or not 5 <= len(words(sentence)) <= _MAX_CLOZE_WORDS or leans(sentence, language):
            continue
        taken: list[tuple[int, int]] = []
        for first, last, value in _candidates(sentence, language):
            if all(last <= a or b <= first for a, b in taken):
                taken.append((first, last))
                fact = _fact(section, language, number, sentence, first, last, value)
                if fact:
                    yield fact


def _candidates(sentence: str, language: str) -> Iterator[tuple[int, int, float]]:
    for pattern, value in _SORTS:
        if pattern is _SINGLE and language in ("de", "lb"):  # where every noun has a capital
            continue
        for match in re.finditer(pattern, sentence):
            if len(words(match.group())) <= (12 if language in ("zh", "ja") else 8):
                yield match.start(), match.end(), value


def _fact(section: Section, language: str, number: int, sentence: str, first: int, last: int, value: float) -> Fact | None:
    answer = sentence[first:last]
    wording = phrases(language)
    whole = sentence[:first] + BLANK + sentence[last:]
    asked = [(wording.cloze, whole), (wording.gap, _near(sentence, first, last))]
    questions = [template.format(title=section.title, sentence=text, blank=BLANK) for template, text in asked]
    kept = apart([question for question in questions if acceptable(question, answer)])
    return Fact((number,), answer, value * 0.9, kept) if kept else None


def _near(sentence: str, first: int, last: int) -> str:
    """The gap with a few words on each side."""
    left, right = sentence[:first], sentence[last:]
    if " " not in sentence:
        return ("…" if len(left) > 12 else "") + left[-12:] + BLANK + right[:12] + ("…" if len(right) > 12 else "")
    before = re.findall(r"\S+\s*", left)
    after = re.findall(r"\s*\S+", right)
    head = ("… " if len(before) > _SIDE else "") + "".join(before[-_SIDE:])
    return head + BLANK + "".join(after[:_SIDE]) + (" …" if len(after) > _SIDE else "")
