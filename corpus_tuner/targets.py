"""What a user names, found: a corpus by name, a TOML file, a URL, a local file or folder; and flags kept in its TOML."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from corpus_tuner import plugins
from corpus_tuner import settings as toml
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.settings import Settings
from corpus_tuner.store import digest, write_text

Overrides = Mapping[str, Any]
"""Flags as dotted keys of the TOML: {"generate.writer": "llm", "source.sections": ["Mission/*"]}; `per_section` stands
for every kind's count, and `base_url` for the endpoint of the part that the same flags name, else of each remote part."""


PLUGGED = {"generate.writer": "writers", "train.trainer": "trainers"}  # keys that name a plug-in, and its group
MOST_NAMED = 10  # corpora in a line that names what there is

Mode = Literal["build", "try", "read"]


@dataclass(frozen=True, slots=True)
class Target:
    """A corpus's settings, the file they came from, and whether that file is still to be written."""

    settings: Settings
    path: Path
    new: bool = False  # its TOML was written just now


def resolve(
    target: str, root: Path, name: str = "", flags: Overrides | None = None, save: bool = False, mode: Mode = "build"
) -> Target:
    """The corpus that `target` names, its TOML written first where there is none yet and `mode` is not "read".

    In the mode "try" the flags of [generate] hold for this once, and no TOML that is there changes.

    Raises CorpusTunerError for an unknown target and for a flag that contradicts the TOML when `save` is not given.
    """
    if not target.strip():
        raise CorpusTunerError("the TARGET is empty: give a corpus's name, a TOML file, a URL, or a local file or folder")
    flags = flags or {}
    for key, group in PLUGGED.items():
        if key in flags:
            plugins.check(group, flags[key])
    path = _existing(target, root)
    if path is not None and name and name != path.stem:
        raise CorpusTunerError(f"{target} is the corpus {path.stem!r} already: --name is for a new URL, file or folder")
    if path is None:
        locator = _locator(target, root)
        name = name or name_of(target)
        toml.check_name(name, "--name")
        path = root / "sources" / f"{name}.toml"
        if path.exists():
            _same_locator(path, locator, target)
        elif mode == "read":
            raise CorpusTunerError(f"{target} is no corpus yet: corpus-tuner build {target}")
        else:
            return Target(_create(path, name, locator, flags), path, new=True)
    settings = _with_flags(path, flags, save, mode)
    if settings.corpus.name != path.stem and path.parent.resolve() == (root / "sources").resolve():
        raise CorpusTunerError(
            f'{path}: corpus.name = "{settings.corpus.name}" is the name of another file: write "{path.stem}", or rename the file'
        )
    return Target(settings, path)


def _existing(target: str, root: Path) -> Path | None:
    """The TOML that the target names by its name or its path, if it names one."""
    if target.endswith(".toml"):
        return Path(target)
    if toml.NAME.fullmatch(target):
        path = root / "sources" / f"{target}.toml"
        if path.is_file():
            return path
    return None


def _locator(target: str, root: Path) -> str:
    if re.match(r"[a-z][a-z0-9+.-]*://", target, re.IGNORECASE):
        return target
    file, mark, page = target.partition("#")  # a page of a dump: dump.xml.bz2#Title
    for local, rest in ((Path(target), ""), (Path(file), mark + page)):
        if local.exists():
            return os.path.relpath(local.resolve(), (root / "sources").resolve()) + rest
    known = sorted(path.stem for path in (root / "sources").glob("*.toml"))
    near = difflib.get_close_matches(target, known, n=1)
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known[:MOST_NAMED]) or 'none yet'}{more}"
    raise CorpusTunerError(
        f"{target!r} is no corpus in {root / 'sources'}, no TOML file, no URL and no local file; {hint}"
    )


def name_of(target: str) -> str:
    """A corpus name from a URL or a path: lower case, words joined by hyphens, never empty or a path."""
    parts = urlsplit(target)
    if parts.scheme and parts.netloc:
        path = unquote(parts.path).strip("/")
        page = path.partition("wiki/")[2] or path.rpartition("/")[2]  # a wiki's subpage keeps its parent's name
        query = parse_qs(parts.query)
        stem = (query.get("title") or query.get("search") or [page or parts.netloc])[0]
    else:
        _file, mark, title = target.partition("#")
        stem = title if mark and title and not Path(target).exists() else Path(target).resolve().stem
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:64].strip("-")
    return slug or f"corpus-{digest(target)[:8]}"


