"""How languages word a question: marks, question words, and phrases that point at a text or at nobody."""

from __future__ import annotations

import re

MARKS = "?？؟;;՞፧⸮"  # Latin, full-width, Arabic, Greek (two code points of one mark), Armenian, Ethiopic
UNMARKED = frozenset({"th", "lo", "km", "my", "bo", "dz", "jv", "su"})  # questions often close without a mark

_WORDS = {  # question words and what else opens a question | imperatives that ask | prepositions, before a question word
    "en": """what which who whom whose when where why how is are was were do does did has have had can could would should
        | complete name list describe explain give state define identify tell fill
        | in on at by for from to of with under during after before about since until through""",
    "de": """was wer wen wem wessen welche welcher welches welchem welchen wann wo woher wohin warum weshalb wieso wie womit
        wodurch wofür woran worin worauf wovon wozu ist sind war waren hat haben hatte kann können wird
        | nenne nennen beschreibe beschreiben erkläre erklären gib vervollständige vervollständigen ergänze ergänzen
        | in an auf aus bei mit nach von zu für über durch seit bis unter vor um""",
    "es": """qué quién quiénes cuál cuáles cuándo dónde adónde cómo cuánto cuánta cuántos cuántas es son era fue fueron
        | complete completa nombra nombre describe describa explica explique diga di mencione menciona indique indica enumere
        | por para en a de con desde hasta según durante tras sobre""",
    "fr": """que qu quoi qui quel quelle quels quelles quand où comment pourquoi combien est
        | complète complétez nomme nommez décris décrivez explique expliquez citez cite donnez
        | en à de dans par avec sur depuis pour pendant selon d""",
    "it": """che cosa chi quale quali qual quando dove come perché quanto quanta quanti quante
        | completa nomina descrivi spiega indica cita elenca | di a da in con su per""",
    "pt": """que quê quem qual quais quando onde aonde como quanto quanta quantos quantas
        | complete nomeie descreva explique cite indique diga | por em a de com para desde""",
    "ru": """что кто кого кому кем чего чему чем какой какая какое какие какого какому каким каких какую какими каком
        который которая которое которые когда где куда откуда почему зачем как сколько чей чья чьё чьи
        | дополните назовите опишите объясните заполните перечислите укажите приведите
        | в во на из с со о об от для по при до после за к ко между под над у""",
    "nl": """wat wie welke welk wanneer waar waarom hoe hoeveel is zijn was waren
        | vul noem beschrijf leg geef | in op aan van voor met door tot uit""",
}
OPENINGS = {
    language: tuple(frozenset(part.split()) for part in listed.split("|")) for language, listed in _WORDS.items()
}
CJK_ASKS = re.compile(
    "什么|甚么|什麼|谁|誰|哪|何|怎|几|幾|多少|吗|嗎|呢|多大|多长|多久|なに|なん|だれ|どこ|どの|いつ|か[。.]?$|^请|^說出|^说出|^列举|^描述|^解释|^填"
)

