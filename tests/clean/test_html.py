"""HTML to text: headings, navigation, code, lists and tables."""

from __future__ import annotations

import pytest
from pages import document, page

from corpus_tuner.clean.html import parse
from corpus_tuner.records import Reason

CASES = {
    "paragraphs": ("<p>a <b>b</b>\n c<p>d<br>e", "a b c\n\nd\ne"),
    "blocks": ("<div>a<div>b</div>c</div>d", "a\n\nb\n\nc\n\nd"),
    "lists": ("<ul><li>a<li>b<ul><li>c</ul></ul><ol start=3><li>d<li>e</ol>", "- a\n- b\n  - c\n3. d\n4. e"),
    "items with paragraphs": ("<ul><li><p>a</p><p>b</p><li><p>c</p></ul>", "- a\n  b\n- c"),
    "code": ("a<pre>if x:\n    y = <b>1</b> &lt; 2\n\nz</pre>b", "a\n\nif x:\n    y = 1 < 2\n\nz\n\nb"),
    "code in a list": ("<ul><li>a<pre>b\n  c</pre></ul>", "- a\n\nb\n  c"),
    "line numbers": ('<table><tr><td class="linenos"><pre>1\n2</pre></td><td><pre>a\nb</pre></td></tr></table>', "a\nb"),
    "a table": ("<table><tr><th>A<th>B<tr><td>c<td>d<tr><th>e<td>f</table>", "A; B\nc; d\ne: f"),
    "cells with one paragraph": ("<table><tr><td><p>a</p><td><p>b</p></table>", "a; b"),
    "an empty cell": ("<table><tr><td>a<td><td>b</table>", "a; –; b"),
    "a table for layout": ("<table><tr><td><p>a</p><p>b</p><td>c</table>", "a\n\nb\n\nc"),
    "a table in a table": ("<table><tr><td>a<table><tr><td>b<td>c</table>d</table>", "a\n\nb; c\n\nd"),
    "code with a block for each line": ("<pre><ol><li>a<li>  b</ol><div>c</div></pre>", "a\n  b\nc"),
    "code with breaks and fixed spaces": ("<pre>a<br>&nbsp; b<br/>c</pre>", "a\n  b\nc"),
    "code by Doxygen": (
        '<div class="fragment"><div class="line"><a id="l1"></a><span class="lineno">1</span>&#160;if (a) {</div>'
        '<div class="line"><span class="lineno">2</span>&#160;  b();</div><div class="ttc">c</div></div>d',
        "if (a) {\n  b();\n\nd",
    ),
    "the site in a table": ('<table><tr><td>a<div class="share-links">b</div></td><td>c</td></tr></table>', "a; c"),
    "scripts and styles": ("<script>a</script><style>b</style>c<noscript>d</noscript>", "c"),
    "navigation": ("<nav>a</nav><ul class='menu'><li>b</ul><div role=navigation>c</div>d", "d"),
    "cookies": ('<div class="cookie-banner">a</div><div id="onetrust-consent-sdk">b</div>c', "c"),
    "footers": ("a<footer>b</footer><div id=footer>c</div>", "a"),
    "chapters named like parts of a site": ('<section id="menu"><p>a</p></section><div class="section" id="footer">b</div>', "a\n\nb"),
    "boxes of a DocBook chapter": ('<div class="chapter"><div class="sidebar">a</div></div><div class="sidebar">b</div>', "a"),
    "chapters in one file by Sphinx": ('<div class="toctree-wrapper compound"><section id="s"><p>a</p></section></div>', "a"),
    "links past the menu and back to the top": ('<a class="skip-to-content" href="#m">a</a>b<a class="back-to-top">c</a>', "b"),
    "parts of a site by a word of their class": ('<div class="post-comments">a</div><ul class="RelatedArticles"><li>b</ul>c', "c"),
    "a page with a sidebar": ('<div class="has-footer">a</div><div class="page-footer-fixed"><article>b</article></div>', "b"),
    "chapters before and after": ('<div class="navheader">a</div><p>b</p><ul class="docnav"><li>c</ul><nav class="pagination-nav">d</nav>', "b"),
    "links of Sphinx": ('a <a class="reference internal">b</a><sup class="reference">[1]</sup>', "a b"),
    "hidden": ('<p hidden>a</p><p style="display: none">b</p>c', "c"),
    "a page in a form": ("<body class='has-sidebar nav'><form><p>a</p><input value=b><button>c</button></form>", "a"),
    "entities": ("<p>a&nbsp;&amp; &lt;b&gt; &#8211;</p>", "a & <b> –"),
    "XML": ('<?xml version="1.0" encoding="latin-1"?><html><body>ä</body></html>', "ä"),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    """Each kind of element becomes what a reader would see of it."""
    html, expected = CASES[name]
    [part] = parse(document(html, "html"))
    assert part.text == expected


def test_headings_keep_their_level_and_nothing_is_glued_on() -> None:
    """Edit links and permalinks are no part of a heading; its anchor is its own or that of what it holds."""
    html = """<h1 id=a>A <span class="mw-editsection">[<a>edit</a>]</span></h1>x
<h3><span class="mw-headline" id="b">B</span><span class="mw-editsection">[edit]</span></h3><h2 id=c>C<a class="headerlink" href="#c">¶</a></h2>
<h2><a name=d></a>D <code>e()</code></h2><h2></h2>"""
    found = [(part.path, part.anchor) for part in parse(document(html, "html"))]
    assert found == [((), ""), (("A",), "a"), (("A", "B"), "b"), (("A", "C"), "c"), (("A", "D e()"), "d")]


def test_a_sign_is_no_word_of_a_heading_where_it_is_a_link_to_it() -> None:
    """`C#` is a name; a link that is nothing but a sign is the heading's address."""
    html = '<h1>C# <a href="#c">#</a></h1><h2><a href="#d">§</a> D</h2><h2>§ 3</h2><h2><a href="/f">F#</a></h2>'
    assert [part.path[-1] for part in parse(document(html, "html")) if part.path] == ["C#", "D", "§ 3", "F#"]


PARTS = {
    "body of an article": ('<h1>A</h1><p>by me</p><article>x<div itemprop="articleBody">{}</div></article><h2>More</h2>y', True),
    "by its name": ('<h1>A</h1><p>by me</p><div class="single-post__body post-content">{}</div><div><h2>More</h2>y</div>', True),
    "article": ("<h1>A</h1><p>by me</p><article>{}</article><h2>More</h2>y", True),
    "main": ("<h1>A</h1><p>by me</p><div role=main>{}</div><h2>More</h2>y", True),
    "unmarked": ("<h1>A</h1><div>{}</div><h2>More</h2>y", False),
}


@pytest.mark.parametrize("name", PARTS)
def test_the_main_part_of_a_page_is_its_text(name: str) -> None:
    """Where a page marks its main part, the rest is the site's; a title above the part stays, and every heading is told."""
    html, marked = PARTS[name]
    parts = list(parse(document(html.format("<p>b b b b</p><h2>C</h2><p>d</p>"), "html")))
    assert [(part.path, part.text) for part in parts if part.reason is None] == [
        ((), ""), (("A",), "b b b b"), (("A", "C"), "d"), *([] if marked else [(("A", "More"), "y")])
    ]  # fmt: skip
    assert [part.path for part in parts if part.reason] == [("More",)] * marked


def test_what_is_marked_as_the_main_part_must_be_a_part_worth_the_name() -> None:
    """A card with an article beside the text is not the page; articles that together are the page all stay."""
    card = "<article>a</article><p>" + "b " * 50 + "</p>"
    several = "".join(f"<article><h2>{name}</h2>{name * 9}</article>" for name in "abc") + "<p>d"
    assert [sum(part.reason is None and bool(part.text) for part in parse(document(html, "html"))) for html in (card, several)] == [1, 3]
    assert "b b" in next(parse(document(card, "html"))).text


def test_headings_of_navigation_are_boilerplate_and_text_goes_on_behind() -> None:
    """A sidebar in mid-section keeps its heading to itself: the section that it interrupts goes on."""
    html = "<h1>A</h1><p>b</p><aside><h2>Related</h2><p>c</p></aside><p>d</p><h2>E</h2><p>f</p>"
    parts = list(parse(document(html, "html")))
    assert [(part.path, part.text, part.reason) for part in parts] == [
        ((), "", None),
        (("A",), "b\n\nd", None),
        (("Related",), "c", Reason.BOILERPLATE),
        (("A", "E"), "f", None),
    ]


def test_appendices_of_mediawiki_alone_are_boilerplate() -> None:
    """`Notes` is an appendix on a page of MediaWiki's, and a chapter anywhere else."""
    html = "<h1 id={}>A</h1><h2>Notes</h2>x"
    reasons = [[part.reason for part in parse(document(html.format(anchor), "html"))] for anchor in ("firstHeading", "top")]
    assert reasons == [[None, None, Reason.BOILERPLATE], [None, None, None]]


def test_a_real_page() -> None:
    """SQLite's page keeps its headings, and neither its menu nor its search form."""
    parts = [part for part in parse(page("sqlite-whentouse.html")) if part.reason is None]
    headings = [part.path for part in parts if part.path]
    assert headings == [
        ("Appropriate Uses For SQLite",),
        ("Appropriate Uses For SQLite", "Situations Where SQLite Works Well"),
        ("Appropriate Uses For SQLite", "Situations Where A Client/Server RDBMS May Work Better"),
        ("Appropriate Uses For SQLite", "Checklist For Choosing The Right Database Engine"),
    ]
    text = "\n".join(part.text for part in parts)
    assert "SQLite is not directly comparable to client/server SQL database engines" in text
    assert "Purchase" not in text
    assert "toggle_div" not in text


def test_a_power_is_not_read_into_its_base() -> None:
    """Two to the 48th is no 248; what is raised after a word, or is no number, stays as it is written."""
    html = "<p>Up to 2<sup><small>48</small></sup> bytes, 10<sup>-3</sup> s, the 2<sup>nd</sup>, 5 m<sup>2</sup>, x<sup>2</sup></p><p>4<sup></sup>2<sup>8</p>"
    (lead,) = [part for part in parse(document(html, "html")) if part.text]
    assert lead.text == "Up to 2^48 bytes, 10^-3 s, the 2nd, 5 m2, x2\n\n42^8"
