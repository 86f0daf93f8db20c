import numpy as np
import pytest

import onebody
from onebody.config import build, read_config
from onebody.data import ClassColumn, JointsColumn
from onebody.data.sources import read_array, read_frames
from onebody.datasets import DATASETS, prepared
from onebody.datasets import simulated as module
from onebody.datasets.simulated import SimulatedConfig, build_simulated, cache_folder
from onebody.labels import UNLABELED
from onebody.skeletons import get_skeleton

SIZE, FRAMES = 48, 5
STEP = (-1, 0, 1)
ACTIONS = ("walk", "sit_down", "turn_left")
GESTURES = ("swipe_left", "swipe_right", "draw_tick")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return SimulatedConfig(
        modalities=("rgb", "depth", "silhouette"),
        size=SIZE,
        frames=FRAMES,
        people=3,
        test_people=1,
        clips=2,
        actions=ACTIONS,
        gestures=GESTURES,
        occluders=0.0,
        clutter=0.0,
        noise=0.0,
        cache=tmp_path_factory.mktemp("cache"),
    )


@pytest.fixture(scope="module")
def table(config):
    return build(DATASETS, config, "dataset")


def arrays(table, column):
    return np.stack([read_array(source) for source in table.columns[column].sources])


def pictures(table, modality, channels):
    return np.stack(
        [read_frames(s, np.arange(FRAMES), channels=channels) for s in table.media[modality]]
    )


def test_rows(table):
    assert len(table) == 3 * 2 * 6
    assert sorted(set(table.subject)) == ["p00000", "p00001", "p00002"]
    assert (table.split == np.where(table.subject == "p00002", "test", "train")).all()
    assert (table.fps == 10).all()
    assert len(set(table.row_names)) == len(table)
    assert set(table.columns) == {"action", "gesture", "joints2d", "joints3d"}
    assert len({s for sources in table.media.values() for s in sources}) == 3 * len(table)


def test_action_clips_have_no_gesture_and_gesture_clips_no_action(table):
    action, gesture = table.columns["action"], table.columns["gesture"]
    assert isinstance(action, ClassColumn)
    assert isinstance(gesture, ClassColumn)
    assert action.space.classes == ACTIONS
    assert gesture.space.classes == GESTURES
    assert (table.labeled("action") != table.labeled("gesture")).all()
    counts = [np.bincount(c.values[c.values != UNLABELED]).tolist() for c in (action, gesture)]
    assert counts == [[6, 6, 6], [6, 6, 6]]
    for row, name in enumerate(table.row_names):
        column = action if action.values[row] != UNLABELED else gesture
        assert column.space.classes[column.values[row]] == name.split("/")[1]


def test_mirrors_of_a_part_of_the_classes(table):
    assert table.columns["gesture"].space.mirror == {
        "swipe_left": "swipe_right",
        "swipe_right": "swipe_left",
        "draw_tick": None,
    }
    # turning right was left out, so a mirrored left turn has no name here
    assert table.columns["action"].space.mirror_table().tolist() == [0, 1, UNLABELED]


def test_pictures(table):
    rgb, depth = pictures(table, "rgb", 3), pictures(table, "depth", 1)
    silhouette = pictures(table, "silhouette", 1)
    assert rgb.shape == (36, FRAMES, SIZE, SIZE, 3)
    assert depth.shape == silhouette.shape == (36, FRAMES, SIZE, SIZE, 1)
    assert set(np.unique(silhouette)) == {0, 255}
    body = (silhouette > 0).mean(axis=(1, 2, 3, 4))
    assert ((body > 0.02) & (body < 0.5)).all()
    assert ((depth > 0) <= (silhouette > 0)).all()
    assert (rgb.std(axis=(1, 2, 3, 4)) > 5).all()
    assert (rgb[:, 0].astype(int) - rgb[:, -1] != 0).any(axis=(1, 2, 3)).all(), "nothing moves"


