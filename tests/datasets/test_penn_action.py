"""Penn Action: labels alone and with pictures, prepared once; the real labels."""

from __future__ import annotations

import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from penn_files import SIZE, fields, write_label
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import read_array, read_frames
from onebody.data.store import save_table
from onebody.datasets import penn_action
from onebody.datasets.penn_action import PennActionConfig, read_penn_action
from onebody.evaluation import SplitConfig, split
from onebody.skeletons import get_skeleton
from onebody.tasks import TASKS, build_tasks, resolve_tasks

PENN = get_skeleton("penn-13")

pytest.importorskip("scipy.io", reason="scipy reads .mat files")


@pytest.fixture
def bare(tmp_path):
    """Labels alone."""
    labels = tmp_path / "labels"
    write_label(labels, "0001", action="bowl", pose="back")
    short = {**fields(4), "action": "squat", "pose": "right", "train": -1}
    write_label(labels, "0002", **short)
    write_label(labels, "2326", action="tennis_serve")
    return tmp_path


def add_pictures(folder, name, frames, size=SIZE):
    """Frame t (from 1) is a picture of grey 20 t."""
    (folder / "frames" / name).mkdir(parents=True)
    for t in range(1, frames + 1):
        picture = Image.new("RGB", size[::-1], (20 * t,) * 3)
        picture.save(folder / "frames" / name / f"{t:06}.jpg", quality=95)


@pytest.fixture
def official(bare):
    """Labels and pictures."""
    for name, frames in (("0001", 6), ("0002", 4), ("2326", 6)):
        add_pictures(bare, name, frames)
    return bare


def test_labels_alone_make_skeletons(bare):
    table = read_penn_action(PennActionConfig(folder=bare))
    assert list(table.media) == ["skeleton"]
    assert table.layouts == {"skeleton": "penn-13"}
    assert table.row_names.tolist() == ["0001", "0002", "2326"]
    assert table.split.tolist() == ["train", "test", "train"]
    assert table.group.tolist() == table.row_names.tolist()
    action, view = table.columns["action"], table.columns["view"]
    assert [action.space.classes[v] for v in action.values] == ["bowl", "squat", "tennis_serve"]
    assert [view.space.classes[v] for v in view.values] == ["back", "right", "front"]
    assert view.space.mirror["left"] == "right"
    joints = read_array(str(table.columns["pose2d"].sources[1]))
    assert joints.shape == (4, 13, 3)
    np.testing.assert_allclose(read_array(str(table.media["skeleton"][1])), joints[..., :2])
    assert np.isnan(table.fps).all()
    clocked = read_penn_action(PennActionConfig(folder=bare, fps=25))
    assert clocked.fps.tolist() == [25.0] * 3


def test_the_official_split_is_divided(bare):
    parts = split(read_penn_action(PennActionConfig(folder=bare)), SplitConfig(own_split=True))
    assert parts.test.tolist() == [False, True, False]


def test_pictures_are_numbered_from_one(official):
    table = read_penn_action(PennActionConfig(folder=official))
    assert list(table.media) == ["rgb", "skeleton"]
    source = str(table.media["rgb"][1])
    assert source.endswith("0002/%06d.jpg#1:5")
    grey = read_frames(source, np.arange(4))[:, 0, 0, 0]
    np.testing.assert_allclose(grey, [20, 40, 60, 80], atol=2)


@pytest.mark.parametrize("modality", ["rgb", "skeleton"])
def test_a_batch(official, modality):
    table = read_penn_action(PennActionConfig(folder=official))
    names = {"action": "classification", "view": "classification", "pose2d": "pose2d"}
    if modality == "skeleton":
        del names["pose2d"]
    configs = {name: TASKS[kind].config(name=name) for name, kind in names.items()}
    tasks = build_tasks(resolve_tasks(configs, [table]))
    spec = InputSpec(modality=modality, size=32, frames=4, skeleton="penn-13", dims=2)
    specs = [task.target_spec(table) for task in tasks.values()]
    batch = make_batch(table, [0, 1], spec, specs, augment=None)
    assert batch.targets["action"].value.tolist() == [3, 11]
    assert batch.targets["view"].value.tolist() == [1, 3]
    if modality == "skeleton":
        assert batch.inputs["skeleton"].shape == (2, 4, 13, 2)
        assert batch.valid == {}  # nothing is missing
    else:
        assert batch.targets["pose2d"].mask.all()
        # joint 0 of frame 0 lies at (19.5, 9.5), the box is 4.5 to 59.5 by 4.5 to 79.5
        side = 75 * spec.box_scale
        expected = [(19.5 - 32) / side + 0.5, (9.5 - 42) / side + 0.5]
        np.testing.assert_allclose(batch.targets["pose2d"].value[1, 0, 0, :2], expected, atol=1e-5)


