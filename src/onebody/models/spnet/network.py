"""SPNet: pyramids in series, each level of which predicts the pose and, in some, actions.

Source: Luvizon, Picard, Tabia, "Multi-task Deep Learning for Real-Time 3D Human Pose Estimation and
Action Recognition", TPAMI 2020 (arXiv 1912.08077), and the code that its authors published, which
decides wherever the paper is silent.

Shapes: B clips of T frames with J joints; inside, ``N = B * T`` frames ``[N, C, H, W]``. Up to the
action blocks every frame is seen by itself, so that stills and clips go through the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onebody.models.spnet.action_block import ActionBlock
from onebody.models.spnet.config import SPNetConfig
from onebody.models.spnet.layers import Conv, Norm, Residual, max_pool
from onebody.models.spnet.pose_block import PredictionBlock


@dataclass(frozen=True, slots=True)
class SPNetOutput:
    """What the network says.

    Attributes:
        poses: of each prediction ``[B, T, J, dim + 1]`` (stills ``[B, J, dim + 1]``): x, y (, z) in
            [0, 1] of the picture, first and last pixel centers at 0 and 1; then confidence.
        logits: of each action block, per set of actions ``[B, n]``.
    """

    poses: tuple[Tensor, ...]
    logits: tuple[list[Tensor], ...]

    @property
    def actions(self) -> tuple[list[Tensor], ...]:
        """Probabilities in the place of logits."""
        return tuple([scores.softmax(-1) for scores in block] for block in self.logits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One prediction.

    Attributes:
        pyramid: number, from 1; odd ones go down.
        level: 0 is the finest.
        action: number of its action block, from 1; 0: it has none.
        returns: whether a later prediction takes its features.
        acts_again: whether a later one takes its action state.
    """

    pyramid: int
    level: int
    action: int
    returns: bool
    acts_again: bool

    @property
    def down(self) -> bool:
        """Whether its pyramid goes to coarser levels."""
        return self.pyramid % 2 == 1

    @property
    def unit(self) -> str:
        """Name of what leads to it from the level before."""
        kind = f"dp{self.pyramid}_du" if self.down else f"up{self.pyramid}_uu"
        return f"{kind}{self.level}"

    @property
    def block(self) -> str:
        """Name of its prediction block."""
        return f"{'dp' if self.down else 'up'}{self.pyramid}_pb{self.level}"

    @property
    def act(self) -> str:
        """Name of its action block."""
        return f"act{self.action}_action"


class SPNet(nn.Module):
    """The network.

    Attributes:
        config: what it is made of.
        entry: picture to the finest level's features.
        units, blocks: what leads to each prediction, and its block, by the authors' names.
        passes: what an action state goes through on its way to a prediction, by that one's unit.
        acts: action blocks.
    """

    def __init__(self, config: SPNetConfig) -> None:
        super().__init__()
        self.config = config
        self.entry = Entry(config)
        self.units, self.blocks = nn.ModuleDict(), nn.ModuleDict()
        self.passes, self.acts = nn.ModuleDict(), nn.ModuleDict()
        self.steps = steps_of(config)
        for step in self.steps:
            width = width_of(config, step.level)
            before = width_of(config, step.level + (-1 if step.down else 1))
            self.units[step.unit] = (Down if step.down else Up)(config, before, width)
            self.blocks[step.block] = PredictionBlock(
                config, width, acts=step.action > 0, returns=step.returns
            )
            if step.action > 1:
                self.passes[f"{step.unit}_action"] = Pass(config.state_width)
            if step.action:
                self.acts[step.act] = ActionBlock(
                    config, width, continued=step.action > 1, returns=step.acts_again
                )

    def forward(self, pictures: Tensor, *, actions: bool = True) -> SPNetOutput:
        """Read pose and actions.

        Args:
            pictures: ``[B, C, T, H, W]`` clips or ``[B, C, H, W]`` stills, in [-1, 1], C the
                config's ``in_channels``. A still is a clip of one frame.
            actions: run the action blocks; poses are the same without.

        Raises:
            ValueError: if the pictures' shape or type does not fit; says what is needed.
        """
        check_pictures(pictures, self.config, next(self.parameters()).dtype)
        still = pictures.ndim == 4
        num_frames = 1 if still else pictures.shape[2]
        x = self.entry(pictures if still else pictures.transpose(1, 2).flatten(0, 1))
        left, first = {0: x}, {0: x}  # by level: what its last block left; its very first features
        state: Tensor | None = None
        states: dict[int, Tensor] = {}  # by level: the action state that passed it last
        poses: list[Tensor] = []
        logits: list[list[Tensor]] = []
        for step in self.steps:
            x = self.units[step.unit](x)
            seen = first.setdefault(step.level, x)
            x = x + left[step.level] if step.level in left else x
            joints, own, x = self.blocks[step.block](x)
            left[step.level] = x
            poses.append(joints.pose if still else over_frames(joints.pose, num_frames))
            if actions and step.action:
                if state is not None:
                    state = self.passes[f"{step.unit}_action"](state)
                    state = state + states[step.level] if step.level in states else state
                scores, state = self.acts[step.act](own, seen, state, num_frames)
                logits.append(scores)
            if state is not None:
                states[step.level] = state
        return SPNetOutput(tuple(poses), tuple(logits))

    def truncated(self, kept: int) -> SPNet:
        """Return a network of the first predictions, with the same weights, in evaluation mode.

        Raises:
            ValueError: if there are not as many.
        """
        if not 1 <= kept <= len(self.steps):
            raise ValueError(f"There are {len(self.steps)} predictions, cannot keep {kept}.")
        short = SPNet(self.config.model_copy(update={"truncate": kept}))
        state = self.state_dict()
        short.load_state_dict({name: state[name] for name in short.state_dict()})
        return short.eval()