def test_joints_lie_on_the_body(table):
    joints = arrays(table, "joints2d")
    assert isinstance(table.columns["joints2d"], JointsColumn)
    assert table.columns["joints2d"].unit == "px"
    assert table.columns["joints3d"].unit == "mm"
    assert table.columns["joints2d"].skeleton == "kinect-20"
    assert joints.shape == (36, FRAMES, 20, 3)
    assert joints.dtype == np.float32
    assert np.isfinite(joints).all()
    assert set(np.unique(joints[..., 2])) <= {0.0, 1.0}
    assert 0.6 < joints[..., 2].mean() <= 1
    inside = (joints[..., :2] >= 0) & (joints[..., :2] <= SIZE)
    assert inside.all(), "the cameras keep everyone in the picture"
    column, row = np.floor(joints[..., :2]).astype(int).clip(0, SIZE - 1).transpose(3, 0, 1, 2)
    clip, frame = np.ogrid[:36, :FRAMES]
    mask = np.pad(pictures(table, "silhouette", 1)[..., 0] > 0, ((0, 0), (0, 0), (1, 1), (1, 1)))
    # a hand is about a pixel wide here: the next pixel will do
    mask = np.any([np.roll(mask, (dy, dx), (2, 3)) for dy in STEP for dx in STEP], axis=0)
    mask = mask[:, :, 1:-1, 1:-1]
    on_body = mask[clip[..., None], frame[..., None], row, column]
    assert on_body[joints[..., 2] > 0].mean() > 0.99
    assert on_body.mean() > 0.97


def test_camera_and_depth_reference(table):
    flat, deep = arrays(table, "joints2d"), arrays(table, "joints3d")
    assert deep.shape == (36, FRAMES, 20, 4)
    fx, fy, cx, cy = (table.camera_matrix[:, i, None, None] for i in range(4))
    assert (fy > 0).all()
    x, y, z = deep[..., :3].transpose(3, 0, 1, 2)
    np.testing.assert_allclose(fx * x / z + cx, flat[..., 0], atol=0.01)
    np.testing.assert_allclose(fy * y / z + cy, flat[..., 1], atol=0.01)
    np.testing.assert_array_equal(flat[..., 2], deep[..., 3])
    root = get_skeleton("kinect-20").root[0]
    np.testing.assert_allclose(z[..., root].mean(axis=1), table.depth_ref_mm, rtol=1e-5)
    assert ((table.depth_ref_mm > 2000) & (table.depth_ref_mm < 6000)).all()
    # y points down: heads are above hips, so at smaller y
    assert (deep[..., 0, 1] < deep[..., root, 1]).all()
    depth = pictures(table, "depth", 1).astype(float)
    middle = np.array([np.median(d[d > 0]) for d in depth])
    assert (np.abs(middle - 136) < 45).all(), "the body's grey is the middle grey"


def test_people_have_their_own_clothes(table, config):
    assert cache_folder(config.model_copy(update={"outfits": 1})) != cache_folder(config)
    height = arrays(table, "joints3d")[..., :3]
    thigh = np.linalg.norm(height[:, 0, 13] - height[:, 0, 12], axis=-1)
    lengths = {s: np.unique(thigh[table.subject == s].round(1)) for s in set(table.subject)}
    assert all(np.ptp(values) < 1 for values in lengths.values())
    assert len({float(values[0]) for values in lengths.values()}) == 3


def test_the_second_time_nothing_is_rendered(config, table, monkeypatch):
    monkeypatch.setattr(module, "filmed", None)
    again = build_simulated(config)
    assert again.media["rgb"].tolist() == table.media["rgb"].tolist()
    np.testing.assert_array_equal(again.camera_matrix, table.camera_matrix)
    assert again.columns["gesture"].space == table.columns["gesture"].space
    folder = cache_folder(config)
    assert {f.name for f in folder.parent.iterdir()} == {folder.name}


def small(tmp_path, **changes):
    values = {"size": 16, "frames": 2, "people": 2, "clips": 1, "actions": ["walk"]}
    values |= {"gestures": ["wave"], "cache": tmp_path, "noise": 0.0}
    return SimulatedConfig(**{**values, **changes})


def test_cache_key(tmp_path, monkeypatch):
    config = small(tmp_path)
    folder = cache_folder(config)
    assert folder.parent == tmp_path / "simulated"
    assert cache_folder(small(tmp_path, seed=1)) != folder
    assert cache_folder(small(tmp_path, device="cuda")) == folder
    monkeypatch.setattr(onebody, "__version__", "99")
    assert cache_folder(config) != folder
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("ONEBODY_CACHE", raising=False)
    free = small(None)
    assert cache_folder(free).parent == tmp_path / "xdg" / "onebody" / "simulated"
    monkeypatch.setenv("ONEBODY_CACHE", str(tmp_path / "own"))
    assert cache_folder(free).parent == tmp_path / "own" / "simulated"
    assert cache_folder(free).name == folder.name


