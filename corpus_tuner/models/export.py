"""An expert for other programs: its adapter, one whole model in Hugging Face format, or a GGUF file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from corpus_tuner import hub
from corpus_tuner.errors import CorpusTunerError
from corpus_tuner.models import gguf
from corpus_tuner.models.local import check_whole, ends, is_adapter, with_adapter
from corpus_tuner.records import Expert

FEATURE = "exporting an expert"
PARTIAL = ".partial"
OURS = ("expert.json", "log.jsonl", "job.json")  # of an expert's folder, and of no use to others


def export(expert: Expert, root: Path, kind: str, out: Path, name: str) -> Path:
    """Writes `expert`, whose folder lies under `root`, into the new folder `out`; returns it, or the GGUF file in it.

    `kind` is adapter, merged (safetensors with tokenizer and chat template, in the numbers of the base) or gguf; `name` is
    what the GGUF file is called. Everything appears at once, at the end. Raises CorpusTunerError for an expert that
    is not here or has no such form, and for a folder that holds something.
    """
    if expert.backend == "endpoint":
        raise CorpusTunerError(f"{expert.model or expert.name} lives at {expert.base_url}: only its host can export it")
    if expert.backend not in ("scratch", "transformers"):
        raise CorpusTunerError(f"an expert of the {expert.backend} backend is in a format of its own: nothing is known to export it to")
    if out.exists() and (not out.is_dir() or any(path.name != PARTIAL for path in out.iterdir())):
        raise CorpusTunerError(f"{out} is there already and holds something: choose another --out")
    folder = root / expert.folder
    _check_whole(expert, folder)
    there = out.exists()  # it may be what a disk is mounted on, or somebody's current folder: what is written appears in it
    place = out.resolve()
    partial = place / PARTIAL if there else place.with_name(f".{place.name}{PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        FORMATS[kind](expert, folder, partial, name)
        if there:
            for path in partial.iterdir():
                path.rename(place / path.name)
        else:
            partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out / f"{name}.gguf" if kind == "gguf" else out


def _check_whole(expert: Expert, folder: Path) -> None:
    """Raises CorpusTunerError for an expert of which something is missing, or whose weights cannot be read."""
    from safetensors import SafetensorError, safe_open

    if expert.backend == "transformers":
        check_whole(folder)
    for path in [folder / "model.safetensors"] if expert.backend == "scratch" else folder.glob("*.safetensors"):
        try:
            with safe_open(path, "np"):
                pass
        except (OSError, SafetensorError) as error:
            raise CorpusTunerError(f"{path} is missing or damaged ({error}): train the expert again") from None


def _adapter(expert: Expert, folder: Path, out: Path, name: str) -> None:  # noqa: ARG001
    if expert.backend == "scratch" or not is_adapter(folder):
        raise CorpusTunerError(f"{expert.name} is a whole model and has no adapter: use --format merged")
    _copy(folder, out)


def _copy(folder: Path, out: Path) -> None:
    for path in folder.iterdir():
        if path.is_file() and path.name not in OURS:
            shutil.copyfile(path, out / path.name)


def _merged(expert: Expert, folder: Path, out: Path, name: str) -> None:  # noqa: ARG001
    if expert.backend == "scratch" or not is_adapter(folder):
        _copy(folder, out)
        return
    transformers, torch = hub.require(FEATURE, "transformers", "torch")
    model = hub.load_base(expert.base, FEATURE, dtype=torch.float32)  # added up in float32, and rounded once
    model = with_adapter(model, folder).merge_and_unload().to(hub.dtype_of(expert.base))
    tokenizer = hub.load_tokenizer(str(folder), FEATURE)
    model.generation_config = transformers.GenerationConfig(eos_token_id=ends(folder), pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)


def _gguf(expert: Expert, folder: Path, out: Path, name: str) -> None:
    whole = folder
    if expert.backend == "transformers" and is_adapter(folder):
        whole = out / "merged"
        whole.mkdir()
        _merged(expert, folder, whole, name)
    gguf.convert(whole, out / f"{name}.gguf", name)
    if whole != folder:
        shutil.rmtree(whole)


FORMATS: dict[str, Callable[[Expert, Path, Path, str], None]] = {"adapter": _adapter, "merged": _merged, "gguf": _gguf}
