"""`resnet3d`: 3D ResNet of depth 10, 18, 34 or 50, in both public layouts.

* R3D (Tran et al., CVPR 2018; torchvision): 3x7x7 stem, no pooling. The default.
* 3D-ResNet (Hara et al., CVPR 2018): ``stem_frames: 7, max_pool: true``; shortcuts with weights
  (type B; the type A shortcuts of the 2018 files of depth 18 and 34 have none).

``layer1`` to ``layer4`` are stages 0 to 3. Full 3D convolutions are slow on a CPU: `light` is meant
for that; here a width below 1 helps.

======  ===================  =============================  ==========================
stage   Feature (112 px)     strides (time, space)          with ``max_pool``
======  ===================  =============================  ==========================
0       ``T, 56, 56``        1, 2                           2, 4
1       ``T/2, 28, 28``      2, 4                           4, 8
2       ``T/4, 14, 14``      4, 8                           8, 16
3       ``T/8, 7, 7``        8, 16                          16, 32
======  ===================  =============================  ==========================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo, Stem
from onebody.models.conv3d import Conv3d
from onebody.models.frames import channels_last, use_channels_last
from onebody.models.inputs import InputShape, single_picture, take_input
from onebody.models.norms import BatchNorm3d
from onebody.types import Feature, State

Triple: TypeAlias = tuple[int, int, int]

BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
"""Blocks per stage by depth; depth 50 has bottlenecks."""

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STD = (0.22803, 0.22145, 0.216989)
"""Color statistics of torchvision's video weights."""


class ResNet3DConfig(Config):
    """Options of the 3D ResNet.

    Attributes:
        depth: 10, 18 and 34 have plain blocks, 50 has bottlenecks.
        width: multiplies all widths; public weights need 1.
        stem_frames: frames that the stem's kernel sees.
        max_pool: halve time and space after the stem.
        time_stride: whether stages halve the number of frames; the weights fit either way.
        mean, std: subtracted from and divided out of the input, one number or one per channel.
            None: those of Kinetics for three channels, else 0.45 and 0.225.
    """

    kind: Literal["resnet3d"] = "resnet3d"
    depth: Literal[10, 18, 34, 50] = 18
    width: float = Field(default=1.0, gt=0)
    stem_frames: Literal[3, 7] = 3
    max_pool: bool = False
    time_stride: bool = True
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def conv_norm(
    inputs: int, outputs: int, kernel: Triple, stride: Triple = (1, 1, 1)
) -> list[nn.Module]:
    """Make a convolution that keeps the size (but for its stride), and its BatchNorm."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    conv = Conv3d(inputs, outputs, kernel, stride, padding, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return [conv, BatchNorm3d(outputs)]


class ResidualBlock3D(nn.Module):
    """A plain block or a bottleneck, with torchvision's names (``conv1.0``, ``conv1.1``, ..)."""

    def __init__(self, inputs: int, planes: int, stride: Triple, *, bottleneck: bool) -> None:
        super().__init__()
        outputs = planes * 4 if bottleneck else planes
        one, three = (1, 1, 1), (3, 3, 3)
        if bottleneck:
            self.conv1 = nn.Sequential(*conv_norm(inputs, planes, one), nn.ReLU())
            self.conv2 = nn.Sequential(*conv_norm(planes, planes, three, stride), nn.ReLU())
            self.conv3 = nn.Sequential(*conv_norm(planes, outputs, one))
        else:
            self.conv1 = nn.Sequential(*conv_norm(inputs, planes, three, stride), nn.ReLU())
            self.conv2 = nn.Sequential(*conv_norm(planes, outputs, three))
            self.conv3 = nn.Sequential()
        same = inputs == outputs and stride == (1, 1, 1)
        self.downsample = nn.Sequential(*([] if same else conv_norm(inputs, outputs, one, stride)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, T, H, W]`` to the same kind."""
        return F.relu(self.conv3(self.conv2(self.conv1(x))) + self.downsample(x))


class ResNetStem(Stem):
    """Normalizes color, convolves with stride (1, 2, 2) and may pool."""

    mean: Tensor
    std: Tensor

    def __init__(self, modality: str, channels: int, width: int, config: ResNet3DConfig) -> None:
        super().__init__()
        self.modality = modality
        self.channels = channels
        self.width = width
        rgb = channels == 3
        for name, given, default in (
            ("mean", config.mean, KINETICS_MEAN if rgb else (0.45,)),
            ("std", config.std, KINETICS_STD if rgb else (0.225,)),
        ):
            values = default if given is None else given
            if len(values) not in (1, channels):
                raise ValueError(
                    f"Encoder 'resnet3d': {name} has {len(values)} entries, but {modality!r} has "
                    f"{channels} channels. Give 1 or {channels} numbers."
                )
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1, 1), persistent=False)
        kernel = (config.stem_frames, 7, 7)
        self.layers = nn.Sequential(*conv_norm(channels, width, kernel, (1, 2, 2)), nn.ReLU())
        self.pool = nn.MaxPool3d(3, 2, padding=1) if config.max_pool else nn.Identity()
        use_channels_last(self)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        valid: Mapping[str, Tensor],
        state: State,  # noqa: ARG002
    ) -> tuple[Feature, State]:
        """Map clips ``[B, C, T, H, W]`` to ``[B, width, T', H', W']``."""
        x = take_input(inputs, valid, self.modality, self.channels)
        x = channels_last((x - self.mean) / self.std)
        return self.pool(self.layers(x)), {}


class ResNetStage(Stage):
    """One of ``layer1`` to ``layer4``."""

    def __init__(
        self, inputs: int, planes: int, blocks: int, stride: Triple, *, bottleneck: bool
    ) -> None:
        super().__init__()
        outputs = planes * 4 if bottleneck else planes
        self.blocks = nn.Sequential(
            ResidualBlock3D(inputs, planes, stride, bottleneck=bottleneck),
            *(
                ResidualBlock3D(outputs, planes, (1, 1, 1), bottleneck=bottleneck)
                for _ in range(blocks - 1)
            ),
        )
        use_channels_last(self)

    @property
    def last(self) -> nn.Module:
        """The last layer (convolution and BatchNorm) before the last block's sum."""
        block = self.blocks[-1]
        return block.conv3 if len(block.conv3) else block.conv2  # type: ignore[arg-type, return-value]

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:  # noqa: ARG002
        """Map ``[B, C, T, H, W]`` to the same kind."""
        return self.blocks(x), {}


def build_resnet3d(config: ResNet3DConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build the 3D ResNet for one modality. It looks ahead: it is never causal."""
    modality, count = single_picture(inputs, config.kind)
    base = max(1, round(64 * config.width))
    bottleneck = config.depth == 50
    stride_t, stride_s = (2, 4) if config.max_pool else (1, 2)
    before = base
    stages: list[Stage] = []
    info: list[StageInfo] = []
    for number, blocks in enumerate(BLOCKS[config.depth]):
        planes = base * 2**number
        halve = number > 0
        stride = (2 if halve and config.time_stride else 1, *((2, 2) if halve else (1, 1)))
        stages.append(ResNetStage(before, planes, blocks, stride, bottleneck=bottleneck))
        before = planes * 4 if bottleneck else planes
        stride_t, stride_s = stride_t * stride[0], stride_s * stride[1]
        info.append(StageInfo(width=before, space="map", stride_t=stride_t, stride_s=stride_s))
    return Encoder(ResNetStem(modality, count, base, config), stages, info, causal=False)
