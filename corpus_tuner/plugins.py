"""Entry points by name: built-ins and a stranger's plug-ins come through the same door, and load only when named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from corpus_tuner.errors import CorpusTunerError


def load(group: str, name: str) -> Any:
    """The object that entry point `name` of `corpus_tuner.GROUP` names. Raises CorpusTunerError for an unknown name."""
    check(group, name)
    return _group(group)[name].load()


def check(group: str, name: str) -> None:
    """Raises CorpusTunerError where `corpus_tuner.GROUP` has no entry point `name`; nothing is loaded for it."""
    found = _group(group)
    if name not in found:
        raise CorpusTunerError(f"there is no {group.rstrip('s')} named {name!r}: choose from {', '.join(sorted(found))}")


def each(group: str) -> Iterator[tuple[str, Any]]:
    """Every (name, object) of a group; strangers' plug-ins first, so that they may claim what a built-in would."""
    found = _group(group)
    for name in sorted(found, key=lambda name: (found[name].value.startswith("corpus_tuner."), name)):
        yield name, found[name].load()


def methods(trainer: str) -> Mapping[str, float]:
    """The methods that a trainer knows, each with the learning rate that "auto" stands for: its class says so in `methods`.

    A trainer that says nothing knows supervised training, at a rate of its own (0.0).
    """
    return getattr(load("trainers", trainer), "methods", {"supervised": 0.0})


@cache  # each document asks for its cleaner, and to read every package's entry points takes milliseconds
def _group(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"corpus_tuner.{group}")}


def function(name: str) -> Callable[..., Any]:
    """The function that a recipe names: an entry point of `corpus_tuner.functions`, or `module:name` on Python's own path.

    Raises CorpusTunerError where there is none.
    """
    found = _group("functions")
    if name in found:
        return found[name].load()
    module, mark, attribute = name.partition(":")
    if not mark or not all(step.isidentifier() for step in (*module.split("."), attribute)):
        raise CorpusTunerError(f'there is no function named {name!r}: choose from {", ".join(sorted(found))}, or write "module:name"')
    try:
        made = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise CorpusTunerError(f"{name} cannot be imported ({error}): is its folder in PYTHONPATH?") from error
    except (Exception, SystemExit) as error:  # whatever a stranger's module raises
        raise CorpusTunerError(f"{name} cannot be imported: its module fails with {type(error).__name__}: {error}") from error
    if not callable(made):
        raise CorpusTunerError(f"{name} is no function")
    return made


def module_of(function: str) -> str:
    """The module that a recipe's function stands in; "" for a name that is none."""
    found = _group("functions")
    return (found[function].value if function in found else function if ":" in function else "").partition(":")[0]
