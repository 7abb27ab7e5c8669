"""Wikitext to text: one case a line, and real pages."""

from __future__ import annotations

import random
import re

import pytest
from pages import document, page

from corpus_tuner.clean.wikitext import parse, read_definitions, read_losses
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.records import Reason

CASES = {
    "bold and italic": ("'''''A''''' '''b''' ''c''", "A b c"),
    "a genitive behind italics": ("''Eagle'''s shadow", "Eagle's shadow"),
    "an elision before italics": ("dell'''[[arte|Arte]]'' nuova", "dell'Arte nuova"),
    "links": ("[[A]], [[B|see b]], [[C]]s, [[D (e)|D]], [[:Category:F]], [[#G|g]]", "A, see b, Cs, D, Category:F, g"),
    "external links": ("[http://a.org/x?y=z label] and [https://b.org] and //c", "label and and //c"),
    "external links with brackets and quotes": ("[http://a.org [PDF] ''b''] [http://a.org''c''] [http://a.org\u3000d]", "[PDF] b c d"),
    "addresses in two brackets": ("[[https://a.org/b|c d]] [[https://a.org e]] [[https://a.org/f.png|frame|g]]", "c d e"),
    "a link that begins a line begins no list": ("[[#A]] b\n\n[[c|# d]]", "#A b\n\n# d"),
    "what a link says ends no cell": ("{|\n| [[a|b|c]] || d\n|}", "b|c; d"),
    "a link that is never closed ends no table": ("{|\n| [[a|b || c\n|-\n| d || e]] f\n|}", "b; c\nd; e f"),
    "what leaves no text holds its line": (
        "''' a''' b\n[http://c.org] d\n<small>* e</small>\n<code>== f ==</code>\n<span id=x></span>\n<nowiki />* g", "a b d * e == f == * g",
    ),
    "references": ("A<ref>b [[c]]</ref><ref name=d/>.<ref name=\"e\">{{cite|f}}</ref> G", "A. G"),
    "an unclosed reference": ("A<ref>b\n\nC", "Ab\n\nC"),
    "comments": ("A<!-- b\n\nc --> d\n<!-- alone -->\ne", "A d e"),
    "an unclosed comment": ("A<!-- b", "A"),
    "nowiki": ("<nowiki>[[a]] ''b'' {{c}} &amp;</nowiki>", "[[a]] ''b'' {{c}} &"),
    "nowiki in preformatted text": ("<pre><nowiki>\n{| a\n</nowiki></pre>", "{| a"),
    "transclusion tags": ('a <span id="<noinclude>b</noinclude>">c</span><includeonly>d</includeonly>\n<onlyinclude>* e</onlyinclude>', "a c\n\n- e"),
    "files and categories": ("[[File:A.jpg|thumb|b [[c]] d]]E[[Category:F]] [[Datei:g.png|mini|h]]", "E"),
    "an image in mid-paragraph splits it": ("A [[Image:b.jpg|right|c]] d", "A\n\nd"),
    "a thumbnail keeps its line out of the paragraphs around it": ("A\n[[File:b.jpg|thumb|c]] d\ne\nf", "A\n\nd\n\ne f"),
    "poems in quotations": ("{{quote|<poem>a\nb</poem>}}", "a\nb"),
    "a reference that opens a line": ("A\n<ref>b</ref> c\n<ref name=d />\ne", "A c e"),
    "a formula on a line of its own": ("A\n<math>x</math>\nb", "A b"),
    "an inline image that opens a line": ("A\n[[File:b.jpg|20px]] c", "A c"),
    "a reference alone in a cell": ("{|\n! A !! B\n|-\n| c ||\n<ref>d</ref>\n|}", "A; B\nc; –"),
    "a reference alone in an item": ("* <ref>b</ref>\n* c", "- c"),
    "an inline image does not": ("A [[Image:b.jpg|20px]] d", "A d"),
    "links to other languages": ("A\n[[de:B]]\n[[zh-min-nan:C]]", "A"),
    "an image that is never closed": ("[[File:A.jpg|thumb|b [[c]]\n\nD [[e]]\n\nF]]", "D e\n\nF"),
    "templates that carry words": ("{{convert|5|km|mi}}, {{lang|de|Ach}}, {{Nowrap|a [[b|c]]}}, {{circa|1900}}", "5 km, Ach, a c, c. 1900"),
    "templates in templates": ("{{nowrap|{{lang|fr|''un''}} {{frac|1|2}}}}", "un 1/2"),
    "unknown templates": ("A{{unknown|b=c|{{nowrap|d}}}}.", "A."),
    "named arguments": ("{{quote|author=C|text=A = B}}", "A = B C"),
    "arguments with links": ("{{nowrap|[[a|b]] [[c=d|e=f]]}}", "b e=f"),
    "parser functions": ("{{#if:x|a|b}} {{#ifeq:1|2|c|d}} {{lc:E}} {{formatnum:1234567.5}} {{PAGENAME}}", "a d e 1,234,567.5 Test"),
    "braces that never close": ("A {{b |c=[[d]] E", "A b |c=d E"),
    "a template begins a line": ("A{{quote|b}}", "A\n\nb"),
    "formulas": ("If <math>\\{a</math> {{math|''x'' < 1}}", "If x < 1"),
    "entities": ("a&nbsp;b &lt;ref&gt; &ndash; &#945;", "a b <ref> – α"),
    "entities that lack their semicolon": ("?a=1&copy=2 &copy; &amp;copy; <pre>&lt &lt;</pre>", "?a=1&copy=2 © &copy;\n\n&lt <"),
    "parameters of a page that is no template": ("{{{a|b|c}}} {{{d}}} {{{e|[[f|g]]}}}", "b g"),
    "holes": ("A ({{unknown}}; [[b]]) c ({{unknown}}) d (, e) f ( )", "A (b) c d (e) f"),
    "line breaks": ("a<br>b<br clear=all/>c", "a\nb\nc"),
    "paragraphs": ("a\nb\n\nc\n \nd", "a b\n\nc\n\nd"),
    "inline tags": ('<span style="x">a</span><sub>2</sub> <small>b</small>', "a2 b"),
    "hidden text": ('a<span style="display:none">b</span>c', "ac"),
    "blocks": ("a<blockquote>b</blockquote>c<div>d</div>", "a\n\nb\n\nc\n\nd"),
    "lists": ("* a\n** b\n* c\n# d\n# e\n#: f\n# g", "- a\n  - b\n- c\n1. d\n2. e\nf\n3. g"),
    "definitions": ("; a\n: b\n:: c", "a\nb\nc"),
    "numbers begin anew": ("# a\n# b\n\n# c", "1. a\n2. b\n1. c"),
    "code": ("a\n<syntaxhighlight lang=c>\nif (a[[0]]) {\n  b;\n}\n</syntaxhighlight>", "a\n\nif (a[[0]]) {\n  b;\n}"),
    "poems with indented verses": ("<poem>a\n b\n::c\n\nd</poem>", "a\nb\nc\n\nd"),
    "breaks in indented lines": (" a<br>b\n c", "a\nb\nc"),
    "a category takes its line along": ("a\n[[Category:b]]\nc\n[[Category:b]] d\n# e\n[[de:f]]\n# g", "a c d\n\n1. e\n2. g"),
    "poems": ("<poem>\na ''b''\nc\n</poem>", "a b\nc"),
    "switches": ("__NOTOC__a __KEIN_INHALTSVERZEICHNIS__ __ഉള്ളടക്കംവേണ്ട__ __notoc__ b __init__ __index__", "a b __init__ __index__"),
    "galleries": ("a <gallery>\nFile:b.jpg|c\n</gallery>", "a"),
    "a table": ('{| class="wikitable"\n! A !! B\n|-\n| c || style="x" | d\n|-\n! e\n| f\n|}', "A; B\nc; d\ne: f"),
    "a caption": ("{|\n|+ a\n|-\n| b || c\n|}", "a\nb; c"),
    "a caption of two lines": ("{|\n|+ a<br>b <div>c</div>\n| d\n|}", "a b c\nd"),
    "a table in a table": ("{|\n| a\n{|\n| b || c\n|}\n| d\n|}", "b; c\na; d"),
    "an infobox as a table": ('{| class="infobox"\n| a\n{|\n| b\n|}\n|}\nc', "c"),
    "columns of lists": ("{|\n|\n* a\n* b\n|\n* c\n* d\n|}", "- a\n- b\n- c\n- d"),
    "an HTML table": ("<table><tr><th>a</th><td>b</td></tr><tr><td>c<td>d</table>", "a: b\nc; d"),
    "a table that is never closed": ("{|\n| a || b\n|-\n| c", "a; b\nc"),
    "rows without a table": ("| a || b\n|}", "a; b"),
    "tabs": ("<tabber>\nA\n|-|\nB=\n* c\n|-| D = e\nf\n</tabber>", "A\n\nB\n\n- c\n\nD\n\ne f"),
    "units of translation": ("<translate>\n<!--T:1-->\nA <tvar|b>c</> <tvar name=d>e</tvar>.\n* f</translate>", "A c e.\n\n- f"),
    "stray markup": ("a}} b]] c", "a b c"),
}


