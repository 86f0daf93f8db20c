"""Mirrored and moved looks: poses come back to where they are, classes to what they are called."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from marker_network import LEFT, SPACE, Markers, marker_table
from onebody.data import InputSpec, JointsColumn, Source, evaluation_batches
from onebody.data.augment import AugmentConfig
from onebody.data.views import View
from onebody.evaluation import PLAIN, ViewsConfig, evaluate, figures, measure_under_stress
from onebody.evaluation.views import mirror_order
from onebody.labels import LabelSpace, symmetric
from onebody.tasks import UnionTask
from onebody.tasks.classification import ClassificationTask
from onebody.tasks.pose3d import Pose3DTask

SPEC = InputSpec(size=64, frames=3)
FLIP = ViewsConfig(flip=True)


def source_of(table, network, spec=SPEC, **given):
    targets = tuple(task.target_spec(table) for task in network.tasks.values())
    return Source(table=table, spec=spec, targets=targets, batch_size=3, **given)


@pytest.fixture
def table(tmp_path):
    return marker_table(tmp_path)


def test_the_plain_view_is_the_plain_test_bit_for_bit(table):
    source = source_of(table, Markers())
    plain = list(evaluation_batches(source))
    viewed = list(evaluation_batches(source, views=ViewsConfig().views()))
    for own, other in zip(plain, viewed, strict=True):
        assert torch.equal(own.inputs["rgb"], other.inputs["rgb"])
        assert torch.equal(own.context.crop_to_source, other.context.crop_to_source)
        assert torch.equal(own.targets["pose"].value, other.targets["pose"].value)
    plain, same = evaluate(Markers(), source), evaluate(Markers(), source, views=PLAIN)
    for name in plain:
        np.testing.assert_array_equal(plain[name].prediction, same[name].prediction)


def test_a_look_without_changes_shows_the_same(table):
    """A view that moves nothing goes the way of all views, to nearly the same pictures."""
    source = source_of(table, Markers())
    plain, moved, *_ = evaluation_batches(source, views=(View(), View(scale=1 + 1e-12)))
    torch.testing.assert_close(plain.inputs["rgb"], moved.inputs["rgb"], atol=1e-5, rtol=0)
    assert torch.equal(plain.targets["side"].value, moved.targets["side"].value)


def test_views_are_counted_and_the_first_is_plain():
    views = ViewsConfig(flip=True, crops=5, crop_shift=0.1, crop_scale=0.9).views()
    assert len(views) == 10
    assert views[0].plain
    assert [view.flip for view in views] == [False] * 5 + [True] * 5
    moved = np.array([view.shift for view in views[1:5]])
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 0.1)
    np.testing.assert_allclose(moved.sum(0), 0, atol=1e-12)
    assert {view.scale for view in views[1:5]} == {0.9}
    with pytest.raises(ValidationError):
        ViewsConfig(crops=0)


def test_mirrored_poses_and_classes_come_back(table):
    network = Markers()
    source = source_of(table, network)
    plain, flipped = evaluate(network, source), evaluate(Markers(), source, views=FLIP)
    assert len(flipped["pose"]) == len(plain["pose"]) == 12
    np.testing.assert_array_equal(flipped["pose"].target, plain["pose"].target)
    np.testing.assert_array_equal(flipped["pose"].row, plain["pose"].row)
    # exchanged sides would be 36 px wrong
    np.testing.assert_allclose(flipped["pose"].prediction, plain["pose"].prediction, atol=0.6)
    assert figures(network.tasks, flipped)["pose"]["error"] < 0.6
    assert figures(network.tasks, flipped)["side"]["top1"] == 1.0
    np.testing.assert_allclose(flipped["side"].prediction, plain["side"].prediction, atol=0.02)


def test_a_one_sided_mistake_cancels(table):
    network = Markers(bias=0.05)  # 6.4 px to the right and down
    source = source_of(table, network)
    plain, flipped = evaluate(network, source), evaluate(network, source, views=FLIP)
    wrong = (plain["pose"].prediction - plain["pose"].target).mean((0, 1))
    left = (flipped["pose"].prediction - flipped["pose"].target).mean((0, 1))
    assert wrong == pytest.approx([6.4, 6.4], abs=0.4)
    assert left == pytest.approx([0.0, 6.4], abs=0.4)


def test_moved_crops_are_averaged_in_source_pixels(table):
    config = ViewsConfig(crops=4, crop_shift=0.05, crop_scale=1.2, flip=True)
    network = Markers()
    source = source_of(table, network)
    found = evaluate(network, source, tasks=["pose"], views=config)["pose"]
    maps = torch.stack([affine[0] for affine in network.seen[:8]])
    assert len({tuple(map(float, affine.flatten())) for affine in maps}) == 8
    assert found.scale["crop"] == pytest.approx(128.0)  # that of the plain crop
    expected = []
    for view in config.views():
        batches = evaluation_batches(source, views=(view,))
        outputs = [(network._pose(b.inputs["rgb"].double()), b.context) for b in batches]
        decoded = [network.tasks["pose"].decode(o, c)[..., :2].numpy() for o, c in outputs]
        joints = np.concatenate(decoded).reshape(-1, 16, 2)
        order = mirror_order(network.tasks["pose"], network.tasks)
        expected.append(joints[:, order] if view.flip else joints)
    np.testing.assert_allclose(found.prediction, np.mean(expected, axis=0), atol=1e-3)


def test_joints_at_the_border_count_in_all_views_or_none(tmp_path):
    table = marker_table(tmp_path)
    joints = np.load(tmp_path / "joints0.npy")
    joints[0] = [1.0, 60.0, 1.0]  # a moved crop misses the whole frame
    joints[1, LEFT[0]] = [-5.0, 60.0, 1.0]  # the plain crop misses this one joint
    np.save(tmp_path / "joints0.npy", joints)
    network = Markers()
    source = source_of(table, network)
    plain = evaluate(network, source)["pose"]
    config = ViewsConfig(crops=5, crop_shift=0.2, flip=True)
    found = evaluate(network, source, views=config)["pose"]
    assert len(found) == len(plain) == 12
    np.testing.assert_array_equal(found.mask, plain.mask)
    assert not found.mask[1, LEFT[0]]
    assert np.isfinite(found.prediction).all()


def test_views_are_joined_before_clips_stay_apart(table):
    network = Markers()
    spec = InputSpec(size=64, frames=2, sampling="dense")
    source = source_of(table, network, spec)
    found = evaluate(network, source, clips=2, views=FLIP)
    assert len(found["pose"]) == 4 * 2 * 2  # rows, frames, clips
    assert len(found["side"]) == 4
    product = evaluate(network, source, clips=2, views=ViewsConfig(flip=True, fusion="product"))
    parts = evaluate(network, source, tasks=["side"])["side"]
    assert (product["side"].prediction.max(1) > parts.prediction.max(1)).mean() > 0.5
    np.testing.assert_allclose(product["side"].prediction.sum(1), 1)


def test_views_go_with_changes_of_a_test(table):
    network = Markers()
    turned = source_of(table, network, change=AugmentConfig(scale=(1.5, 1.5)))
    found = evaluate(network, turned, views=ViewsConfig(flip=True, crops=3))
    assert found["pose"].scale["crop"] == pytest.approx(192.0)
    assert figures(network.tasks, found)["pose"]["error"] < 1.5


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (LabelSpace("side", ("left", "right")), "does not say what a mirror makes"),
        (LabelSpace("side", ("left", "right"), {"left": None, "right": "right"}), "left has no"),
    ],
)
def test_labels_without_a_mirror_image_are_refused(table, space, message):
    network = Markers(space=space)
    own = replace(table.columns["side"], space=space)
    table = replace(table, columns={**table.columns, "side": own})
    source = source_of(table, network)
    with pytest.raises(ValueError, match=f"Task 'side'.*{message}"):
        evaluate(network, source, views=FLIP)
    assert "pose" in evaluate(network, source, tasks=["pose"], views=FLIP)
    unlabeled = replace(table, columns={"pose": table.columns["pose"]})
    assert "pose" in evaluate(network, source_of(unlabeled, network), views=FLIP)


def test_joint_answers_are_mirrored_part_by_part():
    parts = {
        "side": ClassificationTask(name="side", column="side", space=SPACE),
        "act": ClassificationTask(name="act", column="act", space=symmetric("a", ("x", "y"))),
    }
    union = UnionTask(
        name="any",
        column="",
        space=LabelSpace("any", ("x", "y", "left", "right", "none")),
        of=("act", "side"),
        sizes=(2, 2),
    )
    assert mirror_order(union, parts).tolist() == [0, 1, 3, 2, 4]


def test_skeletons_have_no_crops(tmp_path):
    from onebody.data import make_table

    np.save(tmp_path / "joints.npy", np.random.default_rng(0).normal(size=(5, 16, 3)))
    table = make_table(
        "s", {"skeleton": [f"{tmp_path}/joints.npy"]}, layouts={"skeleton": "mpii-16"}, fps=[10.0]
    )
    spec = InputSpec(modality="skeleton", skeleton="mpii-16", frames=5)
    source = Source(table=table, spec=spec, targets=())
    with pytest.raises(ValueError, match=r"'skeleton' is no picture to crop"):
        evaluate(Markers(), source, views=ViewsConfig(crops=2))
    plain, mirrored = evaluation_batches(source, views=(View(), View(flip=True)))
    torch.testing.assert_close(
        mirrored.inputs["skeleton"][..., 1],
        plain.inputs["skeleton"][:, :, mirror_order(Markers().tasks["pose"], {}), 1],
    )


def test_mirrored_poses_in_space_come_back(tmp_path):
    table = marker_table(tmp_path)
    camera, away = np.array([100.0, 100.0, 64.0, 48.0]), 2000.0
    sources = []
    for row, source in enumerate(table.columns["pose"].sources):
        pixels = np.load(source)
        space = (pixels[..., :2] - camera[2:]) / camera[:2] * away
        depth, seen = np.full((*space.shape[:2], 1), away), pixels[..., 2:]
        sources.append(f"{tmp_path}/space{row}.npy")
        np.save(sources[-1], np.concatenate([space, depth, seen], axis=2).astype(np.float32))
    column = JointsColumn(sources=np.array(sources), skeleton="mpii-16", unit="mm")
    table = replace(
        table,
        columns={"pose": column},
        camera_matrix=np.tile(camera, (len(table), 1)),
        depth_ref_mm=np.full(len(table), away),
    )

    class Space(Markers):
        def _pose(self, pictures):
            flat = super()._pose(pictures)
            return torch.cat(
                [flat[..., :2], torch.full_like(flat[..., :1], 0.5), flat[..., 2:]], -1
            )

    network = Space()
    network.tasks = {"pose": Pose3DTask(name="pose", column="pose", skeleton="mpii-16")}
    source = source_of(table, network)
    plain = evaluate(network, source)["pose"]
    found = evaluate(network, source, views=ViewsConfig(flip=True, crops=3))["pose"]
    np.testing.assert_array_equal(found.target, plain.target)
    np.testing.assert_allclose(found.prediction, found.target, atol=15.0)  # 20 mm are a pixel


def test_stresses_are_measured_by_the_same_views(table):
    network = Markers(bias=0.05)
    source = source_of(table, network)
    plain, viewed = (
        measure_under_stress(network, [source], stresses=["scale"], views=views)[0]
        for views in (PLAIN, ViewsConfig(flip=True, crops=3))
    )
    assert len(viewed.values["pose"]) == len(plain.values["pose"]) == 5
    assert viewed.values["pose"][-1] >= plain.values["pose"][-1]
    assert viewed.samples == plain.samples


def test_workers_change_nothing(table):
    config = ViewsConfig(flip=True, crops=2)
    source = source_of(table, Markers())
    own = evaluate(Markers(), source, views=config)
    other = evaluate(Markers(), source, views=config, workers=1)
    for name in own:
        np.testing.assert_array_equal(own[name].prediction, other[name].prediction)
