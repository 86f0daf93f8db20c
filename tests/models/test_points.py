"""The points encoder and its head: what a point is, what a twin without poses does, streams."""

from __future__ import annotations

import pytest
import torch

from onebody.models import InputShape
from onebody.models.base import prefixed, scoped
from onebody.models.point_head import PointHeadConfig, build_point_head
from onebody.models.points import COORDINATES, PathStage, PointsConfig, PointStage, build_points
from onebody.tasks import build_tasks
from onebody.tasks.pose2d import Pose2DConfig
from onebody.tasks.pose3d import Pose3DConfig

SMALL = PointsConfig(
    stem=8, widths=(8, 8, 16), points=20, appearance=8, temporal_width=16, dilations=(1, 2)
)


def run(encoder, clip):
    features = []
    x, _ = encoder.stem({"depth": clip}, {}, {})
    for stage in encoder.stages:
        x, _ = stage(x, {})
        features.append(x)
    return features


def pose_task(kind):
    config = Pose2DConfig if kind == "pose2d" else Pose3DConfig
    return build_tasks({"pose": config(name="pose", skeleton="kinect-20")})["pose"]


@pytest.mark.parametrize(("frames", "side"), [(1, 32), (5, 33), (4, 48)])
def test_features_have_the_described_shapes(frames, side):
    encoder = build_points(SMALL, inputs={"depth": InputShape(channels=1)}).eval()
    features = run(encoder, torch.rand(2, 1, frames, side, side))
    for feature, info in zip(features, encoder.info, strict=True):
        assert feature.shape[:3] == (2, info.width, frames)
        if info.space == "map":
            assert feature.shape[3] == -(-side // info.stride_s)
        elif info.space == "joints":
            assert feature.shape[3:] == (info.points,) == (20,)
        else:
            assert feature.dim() == 3


def test_a_point_lies_where_its_heat_is():
    stage = PointStage(inputs=3, points=2, appearance=4)
    with torch.no_grad():
        stage.heat.weight.zero_()
        stage.heat.weight[0, 0], stage.heat.weight[1, 1] = 100.0, 100.0
        stage.heat.bias.zero_()
        stage.depth.weight.zero_()
        stage.depth.weight[:, 2] = 1.0
    maps = torch.zeros(1, 3, 1, 8, 10)
    maps[0, 0, 0, 2, 7] = 1.0  # first point: row 2, column 7
    maps[0, 1, 0, 6, 1] = 1.0
    maps[0, 2, 0, 2, 7] = 0.25  # 0.25 further than the reference there
    points, _ = stage(maps, {})
    assert points.shape == (1, COORDINATES + 4, 1, 2)
    x, y, z, sure = points[0, :COORDINATES, 0].unbind(0)
    torch.testing.assert_close(x, torch.tensor([0.75, 0.15]), atol=1e-4, rtol=0)
    torch.testing.assert_close(y, torch.tensor([2.5 / 8, 6.5 / 8]), atol=1e-4, rtol=0)
    torch.testing.assert_close(z, torch.tensor([0.75, 0.5]), atol=1e-4, rtol=0)
    assert bool((sure > 0.99).all())


def test_paths_are_read_relative_to_the_body():
    # A body that only stands elsewhere differs in nothing but the three values of its center.
    torch.manual_seed(0)
    stage = PathStage(points=5, appearance=4, outputs=8, dropout=0.0).eval()
    with torch.no_grad():
        stage.project.weight[:, -3:] = 0.0
    points = torch.rand(1, COORDINATES + 4, 6, 5)
    moved = points.clone()
    moved[:, :2] += 0.2
    torch.testing.assert_close(stage(points, {})[0], stage(moved, {})[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cuts", [(1, 1, 1, 1, 1, 1, 1), (3, 4), (6, 1)])
@pytest.mark.parametrize("motion", [False, True])
def test_a_stream_gives_what_the_clip_gives(cuts, motion):
    torch.manual_seed(1)
    config = SMALL.model_copy(update={"causal": True, "motion": motion})
    encoder = build_points(config, inputs={"depth": InputShape(channels=1)})
    clip = torch.rand(2, 1, 7, 32, 32)
    for _ in range(3):  # statistics that are not those of a fresh network
        run(encoder, torch.rand(2, 1, 7, 32, 32))
    encoder.eval()
    whole = run(encoder, clip)[-1]
    state, parts, start = {}, [], 0
    for length in cuts:
        left = {}
        piece = clip[:, :, start : start + length]
        x, kept = encoder.stem({"depth": piece}, {}, scoped(state, "stem"))
        left |= prefixed(kept, "stem")
        for number, stage in enumerate(encoder.stages):
            x, kept = stage(x, scoped(state, str(number)))
            left |= prefixed(kept, str(number))
        parts.append(x)
        state, start = left, start + length
    torch.testing.assert_close(torch.cat(parts, 2), whole, atol=1e-5, rtol=1e-5)
    assert whole.std() > 0.1


@pytest.mark.parametrize(("kind", "dims"), [("pose2d", 2), ("pose3d", 3)])
def test_head_gives_the_points_and_their_correction(kind, dims):
    encoder = build_points(SMALL, inputs={"depth": InputShape(channels=1)}).eval()
    head = build_point_head(PointHeadConfig(), task=pose_task(kind), info=encoder.info)
    features = dict(enumerate(run(encoder, torch.rand(2, 1, 4, 32, 32))))
    (coarse, final), _ = head({s: features[s] for s in head.stages}, 4, {})
    assert coarse.shape == final.shape == (2, 4, 20, dims + 1)
    torch.testing.assert_close(coarse, final)  # a fresh head corrects nothing
    torch.testing.assert_close(coarse[..., 0], features[2][:, 0])
    with torch.no_grad():
        head.correct.bias.fill_(1.0)
    (coarse, final), _ = head({s: features[s] for s in head.stages}, 4, {})
    torch.testing.assert_close(final[..., :dims], coarse[..., :dims] + 0.1)
    torch.testing.assert_close(final[..., dims], coarse[..., dims])


def test_too_few_points_and_other_encoders_are_refused():
    few = build_points(
        SMALL.model_copy(update={"points": 12}), inputs={"depth": InputShape(channels=1)}
    )
    with pytest.raises(ValueError, match="20 joints, but the encoder finds only 12 points"):
        build_point_head(PointHeadConfig(), task=pose_task("pose2d"), info=few.info)
    with pytest.raises(ValueError, match="needs an encoder with a stage of points"):
        build_point_head(PointHeadConfig(), task=pose_task("pose2d"), info=few.info[:2])


def test_without_a_pose_task_the_points_learn_from_the_classes():
    torch.manual_seed(0)
    encoder = build_points(SMALL, inputs={"depth": InputShape(channels=1)})
    run(encoder, torch.rand(2, 1, 3, 32, 32))[-1].square().mean().backward()
    assert encoder.stages[2].heat.weight.grad.abs().sum() > 0
