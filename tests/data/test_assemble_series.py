import numpy as np
import pytest
import torch
from make_samples import GESTURES, gesture_spec

from onebody.data import (
    AugmentConfig,
    ClassColumn,
    InputSpec,
    Loader,
    Source,
    evaluation_batches,
    make_batch,
    make_table,
)
from onebody.data.assemble import assemble
from onebody.data.checks import check_request
from onebody.data.joints import normalize
from onebody.data.store import load_table, save_table
from onebody.skeletons import get_skeleton

KINECT = get_skeleton("kinect-20")
SPEC = InputSpec(modality="skeleton", skeleton="kinect-20", frames=6)
FULL = AugmentConfig(
    flip=0.5,
    turn_deg=(-30, 30),
    bones=(0.9, 1.1),
    drop_joints=0.1,
    warp=0.3,
    jitter=(0.0, 0.02),
    speed=(0.8, 1.2),
    duration=(0.7, 1.0),
)


def skeleton_table(folder, rows=9, frames=12, layouts=None, seed=0):
    """Write a table of random bodies; row i has i frames more than the first."""
    rng = np.random.default_rng(seed)
    lengths = frames + np.arange(rows)
    ends = np.cumsum(lengths)
    values = rng.normal(size=(ends[-1], 20, 3)).astype(np.float32) * 300
    np.save(folder / "skeleton.npy", values)
    spans = [f"{folder}/skeleton.npy#{e - n}:{e}" for e, n in zip(ends, lengths, strict=True)]
    return make_table(
        "made",
        {"skeleton": spans},
        columns={"gesture": ClassColumn(values=np.arange(rows) % 3, space=GESTURES)},
        layouts={"skeleton": "kinect-20"} if layouts is None else layouts,
        fps=[10.0] * rows,
    )


def _content(table, row):
    file, _, rows = str(table.media["skeleton"][row]).partition("#")
    first, stop = (int(end) for end in rows.split(":"))
    return np.load(file)[first:stop]


def test_a_batch_is_what_normalizing_by_hand_gives(tmp_path):
    table = skeleton_table(tmp_path, 2)
    batch = make_batch(table, [1, 0], SPEC, (gesture_spec(),), augment=None)
    assert batch.inputs["skeleton"].shape == (2, 6, 20, 3)
    assert batch.valid == {}
    whole = _content(table, 0)  # 12 frames: samples lie between 0 and 1, 2 and 3, ..
    middles = (whole[::2] + whole[1::2])[None] / 2
    expected = normalize(middles, np.ones((1, 6, 20), bool), SPEC)
    np.testing.assert_allclose(batch.inputs["skeleton"][1].numpy(), expected[0], atol=1e-5)
    np.testing.assert_allclose(batch.context.times_s[1], np.arange(0.05, 1.2, 0.2), atol=1e-9)
    assert batch.targets["gesture"].value.tolist() == [1, 0]
    assert batch.context.crop_to_source.isnan().all()


def test_missing_joints_and_media_are_not_valid(tmp_path):
    table = skeleton_table(tmp_path, 3)
    values = np.load(tmp_path / "skeleton.npy")
    values[4, 3] = np.nan
    np.save(tmp_path / "skeleton.npy", values)
    table.media["skeleton"][2] = ""
    batch = make_batch(table, [0, 2], SPEC, (), augment=None)
    valid = batch.valid["skeleton"]
    assert (~valid[0]).nonzero().tolist() == [[2, 3]]
    assert not valid[1].any()
    assert (batch.inputs["skeleton"][~valid] == 0).all()
    assert batch.context.times_s[1].isnan().all()


def test_other_layouts_are_converted_and_unknown_ones_refused(tmp_path):
    spec = SPEC.model_copy(update={"skeleton": "coco-17", "dims": 2})
    batch = make_batch(skeleton_table(tmp_path, 2), [0], spec, (), augment=None)
    assert batch.inputs["skeleton"].shape == (1, 6, 17, 2)
    assert not batch.valid["skeleton"][..., get_skeleton("coco-17").index("l_eye")].any()
    with pytest.raises(ValueError, match="does not say which joints its 'skeleton' holds"):
        make_batch(skeleton_table(tmp_path, 2, layouts={}), [0], SPEC, (), augment=None)


def test_flat_joints_are_not_read_in_space(tmp_path):
    table = skeleton_table(tmp_path, 2)
    np.save(tmp_path / "skeleton.npy", np.load(tmp_path / "skeleton.npy")[..., :2])
    with pytest.raises(ValueError, match="made: Expected joints with 3 coordinates, found 2"):
        make_batch(table, [0, 1], SPEC, (), augment=None)


def test_rows_look_the_same_in_any_company_and_differ_from_pass_to_pass(tmp_path):
    table = skeleton_table(tmp_path)
    targets = (gesture_spec(),)
    many = make_batch(table, range(9), SPEC, targets, augment=FULL, key=(3, 1))
    for row in (0, 4, 8):
        alone = make_batch(table, [row], SPEC, targets, augment=FULL, key=(3, 1))
        torch.testing.assert_close(alone.inputs["skeleton"][0], many.inputs["skeleton"][row])
        assert alone.targets["gesture"].value[0] == many.targets["gesture"].value[row]
    later = make_batch(table, range(9), SPEC, targets, augment=FULL, key=(3, 2))
    assert not torch.equal(later.inputs["skeleton"], many.inputs["skeleton"])


