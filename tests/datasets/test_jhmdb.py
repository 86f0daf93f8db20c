"""JHMDB: videos or pictures, joints and masks from .mat files in the official layout."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import frame_span, read_array, read_frames
from onebody.datasets.jhmdb import CLASSES, JhmdbConfig, read_jhmdb
from onebody.evaluation import SplitConfig, split
from onebody.tasks import TASKS, build_tasks, resolve_tasks

savemat = pytest.importorskip("scipy.io", reason="scipy reads .mat files").savemat

FRAMES, HEIGHT, WIDTH = 8, 48, 64
SOURCES = ("A_film", "Torwart!_2_(x)", "other")


def name_of(label, source):
    return f"{source}_{label}_f_nm_np1_ba_med_0"


def write_puppet(folder, clip, frames=FRAMES):
    """Joint j at pixel (j + t, 2 j) of the first pixel's center; a mask of the left half."""
    joints = np.zeros((2, 15, frames))
    joints[0] = 1 + np.arange(15)[:, None] + np.arange(frames)
    joints[1] = 1 + 2 * np.arange(15)[:, None]
    joints[0, 14] = WIDTH + 9  # outside the picture
    mask = np.zeros((HEIGHT, WIDTH, frames), np.uint8)
    mask[:, : WIDTH // 2] = 1
    for part, name, values in (
        ("joint_positions", "pos_img", joints),
        ("puppet_mask", "part_mask", mask),
    ):
        (folder / part / clip).mkdir(parents=True, exist_ok=True)
        file = "joint_positions.mat" if part == "joint_positions" else "puppet_mask.mat"
        savemat(folder / part / clip / file, {name: values})


@pytest.fixture
def bare(tmp_path, make_video):
    """Lists and videos; split s tests source s."""
    video = make_video(tmp_path / "one.avi", FRAMES, codec="mpeg4")
    (tmp_path / "splits").mkdir()
    for label in CLASSES:
        (tmp_path / "ReCompress_Videos" / label).mkdir(parents=True)
        for number in (1, 2, 3):
            lines = [
                f"{name_of(label, source)}.avi {2 if part == number else 1}\n"
                for part, source in enumerate(SOURCES, 1)
            ]
            lines = lines[number - 1 :] + lines[: number - 1]  # the order differs between splits
            (tmp_path / "splits" / f"{label}_test_split{number}.txt").write_text("".join(lines))
        for source in SOURCES:
            path = tmp_path / "ReCompress_Videos" / label / f"{name_of(label, source)}.avi"
            path.symlink_to(video)
    return tmp_path


@pytest.fixture
def official(bare):
    """The same with joints and masks."""
    for label in CLASSES:
        for source in SOURCES:
            write_puppet(bare, f"{label}/{name_of(label, source)}")
    return bare


def test_videos_alone(bare):
    table = read_jhmdb(JhmdbConfig(folder=bare, split=3))
    assert len(table) == 63
    assert list(table.media) == ["rgb"]
    assert list(table.columns) == ["action"]
    assert set(table.source[table.split == "test"].tolist()) == {"other"}
    split(table, SplitConfig(own_split=True, validation_share=0.2))
    assert not (bare / "prepared").exists()


def test_pictures(bare):
    clip = bare / "Rename_Images" / "walk" / name_of("walk", "A_film")
    clip.mkdir(parents=True)
    for number in range(1, 6):
        Image.new("RGB", (8, 6), (40 * number,) * 3).save(clip / f"{number:05d}.png")
    config = JhmdbConfig(folder=bare, media="frames", missing="drop", fps=25)
    with pytest.warns(UserWarning, match="62 of 63 listed clips"):
        table = read_jhmdb(config)
    source = str(table.media["rgb"][0])
    assert read_frames(source, np.arange(5))[:, 0, 0, 0].tolist() == [40, 80, 120, 160, 200]
    assert table.fps.tolist() == [25.0]
    shutil.rmtree(bare / "ReCompress_Videos")
    with pytest.raises(ValueError, match=r"brush_hair_test_split1\.txt:1: .*62 of 63"):
        read_jhmdb(JhmdbConfig(folder=bare))


def test_joints_are_pixels_from_the_corner_and_seen_within_the_picture(official):
    table = read_jhmdb(JhmdbConfig(folder=official, split=2))
    joints = read_array(str(table.columns["pose2d"].sources[5]))
    assert joints.shape == (FRAMES, 15, 3)
    np.testing.assert_allclose(joints[3, 4], [7.5, 8.5, 1.0])
    assert joints[:, 14, 2].tolist() == [0.0] * FRAMES
    assert joints[:, :14, 2].all()
    mask = read_frames(str(table.media["silhouette"][5]), np.arange(FRAMES), channels=1)
    assert mask.shape == (FRAMES, HEIGHT, WIDTH, 1)
    assert set(np.unique(mask[:, :, : WIDTH // 2]).tolist()) == {255}
    assert not mask[:, :, WIDTH // 2 :].any()


def test_a_batch_of_silhouettes_with_poses(official):
    table = read_jhmdb(JhmdbConfig(folder=official))
    configs = {
        "action": TASKS["classification"].config(name="action"),
        "pose2d": TASKS["pose2d"].config(name="pose2d"),
    }
    tasks = build_tasks(resolve_tasks(configs, [table]))
    specs = [task.target_spec(table) for task in tasks.values()]
    batch = make_batch(
        table, [0, 40], InputSpec(modality="silhouette", size=32, frames=4), specs, augment=None
    )
    assert batch.inputs["silhouette"].shape == (2, 1, 4, 32, 32)
    assert batch.targets["action"].value.tolist() == [0, 13]
    assert batch.targets["pose2d"].present.all()


def test_other_splits_take_what_was_prepared(official):
    first = read_jhmdb(JhmdbConfig(folder=official, split=1))
    shutil.rmtree(official / "joint_positions")
    (official / "joint_positions").mkdir()
    second = read_jhmdb(JhmdbConfig(folder=official, split=2))
    place = {str(source): row for row, source in enumerate(first.media["rgb"])}
    rows = [place[str(source)] for source in second.media["rgb"]]
    assert rows != sorted(rows)
    for part in (1, 2):
        column = (first if part == 1 else second).columns["pose2d"].sources
        assert len(column) == 63
    assert (
        first.columns["pose2d"].sources[rows].tolist() == second.columns["pose2d"].sources.tolist()
    )
    assert first.media["silhouette"][rows].tolist() == second.media["silhouette"].tolist()
    assert second.row_names[0] == "brush_hair_test_split2.txt:1"


def test_new_masks_are_noticed(official):
    shutil.move(official / "puppet_mask", official / "later")
    assert "silhouette" not in read_jhmdb(JhmdbConfig(folder=official)).media
    shutil.move(official / "later", official / "puppet_mask")
    assert "silhouette" in read_jhmdb(JhmdbConfig(folder=official)).media


def test_a_span_ends_with_its_annotation(official):
    write_puppet(official, f"walk/{name_of('walk', 'other')}", frames=FRAMES - 2)
    table = read_jhmdb(JhmdbConfig(folder=official))
    (row,) = np.flatnonzero(table.group == "walk/other")
    for modality in ("rgb", "silhouette"):
        span = frame_span(
            str(table.media[modality][row]), end_s=table.end_s[row], fps=table.fps[row]
        )
        assert span == (0, FRAMES - 2)
    assert len(read_array(str(table.columns["pose2d"].sources[row]))) == FRAMES - 2
    assert np.isnan(np.delete(table.end_s, row)).all()


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("pos_img", np.zeros((2, 15, FRAMES + 1)), "expected 1 to 8 frames .* found 9"),
        (
            "pos_img",
            np.zeros((2, 14, FRAMES)),
            r"expected pos_img \(2, 15, T\), found \(2, 14, 8\)",
        ),
        ("pos_img", np.full((2, 15, FRAMES), np.nan), "not finite"),
        ("pos_img", np.zeros((2, 15)), "variable 'pos_img' with 3 axes"),
        ("other", np.zeros((2, 15, 1)), "variable 'pos_img' with 3 axes"),
        ("part_mask", np.zeros((9, 9, FRAMES)), r"part_mask \(48, 64, T\) as the pictures are"),
    ],
)
def test_annotation_that_contradicts_the_media_is_named(official, name, values, message):
    clip = f"catch/{name_of('catch', 'A_film')}"
    file = (
        "puppet_mask/{}/puppet_mask.mat"
        if name == "part_mask"
        else ("joint_positions/{}/joint_positions.mat")
    )
    savemat(official / file.format(clip), {name: values})
    with pytest.raises(ValueError, match=message) as caught:
        read_jhmdb(JhmdbConfig(folder=official))
    assert str(official / file.format(clip)) in str(caught.value)
    assert not (official / "prepared" / "table.json").exists()


def test_damaged_and_missing_mat_files_are_named(official):
    file = official / "puppet_mask" / "wave" / name_of("wave", "other") / "puppet_mask.mat"
    file.write_bytes(b"MATLAB 5.0")
    with pytest.raises(ValueError, match=r"puppet_mask\.mat: not a readable \.mat file"):
        read_jhmdb(JhmdbConfig(folder=official))
    file.unlink()
    with pytest.raises(ValueError, match=r"puppet_mask\.mat: missing"):
        read_jhmdb(JhmdbConfig(folder=official))