_THING = r"(?:passage|text|article|section|paragraph|excerpt|document|sentence)s?"
POINTS_AT_TEXT = {
    "en": rf"\b(?:the|this|that|these|above|given|provided|following) (?:(?:above|given|provided|following) )?(?:passage|paragraph|excerpt)s?\b"
    rf"|\b(?:in|according to|from|by|does|did|throughout|under) (?:the|this) (?:(?:above|given|provided|following|next|previous) )?{_THING}(?! (?:of|on|by|in|for|between|that|which|about|known|titled|called|published|\d)\b)"
    rf"|\bthis {_THING}\b|\b(?:mentioned|described|listed|stated|given|shown) (?:above|below|here)\b|\bsentence \[?\d",
    "de": r"\b(?:im|laut|dem|den|diesem|dieser|diesen|des|der obige[nr]?|obigen) (?:Text|Textes|Textabschnitt\w*|Abschnitt\w*|Absatz\w*|Auszug\w*|Passage|Artikels? oben)\b(?! (?:der|des|von|über)\b)"
    r"|\b(?:diese[rm]?|der|die) (?:Passage|Textstelle)\b|\bin diesem Artikel\b",
    "es": r"\b(?:el|este|del|al) (?:texto|pasaje|párrafo|fragmento|extracto)\b(?! (?:de|del|sobre|que)\b)|\beste artículo\b|\besta sección\b|\bsegún el (?:artículo|documento)\b(?! \d)",
    "fr": r"\b(?:le|ce|du|au) (?:texte|passage|paragraphe|extrait)\b(?! (?:de|du|des|sur|qui)\b)|\bcet article\b|\bcette section\b|\bselon l['’]article\b(?! \d)",
    "it": r"\b(?:nel|il|questo|dal|del) (?:testo|brano|passaggio|paragrafo|estratto)\b(?! (?:di|del|su)\b)|\bquesto articolo\b|\bquesta sezione\b",
    "pt": r"\b(?:o|este|no|do|neste) (?:texto|trecho|parágrafo|excerto)\b(?! (?:de|do|da|sobre)\b)|\b(?:n?este) artigo\b|\b(?:n?esta) seção\b",
    "ru": r"\bв (?:этом |данном |приведённом |приведенном )?(?:тексте|отрывке|абзаце|фрагменте)\b(?! \w*(?:ого|ой|ии|ва)\b)|\bсогласно (?:этому |данному )?(?:тексту|отрывку|абзацу)\b"
    r"|\bв (?:этой|данной) (?:статье|главе|секции)\b|\b(?:этот|данный) (?:текст|отрывок|абзац)\b",
    "zh": "(?:本|上|该|這|这)(?:文|段|篇|节|節)(?:文章|文字|段落|章)?(?:中|里|裡|提到|所|说|的作者)|文中(?:提|所|说|指)|根据(?:文章|短文|上文|本文|段落)|上述(?:文章|段落|文字)",
    "ja": "この(?:文章|記事|段落|節|文)|本文|上記の(?:文|段落)",
}
POINTS_AT_TEXT = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in POINTS_AT_TEXT.items()}

# A pronoun that comes right behind the question's opening, so that no noun before it can be what it stands for.
_AUX = "did|does|do|was|is|are|were|had|has|have|could|would|can|will|should|might|may|must"
_SUBJECT = "he|she|they|it"
BARE_PRONOUN = {
    "en": rf"^(?:(?:in|on|at|for|from|by|to|of|with|about|after|during|under|until|since) )?"
    rf"(?:(?:what|which|whose|how|who|whom|when|where|why)(?: \w+){{0,3}}? )?(?:{_AUX}) (?:{_SUBJECT})\b(?!.*\b(?:to|for|that|when|if|how|whether|called)\b)"
    r"|^(?:what|who|when|where|why|how) (?:is|was|are|were|did|does|do) (?:his|her|their|its)\b",
    "de": r"^(?:(?:in|an|auf|aus|mit|von|zu|für|nach|bei|seit|bis) )?"
    r"(?:(?:was|wer|wen|wem|wann|wo|woher|wohin|warum|wie|welche[rsmn]?|womit|wodurch)(?: \w+){0,2}? )?\w+ (?:er|sie|es)\b",
    "fr": r"^(?:(?:à|de|en|dans|par|pour|avec|depuis) )?(?:que|qui|quand|où|comment|pourquoi|combien|quel(?:le)?s? \w+) "
    r"(?!faut|y a|s['’]agit)\w+(?:-t)?-(?:il|elle|ils|elles)\b(?! (?:possible|important|nécessaire|vrai))",
    "es": r"^¿?(?:(?:a|de|en|con|por|para|desde) )?(?:qué|quién|quiénes|cuál|cuáles|cuándo|dónde|cómo|cuánt[oa]s?)(?: \w+)? "
    r"(?:él|ella|ellos|ellas)\b",
    "ru": r"^(?:(?:в|на|из|с|о|от|для|по|за|к|до|после) )?"
    r"(?:что|кто|кого|кому|чем|как|когда|где|куда|откуда|почему|зачем|сколько|как\w{2,3})(?: \w+)? (?:он|она|оно|они|его|её|ее|их|ему|ей|им)\b",
    "zh": "^(?:在|从|为|什么时候|为什么|何时|谁是)?(?:他|她|它|他们|她们|它们)",
}
BARE_PRONOUN = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in BARE_PRONOUN.items()}
OR = {
    "en": r"\b(?:or|either|whether)\b",
    "de": r"\b(?:oder|ob)\b",
    "fr": r"\b(?:ou|soit)\b",
    "es": r"\b(?:o|u)\b",
    "it": r"\bo\b",
    "pt": r"\bou\b",
    "ru": r"\b(?:или|либо)\b",
    "nl": r"\bof\b",
    "zh": "还是|還是|或",
    "ja": "それとも|または|か、",
}
OR = {language: re.compile(pattern, re.IGNORECASE) for language, pattern in OR.items()}