# Each kind of block with breaks, blocks, images and formulas in it.
MARKED = "".join(f"\n{start}a<br>b <div>c</div> [[File:d|thumb]] <math>e</math>\n" for start in ("", " ", "* ", ": ", "{|\n|+ ", "| ", "! ", "|-\n| f\n", "|}\n<poem>", "== "))


def text(wikitext: str, language: str = "en") -> str:
    """The text of a page's lead."""
    return next(iter(parse(document(wikitext, language=language)))).text


def lost(wikitext: str) -> dict[str, tuple[int, int]]:
    """What a page says of the templates that it lost."""
    return read_losses(part.detail for part in parse(document(wikitext)) if part.reason is Reason.UNKNOWN_TEMPLATES)


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    """Each kind of markup becomes what a reader would see of it."""
    wikitext, expected = CASES[name]
    assert text(wikitext) == expected


@pytest.mark.parametrize(
    ("language", "wikitext", "expected"),
    [
        ("fr", "{{citation|a}} {{s|XIX}} {{formatnum:9000}}", "« a » XIXe siècle 9 000"),
        ("en", "{{citation|a}} {{formatnum:9000}}", "9,000"),
        ("es", "{{formatnum:9000}} {{formatnum:90000}}", "9000 90 000"),
        ("de", "{{ZahlExp|2|6}} {{\"|a}} {{Zitat|b|Autor=c}}", "2·106 „a“ b"),
        ("ru", "{{lang-de|Berlin}} {{нп5|А|Б|en|C}}", "нем. Berlin Б"),
        ("ja", "{{仮リンク|独|de|D}}", "独"),
        ("it", "{{M|5|u=km}}", "5 km"),
        ("zh", "十六个-{zh-hans:联邦州; zh-hant:邦}-之一-{}- -{a}-", "十六个联邦州之一 a"),
        ("zh", "-{zh-hans:{{lang|en|A}}甲;zh-hant:乙}- -{{{lang|en|B}}}- {{nowrap|{{lang|en|C}}}}-D", "A甲 B C-D"),
        ("zh", "-{zh-Hant:乙;zh-Hans:甲}- -{zh-Hant-TW:乙}-", "甲 乙"),
        ("en", "-{a}-", "-{a}-"),
        ("en", "{{citation|a}} b\n[[Catégorie:C]]", "« a » b"),
    ],
)
def test_templates_are_those_of_the_wiki(language: str, wikitext: str, expected: str) -> None:
    """Each wiki's own templates say what they say there; category links tell its language where the document does not."""
    assert text(wikitext, language) == expected


