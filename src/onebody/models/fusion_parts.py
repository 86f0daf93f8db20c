"""What the `fusion` encoder is made of beside its branches: projections, ways to join, stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from onebody.models.base import Stage, Stem, prefixed, scoped
from onebody.models.fusion_branches import Branch, Given, num_frames, run_branch
from onebody.models.temporal import FrameNorm, TemporalStage
from onebody.types import Feature, State

How: TypeAlias = Literal["early", "attention", "average", "late"]


class Projection(nn.Module):
    """Maps what a branch gives to the common space: one linear map, and a part of each view's own.

    The part of its own is a small adapter that begins with nothing, so that views differ only as
    far as it pays.
    """

    def __init__(self, width: int, channels: int, views: Sequence[str], adapter: int) -> None:
        super().__init__()
        self.common = nn.Linear(width, channels)
        self.own = nn.ModuleDict()
        for name in views if adapter else ():
            end = nn.Linear(adapter, channels, bias=False)
            nn.init.zeros_(end.weight)
            self.own[name] = nn.Sequential(nn.Linear(width, adapter), nn.ReLU(), end)
        self.norm = FrameNorm(channels)

    def forward(self, x: Tensor, view: str) -> Tensor:
        """Map ``[B, width, T]`` of one view to ``[B, C, T]``."""
        frames = x.transpose(1, 2)
        y = self.common(frames)
        if view in self.own:
            y = y + self.own[view](frames)
        return self.norm(y.transpose(1, 2))


class Join(nn.Module):
    """Makes one Feature of those of M media, of which any may be missing.

    Attributes:
        width: channels of that Feature.
    """

    def __init__(self, media: int, channels: int, how: How) -> None:
        super().__init__()
        self.how = how
        self.width = media * (1 + channels) if how == "late" else channels
        if how == "early":
            self.none = nn.Parameter(0.02 * torch.randn(media, channels))
            self.mix = nn.Linear(media * (channels + 1), channels)
            self.norm = FrameNorm(channels)
        elif how == "attention":
            self.weigh = nn.Linear(channels, 1, bias=False)
            self.prior = nn.Parameter(torch.zeros(media, 1))

    def forward(self, x: Tensor, there: Tensor) -> Feature:
        """Map ``[B, M, C, T]``, zero where not ``there`` ``[B, M, T]``, to one Feature."""
        if self.how == "late":  # side by side, each with a first channel that says if it is there
            return torch.cat((there.to(x.dtype).unsqueeze(2), x), 2).flatten(1, 2)
        if self.how == "early":
            filled = torch.where(there.unsqueeze(2), x, self.none.unsqueeze(-1).to(x.dtype))
            told = torch.cat((filled.flatten(1, 2), there.to(x.dtype)), 1)
            return torch.relu(self.norm(self.mix(told.transpose(1, 2)).transpose(1, 2)))
        return (x * self.shares(x, there).unsqueeze(2)).sum(1)

    def shares(self, x: Tensor, there: Tensor) -> Tensor:
        """Return ``[B, M, T]``: how much each medium counts; 0 where it is missing."""
        if self.how == "attention":
            score = self.weigh(x.transpose(2, 3)).squeeze(-1) + self.prior
            # not minus infinity: where nothing is there a softmax of nothing would be NaN
            found = score.float().masked_fill(~there, -1e4).softmax(1)
            return (found * there).to(x.dtype)
        count = there.sum(1, keepdim=True).clamp(min=1)
        return there.to(x.dtype) / count.to(x.dtype)


class FusionStem(Stem):
    """Runs a branch for each medium, brings them to one time axis and joins them.

    Attributes:
        media: names, in the order of the network's inputs.
    """

    def __init__(
        self,
        branches: Mapping[str, Branch],
        serves: Mapping[str, Sequence[str]],
        join: Join,
        channels: int,
        *,
        drop: float,
        adapter: int,
        sparse: float = 0.0,
    ) -> None:
        """Take the parts.

        Args:
            branches: by the first medium that each serves.
            serves: by the same name, all media that it serves.
            join: makes one Feature of all.
            channels: of a medium in the common space.
            drop: probability that a medium of a row is left out in training.
            adapter: width of what a view has of its own, where a branch serves several.
            sparse: weight of the penalty on dimensions of the common space.
        """
        super().__init__()
        self.branches = nn.ModuleDict(branches)
        self.serves = {name: tuple(views) for name, views in serves.items()}
        self.media = tuple(view for views in self.serves.values() for view in views)
        self.projections = nn.ModuleDict(
            {
                name: Projection(
                    branch.width, channels, serves[name], adapter if len(serves[name]) > 1 else 0
                )
                for name, branch in branches.items()
            }
        )
        self.join = join
        self.width, self.channels, self.drop = join.width, channels, drop
        self.sparse = sparse
        self.causal = all(branch.causal and branch.stride_t == 1 for branch in branches.values())

    def forward(
        self, inputs: Mapping[str, Tensor], valid: Mapping[str, Tensor], state: State
    ) -> tuple[Feature, State]:
        """Map media to ``[B, width, T]``; T is that of the first medium of ``inputs``."""
        frames = self._frames(inputs)
        rows = len(next(iter(inputs.values())))
        device = next(iter(inputs.values())).device
        there = torch.stack(
            [self._there(name, inputs, valid, rows, frames, device) for name in self.media], 1
        )
        lacking = {name for name in self.media if name not in inputs or name in valid}
        if self.training and self.drop:
            there = there & ~self._dropped(there.any(2)).unsqueeze(2)
            lacking = set(self.media)
        used = {
            name: Given(
                x=inputs.get(name),
                valid=valid.get(name),
                rows=there[:, place].any(1) if name in lacking else None,
            )
            for place, name in enumerate(self.media)
        }
        found, left = self._project(used, frames, state)
        kind = next(iter(found.values())) if found else torch.zeros((), device=device)
        nothing = kind.new_zeros(rows, self.channels, frames)
        x = torch.stack([found.get(name, nothing) for name in self.media], 1)
        x = torch.where(there.unsqueeze(2), x, x.new_zeros(()))
        return self.join(x, there), left

    def after_backward(self) -> None:
        """Add the gradient of the penalty: sum over dimensions of the norm of media's scales.

        A dimension of the common space costs once for all media that use it, and the less one
        costs the fewer do: so media share what they use. Scales of media that this step has not
        seen stay as they are.
        """
        if not self.sparse:
            return
        scales: list[Tensor] = [
            projection.get_parameter("norm.norm.weight") for projection in self.projections.values()
        ]
        with torch.no_grad():
            size = torch.stack(scales).square().sum(0).sqrt().clamp(min=1e-8)
            for scale in scales:
                if scale.grad is not None:
                    scale.grad += self.sparse * scale / size

    def _project(
        self, used: Mapping[str, Given], frames: int, state: State
    ) -> tuple[dict[str, Tensor], State]:
        """Return ``[B, C, T]`` in the common space by medium, and what the branches remember."""
        projected: dict[str, Tensor] = {}
        left: State = {}
        for name, views in self.serves.items():
            branch: Branch = self.branches[name]  # type: ignore[assignment]
            own = {view: used[view] for view in views}
            place = f"branches.{name}"
            found, kept = run_branch(
                branch, own, frames, scoped(state, place), training=self.training
            )
            left |= prefixed(kept, place)
            for view, x in found.items():
                projected[view] = self.projections[name](x, view)
        return projected, left

    def _frames(self, inputs: Mapping[str, Tensor]) -> int:
        """Return T of the first medium; all media of a network that looks back only have it."""
        counts = {name: num_frames(x) for name, x in inputs.items() if name in self.media}
        if not counts:
            raise ValueError(
                f"The network reads {', '.join(self.media)}, but the batch holds: "
                f"{', '.join(inputs) or 'none'}."
            )
        if self.causal and len(set(counts.values())) > 1:
            found = ", ".join(f"{name}: {count}" for name, count in counts.items())
            raise ValueError(
                f"Branches that look back only read media frame by frame, found {found} frames. "
                "Give all media the same 'frames', or take branches that look ahead."
            )
        return next(iter(counts.values()))

    def _there(
        self,
        name: str,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        rows: int,
        frames: int,
        device: torch.device,
    ) -> Tensor:
        """Return ``[B, T]``: where a medium is there; looking back only, frame by frame."""
        if name not in inputs or name not in valid:
            return torch.full((rows, frames), name in inputs, dtype=torch.bool, device=device)
        mask = valid[name]
        if mask.dim() > 2:
            mask = mask.flatten(2).any(2)
        if mask.dim() == 2 and not self.causal:
            mask = mask.any(1)
        return mask.view(rows, -1).expand(rows, frames)

    def _dropped(self, there: Tensor) -> Tensor:
        """Draw ``[B, M]``: what is left out of media that are there; one of them always stays."""
        drawn = torch.rand(there.shape, device=there.device)
        likeliest = torch.where(there, drawn, -1.0)
        stays = likeliest == likeliest.max(1, keepdim=True).values
        return there & (drawn < self.drop) & ~stays


class ApartStage(Stage):
    """Temporal blocks of each medium's own; where a medium is missing it stays zero."""

    def __init__(
        self, media: int, channels: int, dilations: Sequence[int], *, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.each = nn.ModuleList(
            TemporalStage(channels, dilations, norm="layer", dropout=dropout, causal=causal)
            for _ in range(media)
        )

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, M * (1 + C), T]`` to the same; a medium's first channel says if it is there."""
        found: list[Tensor] = []
        left: State = {}
        for number, (stage, part) in enumerate(
            zip(self.each, x.chunk(len(self.each), 1), strict=True)
        ):
            flag = part[:, :1]
            y, kept = stage(part[:, 1:], scoped(state, str(number)))
            left |= prefixed(kept, str(number))
            found += [flag, torch.where(flag != 0, y, y.new_zeros(()))]
        return torch.cat(found, 1), left
