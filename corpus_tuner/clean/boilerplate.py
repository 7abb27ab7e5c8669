"""Which parts of a web page are not its text: by element, role, and the names that sites give to their parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

INVISIBLE = frozenset(
    """script style noscript template head svg math canvas object embed iframe frame applet audio video map select
    textarea button input datalist""".split()
)
_NOT_TEXT = frozenset({"nav", "aside", "footer"})
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar", "dialog", "alertdialog"})
_NEVER = frozenset({"html", "body", "main", "article", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "code", "p"})
_INVISIBLE_NAMES = frozenset(
    """mw-editsection mw-jump-link mw-jump headerlink header-anchor heading-anchor hash-link anchorjs-link permalink
    anchor-link linenos lineno linenumber line-numbers-rows rouge-gutter hljs-ln-numbers lnt gutter mw-ref srclink selflink viewcode-link viewcode-back ttc sr-only-focusable copybtn""".split()
)
_NAMES = frozenset(
    """nav navbar navigation nav-menu main-nav site-nav main-navigation site-navigation post-navigation nav-links menu
    mainmenu submenu main-menu sub-menu searchmenu topbar top-bar breadcrumb breadcrumbs sidebar side-bar sphinxsidebar toc
    table-of-contents tableofcontents pagination pager sharedaddy share sharing share-buttons
    social social-links social-navigation skip-link skip-nav skiplink screen-reader-text footer site-footer page-footer
    colophon masthead site-header banner newsletter subscribe mailing-list related-posts relatedposts jp-relatedposts
    comment-respond advert advertisement ads ad-container promo widget-area modal popup noprint navbox
    vertical-navbox infobox catlinks printfooter mw-navigation mw-panel mw-head mw-indicators reflist references
    mw-references-wrap siteSub contentSub hatnote metadata ambox mbox-small thumbcaption rst-footer-buttons
    edit-this-page feedback prev-next wy-nav-side nosearch onlyprint offline md-skip skip-to-content VPSkipLink skipNav
    back-to-top md-top content-icon-container page-toc onthispage sourcelink tocsection header-article-items print-toc
    rst-versions related relations clearer-nav navheader navfooter docnav nav-panel navpath nav-chapters nav-wrapper
    nav-wide-wrapper mobile-nav-chapters menu-bar book-summary book-header gitbook-link md-header md-tabs md-nav md-footer
    md-consent md-banner theme-doc-toc-mobile theme-doc-footer theme-edit-this-page theme-last-updated pagination-nav
    VPNav VPSidebar VPDocFooter VPDocAside VPLocalNav VPFooter topNav bottomNav subNav navList site-nav page-metadata
    breadcrumb-section pagetoc localtoc globaltoc mobile-header sidebar-drawer search-button-field search-button
    search-button__kbd-shortcut search-button__wrapper primary-sidebar-items
    wm-toc-pane book-menu book-toc td-sidebar td-toc td-page-meta
    git-revision-date docs-edit last-updated""".split()
)
CHAPTERS = frozenset("section sect1 sect2 sect3 sect4 sect5 chapter appendix preface article".split())
_WORDS = frozenset(
    """comments commentlist respond disqus related recommended recommendation recommendations popular trending recirc
    promo promotion promotions newsletter signup subscribe subscription subscriptions share sharing
    breadcrumb breadcrumbs navbar subnav footer masthead advert adverts advertisement advertisements sponsored
    taboola outbrain copyright byline""".split()
)
_WRAPS = frozenset("has with no not without".split())
_SITE_BLOCKS = frozenset("div section ul ol dl table form header details figure".split())
_MAIN = frozenset({"div", "section", "article", "main"})
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_BODY = re.compile(r"(?:article|post|entry|story)[-_]{0,2}(?:body|content|text)", re.IGNORECASE)
_CONSENT = re.compile(r"(?:^|[-_ ])(?:cookie|cookies|consent|gdpr|onetrust|ccpa|eprivacy)", re.IGNORECASE)
_DISPLAY_NONE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


class Main(Enum):
    """How a page marks its main part, the closest to the text first."""

    BODY = "body of an article"
    ARTICLE = "article"
    MAIN = "main"


def main_of(tag: str, attributes: Mapping[str, str]) -> Main | None:
    """How an element is marked as the page's main part, if it is (https://schema.org/articleBody, and the HTML standard's
    `article` and `main`)."""
    if attributes and tag in _MAIN and (attributes.get("itemprop") == "articleBody" or _BODY.search(attributes.get("class", ""))):
        return Main.BODY
    if tag == "article":
        return Main.ARTICLE
    return Main.MAIN if tag == "main" or attributes.get("role") == "main" else None


def is_invisible(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether nothing in this element is for a reader of the text: scripts, controls, hidden parts, edit links."""
    if tag in INVISIBLE or (attributes and ("hidden" in attributes or _DISPLAY_NONE.search(attributes.get("style", "")))):
        return tag not in ("html", "body")
    if not attributes or tag in _NEVER:
        return False
    names = _names(tag, attributes)
    return not _INVISIBLE_NAMES.isdisjoint(names) or (tag == "sup" and "reference" in names)


def is_boilerplate(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether this element is there for the site, not for the page: navigation, banners, footers, consent to cookies."""
    if tag in _NOT_TEXT:
        return True
    if not attributes or tag in _NEVER:
        return False
    if attributes.get("role", "").lower() in _ROLES:
        return True
    names = _names(tag, attributes)
    return bool(names) and (not _NAMES.isdisjoint(names) or any(_CONSENT.search(name) for name in names))


def is_named_for_the_site(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether a word among the classes of a block says that it is there for the site: `post-comments`, `RelatedArticles`."""
    if tag not in _SITE_BLOCKS or not attributes:
        return False
    for name in attributes.get("class", "").split():
        words = {word.lower() for word in _WORD.findall(name)}
        if not _WORDS.isdisjoint(words) and _WRAPS.isdisjoint(words):
            return True
    return False


def is_listing(attributes: Mapping[str, str]) -> bool:
    """Whether a div is a code block, as Doxygen writes them: a further div for each line."""
    return "fragment" in attributes.get("class", "").split()


def is_box(attributes: Mapping[str, str]) -> bool:
    """Whether an element within a chapter is a box beside its text, as DocBook writes one, and no sidebar of the site."""
    return attributes.get("class") == "sidebar" and "id" not in attributes


def is_chapter(attributes: Mapping[str, str]) -> bool:
    """Whether an element is a part of a book, by the names that DocBook's stylesheets give."""
    return attributes.get("class") in CHAPTERS


def _names(tag: str, attributes: Mapping[str, str]) -> list[str]:
    """The classes of an element, and its id where that is not the name of a chapter (`<section id="navigation">`)."""
    classes = attributes.get("class", "").split()
    if tag == "section" or "section" in classes:
        return classes
    return [*classes, *attributes.get("id", "").split()]
