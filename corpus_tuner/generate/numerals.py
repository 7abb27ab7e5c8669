"""Numbers in a text, whether they are written with digits or as words."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, pairwise

from corpus_tuner.text import numbers, words

_WORDS = {
    "en": """one=1 first=1 once=1 single=1 two=2 second=2 twice=2 both=2 pair=2 three=3 third=3 four=4 fourth=4 five=5
        fifth=5 six=6 sixth=6 seven=7 seventh=7 eight=8 eighth=8 nine=9 ninth=9 ten=10 tenth=10 eleven=11 eleventh=11
        twelve=12 twelfth=12 dozen=12 thirteen=13 fourteen=14 fifteen=15 sixteen=16 seventeen=17 eighteen=18
        nineteen=19 twenty=20 thirty=30 forty=40 fifty=50 sixty=60 seventy=70 eighty=80 ninety=90 hundred=100
        thousand=1000 half=50 january=1 february=2 march=3 april=4 may=5 june=6 july=7 august=8 september=9 october=10
        november=11 december=12 ii=2 iii=3 iv=4 vi=6 vii=7 viii=8 ix=9 xi=11 xii=12""",
    "de": """ein=1 eine=1 einen=1 einer=1 eins=1 erste=1 ersten=1 erster=1 zwei=2 zweite=2 zweiten=2 zweimal=2 beide=2 drei=3
        dritte=3 dritten=3 vier=4 vierte=4 vierten=4 fünf=5 fünfte=5 sechs=6 sieben=7 acht=8 neun=9 zehn=10 elf=11 zwölf=12
        zwanzig=20 dreißig=30 vierzig=40 fünfzig=50 hundert=100 tausend=1000 januar=1 februar=2 märz=3 april=4 mai=5
        juni=6 juli=7 august=8 september=9 oktober=10 november=11 dezember=12""",
    "es": """un=1 uno=1 una=1 primero=1 primer=1 primera=1 dos=2 segundo=2 segunda=2 tres=3 tercero=3 tercer=3 tercera=3 cuatro=4
        cinco=5 seis=6 siete=7 ocho=8 nueve=9 diez=10 once=11 doce=12 quince=15 veinte=20 treinta=30 cuarenta=40
        cincuenta=50 cien=100 ciento=100 mil=1000 enero=1 febrero=2 marzo=3 abril=4 mayo=5 junio=6 julio=7 agosto=8
        septiembre=9 octubre=10 noviembre=11 diciembre=12""",
    "fr": """un=1 une=1 premier=1 première=1 deux=2 deuxième=2 second=2 trois=3 troisième=3 quatre=4 cinq=5 six=6 sept=7
        huit=8 neuf=9 dix=10 onze=11 douze=12 quinze=15 vingt=20 trente=30 quarante=40 cinquante=50 cent=100 mille=1000""",
    "it": """uno=1 una=1 un=1 primo=1 prima=1 due=2 secondo=2 tre=3 terzo=3 quattro=4 cinque=5 sei=6 sette=7 otto=8
        nove=9 dieci=10 undici=11 dodici=12 venti=20 trenta=30 cento=100 mille=1000""",
    "pt": """um=1 uma=1 primeiro=1 primeira=1 dois=2 duas=2 segundo=2 três=3 terceiro=3 quatro=4 cinco=5 seis=6 sete=7
        oito=8 nove=9 dez=10 onze=11 doze=12 vinte=20 trinta=30 cem=100 mil=1000""",
    "ru": """один=1 одна=1 одно=1 одного=1 первый=1 первая=1 первого=1 два=2 две=2 двух=2 двое=2 второй=2 второго=2
        оба=2 три=3 трёх=3 трех=3 трое=3 третий=3 четыре=4 четырёх=4 четырех=4 пять=5 пяти=5 шесть=6 шести=6 семь=7
        семи=7 восемь=8 восьми=8 девять=9 девяти=9 десять=10 десяти=10 двенадцать=12 двадцать=20 тридцать=30 сорок=40
        пятьдесят=50 сто=100 тысяча=1000 января=1 февраля=2 марта=3 апреля=4 мая=5 июня=6 июля=7 августа=8 сентября=9
        октября=10 ноября=11 декабря=12""",
    "zh": "一=1 二=2 两=2 兩=2 三=3 四=4 五=5 六=6 七=7 八=8 九=9 十=10 百=100 千=1000",
    "ja": "一=1 二=2 三=3 四=4 五=5 六=6 七=7 八=8 九=9 十=10 百=100 千=1000",
}
WORDS = {
    language: {word: value for word, _, value in (pair.partition("=") for pair in listed.split())}
    for language, listed in _WORDS.items()
}
_SCALED = re.compile(
    r"(\d[\d.,\u00a0\u202f]*)[ -]?(?:(?:hundred|thousand|million|billion|trillion|tausend|millionen?|milliarden?|mil|mill[oó]n(?:es)?|milhões|milhão"
    r"|mille|milliers?|millions|milliards?|mila|milioni|miliardi|тыс\w*|млн|млрд|миллион\w*|миллиард\w*|bn|k|m)\b|[万萬亿億千百])",
    re.IGNORECASE,
)
_RUN = re.compile(r"(?<![\d.,])\d+(?![\d]|[.,]\d)")  # that is no part of a decimal or grouped number


class Numbers:
    """The numbers of a text, to be asked whether they bear those of another."""

    def __init__(self, text: str, language: str) -> None:
        text = _ascii(text)
        self._values = frozenset(numbers(text)) | frozenset(_RUN.findall(text))
        self._spelled = frozenset(_spelled(text, language))
        self._scaled = frozenset(_scaled(text))

    def __bool__(self) -> bool:
        return bool(self._values or self._spelled)

    def support(self, text: str) -> bool:
        """Whether each number of `text` is one of these: the same digits, the word for it, or the same digits at
        another scale ("1.5 million" for "1,500,000") where one of the two names its scale."""
        values, scaled = _asked(text)
        return all(self._has(value, significant, scaled) for value, significant in values)

    def bear_out(self, text: str) -> bool:
        """Whether each number of `text` is supported, or is the sum or difference of two of these."""
        own = [Decimal(value) for value in self._values | self._spelled]
        made = {result for left, right in combinations(own, 2) for result in (left + right, abs(left - right))}
        values, scaled = _asked(text)
        return all(self._has(value, significant, scaled) or Decimal(value) in made for value, significant in values)

    def _has(self, value: str, significant: str, scaled: frozenset[str]) -> bool:
        if value in self._values or value in self._spelled or significant in self._scaled:
            return True
        return significant in scaled and any(significant == _significant(own) for own in self._values)


@lru_cache(4096)  # a pair is held against every sentence of its section
def _asked(text: str) -> tuple[tuple[tuple[str, str], ...], frozenset[str]]:
    """The numbers of a text, each with its significant digits, and those of them that name their scale."""
    text = _ascii(text)
    return tuple((value, _significant(value)) for value in sorted(numbers(text))), frozenset(_scaled(text))


def _scaled(text: str) -> set[str]:
    """The significant digits of the numbers that name their scale: "15" of "1.5 million"."""
    return {_significant(value) for found in _SCALED.findall(text) for value in numbers(found)}


def _spelled(text: str, language: str) -> set[str]:
    known = WORDS.get(language, {})
    found = [known[word] for word in words(text) if word in known]
    tens = {
        str(int(left) + int(right))
        for left, right in pairwise(found)
        if int(left) in range(20, 100, 10) and int(right) < 10
    }
    return {*found, *tens}


def _significant(value: str) -> str:
    """The digits that remain of a number at any power of ten: "15" of 1.5, 15 and 1500."""
    return value.replace(".", "").strip("0") or "0"


def _ascii(text: str) -> str:
    """`text` with the decimal digits of every script as 0-9."""
    return "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text)