def _same_locator(path: Path, locator: str, target: str) -> None:
    locators = [source.locator for source in toml.read(path).source]
    if locators != [locator]:
        raise CorpusTunerError(f"{path} is another corpus ({', '.join(locators)}): give {target} a name with --name")


def _create(path: Path, name: str, locator: str, flags: Overrides) -> Settings:
    import tomlkit

    document = tomlkit.document()
    document["corpus"] = {"name": name}
    source = tomlkit.aot()
    source.append(tomlkit.item({"locator": locator}))
    document["source"] = source
    _apply(document, flags)
    settings = toml.parse(document.unwrap(), str(path))
    _check_used(flags, settings)
    write_text(path, tomlkit.dumps(document))
    return settings


def _with_flags(path: Path, flags: Overrides, save: bool, mode: Mode) -> Settings:
    """The TOML's settings; flags that differ are written into it with `save`, and refused without, but to try them."""
    settings = toml.read(path)
    if not flags:
        return settings
    import tomlkit

    document = tomlkit.parse(toml.text_of(path))
    _apply(document, flags)
    wanted = toml.parse(document.unwrap(), str(path))
    _check_used(flags, wanted)
    if wanted == settings:
        return settings
    if not save:
        differing = _differences(wanted, settings)
        if mode == "try" and all(key.startswith("generate.") for key in differing):
            return wanted
        raise CorpusTunerError(
            f"{path} says otherwise for {', '.join(differing)}: add --save to write your flags into it, or edit it"
        )
    write_text(path, tomlkit.dumps(document))
    return wanted


def _check_used(flags: Overrides, settings: Settings) -> None:
    """Raises CorpusTunerError for a flag that names a model or a server which nobody would then ask."""
    if settings.generate.writer != "rules":
        return
    if "generate.model" in flags:
        raise CorpusTunerError("--model is the model of the llm writer: add --writer llm, or leave it out")
    if "base_url" in flags and settings.train.trainer != "remote" and not settings.evaluate.judge:
        raise CorpusTunerError("--base-url is the endpoint of the llm writer or the remote trainer: add --writer llm or --trainer remote")


def _apply(document: Any, flags: Overrides) -> None:
    for key, value in sorted(flags.items(), key=lambda flag: "." not in flag[0]):  # the two that depend on others last
        for dotted, plain in _expand(document, key, value, flags):
            section, field = dotted.split(".")
            if section == "source" and "source" not in document:
                raise CorpusTunerError(f"{field} is for a [[source]], and a grid has none: leave the flag out")
            for table in document["source"] if section == "source" else [document.setdefault(section, {})]:
                table[field] = plain


def _expand(document: Any, key: str, value: Any, flags: Overrides) -> list[tuple[str, Any]]:
    if key == "per_section":
        kinds = document.get("generate", {}).get("kinds") or toml.PLANS["classic"]
        return [("generate.kinds", dict.fromkeys(kinds, value))]
    if key == "base_url":
        return [(f"{section}.base_url", value) for section in _remote_parts(document, flags)]
    return [(key, value)]


def _remote_parts(document: Any, flags: Overrides) -> list[str]:
    """Whose endpoint --base-url is: the part that the same command names, else each part that is remote."""
    remote = {
        "generate": document.get("generate", {}).get("writer") == "llm",
        "train": document.get("train", {}).get("trainer") == "remote",
    }
    named = [part for part in remote if remote[part] and any(key.startswith(f"{part}.") for key in flags)]
    return named or [part for part in remote if remote[part]] or ["generate"]


def _differences(wanted: Settings, settings: Settings) -> list[str]:
    """The dotted keys in which two settings differ."""
    pairs = [(table.name, getattr(wanted, table.name), getattr(settings, table.name)) for table in fields(Settings)]
    return [
        f"{name}.{field.name}"
        for name, left, right in pairs
        for one, other in (zip(left, right) if isinstance(left, tuple) else [(left, right)])
        for field in fields(one)
        if getattr(one, field.name) != getattr(other, field.name)
    ]
