"""Training on several processes: started by ``torchrun``, joined by DistributedDataParallel.

With one process every function here returns its input, and nothing is imported or started.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Who takes part in a training.

    Attributes:
        rank: number of this process; 0 writes the files and shows the progress.
        size: number of processes.
        local_rank: number of this process on its machine, which is also that of its GPU.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes files."""
        return self.rank == 0


@contextmanager
def joined(*, cuda: bool) -> Iterator[World]:
    """Join the processes that ``torchrun`` started; alone without it.

    Args:
        cuda: whether gradients travel between GPUs (NCCL) or CPUs (gloo).
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or not dist.is_available():
        yield World()
        return
    mine = not dist.is_initialized()
    if mine:
        dist.init_process_group("nccl" if cuda else "gloo")
    try:
        local = int(os.environ.get("LOCAL_RANK", "0"))
        yield World(rank=dist.get_rank(), size=dist.get_world_size(), local_rank=local)
    finally:
        if mine:
            gc.collect()  # wrapped networks hold the group; its threads would end in an abort
            dist.destroy_process_group()


def summed(values: Tensor, world: World) -> Tensor:
    """Add up a tensor over all processes."""
    if world.size > 1:
        dist.all_reduce(values)
    return values


def wait(world: World) -> None:
    """Let every process come here before any goes on."""
    if world.size > 1:
        dist.barrier()


def distributed(network: nn.Module, world: World) -> nn.Module:
    """Wrap a network so that gradients are averaged over the processes.

    ``find_unused_parameters`` leaves the parameters of a task that no process has a label for
    without any gradient, so that the optimizer does not move them.
    """
    if world.size == 1:
        return network
    return DistributedDataParallel(network, find_unused_parameters=True)