def test_mirrored_bodies_have_mirrored_labels(tmp_path):
    table, spec = skeleton_table(tmp_path), SPEC.model_copy(update={"frames": 100})
    plain = make_batch(table, range(9), spec, (gesture_spec(),), augment=AugmentConfig())
    mirrored = make_batch(table, range(9), spec, (gesture_spec(),), augment=AugmentConfig(flip=1))
    assert plain.targets["gesture"].value.tolist() == [0, 1, 2] * 3
    assert mirrored.targets["gesture"].value.tolist() == [1, 0, 2] * 3  # a salute has no mirror
    order = KINECT.mirror()
    seen = plain.inputs["skeleton"][:, :, order] * torch.tensor([-1.0, 1, 1])
    for row in range(9):
        expected = plain.inputs["skeleton"][row] if row % 3 == 2 else seen[row]
        torch.testing.assert_close(mirrored.inputs["skeleton"][row], expected, atol=1e-4, rtol=0)


def test_bad_rows_are_named_or_skipped(tmp_path):
    table = skeleton_table(tmp_path, 4)
    table.media["skeleton"][1] = str(tmp_path / "gone.npy")
    with pytest.raises(ValueError, match=r"made:1: .*gone\.npy"):
        make_batch(table, range(3), SPEC, (), augment=FULL)
    batch, failures = assemble(table, range(3), SPEC, (), augment=FULL, skip=True)
    assert batch is not None
    assert batch.context.row.tolist() == [0, 2]
    assert len(failures) == 1
    whole = make_batch(skeleton_table(tmp_path, 4), [0, 2], SPEC, (), augment=FULL)
    torch.testing.assert_close(batch.inputs["skeleton"], whole.inputs["skeleton"])


def test_rows_of_different_layouts_are_named(tmp_path):
    table = skeleton_table(tmp_path, 2)
    np.save(tmp_path / "few.npy", np.zeros((8, 17, 3), np.float32))
    table.media["skeleton"][1] = str(tmp_path / "few.npy")
    with pytest.raises(ValueError, match=r"rows made:0, made:1: .*\(17, 3\)"):
        make_batch(table, [0, 1], SPEC, (), augment=None)
    with pytest.raises(ValueError, match="the 20 joints of 'kinect-20', found 17"):
        make_batch(table, [1], SPEC, (), augment=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": (0.5, 1)}, "turn off scale"),
        ({"noise": (0, 0.1), "erase": 0.5}, "turn off erase, noise"),
    ],
)
def test_options_of_pictures_are_refused(tmp_path, options, message):
    table = skeleton_table(tmp_path, 1)
    with pytest.raises(ValueError, match=message):
        check_request(table, SPEC, (), AugmentConfig(**options))


def test_options_of_skeletons_are_refused_elsewhere(tmp_path):
    table = make_table("made", {"rgb": ["a.mp4"], "imu": ["a.npy"]})
    joints = AugmentConfig(turn_deg=(-5, 5), bones=(0.9, 1.1), warp=0.1)
    with pytest.raises(ValueError, match=r"'rgb' .* turn off turn_deg, bones, warp"):
        check_request(table, InputSpec(), (), joints)
    with pytest.raises(ValueError, match=r"'imu' .* turn off turn_deg, bones"):
        check_request(table, InputSpec(modality="imu"), (), joints)
    flat = SPEC.model_copy(update={"dims": 2})
    with pytest.raises(ValueError, match="turn them off in 2D"):
        check_request(skeleton_table(tmp_path, 1), flat, (), AugmentConfig(tilt_deg=(-5, 5)))


def test_workers_change_nothing(tmp_path):
    source = Source(
        table=skeleton_table(tmp_path),
        spec=SPEC,
        targets=(gesture_spec(),),
        augment=FULL,
        batch_size=4,
    )
    steps = [
        [batch.inputs["skeleton"] for step in loader.epoch(1) for batch in step]
        for loader in (Loader([source], seed=5, workers=n) for n in (0, 2))
    ]
    assert len(steps[0]) == len(steps[1]) > 0
    assert all(torch.equal(a, b) for a, b in zip(*steps, strict=True))
    rows = [b.context.row.tolist() for b in evaluation_batches(source, clips=2)]
    assert rows == [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7], [8], [8]]


def test_saved_tables_keep_layouts(tmp_path):
    table = skeleton_table(tmp_path)
    save_table(table, tmp_path)
    assert load_table(tmp_path).layouts == {"skeleton": "kinect-20"}
    assert table.select(np.array([2])).layout("skeleton") == "kinect-20"
    assert table.hide("gesture", np.ones(9, bool)).layouts == table.layouts


def test_a_medium_may_have_a_rate_of_its_own(tmp_path):
    np.save(tmp_path / "imu.npy", np.zeros((100, 1, 6), np.float32))
    media = {"imu": [str(tmp_path / "imu.npy")]}
    table = make_table("worn", media, fps=[30.0], rates={"imu": 50.0}, start_s=[0.5], end_s=[1.5])
    assert table.rate("imu").tolist() == [50.0]
    (tmp_path / "kept").mkdir()
    save_table(table, tmp_path / "kept")
    for own in (table, load_table(tmp_path / "kept").select(np.array([0]))):
        batch = make_batch(own, [0], InputSpec(modality="imu", frames=50), (), augment=None)
        times = batch.context.times_s[0].numpy()
        np.testing.assert_allclose(times, np.arange(25, 75) / 50)
    for rates, said in (({"rgb": 3.0}, "rgb"), ({"imu": 0.0}, "cannot run at 0.0 Hz")):
        with pytest.raises(ValueError, match=said):
            make_table("worn", media, rates=rates)


def test_layouts_of_nothing_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'skeleton'"):
        make_table("made", {"skeleton": ["a.npy"]}, layouts={"skeletons": "kinect-20"})
    with pytest.raises(ValueError, match="Did you mean 'kinect-20'"):
        make_table("made", {"skeleton": ["a.npy"]}, layouts={"skeleton": "kinect20"})
