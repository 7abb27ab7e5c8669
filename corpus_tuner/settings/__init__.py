"""The TOML of a corpus as frozen settings; an unknown key is refused with the nearest known one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import checks
from corpus_tuner.settings.build import build
from corpus_tuner.settings.checks import NAME, PLANS, check_name, check_variable
from corpus_tuner.settings.recipe import GRID, LOCATOR, RecipeSettings, check_recipe, defaults

__all__ = [
    "NAME", "PLANS", "CorpusSettings", "DatasetSettings", "EvaluateSettings", "GenerateSettings", "RecipeSettings", "Settings",
    "SourceSettings", "TrainSettings", "check_name", "check_variable", "parse", "read",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CorpusSettings:
    """`[corpus]`"""

    name: str = ""
    title: str = ""  # named in every prompt and question; default: the document's own
    language: str = ""  # default: the document's own
    contact: str = ""  # in the User-Agent, as Wikimedia's policy asks: an e-mail address or a URL


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """`[[source]]`"""

    locator: str = ""  # a URL, or a path beside the TOML file
    origin: str = ""  # where a local copy came from
    revision: str = ""
    licence: str = ""
    sections: tuple[str, ...] = ()  # globs on the heading path joined by "/"; default everything
    titles: tuple[str, ...] = ()  # pages of the wiki or dump that the locator names
    namespaces: tuple[int, ...] = ()  # of a wiki or dump; default: its articles, 0
    depth: int = 0  # of a wiki's category: so many levels of subcategories, too
    linked: int = 0  # of a wiki's page: so many of the pages that it links to, too
    max_documents: int = 0  # of a list, site or feed; 0: the source's own bound
    include: tuple[str, ...] = ()  # globs on the path of a file in a folder, or of a page of a site; default everything
    exclude: tuple[str, ...] = ()  # the same, of what to leave out
    columns: tuple[str, ...] = ()  # of CSV, TSV, XLSX, JSONL and Parquet: the title's column, then those of the text
    templates: str = ""  # of wikitext: a TOML file beside this one, of what the wiki's own templates say (docs/adapters.md)
    crawl: str = ""  # of a web page: "links", the pages below it that links lead to; "sitemap", those that the site lists
    max_megabytes: int = 256  # of a site or feed, as received
    delay: float = 1.0  # seconds between two requests to a site; robots.txt may ask for more


@dataclass(frozen=True, slots=True)
class GenerateSettings:
    """`[generate]`"""

    writer: str = "rules"
    plan: str = ""  # classic: so many pairs a section; facts: so many a sentence, until each has three, one reverse
    kinds: dict[str, int] = field(default_factory=dict)  # pairs by kind; default: those of the plan, see `counts`
    reworded: float = 0.2  # rules only: share of a section's basic pairs that ask a fact in other words
    model: str = ""
    base_url: str | tuple[str, ...] = "https://api.openai.com/v1"  # a list: equal servers, which share the requests
    api_key_env: str = "OPENAI_API_KEY"  # the name of the variable, never the key
    concurrency: int = 64
    max_tokens: int = 4096  # of one reply
    max_section_words: int = 1200  # a longer section is asked about in pieces
    max_rejected: float = 0.5  # share of the pairs of a run; the stage fails above it
    limit: int = 0  # only the first so many sections; 0: all
    max_cost: float = 0.0  # in the currency of the price table; 0: no bound
    round_trip: bool = False  # llm only: asks the model each question beside its section; its answer must agree
    judge: bool = False  # llm only: has the model judge each pair beside its section

    def plan_of(self) -> str:
        """The plan: as named; else `facts` for a model whose kinds are not chosen, as it leaves no sentence without a
        question, and `classic` for the rest: rules cannot be asked again, and numbers in TOMLs so far count by section."""
        if self.plan:
            return self.plan
        return "facts" if self.writer == "llm" and not self.kinds else "classic"

    @property
    def counts(self) -> dict[str, int]:
        """Pairs by kind: for a section, or, in the plan `facts`, of the kinds in it for each sentence."""
        return self.kinds or dict(PLANS[self.plan_of()])


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """`[dataset]`"""

    paraphrase: float = 0.3  # share of trained facts of which one wording is held out
    unseen: float = 0.0  # share of sentences held out altogether
    validation: float = 0.05  # the same, for what may steer: early stopping, and `improve`
    formats: tuple[str, ...] = ()  # further exports: prompt-completion, csv, parquet
    prompt_template: str = "Answer the following question about $place: $question"  # of prompt-completion
    separator: str = " ###"  # ends the prompt of prompt-completion
    stop: str = " [DONE]"  # ends its completion: give the same text as `stop` when you ask


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """`[train]`"""

    trainer: str = "scratch"
    base: str = "scratch"  # or a Hugging Face id or folder; for remote, the host's model name
    epochs: str | int = "auto"
    seed: int = 0
    learning_rate: str | float = "auto"
    batch_size: str | int = "auto"
    rank: int = 64  # of the LoRA adapter
    max_length: int = 1024  # tokens of one example
    keep_epochs: int = 0  # lora only: the adapters of so many last epochs stay with the expert
    preferences: str = ""  # lora only: a JSONL file beside the TOML; DPO on its rows instead of the pairs of the corpus
    beta: str | float = "auto"  # with preferences: how strongly it is held to its base (0.1)
    base_url: str = "https://api.openai.com/v1"  # remote only, with the next two
    api_key_env: str = "OPENAI_API_KEY"
    suffix: str = ""  # default: the corpus name
    full: bool = False  # lora only, with all that follows: all weights are trained, not an adapter
    early_stopping: int = 0  # epochs without a lower validation loss after which training stops; 0: never, for facts come late
    replay: str = ""  # a JSONL file of general rows beside the TOML, mixed in against forgetting
    replay_share: float = 0.2  # of each epoch's rows
    packing: bool = False  # rows end to end instead of side by side
    tokens_at_once: int = 8192  # of one forward pass; a step that holds more is accumulated
    gradient_checkpointing: bool = False  # a third more time for a fraction of the memory
    four_bit: bool = False  # the base in 4 bits, with bitsandbytes
    processes: int = 1  # that train together, started by torchrun


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """`[evaluate]`"""

    arms: tuple[str, ...] = ("base", "expert", "retrieval", "nearest")
    questions: str = ""  # a JSONL file of your own questions beside the TOML: {"question", "answers", "class"}
    sample: int = 0  # at most so many questions of a class; 0: all
    general: bool = False  # also 200 facts that a larger base knows, and 40 questions that nobody can answer
    times: int = 1  # that the base is asked each question, to tell which ones it does not know
    judge: str = ""  # a model that grades the answers, too; it is audited first
    judge_base_url: str = ""  # default: the writer's endpoint; the key is that of generate.api_key_env
    embedding: str = ""  # of the arm "embedding": a Hugging Face encoder or its folder, or a model of the next
    embedding_base_url: str = ""  # OpenAI-compatible; the key is that of generate.api_key_env


@dataclass(frozen=True, slots=True)
class Settings:
    """A corpus as its TOML describes it."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    source: tuple[SourceSettings, ...] = ()
    generate: GenerateSettings = field(default_factory=GenerateSettings)
    recipe: RecipeSettings = field(default_factory=RecipeSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)


