"""The branches of the `fusion` encoder: an encoder for each medium, run where that medium is.

A medium that a row lacks influences nothing of it: its branch does not see the row in training, so
that batch statistics do not either, and what comes out for it is masked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from onebody.models.base import Encoder, prefixed, scoped
from onebody.models.heads import average_space
from onebody.types import Feature, State


class Branch(nn.Module):
    """An encoder up to its last vector per frame.

    It holds stem and layers by themselves: it is no body of the network for which public weights
    are looked for.

    Attributes:
        medium: by which name it reads its input.
        width: channels of what it gives.
        stride_t: input frames per frame of that.
        causal: as of `Encoder`.
    """

    def __init__(self, encoder: Encoder, medium: str) -> None:
        super().__init__()
        vectors = [n for n, stage in enumerate(encoder.info) if stage.space == "vector"]
        last = vectors[-1] if vectors else len(encoder.info) - 1  # maps: averaged over space
        self.medium = medium
        self.stem = encoder.stem
        self.layers = nn.ModuleList(list(encoder.stages)[: last + 1])
        self.width, self.stride_t = encoder.info[last].width, encoder.info[last].stride_t
        self.causal = encoder.causal

    def forward(self, x: Tensor, valid: Tensor | None, state: State) -> tuple[Feature, State]:
        """Map a medium's input, and what of it is valid, to ``[B, C, T']``."""
        masks = {} if valid is None else {self.medium: valid}
        y, kept = self.stem({self.medium: x}, masks, scoped(state, "stem"))
        left = prefixed(kept, "stem")
        for number, layer in enumerate(self.layers):
            name = f"layers.{number}"
            y, kept = layer(y, scoped(state, name))
            left |= prefixed(kept, name)
        return average_space(y), left


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One medium of a Batch.

    Attributes:
        x: its input; None: the Batch does not hold it.
        valid: what of it is there; None: all.
        rows: ``[B]`` bool: in which rows it is used; None: in all.
    """

    x: Tensor | None
    valid: Tensor | None = None
    rows: Tensor | None = None

    @property
    def absent(self) -> bool:
        """Whether no row has it."""
        return self.x is None or (self.rows is not None and not bool(self.rows.any()))


def run_branch(
    branch: Branch, media: Mapping[str, Given], frames: int, state: State, *, training: bool
) -> tuple[dict[str, Tensor], State]:
    """Run a branch for the media that it serves: one, or several of a kind with common weights.

    Args:
        branch: the branch.
        media: by name.
        frames: T of what is returned.
        state: what earlier frames left, by name.
        training: run the rows alone that have a medium, all media of a kind at once, so that
            batch statistics are those of what is there. Else rows do not see each other.

    Returns:
        By name ``[B, C, T]``, zero in rows that are not used in training; media that no row has
        are left out.
    """
    used = {name: m for name, m in media.items() if not m.absent or scoped(state, name)}
    if training and not state:
        return _run_there(branch, used, frames), {}
    found: dict[str, Tensor] = {}
    left: State = {}
    for name, medium in used.items():
        assert medium.x is not None
        y, kept = branch(medium.x, medium.valid, scoped(state, name))
        found[name] = to_frames(y, branch.stride_t, num_frames(medium.x), frames)
        left |= prefixed(kept, name)
    return found, left


def _run_there(branch: Branch, media: Mapping[str, Given], frames: int) -> dict[str, Tensor]:
    """Run the rows that have their medium; media of equal shape together."""
    found: dict[str, Tensor] = {}
    for names in _alike(media):
        chosen = [_chosen(media[name]) for name in names]
        x = torch.cat([x for x, _ in chosen])
        y, _ = branch(x, _joined([valid for _, valid in chosen], [len(x) for x, _ in chosen]), {})
        y = to_frames(y, branch.stride_t, num_frames(x), frames)
        start = 0
        for name, (own, _) in zip(names, chosen, strict=True):
            part, rows = y[start : start + len(own)], media[name].rows
            found[name] = part if rows is None else _spread(part, rows)
            start += len(own)
    return found


def _alike(media: Mapping[str, Given]) -> list[list[str]]:
    """Group media by the shape of a row."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, medium in media.items():
        assert medium.x is not None
        groups.setdefault(tuple(medium.x.shape[1:]), []).append(name)
    return list(groups.values())


def _chosen(medium: Given) -> tuple[Tensor, Tensor | None]:
    """Return the rows of a medium that are used."""
    assert medium.x is not None
    if medium.rows is None:
        return medium.x, medium.valid
    return medium.x[medium.rows], None if medium.valid is None else medium.valid[medium.rows]


def _joined(valid: Sequence[Tensor | None], counts: Sequence[int]) -> Tensor | None:
    """Join masks of several media; None: all of a medium is there."""
    known = [mask for mask in valid if mask is not None]
    if not known:
        return None
    most = max(known, key=lambda mask: mask.dim())
    parts = [
        most.new_ones(count, *most.shape[1:])
        if mask is None
        else mask.view(*mask.shape, *(1,) * (most.dim() - mask.dim())).expand(
            count, *most.shape[1:]
        )
        for mask, count in zip(valid, counts, strict=True)
    ]
    return torch.cat(parts)


def _spread(part: Tensor, rows: Tensor) -> Tensor:
    """Put ``[N, C, T]`` back to their places ``[B, C, T]``; other rows are zero."""
    out = part.new_zeros(len(rows), *part.shape[1:])
    out[rows] = part
    return out


def num_frames(x: Tensor) -> int:
    """Return T of pictures ``[B, C, T, H, W]`` or numbers ``[B, T, J, C]``."""
    return x.shape[2] if x.dim() == 5 else x.shape[1]


def to_frames(x: Tensor, stride: int, given: int, wanted: int) -> Tensor:
    """Interpolate linearly over time, so that media of different length show the same times.

    Args:
        x: ``[B, C, T']``, whose frame i looks at input frame ``i * stride``.
        stride: input frames per frame.
        given: frames of the input; both they and those that are wanted divide the clip evenly.
        wanted: T.

    Returns:
        ``[B, C, T]``.
    """
    if stride == 1 and given == wanted:
        return x
    last = x.shape[2] - 1
    middle = (torch.arange(wanted, device=x.device) + 0.5) * (given / wanted) - 0.5
    place = (middle / stride).clamp(0, last)
    low = place.floor().long()
    high = (low + 1).clamp(max=last)
    return torch.lerp(x[:, :, low], x[:, :, high], (place - low).to(x.dtype))
