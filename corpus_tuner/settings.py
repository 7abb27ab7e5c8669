"""The TOML of a corpus as frozen settings; an unknown key is refused with the nearest known one."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from corpus_tuner.errors import CorpusTunerError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE | re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
LEAST = {  # of whole numbers that cannot be less
    "generate.max_tokens": 1,
    "generate.max_section_words": 1,
    "generate.limit": 0,
    "train.seed": 0,
    "train.rank": 1,
    "train.max_length": 1,
    "evaluate.sample": 0,
    "evaluate.times": 1,
}
PLANS = {  # and the kinds that each asks for
    "classic": {"basic": 20, "detailed": 20},  # for a section
    "facts": {"basic": 1, "reworded": 1, "reverse": 1},  # for a sentence
}
CRAWLS = ("", "links", "sitemap")
EXPORTS = ("prompt-completion", "csv", "parquet")


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
    base_url: str = "https://api.openai.com/v1"
    api_key_env: str = "OPENAI_API_KEY"  # the name of the variable, never the key
    concurrency: int = 64
    max_tokens: int = 4096  # of one reply
    max_section_words: int = 1200  # a longer section is asked about in pieces
    max_rejected: float = 0.5  # share of the pairs of a run; the stage fails above it
    limit: int = 0  # only the first so many sections; 0: all
    max_cost: float = 0.0  # in the currency of the price table; 0: no bound

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

    paraphrase: float = 0.1  # share of trained facts of which one wording is held out
    unseen: float = 0.0  # share of sentences held out altogether
    validation: float = 0.05
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
    base_url: str = "https://api.openai.com/v1"  # remote only, with the next two
    api_key_env: str = "OPENAI_API_KEY"
    suffix: str = ""  # default: the corpus name


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


@dataclass(frozen=True, slots=True)
class Settings:
    """A corpus as its TOML describes it."""

    corpus: CorpusSettings = field(default_factory=CorpusSettings)
    source: tuple[SourceSettings, ...] = ()
    generate: GenerateSettings = field(default_factory=GenerateSettings)
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    train: TrainSettings = field(default_factory=TrainSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)


def read(path: Path) -> Settings:
    """The settings of a TOML file. Raises CorpusTunerError, naming file and key, for anything that does not fit."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors open a file with a byte order mark
    except FileNotFoundError:
        raise CorpusTunerError(f"there is no {path}") from None
    except OSError as error:
        raise CorpusTunerError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CorpusTunerError(f"{path} is not valid TOML: {error}") from None
    return parse(table, str(path))


def parse(table: dict[str, Any], where: str) -> Settings:
    """Settings from a parsed TOML table; `where` names it in errors."""
    settings = _build(Settings, table, where)
    check_name(settings.corpus.name, where)
    if not settings.source:
        raise CorpusTunerError(f"{where}: no [[source]]: name at least one locator")
    for source in settings.source:
        if not source.locator:
            raise CorpusTunerError(f"{where}: a [[source]] has no locator")
        for key in ("depth", "linked", "max_documents"):
            if getattr(source, key) < 0:
                raise CorpusTunerError(f"{where}: source.{key} must be 0 or more")
        _check_source(source, where)
    _check_plan(settings.generate, table.get("generate", {}), where)
    _check_ranges(settings, where)
    _check_training(settings, where)
    _check_dataset(settings.dataset, where)
    return settings


def check_name(name: str, where: str) -> None:
    """Raises CorpusTunerError unless `name` can be a folder's name on any system and never a path."""
    if not NAME.fullmatch(name) or ".." in name:
        raise CorpusTunerError(
            f"{where}: {name!r} cannot be a corpus name: letters, digits, '.', '-' and '_', at most 64, first a letter or digit"
        )


def check_variable(name: str, where: str) -> None:
    """Raises CorpusTunerError, without repeating it, if `name` is no variable's name: it may be the key itself."""
    if not VARIABLE.fullmatch(name):
        raise CorpusTunerError(f"{where} must be the name of an environment variable, such as OPENAI_API_KEY, never the key")