def test_boxes_are_the_sets_own_or_hold_the_joints_or_are_none(bare):
    given = fields()
    given["bbox"][2] = [30, 3, 70, 60]
    given["bbox"][3] = [200, 3, 300, 60]  # misses the picture
    given["visibility"][:, 12] = 0
    write_label(bare / "labels", "0003", **given)
    with pytest.warns(UserWarning, match=r"1 videos .first: 0003. have boxes that are empty"):
        annotated = read_penn_action(PennActionConfig(folder=bare))
    np.testing.assert_allclose(annotated.box[1], [4.5, 4.5, 59.5, 79.5])
    np.testing.assert_allclose(annotated.box[2], [4.5, 2.5, 69.5, 79.5])
    closer = read_penn_action(PennActionConfig(folder=bare, boxes="joints"))
    np.testing.assert_allclose(closer.box[0], [19.5, 9.5, 19.5 + 60 + 5, 69.5])
    np.testing.assert_allclose(closer.box[2], [19.5, 9.5, 19.5 + 55 + 5, 64.5])
    assert np.isnan(read_penn_action(PennActionConfig(folder=bare, boxes="none")).box).all()


def test_folders_that_were_prepared_without_boxes_are_told(bare):
    table = read_penn_action(PennActionConfig(folder=bare))
    save_table(replace(table, box=np.full((3, 4), np.nan)), bare / "prepared")
    with pytest.raises(ValueError, match=r"with the set's boxes, found none .*'boxes: joints'"):
        read_penn_action(PennActionConfig(folder=bare / "prepared"))
    closer = read_penn_action(PennActionConfig(folder=bare / "prepared", boxes="joints"))
    assert np.isfinite(closer.box).all()
    assert np.isfinite(read_penn_action(PennActionConfig(folder=bare)).box).all()  # made anew


def test_what_was_prepared_is_read_again(official, monkeypatch):
    first = read_penn_action(PennActionConfig(folder=official))
    with monkeypatch.context() as patch:
        patch.setattr(penn_action, "prepare", None)  # nothing is made anew
        second = read_penn_action(PennActionConfig(folder=official))
    assert first.media["rgb"].tolist() == second.media["rgb"].tolist()
    moved = read_penn_action(PennActionConfig(folder=official / "prepared", fps=30))
    assert moved.fps.tolist() == [30.0] * 3
    (official / "labels" / "0001.mat").write_bytes(b"")
    with pytest.raises(ValueError, match=r"0001\.mat: not a readable"):
        read_penn_action(PennActionConfig(folder=official))


def test_corrected_labels_are_noticed(bare):
    first = read_penn_action(PennActionConfig(folder=bare))
    write_label(bare / "labels", "0001", action="squat")
    second = read_penn_action(PennActionConfig(folder=bare))
    own = second.columns["action"]
    assert own.space.classes[own.values[0]] == "squat"
    assert first.columns["action"].values[0] != own.values[0]


def test_new_labels_and_pictures_are_noticed(bare):
    assert len(read_penn_action(PennActionConfig(folder=bare))) == 3
    write_label(bare / "labels", "0100")
    assert len(read_penn_action(PennActionConfig(folder=bare))) == 4
    add_pictures(bare, "0100", 6)
    with pytest.raises(ValueError, match=r"none for '0001' \(3 of 4 videos are missing\)"):
        read_penn_action(PennActionConfig(folder=bare))
    with pytest.warns(UserWarning, match="3 of 4 videos have no pictures below .* left out"):
        table = read_penn_action(PennActionConfig(folder=bare, missing="drop"))
    assert table.row_names.tolist() == ["0100"]
    assert len(read_penn_action(PennActionConfig(folder=bare, media="skeleton"))) == 4


