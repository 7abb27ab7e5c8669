"""Several processes that train one model together, each on its part of a step's rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from corpus_tuner.errors import CorpusTunerError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """This process among those that train together; alone by default. The first one writes what is written."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, rows: Sequence[T]) -> Sequence[T]:
        """This process's part of `rows`: of rows in order of length, each process gets some of every length."""
        return rows[self.rank :: self.size]

    def wait(self) -> None:
        """Returns once every process is here."""
        if self.size > 1:
            import torch

            torch.distributed.barrier()

    def add_up(self, values: Sequence[Tensor]) -> None:
        """Replaces each of `values` by its sum over all processes; every process calls this with the same shapes."""
        if self.size == 1:
            return
        import torch

        for kind in sorted({value.dtype for value in values}, key=str):
            mine = [value for value in values if value.dtype == kind]
            flat = torch.cat([value.flatten() for value in mine])
            torch.distributed.all_reduce(flat)
            for value, total in zip(mine, flat.split([value.numel() for value in mine])):
                value.copy_(total.view_as(value))


def launched() -> int:
    """The number of processes that a launcher (torchrun) says it started; 0 without one."""
    return int(os.environ.get("WORLD_SIZE") or 0)


@contextmanager
def joined(wanted: int) -> Iterator[World]:
    """The world that torchrun started, of `wanted` processes, NCCL between GPUs and Gloo without.

    Raises CorpusTunerError if there are more or fewer: a launcher that trains in one process where two were asked for says
    nothing (`accelerate launch --cpu --num_processes 2` was measured to do so).
    """
    import torch
    from torch import distributed

    if launched() != wanted:
        raise CorpusTunerError(
            f"[train] asks for processes = {wanted}, and {launched() or 1} run: start as many, as torchrun --nproc_per_node {wanted} does"
        )
    gpu = torch.cuda.is_available()
    if gpu:
        if torch.cuda.device_count() < int(os.environ["LOCAL_WORLD_SIZE"]):
            raise CorpusTunerError(f"processes = {wanted} needs as many GPUs on each machine: there are {torch.cuda.device_count()}")
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        world = World(distributed.get_rank(), distributed.get_world_size())
        met = torch.ones(1, device="cuda" if gpu else "cpu")
        distributed.all_reduce(met)
        if world.size != wanted or int(met) != wanted:
            raise CorpusTunerError(f"[train] asks for processes = {wanted}, and {int(met)} met")
        yield world
    finally:
        distributed.destroy_process_group()