def _check_source(source: SourceSettings, where: str) -> None:
    if source.crawl not in CRAWLS:
        raise CorpusTunerError(f'{where}: source.crawl = {source.crawl!r} must be "links" or "sitemap"')
    if source.max_megabytes < 1:
        raise CorpusTunerError(f"{where}: source.max_megabytes must be 1 or more")
    if not 0 <= source.delay <= 3600:
        raise CorpusTunerError(f"{where}: source.delay must be from 0 to 3600 seconds")


def _check_ranges(settings: Settings, where: str) -> None:
    shares = {
        "dataset.paraphrase": settings.dataset.paraphrase,
        "dataset.unseen": settings.dataset.unseen,
        "dataset.validation": settings.dataset.validation,
        "generate.max_rejected": settings.generate.max_rejected,
        "generate.reworded": settings.generate.reworded,
    }
    for key, share in shares.items():
        if not 0 <= share <= 1:
            raise CorpusTunerError(f"{where}: {key} = {share} must be a share from 0 to 1")
    counts = {f"generate.kinds.{kind}": count for kind, count in settings.generate.kinds.items()}
    for key, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
            raise CorpusTunerError(f"{where}: {key} = {count!r} must be a whole number from 1 to 1000")
    if not 1 <= settings.generate.concurrency <= 4096:
        raise CorpusTunerError(f"{where}: generate.concurrency must be from 1 to 4096")
    for key, least in LEAST.items():
        table, name = key.split(".")
        if getattr(getattr(settings, table), name) < least:
            raise CorpusTunerError(f"{where}: {key} must be {least} or more")


def _check_plan(settings: GenerateSettings, table: dict[str, Any], where: str) -> None:
    if settings.plan not in ("", *PLANS):
        raise CorpusTunerError(f"{where}: generate.plan = {settings.plan!r} must be {' or '.join(PLANS)}")
    if not 0 <= settings.max_cost < math.inf:
        raise CorpusTunerError(f"{where}: generate.max_cost must be 0 (no bound) or more")
    if not settings.kinds and "kinds" in table:
        raise CorpusTunerError(f"{where}: generate.kinds is empty: name at least one kind, such as {{ basic = 20 }}")


def _check_training(settings: Settings, where: str) -> None:
    for name in ("epochs", "learning_rate", "batch_size"):
        value = getattr(settings.train, name)
        if value != "auto" and (isinstance(value, str) or not 0 < value < math.inf):
            raise CorpusTunerError(f'{where}: train.{name} must be "auto" or a number above 0')
    for table in ("generate", "train"):
        check_variable(getattr(settings, table).api_key_env, f"{where}: {table}.api_key_env")


def _check_dataset(settings: DatasetSettings, where: str) -> None:
    for name in settings.formats:
        if name not in EXPORTS:
            raise CorpusTunerError(f"{where}: dataset.formats: {name!r} is not one of {', '.join(EXPORTS)}")
    if settings.paraphrase + settings.validation > 1:
        raise CorpusTunerError(f"{where}: dataset.paraphrase and dataset.validation add up to more than 1")


def _build(cls: type, table: Any, where: str) -> Any:
    if not isinstance(table, dict):
        raise CorpusTunerError(f"{where} must be a table")
    hints = get_type_hints(cls)
    values = {}
    for key, value in table.items():
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(hints)}"
            raise CorpusTunerError(f"{where}: unknown key {key!r}; {hint}")
        values[key] = _value(hints[key], value, f"{where}: {key}")
    return cls(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where)
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise CorpusTunerError(f"{where} must be a list")
        return tuple(_value(get_args(hint)[0], item, where) for item in value)
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise CorpusTunerError(f"{where} must be a table")
        return dict(value)
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    if float in kinds and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kinds) or isinstance(value, bool) != (bool in kinds):
        raise CorpusTunerError(
            f"{where} = {value!r} must be {' or '.join({'str': 'a string', 'int': 'a whole number', 'float': 'a number', 'bool': 'true or false'}[k.__name__] for k in kinds)}"
        )
    return value
