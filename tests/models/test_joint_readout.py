"""The last stage that lays joints side by side."""

from __future__ import annotations

import pytest
import torch

from onebody.config import without_later
from onebody.models import ENCODERS
from onebody.models.base import Encoder
from onebody.models.inputs import InputShape
from onebody.models.joint_readout import JointReadout

SHAPES = {"skeleton": InputShape(channels=3, skeleton="kinect-20")}


def encoder(kind: str, readout: int) -> Encoder:
    factory = ENCODERS[kind]
    config = factory.config.model_validate({"kind": kind, "channels": 8, "readout": readout})
    return factory.build(config, inputs=SHAPES)


def test_joints_keep_their_place() -> None:
    torch.manual_seed(0)
    stage = JointReadout(4, 3, 5).eval()
    x = torch.rand(2, 4, 6, 3)
    there, state = stage(x, {})
    swapped, _ = stage(x[..., [1, 0, 2]], {})
    assert there.shape == (2, 5, 6)
    assert state == {}
    assert not torch.allclose(there, swapped)


def test_every_frame_is_read_by_itself() -> None:
    torch.manual_seed(0)
    stage = JointReadout(4, 3, 5).eval()
    x = torch.rand(2, 4, 6, 3)
    whole, _ = stage(x, {})
    torch.testing.assert_close(whole[:, :, 2:4], stage(x[:, :, 2:4], {})[0])


@pytest.mark.parametrize("kind", ["stgcn", "skeleton-transformer"])
def test_it_is_the_last_stage(kind: str) -> None:
    plain, joined = encoder(kind, 0), encoder(kind, 12)
    assert plain.info[-1].space == "joints"
    assert joined.info[:-1] == plain.info
    assert (joined.info[-1].space, joined.info[-1].width) == ("vector", 12)
    assert joined.info[-1].stride_t == plain.info[-1].stride_t


@pytest.mark.parametrize("kind", ["stgcn", "skeleton-transformer"])
def test_runs_from_before_keep_their_fingerprint(kind: str) -> None:
    config = ENCODERS[kind].config.model_validate({"kind": kind})
    assert "readout" not in without_later(config, config.model_dump(mode="json"))


@pytest.mark.parametrize("kind", ["stgcn", "skeleton-transformer"])
def test_fewer_than_no_channels_are_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="readout"):
        ENCODERS[kind].config.model_validate({"kind": kind, "readout": -1})