class Entry(nn.Module):
    """Everything before the first pyramid: a picture to features at ``1 / image_div``."""

    def __init__(self, config: SPNetConfig) -> None:
        super().__init__()
        growth = config.growth
        self.strided = config.downsampling_type == "conv"
        self.conv1 = Conv(config.in_channels, config.stem_width, 7, 2)
        self.res0 = Residual(config.stem_width, growth, 3, separable=False)
        self.res1 = Residual(growth, 2 * growth, 3, separable=False)
        self.res2 = Residual(2 * growth, 2 * growth, 3, separable=False)
        self.halvings = (config.image_div // 4).bit_length() - 1
        for number in range(self.halvings):
            width = (3 + number) * growth
            stride = 2 if self.strided else 1
            units = (
                Residual(width - growth, width, 3, stride=stride, separable=False),
                Residual(width, width, 3, separable=False),
            )
            for place, unit in enumerate(units):
                self.add_module(f"res{3 + 2 * number + place}", unit)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to ``[N, C', H / image_div, W / image_div]``."""
        x = max_pool(self.res0(self.conv1(x)), 3)
        x = self.res2(self.res1(x))
        for number in range(self.halvings):
            x = x if self.strided else max_pool(x)
            for place in (3, 4):
                x = self.get_submodule(f"res{place + 2 * number}")(x)
        return x


class Down(nn.Module):
    """To the next coarser level."""

    def __init__(self, config: SPNetConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.strided = config.downsampling_type == "conv"
        self.r0 = Residual(inputs, outputs, config.kernel_size, stride=2 if self.strided else 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to ``[N, C', H / 2, W / 2]``."""
        return self.r0(x if self.strided else max_pool(x))


class Up(nn.Module):
    """To the next finer level."""

    def __init__(self, config: SPNetConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.strided = config.downsampling_type == "conv"
        if self.strided:
            self.bn1 = Norm(inputs)
            self.convtrans1 = nn.ConvTranspose2d(inputs, outputs, 2, stride=2, bias=False)
            nn.init.xavier_uniform_(self.convtrans1.weight)
        else:
            self.r0 = Residual(inputs, outputs, config.kernel_size)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, C, H, W]`` to ``[N, C', 2 H, 2 W]``."""
        if self.strided:
            return self.convtrans1(F.relu(self.bn1(x)))
        return self.r0(F.interpolate(x, scale_factor=2.0))


class Pass(nn.Module):
    """The way of an action state from one prediction to the next."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.r0 = Residual(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, C, T', J']`` to the same."""
        return self.r0(x)


def over_frames(x: Tensor, num_frames: int) -> Tensor:
    """Divide frames ``[B * T, ..]`` into clips ``[B, T, ..]``."""
    return x.view(-1, num_frames, *x.shape[1:])


def steps_of(config: SPNetConfig) -> tuple[Step, ...]:
    """Lay out the predictions that a network makes."""
    down = list(range(1, config.num_levels))
    up = list(range(config.num_levels - 1))[::-1]
    places = [
        (pyramid, level)
        for pyramid in range(1, config.num_pyramids + 1)
        for level in (down if pyramid % 2 else up)
    ][: config.truncate or None]
    acting = [n for n, place in enumerate(places) if place[0] in config.action_pyramids]
    return tuple(
        Step(
            pyramid=pyramid,
            level=level,
            action=acting.index(number) + 1 if number in acting else 0,
            returns=number + 1 < len(places),
            acts_again=number in acting[:-1],
        )
        for number, (pyramid, level) in enumerate(places)
    )


def width_of(config: SPNetConfig, level: int) -> int:
    """Return the channels of a level's features."""
    return config.growth * ((config.image_div // 4).bit_length() + 1 + level)


def check_pictures(pictures: Tensor, config: SPNetConfig, weights: torch.dtype) -> None:
    """Refuse pictures that are no such numbers, or cannot be halved as often as needed.

    Raises:
        ValueError: says what is needed.
    """
    wanted = f"[B, {config.in_channels}, (T,) H, W]"
    if pictures.ndim not in (4, 5) or pictures.shape[1] != config.in_channels:
        raise ValueError(f"Expected pictures {wanted}, found {list(pictures.shape)}.")
    is_double = pictures.dtype == torch.float64 != weights
    if is_double or not pictures.is_floating_point():
        raise ValueError(
            f"Expected pictures {wanted} of float32 in [-1, 1], found {pictures.dtype}. Convert "
            "them: of uint8 pictures, pictures.float() / 127.5 - 1."
        )
    height, width = pictures.shape[-2:]
    if height % config.stride or width % config.stride or 0 in pictures.shape:
        raise ValueError(
            f"Expected pictures {wanted} whose height and width are multiples of {config.stride} "
            f"pixels (image_div {config.image_div}, {config.num_levels} levels), found "
            f"{list(pictures.shape)}. Resize them."
        )