def test_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no light")

    monkeypatch.setattr(module, "filmed", fail)
    with pytest.raises(RuntimeError, match="no light"):
        build_simulated(small(tmp_path))
    assert list((tmp_path / "simulated").iterdir()) == []


def test_another_process_was_faster(tmp_path, monkeypatch):
    config = small(tmp_path)
    save = prepared.save_table

    def save_twice(table, folder):
        save(table, folder)
        monkeypatch.setattr(prepared, "save_table", save)
        build_simulated(config)  # the other process finishes first

    monkeypatch.setattr(prepared, "save_table", save_twice)
    assert len(build_simulated(config)) == 4
    assert len(list((tmp_path / "simulated").iterdir())) == 1


def test_share_of_pose_labels(tmp_path):
    many = small(tmp_path, people=20, pose_share=0.4)
    table = build_simulated(many)
    labeled = table.labeled("joints2d")
    assert 0.2 < labeled.mean() < 0.6
    np.testing.assert_array_equal(labeled, table.labeled("joints3d"))
    assert not build_simulated(small(tmp_path, pose_share=0.0)).labeled("joints3d").any()


def test_people_are_numbered(tmp_path):
    """A person is the same in a set of others, and seeds make other people."""
    first = build_simulated(small(tmp_path, people=3))
    later = build_simulated(small(tmp_path, people=1, first_person=2))
    rows = np.flatnonzero(first.subject == "p00002")
    assert later.subject.tolist() == ["p00002"] * 2
    for name in ("rgb",):
        for a, b in zip(first.media[name][rows], later.media[name], strict=True):
            np.testing.assert_array_equal(
                read_frames(a, np.arange(2)), read_frames(b, np.arange(2))
            )
    other = build_simulated(small(tmp_path, people=1, first_person=2, seed=1))
    assert not np.array_equal(arrays(other, "joints3d"), arrays(later, "joints3d"))


def test_one_kind_of_class_only(tmp_path):
    table = build_simulated(small(tmp_path, gestures=[]))
    assert "gesture" not in table.columns
    assert len(table) == 2


def test_idle_clips_are_of_neither_kind(tmp_path):
    plain = build_simulated(small(tmp_path))
    table = build_simulated(small(tmp_path, idle=["stand", "walk_about"]))
    assert "kind" not in plain.columns
    kind = table.columns["kind"]
    assert isinstance(kind, ClassColumn)
    assert kind.space.classes == ("action", "gesture", "idle")
    idle = kind.values == 2
    assert idle.sum() == 2 * len(set(table.subject))
    assert (idle == (~table.labeled("action") & ~table.labeled("gesture"))).all()
    np.testing.assert_array_equal(kind.values == 0, table.labeled("action"))
    assert table.labeled("joints2d").all()
    # what was there before is as it was
    for before, name in enumerate(plain.row_names.tolist()):
        after = table.row_names.tolist().index(name)
        source = plain.columns["joints3d"].sources[before]
        np.testing.assert_array_equal(
            read_array(source), read_array(table.columns["joints3d"].sources[after])
        )


def test_wrong_configs(tmp_path):
    with pytest.raises(ValueError, match="'wave' is none"):
        build_simulated(small(tmp_path, idle=["wave"]))
    with pytest.raises(ValueError, match=r"no movement 'wawe'. Did you mean 'wave'"):
        read_config(SimulatedConfig, {"gestures": ["wawe"]}, "recipe")
    with pytest.raises(ValueError, match="test_people should be at most people"):
        read_config(SimulatedConfig, {"people": 2, "test_people": 3}, "recipe")
    with pytest.raises(ValueError, match="unknown key 'persons'"):
        read_config(SimulatedConfig, {"persons": 2}, "recipe")
    with pytest.raises(ValueError, match="modalities"):
        read_config(SimulatedConfig, {"modalities": ["infrared"]}, "recipe")
    with pytest.raises(ValueError, match="'wave' is no action"):
        build_simulated(small(tmp_path, actions=["wave"]))
    with pytest.raises(ValueError, match="found neither"):
        build_simulated(small(tmp_path, actions=[], gestures=[]))