@pytest.mark.parametrize(
    ("project", "wikitext", "expected"),
    [
        ("wiktionary", "From {{inh|en|enm|fre}}, from {{der|en|afa|-}}, {{m|la|a||t=b}}.", "From Middle English fre, from, a (“b”)."),
        ("wiktionary", "# {{lb|en|x|y}} z\n#* {{quote-book|en|year=1899|title=T|passage=P}}", "1. (x, y) z\n  - 1899, T: P"),
        ("wikivoyage", "* {{see|name=A|alt=b|address=C|content=D e.|price=5}}", "- A (b), C. D e. 5."),
        ("wikivoyage", "{{regionlist|region1name=[[A]]|region1description=B|region2name=C}}", "A: B\nC:"),
        ("wikisource", "{{rh|2|A|}}{{di|T}}he {{sc|b}} {{larger|{{c|D}}}}{{gap}}e {{hws|hy|hyphen}}", "The b D e hyphen"),
        ("wikipedia", "{{see|A}} {{l|en|b}}", ""),
    ],
)
def test_templates_are_those_of_the_project(project: str, wikitext: str, expected: str) -> None:
    """A dictionary's and a travel guide's own templates carry most of their words."""
    assert next(iter(parse(document(wikitext, url=f"https://en.{project}.org/wiki/Test")))).text == expected