def read(path: Path) -> Settings:
    """The settings of a TOML file. Raises CorpusTunerError, naming file and key, for anything that does not fit."""
    try:
        table = tomllib.loads(text_of(path))
    except FileNotFoundError:
        raise CorpusTunerError(f"there is no {path}") from None
    except OSError as error:
        raise CorpusTunerError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CorpusTunerError(f"{path} is not valid TOML: {error}") from None
    except RecursionError:
        raise CorpusTunerError(f"{path} is not valid: its values are nested too deeply") from None
    return parse(table, str(path))


def text_of(path: Path) -> str:
    """What a TOML file says; some editors open a file with a byte order mark."""
    return path.read_text(encoding="utf-8-sig")


def parse(table: dict[str, Any], where: str) -> Settings:
    """Settings from a parsed TOML table; `where` names it in errors."""
    settings = build(Settings, table, where)
    check_name(settings.corpus.name, where)
    check_recipe(settings, table, where)
    if settings.recipe.sort == GRID:
        settings = _with_grid(settings, where)
    if not settings.source:
        raise CorpusTunerError(f"{where}: no [[source]]: name at least one locator")
    for source in settings.source:
        checks.check_source(source, where)
    checks.check_plan(settings.generate, table.get("generate", {}), where)
    checks.check_ranges(settings, where)
    checks.check_training(settings, where)
    checks.check_endpoints(settings, where)
    checks.check_dataset(settings.dataset, where)
    checks.check_evaluation(settings.evaluate, where)
    others = defaults(settings, table)
    return replace(settings, **{name: replace(getattr(settings, name), **keys) for name, keys in others.items()})


def _with_grid(settings: Settings, where: str) -> Settings:
    """The settings with the grid as their source."""
    if settings.source:
        raise CorpusTunerError(f"{where}: a recipe with a grid has no [[source]]: leave one of them out")
    return replace(settings, source=(SourceSettings(locator=LOCATOR),))
