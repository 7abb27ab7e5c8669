"""`serve.toml`: which names stand for which models, and the bounds of the service."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from corpus_tuner.errors import CorpusTunerError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[\w.-]{1,96}", re.ASCII)
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Base:
    """A model that can be tuned: what a client calls it, what it is, and who trains it."""

    name: str
    base: str  # "scratch", or a Hugging Face id or folder
    trainer: str  # an entry point of corpus_tuner.trainers


@dataclass(frozen=True, slots=True)
class Config:
    """The service's settings; every key of `serve.toml` but its tables."""

    organization: str = "local"  # the third part of ft:BASE:ORGANIZATION:SUFFIX:ID
    hub: bool = True  # whether a client may name any model of the Hugging Face hub, which is then downloaded
    upload_bytes: int = 512 * MEGABYTE
    request_bytes: int = 8 * MEGABYTE  # of a request that is no upload
    request_seconds: float = 60.0  # to receive one that is no upload
    upload_seconds: float = 3600.0
    unfinished_jobs: int = 100  # of all clients together
    answers: int = 32  # under way at once; one more is told to come back
    open_models: int = 8  # in memory
    models: Mapping[str, Base] = field(default_factory=dict)

    def find(self, name: str) -> Base | None:
        """The base that a client's `name` stands for, or None."""
        if name in self.models:
            return self.models[name]
        if self.hub and HUB_ID.fullmatch(name) and ".." not in name and not Path(name).exists():
            return Base(name, name, "lora")
        return None


def read(path: Path) -> Config:
    """The settings in `path`, or the defaults without a file. Raises CorpusTunerError, naming the key, for a wrong one."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig")) if path.exists() else {}
    except ValueError as error:
        raise CorpusTunerError(f"{path} is not valid TOML: {error}") from None
    models = {"scratch": Base("scratch", "scratch", "scratch")}
    for name, value in _table(table.pop("models", {}), f"{path}: models").items():
        models[name] = _base(name, value, path)
    config = replace(Config(), models=models)
    for key, value in _table(table.pop("serve", {}), f"{path}: serve").items():
        config = replace(config, **{key: _checked(key, value, path)})
    if table:
        raise CorpusTunerError(f"{path}: unknown table [{next(iter(table))}]; there are [serve] and [models]")
    return config


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CorpusTunerError(f"{where} must be a table")
    return value


def _base(name: str, value: Any, path: Path) -> Base:
    if isinstance(value, str):
        value = {"base": value}
    if not isinstance(value, dict) or not isinstance(value.get("base"), str) or set(value) - {"base", "trainer"}:
        raise CorpusTunerError(f'{path}: models.{name} must be "scratch", a Hugging Face id or folder, or {{ base, trainer }}')
    folder = path.parent / value["base"]
    base = str(folder.resolve()) if folder.is_dir() else value["base"]
    return Base(name, base, value.get("trainer") or ("scratch" if base == "scratch" else "lora"))


def _checked(key: str, value: Any, path: Path) -> Any:
    known = {one.name: one for one in fields(Config) if one.name != "models"}
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        raise CorpusTunerError(f"{path}: unknown key serve.{key}; {hint}")
    wanted = type(known[key].default)
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted or (wanted is not str and value < 0) or (key != "hub" and not value):
        raise CorpusTunerError(f"{path}: serve.{key} = {value!r} must be {_WORDS[wanted]}")
    if key == "organization" and not re.fullmatch(r"[\w.-]{1,64}", value, re.ASCII):
        raise CorpusTunerError(f"{path}: serve.organization: letters, digits, '.', '-' and '_', at most 64")
    return value


_WORDS = {str: "a string", bool: "true or false", int: "a whole number above 0", float: "a number above 0"}