def test_headings() -> None:
    """Paths follow the levels, skipped and uneven ones too; one without words opens nothing; references, templates, comments and links in a heading leave its words."""
    wikitext = """lead
== A <ref>x</ref> ==
==== {{vanchor|B}} '''c''' ====
=== D === <!-- e -->
== [[F|f]] ==
=== G ==
= H =
not a heading == x ==
==== J == <!-- k -->
== ==
=====
== {{unknown|fr}} ==
== {{anchor|x}} I ==
"""
    assert [part.path for part in parse(document(wikitext)) if part.reason is None] == [
        (), ("A",), ("A", "B c"), ("A", "D"), ("f",), ("= G",), ("H",), ("H", "== J"), ("H", "="), ("H", "fr"), ("H", "I"),
    ]  # fmt: skip


def test_appendices_are_boilerplate_with_all_below_them() -> None:
    """References and links are out in any language, and their subsections; a heading like them inside of a topic is not."""
    wikitext = "== Notes ==\na\n=== Primary ===\nb\n== Culture ==\n=== Sources ===\nc\n== Einzelnachweise ==\nd\n== 外部リンク ==\ne"
    assert [part.path for part in parse(document(wikitext)) if part.reason is Reason.BOILERPLATE] == [
        ("Notes",), ("Notes", "Primary"), ("Einzelnachweise",), ("外部リンク",),
    ]  # fmt: skip


def test_a_redirect_has_no_text() -> None:
    """A page that only leads elsewhere is one empty part, in any language."""
    assert [part.text for part in parse(document("#WEITERLEITUNG [[Ziel]]"))] == [""]
    assert [part.text for part in parse(page("anova.en.wiki"))] == [""]


def test_unknown_templates_are_counted() -> None:
    """What was dropped is told by template, with its uses and its characters, the costliest first."""
    losses = lost("{{a|xyz}} {{A|x}} {{long|" + "y" * 50 + "}} {{nowrap|b}}")
    assert losses == {"long": (1, 59), "a": (2, 16)}
    assert list(losses) == ["long", "a"]


def test_many_unknown_templates_are_one_line() -> None:
    """A page that uses hundreds names the costliest, and adds up the rest: no use is lost, and the line stays short."""
    losses = lost("".join(f"{{{{t{number} (x; y)|{'z' * number}}}}}" for number in range(300)))
    assert list(losses) == ["others", *(f"t{number} (x; y)" for number in range(299, 279, -1))]
    assert sum(uses for uses, _ in losses.values()) == 300


def test_what_documents_lost_adds_up() -> None:
    """The lines of several documents become one account."""
    assert read_losses(["a (1 use, 5 characters)", "b (2 uses, 20 characters); a (2 uses, 7 characters)", ""]) == {"b": (2, 20), "a": (3, 12)}


def test_a_users_own_definitions_go_first() -> None:
    """A table of one's own adds templates, overrides the common ones, and can keep formulas."""
    own = read_definitions('["mine"]\n"${{{1}}}$" = ["<math>"]\n"{{{1|}}}!" = ["ours", "nowrap"]')
    wikitext = "{{ours|a}} {{nowrap|b}} <math>x_{1}^{2}</math>"
    assert [part.text for part in parse(document(wikitext), own)] == ["a! b! $x_{1}^{2}$"]
    assert lost(wikitext) == {"<math>": (1, 22), "ours": (1, 10)}


