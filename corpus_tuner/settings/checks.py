"""Which values fit: each check raises CorpusTunerError with one line that names the key and the way out."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from corpus_tuner.errors import CorpusTunerError

if TYPE_CHECKING:
    from corpus_tuner.settings import (
        DatasetSettings,
        EvaluateSettings,
        GenerateSettings,
        Settings,
        SourceSettings,
        TrainSettings,
    )

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE | re.ASCII)
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LEAST = {  # of whole numbers that cannot be less
    "generate.max_tokens": 1,
    "generate.max_section_words": 1,
    "generate.limit": 0,
    "train.seed": 0,
    "train.rank": 1,
    "train.max_length": 1,
    "train.keep_epochs": 0,
    "train.early_stopping": 0,
    "train.tokens_at_once": 1,
    "train.processes": 1,
    "evaluate.sample": 0,
    "evaluate.times": 1,
}
PLANS = {  # and the kinds that each asks for
    "classic": {"basic": 20, "detailed": 20},  # for a section
    "facts": {"reworded": 2, "reverse": 1},  # for a sentence; reworded come by twos
}
_WEB = re.compile(r"https?://[^/\s]", re.IGNORECASE)
MOST_SEED = 2**32 - 1  # what every library that draws by it takes
CRAWLS = ("", "links", "sitemap")
LORA_ONLY = (
    "keep_epochs", "preferences", "beta", "full", "early_stopping", "replay", "replay_share", "packing", "tokens_at_once",
    "gradient_checkpointing", "four_bit", "processes",
)  # fmt: skip
EXPORTS = ("prompt-completion", "csv", "parquet")


def check_name(name: str, where: str) -> None:
    """Raises CorpusTunerError unless `name` can be a folder's name on any system and never a path."""
    if not NAME.fullmatch(name) or ".." in name:
        raise CorpusTunerError(
            f"{where}: {name!r:.80} cannot be a corpus name: letters, digits, '.', '-' and '_', at most 64, first a letter or digit"
        )


def check_variable(name: str, where: str) -> None:
    """Raises CorpusTunerError, without repeating it, if `name` is no variable's name: it may be the key itself."""
    if not VARIABLE.fullmatch(name):
        raise CorpusTunerError(f"{where} must be the name of an environment variable, such as OPENAI_API_KEY, never the key")


def check_source(source: SourceSettings, where: str) -> None:
    if not source.locator.strip():
        raise CorpusTunerError(f"{where}: a [[source]] has no locator")
    for key in ("depth", "linked", "max_documents"):
        if getattr(source, key) < 0:
            raise CorpusTunerError(f"{where}: source.{key} must be 0 or more")
    if source.crawl not in CRAWLS:
        raise CorpusTunerError(f'{where}: source.crawl = {source.crawl!r} must be "links" or "sitemap"')
    if source.max_megabytes < 1:
        raise CorpusTunerError(f"{where}: source.max_megabytes must be 1 or more")
    if not 0 <= source.delay <= 3600:
        raise CorpusTunerError(f"{where}: source.delay must be from 0 to 3600 seconds")


def check_ranges(settings: Settings, where: str) -> None:
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
    for key, least in _LEAST.items():
        table, name = key.split(".")
        if getattr(getattr(settings, table), name) < least:
            raise CorpusTunerError(f"{where}: {key} must be {least} or more")


def check_plan(settings: GenerateSettings, table: dict[str, Any], where: str) -> None:
    if settings.plan not in ("", *PLANS):
        raise CorpusTunerError(f"{where}: generate.plan = {settings.plan!r} must be {' or '.join(PLANS)}")
    if not 0 <= settings.max_cost < math.inf:
        raise CorpusTunerError(f"{where}: generate.max_cost must be 0 (no bound) or more")
    if not settings.kinds and "kinds" in table:
        raise CorpusTunerError(f"{where}: generate.kinds is empty: name at least one kind, such as {{ basic = 20 }}")


def check_training(settings: Settings, where: str) -> None:
    for name in ("epochs", "learning_rate", "batch_size", "beta"):
        value = getattr(settings.train, name)
        if value != "auto" and (isinstance(value, str) or not 0 < value < math.inf):
            raise CorpusTunerError(f'{where}: train.{name} must be "auto" or a number above 0')
    check_lora(settings.train, where)
    if settings.train.seed > MOST_SEED:
        raise CorpusTunerError(f"{where}: train.seed must be {MOST_SEED} or less")
    if settings.train.trainer == "scratch" and settings.train.base != "scratch":
        raise CorpusTunerError(
            f'{where}: train.base = {settings.train.base!r} cannot be tuned by trainer = "scratch", which starts from nothing: '
            'set trainer = "lora" (or "remote")'
        )
    if settings.train.trainer == "lora" and settings.train.base == "scratch":
        raise CorpusTunerError(f'{where}: trainer = "lora" tunes a model that is there: name it in train.base, a Hugging Face id or a folder')


def check_endpoints(settings: Settings, where: str) -> None:
    """The names of the keys' variables, and the URLs of all who answer over the network."""
    for table in ("generate", "train"):
        check_variable(getattr(settings, table).api_key_env, f"{where}: {table}.api_key_env")
    if not settings.generate.base_url:
        raise CorpusTunerError(f"{where}: generate.base_url is empty: name at least one server, or leave it out")
    found = {
        "generate.base_url": settings.generate.base_url,
        "train.base_url": settings.train.base_url,
        "evaluate.judge_base_url": settings.evaluate.judge_base_url or (),
        "evaluate.embedding_base_url": settings.evaluate.embedding_base_url or (),
    }
    for key, urls in found.items():
        for url in [urls] if isinstance(urls, str) else urls:
            if not _WEB.match(url):
                raise CorpusTunerError(f"{where}: {key} = {url!r:.80} is not a URL such as https://api.openai.com/v1")


def check_lora(settings: TrainSettings, where: str) -> None:
    """What the lora trainer alone understands, and what of it excludes each other."""
    if settings.trainer in ("scratch", "remote"):
        for name in LORA_ONLY:
            if getattr(settings, name) != getattr(type(settings)(), name):
                raise CorpusTunerError(f'{where}: train.{name} is of trainer = "lora", not of {settings.trainer!r}')
    if not 0 < settings.replay_share < 1:
        raise CorpusTunerError(f"{where}: train.replay_share = {settings.replay_share} must lie between 0 and 1")
    if settings.four_bit and settings.full:
        raise CorpusTunerError(f"{where}: train.four_bit and train.full exclude each other: weights in 4 bits cannot be trained")


def check_evaluation(settings: EvaluateSettings, where: str) -> None:
    if not settings.arms:
        raise CorpusTunerError(f'{where}: evaluate.arms is empty: name at least one, such as "expert"')
    twice = next((name for name in settings.arms if settings.arms.count(name) > 1), None)
    if twice is not None:
        raise CorpusTunerError(f"{where}: evaluate.arms names {twice!r:.80} twice")


def check_dataset(settings: DatasetSettings, where: str) -> None:
    for name in settings.formats:
        if name not in EXPORTS:
            raise CorpusTunerError(f"{where}: dataset.formats: {name!r} is not one of {', '.join(EXPORTS)}")
    if settings.paraphrase + settings.validation > 1:
        raise CorpusTunerError(f"{where}: dataset.paraphrase and dataset.validation add up to more than 1")
