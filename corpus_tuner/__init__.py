"""corpus_tuner: from a corpus to a domain expert that you own, with proof of what it learned."""

from __future__ import annotations

from typing import Any

_HOMES = {
    "Corpus": "corpus",
    "CorpusTunerError": "errors",
    **dict.fromkeys(("Answer", "Document", "Example", "Expert", "Question", "Reject", "Reply", "Section"), "records"),
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Public names are loaded when they are first used, so that `--help` stays fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"corpus_tuner.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