@pytest.mark.parametrize("table", ["x", '[a]\n"b" = "c"', '"b" = ["c"]', "[a]\nb = [1]", '[a]\n"{{{1" = ["c"]', '[a]\n"}" = ["c"]'])
def test_a_table_that_is_none_is_the_users_mistake(table: str) -> None:
    """Broken TOML, names that are no list, and braces that do not match are refused in one line."""
    with pytest.raises(CorpusTunerError, match="template"):
        read_definitions(table)


@pytest.mark.parametrize(
    ("name", "paths", "says"),
    [
        ("damphu-drum.en.wiki", ["History", "Types", "Importance", "Use"], "is a percussion instrument similar to a large tambourine."),
        ("maurische-netzwuehle.de.wiki", ["Merkmale", "Verbreitung und Lebensraum", "Lebensweise", "Gefährdung und Schutz"],
         "Die Maurische Netzwühle (Blanus cinereus), auch Ringelschleiche genannt,"),
        ("berlin.lb.wiki", ["Kuckeswäertes"], "Berlin ass d'Haaptstad vun Däitschland"),
        ("berlin.cv.wiki", ["Паллӑ ҫынсем", "Тӑванлӑ хуласем"], "Берлин Шпрее (Spree) тата Хавель (Havel) юханшывĕсем çинче"),
    ],
)  # fmt: skip
def test_real_pages(name: str, paths: list[str], says: str) -> None:
    """Real pages keep their sections and sentences, and hold no markup."""
    kept = [part for part in parse(page(name)) if part.reason is None and part.text]
    everything = "\n\n".join(part.text for part in kept)
    assert [part.path[0] for part in kept if part.path] == paths
    assert says in everything
    assert not re.search(r"\{\{|\}\}|\[\[|\]\]|\||''|</?\w+|&\w+;|\b(?:thumb|File|Datei|Category|Kategorie):", everything)


@pytest.mark.parametrize("seed", range(6))
def test_broken_markup_loses_no_words_silently(seed: int) -> None:
    """Whatever brackets, braces and tags are cut out or doubled, every part is text without marks of ours, and nothing crashes."""
    chance = random.Random(seed)
    source = page("damphu-drum.en.wiki").text + page("berlin.cv.wiki").text + MARKED
    for _ in range(30):
        spots = [match.span() for match in re.finditer(r"\[\[|\]\]|\{\{|\}\}|</?(?:ref|br|div|poem)[^>]*>|'''?|==+|<!--|-->|\n", source)]
        broken = source
        for start, end in sorted(chance.sample(spots, 5), reverse=True):
            broken = broken[:start] + chance.choice(["", broken[start:end] * 2]) + broken[end:]
        parts = list(parse(document(broken)))
        assert not re.search("[\x00-\x08\x7f]", "".join(part.text + "".join(part.path) for part in parts))


def test_text_without_markup_stays_as_it_is() -> None:
    """Plain words, in any script, come through unchanged."""
    plain = "Ein Satz – mit „Zeichen“: 3 < 5 & 7 > 6; f(x) = [1, 2]. 一句話。 Слово (и дело)."
    assert text(plain) == plain


def test_mwparserfromhell_finds_no_words_that_we_lose() -> None:
    """On a real page, every word of the body that mwparserfromhell's strip_code keeps is in our text too."""
    import mwparserfromhell

    source = page("maurische-netzwuehle.de.wiki").text
    body = re.sub(r"<ref.*?</ref>|<!--.*?-->", "", source.partition("\n== Belege ==")[0], flags=re.DOTALL)
    theirs = set(re.findall(r"\w+", mwparserfromhell.parse(body).strip_code()))
    ours = set(re.findall(r"\w+", " ".join(" ".join(part.path) + " " + part.text for part in parse(document(body, language="de")))))
    captions = {word for word in theirs - ours if re.search(rf"\[\[(?:Datei|Bild):[^\n]*\b{word}\b", body)}
    assert len(theirs) > 150
    assert theirs - ours - captions == set()
