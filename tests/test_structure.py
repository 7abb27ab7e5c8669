"""The plan of the house, held by a test: imports go one way, and nothing heavy is loaded on the way to --help."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "corpus_tuner"
LEVELS = [
    {"records", "reasons", "errors"},
    {"settings", "plugins", "store", "archive", "text", "hub", "workers", "gate", "access"},
    {"fetch", "clean", "generate", "dataset", "models", "train", "evaluate"},
    {"place", "targets"},
    {"arms", "blocks", "costs", "known", "recipes"},
    {"asking", "documents", "examples", "sections", "training"},
    {"estimates", "stages"},
    {"improve"},
    {"corpus"},
    {"watching"},
    {"serve"},
    {"cli"},
]
HEAVY = {"torch", "transformers", "pandas", "openai", "numpy", "bm25s", "langchain_text_splitters", "requests", "jinja2", "ray", "fsspec"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(dotted: str) -> str:
    """The part of the house that a dotted module name belongs to."""
    return dotted.split(".")[1]


def imports(path: Path, top_only: bool = False) -> set[str]:
    """Dotted names that a module imports, anywhere in it or at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    """A room imports only rooms of a lower level, and itself."""
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own in ("__init__", "testing"):
        return
    level = next(index for index, rooms in enumerate(LEVELS) if own in rooms)
    below = set().union(*LEVELS[:level]) | ({own} if (PACKAGE / own).is_dir() else set()) | (LEVELS[level] if level < 2 else set())
    used = {room(name) for name in imports(path) if name.startswith("corpus_tuner.")} - {own}
    assert used <= below, f"{own} must not import {used - below}"


def test_help_loads_nothing_heavy() -> None:
    """`corpus-tuner --help` imports no package that a stage alone needs."""
    code = "import sys, corpus_tuner.cli; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_there_is_no_room_without_a_name() -> None:
    """No module is called utils, common, base, helpers or manager."""
    assert not [path for path in MODULES if path.stem in {"utils", "common", "base", "helpers", "manager", "core"}]


def test_public_names_are_few_and_importable() -> None:
    """The package shows twelve names at most, and each can be imported."""
    import corpus_tuner

    assert len(corpus_tuner.__all__) <= 12
    assert all(getattr(corpus_tuner, name) for name in corpus_tuner.__all__)
