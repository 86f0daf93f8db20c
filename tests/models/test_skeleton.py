from itertools import combinations

import numpy as np
import pytest
import torch

from onebody.config import read_config
from onebody.models import InputShape
from onebody.models.inputs import take_joints
from onebody.models.skeleton import FrameFeatures, SkeletonConfig, build_skeleton
from onebody.skeletons import SKELETONS, get_skeleton

KINECT = get_skeleton("kinect-20")


def _shape(skeleton="kinect-20", dims=3):
    return {"skeleton": InputShape(channels=dims, skeleton=skeleton)}


def _encoder(inputs=None, **options):
    torch.manual_seed(0)
    config = read_config(SkeletonConfig, {"channels": 8, **options}, "test")
    return build_skeleton(config, inputs=inputs or _shape()).eval()


def _run(encoder, x, valid=None):
    given = {} if valid is None else {"skeleton": valid}
    y, _ = encoder.stem({"skeleton": x}, given, {})
    for stage in encoder.stages:
        y, _ = stage(y, {})
    return y


def _joints(rows=2, frames=6, joints=20, dims=3):
    return torch.randn(rows, frames, joints, dims, generator=torch.Generator().manual_seed(1))


def _by_hand(x, known, strides):
    """Describe one frame sequence [T, J, D] the slow way."""
    parents = KINECT.parents()
    frames = []
    for t in range(len(x)):
        parts = [known[t].astype(float)]
        parts.append(np.where(known[t][:, None], x[t], 0).ravel())
        for joint, parent in enumerate(parents):
            if joint != parent:
                both = known[t, joint] and known[t, parent]
                parts.append(x[t, joint] - x[t, parent] if both else np.zeros(x.shape[2]))
        for stride in strides:
            for joint in range(20):
                there = t >= stride and known[t, joint] and known[t - stride, joint]
                moved = x[t, joint] - x[t - stride, joint] if there else np.zeros(x.shape[2])
                parts.append(moved)
        for a, b in combinations(range(20), 2):
            both = known[t, a] and known[t, b]
            parts.append([np.linalg.norm(x[t, a] - x[t, b]) if both else 0.0])
        frames.append(np.concatenate(parts))
    return np.stack(frames)


@pytest.mark.parametrize("dims", [2, 3])
def test_features_are_what_one_computes_by_hand(dims):
    x, strides = _joints(dims=dims), (1, 3)
    known = torch.rand(2, 6, 20, generator=torch.Generator().manual_seed(2)) < 0.8
    (shape,) = _shape(dims=dims).values()
    parts = ("joints", "bones", "motion", "distances")
    features = FrameFeatures(shape, parts, strides)
    nothing = torch.zeros(2, 3, 20, dims), torch.zeros(2, 3, 20, dtype=torch.bool)
    kept = x * known[..., None]
    found = features(kept, known, nothing)
    assert found.shape == (2, 6, features.size)
    for row in range(2):
        expected = _by_hand(kept[row].numpy().astype(float), known[row].numpy(), strides)
        np.testing.assert_allclose(found[row], expected, atol=1e-5)


def test_sizes_of_the_features():
    (shape,) = _shape().values()
    sizes = {
        part: FrameFeatures(shape, (part,), (1, 3)).size - 20
        for part in ("joints", "bones", "motion", "distances")
    }
    assert sizes == {"joints": 60, "bones": 57, "motion": 120, "distances": 190}


@pytest.mark.parametrize("garbage", [torch.nan, torch.inf, 1e9])
def test_missing_joints_influence_nothing(garbage):
    encoder, x = _encoder().train(), _joints()
    known = torch.ones(2, 6, 20, dtype=torch.bool)
    known[0, 2:4, 5] = False
    known[1, :, 11] = False
    spoiled = torch.where(known[..., None], x, garbage)
    torch.manual_seed(0)
    expected = _run(encoder, x, known)
    torch.manual_seed(0)
    found = _run(encoder, spoiled, known)
    assert torch.equal(found, expected)
    found.square().sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in encoder.parameters())


@pytest.mark.parametrize("shape", [(2,), (2, 6), (2, 6, 20)])
def test_masks_of_rows_frames_and_joints(shape):
    x = _joints()
    mask = torch.ones(shape, dtype=torch.bool)
    mask[1] = False
    (form,) = _shape().values()
    taken, known = take_joints({"skeleton": x}, {"skeleton": mask}, "skeleton", form)
    assert torch.equal(taken[0], x[0])
    assert (taken[1] == 0).all()
    assert known.tolist() == [[[True] * 20] * 6, [[False] * 20] * 6]


def test_joints_of_another_layout_are_refused():
    with pytest.raises(ValueError, match=r"expected \[B, T, 20, 3\], found \[2, 6, 17, 3\]"):
        _run(_encoder(), _joints(joints=17))
    with pytest.raises(ValueError, match="reads 'skeleton', but the batch holds: rgb"):
        _encoder().stem({"rgb": _joints()}, {}, {})


@pytest.mark.parametrize("name", SKELETONS)
@pytest.mark.parametrize("dims", [2, 3])
def test_any_layout_and_any_number_of_frames(name, dims):
    encoder = _encoder(_shape(name, dims), depth=2)
    for frames in (1, 2, 7):
        x = _joints(1, frames, len(SKELETONS[name]), dims)
        assert _run(encoder, x).shape == (1, 8, frames)


def test_depth_and_width():
    encoder = _encoder(depth=6, blocks=2, width=1.5, dilations=(1, 2, 4))
    assert len(encoder.stages) == len(encoder.info) == 6
    assert [[b.dilation for b in stage.blocks] for stage in encoder.stages] == [
        [1, 2], [4, 1], [2, 4], [1, 2], [4, 1], [2, 4],
    ]  # fmt: skip
    assert {info.width for info in encoder.info} == {12}
    sizes = [sum(p.numel() for p in _encoder(depth=n).stages.parameters()) for n in (2, 4)]
    assert sizes[1] == 2 * sizes[0]


def test_still_bodies_have_no_motion_and_a_stream_begins_at_rest():
    encoder = _encoder(parts=["motion"], causal=True)
    x = _joints(1, 1).expand(1, 5, 20, 3)
    described = []
    encoder.stem.scale.register_forward_hook(lambda _m, given, _o: described.append(given[0]))
    _, state = encoder.stem({"skeleton": x}, {}, {})
    assert (described[0][:, 20:] == 0).all()
    assert state["joint.joints"].shape == (1, 3, 20, 3)
    encoder.stem({"skeleton": x[:, :1] + 1}, {}, state)
    assert torch.allclose(described[1][:, 20:], torch.ones(()))


def test_a_network_without_motion_remembers_nothing_of_frames():
    _, state = _encoder(parts=["joints", "distances"]).stem({"skeleton": _joints()}, {}, {})
    assert state == {}