def test_pictures_without_a_label_are_told(official):
    add_pictures(official, "0003", 2)
    with pytest.warns(UserWarning, match="1 folders below .* have no label .first: '0003'."):
        assert len(read_penn_action(PennActionConfig(folder=official))) == 3


def test_pictures_that_contradict_the_label_are_named(official):
    (official / "frames" / "0002" / "000004.jpg").unlink()
    with pytest.raises(ValueError, match=r"0002: expected 4 pictures, as labels/0002\.mat.* 3"):
        read_penn_action(PennActionConfig(folder=official))
    shutil.rmtree(official / "frames" / "0002")
    add_pictures(official, "0002", 4, size=(180, 240))
    with pytest.raises(ValueError, match=r"pictures of 90 x 120 .* found 180 x 240"):
        read_penn_action(PennActionConfig(folder=official))
    shutil.rmtree(official / "frames" / "0002")
    add_pictures(official, "0002", 4, size=(SIZE[0] + 1, SIZE[1]))  # rounded when it was scaled
    assert len(read_penn_action(PennActionConfig(folder=official))) == 3


def test_what_is_odd_is_counted_once(bare):
    given = fields()
    given["bbox"] = given["bbox"][:-1]
    write_label(bare / "labels", "1154", **given)
    with pytest.warns(UserWarning, match=r"penn-action: 1 videos .first: 1154. have one box too"):
        read_penn_action(PennActionConfig(folder=bare))
    assert len(read_penn_action(PennActionConfig(folder=bare))) == 4


def test_empty_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no Penn Action here"):
        read_penn_action(PennActionConfig(folder=tmp_path))
    assert not (tmp_path / "prepared").exists()


def test_real_labels(shared, tmp_path):
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "penn_action.py"
    module = runpy.run_path(str(script))
    with pytest.warns(
        UserWarning, match=r"3 videos .* that are empty.*; 1 videos .* no usable box"
    ):
        module["prepare"](module["packed_videos"](shared / "data" / "penn_action_labels"), tmp_path)
    table = read_penn_action(PennActionConfig(folder=tmp_path))
    assert len(table) == 1258
    assert set(table.split.tolist()) == {"train"}
    assert np.bincount(table.columns["action"].values).min() == 40
    places = table.columns["pose2d"].sources
    joints = np.concatenate([read_array(str(x)) for x in places])
    missing = np.isnan(joints).all(-1)
    assert missing.sum() == 89882
    assert (joints[..., 2] == 1).mean() == pytest.approx(0.78, abs=0.01)
    # whoever faces the camera has the right side on the left of the picture
    view = np.repeat(table.columns["view"].values, [len(read_array(str(x))) for x in places])
    for part in ("shoulder", "wrist", "hip", "knee"):
        left, right = (joints[:, PENN.index(f"{side}_{part}")] for side in ("l", "r"))
        both = (left[:, 2] == 1) & (right[:, 2] == 1)
        front, back = (both & (view == v) for v in (0, 1))
        assert (left[front, 0] > right[front, 0]).mean() > 0.9
        assert (left[back, 0] < right[back, 0]).mean() > 0.5
    heads, feet = joints[:, 0, 1], np.nanmean(joints[:, 11:, 1][~missing[:, 11:].any(1)])
    assert np.nanmean(heads) < feet - 50  # px, y down: most people stand


@pytest.mark.parametrize("boxes", ["annotated", "joints"])
def test_real_boxes_hold_the_people(shared, tmp_path, boxes):
    shutil.copytree(shared / "data" / "formats" / "penn_action" / "labels", tmp_path / "labels")
    odd = r"0038. have boxes that are empty.*; 1 videos .first: 1154. have one box too few"
    with pytest.warns(UserWarning, match=odd):
        table = read_penn_action(PennActionConfig(folder=tmp_path, boxes=boxes))
    assert len(table) == 6
    middle, side = (table.box[:, 2:] + table.box[:, :2]) / 2, np.ptp(table.box.reshape(6, 2, 2), 1)
    for row, place in enumerate(table.columns["pose2d"].sources):
        joints = read_array(str(place))
        seen = joints[joints[..., 2] == 1][:, :2]
        half = 1.5 * side[row].max() / 2  # as SPNet enlarges it
        assert (np.abs(seen - middle[row]) <= half).all(1).mean() > 0.99
