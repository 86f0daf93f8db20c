"""Convolutions over the graph of a body's joints; edges are fixed, learned, or made per clip."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from onebody.skeletons import Skeleton

Topology: TypeAlias = Literal["fixed", "learned", "refined"]


def spatial_partitions(skeleton: Skeleton) -> Tensor:
    """Return the spatial configuration of a layout: which joint hears which, in three ways.

    Source: Yan, Xiong, Lin, "Spatial Temporal Graph Convolutional Networks for Skeleton-Based
    Action Recognition", AAAI 2018. Distance to the root is counted along parents.

    Returns:
        ``[3, J, J]``, entry (k, i, j): how much joint i hears of j: itself; its parent; its
        children (their mean).
    """
    parents = skeleton.parents()
    graph = torch.zeros(3, len(parents), len(parents))
    for joint, parent in enumerate(parents):
        graph[0, joint, joint] = 1
        if parent != joint:
            graph[1, joint, parent] = 1
            graph[2, parent, joint] = 1
    return graph / graph.sum(2, keepdim=True).clamp(min=1)


class Refinement(nn.Module):
    """Edges of one clip, for every channel: a function of how its joints differ.

    Source: Chen, Zhang, Yuan, Li, Deng, Hu, "Channel-wise Topology Refinement Graph Convolution for
    Skeleton-Based Action Recognition", ICCV 2021.
    """

    def __init__(self, inputs: int, outputs: int, partitions: int, reduction: int = 8) -> None:
        super().__init__()
        self.partitions, self.hidden = partitions, max(4, inputs // reduction)
        self.ends = nn.Linear(inputs, 2 * partitions * self.hidden)
        self.spread = nn.ModuleList(nn.Linear(self.hidden, outputs) for _ in range(partitions))
        self.share = nn.Parameter(torch.zeros(partitions))  # the skeleton's own edges come first

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map ``[B, T, J, C]`` to edges ``[B, C', J, J]`` for each partition."""
        b, _, j, _ = x.shape
        ends = self.ends(x.mean(1)).view(b, j, self.partitions, 2, self.hidden)
        hearing, heard = ends[:, :, :, 0], ends[:, :, :, 1]  # [B, J, K, H]
        apart = torch.tanh(hearing.unsqueeze(2) - heard.unsqueeze(1))  # [B, J, J, K, H]
        return [
            self.share[k] * spread(apart[:, :, :, k]).permute(0, 3, 1, 2)
            for k, spread in enumerate(self.spread)
        ]


class GraphConvolution(nn.Module):
    """A linear map per partition, then every joint adds up what it hears."""

    skeleton: Tensor

    def __init__(self, inputs: int, outputs: int, partitions: Tensor, topology: Topology) -> None:
        super().__init__()
        self.register_buffer("skeleton", partitions, persistent=False)
        self.linear = nn.Linear(inputs, len(partitions) * outputs, bias=False)
        learned = topology != "fixed"
        self.added = nn.Parameter(torch.zeros_like(partitions)) if learned else None
        refined = topology == "refined"
        self.refine = Refinement(inputs, outputs, len(partitions)) if refined else None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, T, J, C]`` to ``[B, T, J, C']``."""
        b, t, j, _ = x.shape
        edges = self.skeleton if self.added is None else self.skeleton + self.added
        mapped: Tensor = self.linear(x)  # [B, T, J, K * C']
        if self.refine is not None:
            return self._refined(mapped, edges, self.refine(x))
        k = len(edges)
        flat = edges.permute(1, 2, 0).reshape(j, j * k).to(mapped.dtype)
        # One product per frame over (joint, partition): nothing is laid out anew, as matmul would.
        heard = torch.bmm(flat.expand(b * t, -1, -1), mapped.reshape(b * t, j * k, -1))
        return heard.view(b, t, j, -1)

    @staticmethod
    def _refined(mapped: Tensor, edges: Tensor, own: list[Tensor]) -> Tensor:
        """Add up along edges that differ from clip to clip and channel to channel."""
        parts = mapped.permute(0, 3, 2, 1).chunk(len(own), 1)  # [B, C', J, T] each
        heard = [
            (edge + change).to(part.dtype) @ part
            for edge, change, part in zip(edges, own, parts, strict=True)
        ]
        return torch.stack(heard).sum(0).permute(0, 3, 2, 1).contiguous()
