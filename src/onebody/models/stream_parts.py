"""What the `stream` encoder is made of: frames to maps, maps to points, points to a vector.

Everything here looks at one frame, but for `PathsStage`, which also keeps the last frame's places.
What it keeps begins as zeros: a stream may begin with no state or with zeros, and is the same.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.base import Stage, Stem
from onebody.models.frames import channels_last, fold_frames, unfold_frames, use_channels_last
from onebody.models.inputs import take_input
from onebody.models.norms import BatchNorm2d
from onebody.models.points import COORDINATES
from onebody.models.softargmax import window_confidence
from onebody.models.trunk2d import ResidualBlock2D, conv_norm
from onebody.types import Feature, State


class PatchStem(Stem):
    """One convolution over patches side by side: large early maps cost more time than MACs."""

    def __init__(self, modality: str, channels: int, width: int, patch: int) -> None:
        super().__init__()
        self.modality, self.channels, self.width, self.patch = modality, channels, width, patch
        conv = nn.Conv2d(channels, width, patch, patch, bias=False)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        self.conv = nn.Sequential(conv, BatchNorm2d(width))
        use_channels_last(self)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        state: State,  # noqa: ARG002
    ) -> tuple[Feature, State]:
        """Map clips ``[B, C, T, H, W]`` to ``[B, width, T, ceil(H / patch), ceil(W / patch)]``."""
        x = take_input(inputs, valid, self.modality, self.channels)
        frames = fold_frames(x)
        height, width = (-size % self.patch for size in frames.shape[2:])
        if height or width:
            frames = F.pad(frames, (0, width, 0, height))
        return unfold_frames(torch.relu(self.conv(channels_last(frames))), len(x)), {}


class HalveBlock(nn.Module):
    """A strided 3x3 convolution, then one more and a skip around it.

    There is no skip around the stride: a strided 1x1 convolution takes half the time of the 3x3 one
    beside it.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, 2)
        self.second = conv_norm(outputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to ``[N, C', ceil(H / 2), ceil(W / 2)]``."""
        x = F.relu(self.first(x))
        return F.relu(self.second(x) + x)


class HalveStage(Stage):
    """Blocks on each frame, the first of which halves the maps."""

    def __init__(self, inputs: int, outputs: int, count: int) -> None:
        super().__init__()
        self.blocks = make_blocks(inputs, outputs, count)
        use_channels_last(self)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.blocks[-1].get_submodule("second")

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to the same kind; nothing to remember."""
        return unfold_frames(self.blocks(fold_frames(x)), len(x)), {}


class MergeStage(Stage):
    """Down two octaves in residual blocks and back up; what each resolution saw is added."""

    def __init__(self, fine: int, middle: int, deep: int, blocks: tuple[int, int]) -> None:
        super().__init__()
        self.middle = make_blocks(fine, middle, blocks[0])
        self.deep = make_blocks(middle, deep, blocks[1])
        self.from_deep = conv_norm(deep, middle, 1)
        self.from_middle = conv_norm(middle, fine, 1)
        self.mix = conv_norm(middle, middle, 3)
        self.out = conv_norm(fine, fine, 3)
        use_channels_last(self)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.out

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to the same; nothing to remember."""
        fine = fold_frames(x)
        middle = self.middle(fine)
        middle = F.relu(middle + _resize(self.from_deep(self.deep(middle)), middle))
        middle = F.relu(self.mix(middle))
        fine = F.relu(fine + _resize(self.from_middle(middle), fine))
        return unfold_frames(F.relu(self.out(fine)), len(x)), {}


class ReadStage(Stage):
    """K points per frame: position, depth, confidence, and features gathered under each.

    Depth and appearance are linear in what is gathered under a heat map, so that they are taken
    from the gathered values: the same numbers as from maps of their own, for next to nothing.
    """

    def __init__(self, inputs: int, points: int, appearance: int) -> None:
        super().__init__()
        self.heat = nn.Conv2d(inputs, points, 1, bias=False)  # a softmax would not see it
        self.look = nn.Linear(inputs, appearance)
        self.depth = nn.Parameter(torch.empty(points, inputs).uniform_(-1, 1) / inputs**0.5)
        self.reference = nn.Parameter(torch.full((points,), 0.5))  # the reference depth

    @property
    def last(self) -> nn.Module:
        """The layer that every value hangs on."""
        return self.heat

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to ``[B, 4 + P, T, K]``; nothing to remember."""
        frames = fold_frames(x).float()
        height, width = frames.shape[2:]
        with torch.autocast(frames.device.type, enabled=False):  # places need all digits
            probability = self.heat(frames).flatten(2).softmax(-1)  # [N, K, H*W]
            where = probability @ pixel_centers(height, width).to(frames.device)
            sure = window_confidence(probability.unflatten(2, (height, width))).unsqueeze(-1)
            found = probability @ frames.flatten(2).transpose(1, 2)  # [N, K, C]
            z = (found * self.depth).sum(-1, keepdim=True) + self.reference.unsqueeze(-1)
            values = torch.cat((where, z, sure, self.look(found)), -1)
        return values.view(len(x), -1, *values.shape[1:]).permute(0, 3, 1, 2), {}


class PathsStage(Stage):
    """Joins the points of a frame: places around their center, movement, what is seen there."""

    def __init__(self, points: int, appearance: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(points * (3 + 3 + 1 + appearance) + 3, outputs)
        self.norm = nn.LayerNorm(outputs)

    @property
    def last(self) -> nn.Module:
        """The last layer."""
        return self.project

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, 4 + P, T, K]`` to ``[B, C, T]``; remembers the last frame's places."""
        x = x.float().permute(0, 2, 3, 1)  # [B, T, K, 4 + P]
        places, sure, seen = x[..., :3], x[..., 3:COORDINATES], x[..., COORDINATES:]
        # Factors bring all parts to about unit size: joints spread over a quarter of the crop,
        # and move by a tenth of that from frame to frame.
        center = places.mean(2, keepdim=True)
        moved = 12 * (places - self._before(places, state))
        if "begun" in state:  # a first frame has no predecessor: nothing has moved yet
            moved = moved * _first(state["begun"], places.shape[1])
        parts = (4 * (places - center), moved, sure, F.relu(seen))
        values = torch.cat((torch.cat(parts, 3).flatten(2), 2 * center.squeeze(2) - 1), 2)
        joined = self.norm(self.project(self.dropout(values)))
        last = places if places.shape[1] == 1 else places[:, -1:]
        kept = {"places": last, "begun": torch.ones_like(places[:, :1, :1, :1])}
        return joined.transpose(1, 2), kept

    def _before(self, places: Tensor, state: State) -> Tensor:
        """Return the places of the frame before each ``[B, T, K, 3]``."""
        first = state.get("places", places[:, :1])
        return torch.cat((first, places[:, :-1]), 1) if places.shape[1] > 1 else first


def _first(value: Tensor, frames: int) -> Tensor:
    """Return factors ``[B, T, 1, 1]``: a value ``[B, 1, 1, 1]`` for the first frame, then 1."""
    if frames == 1:
        return value
    return torch.cat((value, value.new_ones(len(value), frames - 1, 1, 1)), 1)


def pixel_centers(height: int, width: int) -> Tensor:
    """Return ``[H * W, 2]`` x and y of a map's pixels as fractions of it, row by row."""
    x = (torch.arange(width, dtype=torch.float32) + 0.5) / width
    y = (torch.arange(height, dtype=torch.float32) + 0.5) / height
    return torch.stack((x.repeat(height), y.repeat_interleave(width)), -1)


def make_blocks(inputs: int, outputs: int, count: int) -> nn.Sequential:
    """Make residual blocks, the first of which halves the maps."""
    rest = (ResidualBlock2D(outputs, outputs, 1) for _ in range(count - 1))
    return nn.Sequential(HalveBlock(inputs, outputs), *rest)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    """Resize maps to another's grid by repeating pixels, which costs next to nothing."""
    return F.interpolate(x, size=like.shape[2:], mode="nearest")
