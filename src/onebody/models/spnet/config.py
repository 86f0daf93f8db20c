"""What SPNet is made of, in its authors' words, and the two configurations that they published."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from onebody.config import Config

COARSEST = 2
"""A pyramid has at least this many levels."""


class SPNetShape(Config):
    """What does not depend on the data, by the names of the authors' code.

    Attributes:
        num_pyramids: P; the 1st, 3rd, .. go down from fine to coarse, the others up.
        action_pyramids: which of them (from 1) recognize actions as well.
        num_levels: resolutions; a pyramid predicts at all but the one that it starts from.
        kernel_size: of the separable convolutions (one odd number; the authors write two equal).
        growth: channels that each level has more than the finer one.
        image_div: pixels of the picture per pixel of the finest level, a power of 2 from 4.
        downsampling_type: ``maxpooling`` (and repeated pixels upwards) or ``conv`` (strided, and
            transposed upwards).
        pose_replica: decouple poses: actions are read from heat maps of their own.
        num_pose_features: channels of the pose stream, a multiple of 16.
        num_visual_features: channels of the appearance stream.
        sam_alpha: factor on heat maps before their softmax.
        stem_width: channels of the first convolution. Ours: the authors' has 64. The layers before
            the first pyramid are 55 to 78 % of the cost.
        truncate: stop after this many predictions; nothing behind it is built. 0: all of them.
    """

    num_pyramids: int = Field(2, ge=1)
    action_pyramids: tuple[int, ...] = ()
    num_levels: int = Field(4, ge=COARSEST)
    kernel_size: int = Field(5, ge=1)
    growth: int = Field(96, ge=8)
    image_div: int = Field(8, ge=4)
    downsampling_type: Literal["maxpooling", "conv"] = "maxpooling"
    pose_replica: bool = False
    num_pose_features: int = Field(160, ge=16, multiple_of=16)
    num_visual_features: int = Field(160, ge=4)
    sam_alpha: float = Field(1.0, gt=0, allow_inf_nan=False)
    stem_width: int = Field(64, ge=8)
    truncate: int = Field(0, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _authors_forms(cls, values: object) -> object:
        """Accept two equal numbers as kernel size, as the authors' configuration has them."""
        if isinstance(values, dict) and isinstance(values.get("kernel_size"), list | tuple):
            sizes = set(values["kernel_size"])
            if len(sizes) != 1:
                raise ValueError(f"'kernel_size' must be square, found {values['kernel_size']}")
            return {**values, "kernel_size": sizes.pop()}
        return values

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kernel_size % 2 == 0:
            raise ValueError(f"'kernel_size' must be odd, found {self.kernel_size}")
        if self.image_div & (self.image_div - 1):
            raise ValueError(f"'image_div' must be a power of 2, found {self.image_div}")
        strange = [p for p in self.action_pyramids if not 1 <= p <= self.num_pyramids]
        if strange or len(set(self.action_pyramids)) < len(self.action_pyramids):
            raise ValueError(
                f"'action_pyramids' must name pyramids 1 to {self.num_pyramids}, each once, found "
                f"{list(self.action_pyramids)}"
            )
        if self.state_width % 4:
            raise ValueError(
                "the larger of 'num_pose_features' and 'num_visual_features' must be a multiple "
                f"of 4, found {self.state_width}"
            )
        if self.truncate > self.num_predictions:
            raise ValueError(
                f"'truncate' must be at most the {self.num_predictions} predictions there are, "
                f"found {self.truncate}"
            )
        return self

    @property
    def num_predictions(self) -> int:
        """Predictions of the whole network, not truncated."""
        return self.num_pyramids * (self.num_levels - 1)

    @property
    def state_width(self) -> int:
        """Channels of the state that action blocks hand on."""
        return max(self.num_pose_features, self.num_visual_features)

    @property
    def stride(self) -> int:
        """Pixels that height and width of a picture must be a multiple of."""
        return int(self.image_div * 2 ** (self.num_levels - 1))


class SPNetConfig(SPNetShape):
    """A whole network.

    Attributes:
        num_joints: J. Both action streams are convolutions over neighboring joints, so the order of
            the joints matters.
        dim: coordinates per joint: 2, or 3 with a depth map per joint.
        num_actions: classes of each set of actions; every set has a head of its own.
        in_channels: of the picture. Ours: the authors' pictures have 3.
    """

    num_joints: int = Field(16, ge=1)
    dim: Literal[2, 3] = 2
    num_actions: tuple[int, ...] = ()
    in_channels: int = Field(3, ge=1)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.action_pyramids) != bool(self.num_actions):
            raise ValueError(
                "'num_actions' and 'action_pyramids' belong together: found "
                f"{list(self.num_actions)} and {list(self.action_pyramids)}"
            )
        if any(classes < 1 for classes in self.num_actions):
            raise ValueError(f"'num_actions' must be positive, found {list(self.num_actions)}")
        return self


PRESETS: dict[str, SPNetConfig] = {
    "spnet-penn": SPNetConfig(
        num_joints=16,
        num_actions=(15,),
        num_pyramids=6,
        action_pyramids=(5, 6),
        pose_replica=True,
    ),
    "spnet-penn-2": SPNetConfig(
        num_joints=16, num_actions=(15,), num_pyramids=2, action_pyramids=(1, 2)
    ),
    "spnet-ntu": SPNetConfig(
        num_joints=17,
        dim=3,
        num_actions=(60,),
        num_pyramids=2,
        action_pyramids=(1, 2),
        num_pose_features=192,
        num_visual_features=192,
    ),
}
"""The networks whose weights the authors published, and the one that they trained in their script.

`spnet-penn-2` is that of the training script for Penn Action, with two pyramids; the published
weights are of `spnet-penn`, with six.
"""
