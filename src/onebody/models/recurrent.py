"""`recurrent`: a trunk on every frame, and an LSTM or GRU over the frames. Looks back only.

======  ==============================================  ===================  ===================
stage   what                                            Feature              default width
======  ==============================================  ===================  ===================
..      stages of the trunk: `light` without temporal   ``[B, C, T, H, W]``  16, 24, 48, 96
        convolutions, keypoint pooling                  ``[B, C, T]``        128
last    LSTM or GRU                                     ``[B, C, T]``        128 (class heads)
======  ==============================================  ===================  ===================

The trunk may be any encoder that ends in one vector per frame. One that has convolutions over time
makes the network a hybrid: convolutions for what takes a moment, recurrence for what takes longer.
The trunk alone, with its own temporal convolutions, is the twin.

The state of a stream is what the cells remember. It begins as zeros and has fixed shapes, so that a
step can be exported (`onebody.models.blank`), and unlike a convolution's it does not grow with how
far back the network can remember.

Source: Donahue et al., "Long-term Recurrent Convolutional Networks for Visual Recognition and
Description", CVPR 2015 (CNN and LSTM; the answers of the frames are averaged); Cho et al.,
"Learning Phrase Representations using RNN Encoder-Decoder", EMNLP 2014 (GRU). Ours: a small trunk
that learns together with the cells, and forget gates that begin open (Jozefowicz, Zaremba,
Sutskever, ICML 2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onebody.config import Config
from onebody.models.base import Encoder, Stage, StageInfo
from onebody.models.inputs import InputShape
from onebody.models.light import LightConfig
from onebody.models.on_trunk import AnyTrunk, build_trunk
from onebody.types import Feature, State

Cell: TypeAlias = Literal["lstm", "gru"]


class RecurrentConfig(Config):
    """Options of the recurrent encoder.

    Attributes:
        cell: ``lstm`` or ``gru``.
        hidden: channels of the cells.
        layers: cells on top of each other.
        dropout: of what a cell is given.
        trunk: any encoder that ends in one vector per frame; the network looks ahead if it does.
    """

    kind: Literal["recurrent"] = "recurrent"
    cell: Cell = "gru"
    hidden: PositiveInt = 128
    layers: int = Field(1, ge=1, le=8)
    dropout: float = Field(0.0, ge=0, lt=1)
    trunk: AnyTrunk = LightConfig(dilations=())


class RecurrentStage(Stage):
    """Cells over the frames of each row; they remember what they say, and an LSTM its cell."""

    def __init__(self, inputs: int, hidden: int, layers: int, cell: Cell, dropout: float) -> None:
        super().__init__()
        self.lstm = cell == "lstm"
        self.dropout = nn.Dropout(dropout)
        kind = nn.LSTM if self.lstm else nn.GRU
        self.cells = nn.ModuleList(
            kind(hidden if number else inputs, hidden, batch_first=True) for number in range(layers)
        )
        if self.lstm:
            for module in self.cells:
                _open_forget_gates(module)

    @property
    def last(self) -> nn.Module:
        """The uppermost cell."""
        return self.cells[-1]

    def forward(self, x: Feature, state: State) -> tuple[Feature, State]:
        """Map ``[B, C, T]`` to ``[B, C', T]``; remembers ``[B, C']`` of every cell."""
        left: State = {}
        with torch.autocast(x.device.type, enabled=False):  # what is remembered adds up
            y = x.float().transpose(1, 2)  # [B, T, C]
            for number, cell in enumerate(self.cells):
                names = [f"{number}.hidden"] + [f"{number}.cell"] * self.lstm
                blank = y.new_zeros(len(y), cell.hidden_size)  # type: ignore[call-overload]
                past = [state.get(name, blank).unsqueeze(0) for name in names]
                y, kept = cell(self.dropout(y), tuple(past) if self.lstm else past[0])
                kept = kept if self.lstm else (kept,)
                left |= {n: k.squeeze(0) for n, k in zip(names, kept, strict=True)}
        return y.transpose(1, 2), left


def build_recurrent(config: RecurrentConfig, *, inputs: Mapping[str, InputShape]) -> Encoder:
    """Build a trunk for one modality, and cells on it."""
    trunk = build_trunk(config.trunk, inputs, config.kind)
    below = trunk.info[-1]
    cells = RecurrentStage(below.width, config.hidden, config.layers, config.cell, config.dropout)
    above = StageInfo(width=config.hidden, space="vector", stride_t=below.stride_t)
    stages: list[Stage] = [*trunk.stages, cells]
    return Encoder(trunk.stem, stages, [*trunk.info, above], causal=trunk.causal)


def _open_forget_gates(cell: nn.Module) -> None:
    """Let an LSTM remember at first: the biases of its forget gates begin at 1."""
    with torch.no_grad():
        given: Tensor = cell.get_parameter("bias_ih_l0")
        learned: Tensor = cell.get_parameter("bias_hh_l0")
        size = len(given) // 4
        given[size : 2 * size] = 1.0  # gates come in the order input, forget, cell, output
        learned[size : 2 * size] = 0.0
