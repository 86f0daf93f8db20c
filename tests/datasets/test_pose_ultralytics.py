"""Ultralytics texts: columns, frames, videos, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from damage import check_read, cut_or_changed
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.datasets.pose_clip import PoseOptions
from onebody.datasets.pose_ultralytics import read_ultralytics

JOINTS = 13
OPTIONS = PoseOptions(joints=JOINTS, size=(200, 100), fps=30)


def line(x, *, dims=3, further=()):
    """One person whose joint j lies at the fractions (x, 0.5 + 0.03 j)."""
    joints = [v for j in range(JOINTS) for v in (x, 0.5 + 0.03 * j, 0.75)[:dims]]
    return " ".join(str(v) for v in (0, 0.5, 0.5, 0.2, 0.2, *joints, *further))


def write(folder, files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read(folder, options=OPTIONS):
    return list(read_ultralytics(folder, options))


def test_fractions_become_pixels_and_absent_texts_are_frames_without_anybody(tmp_path):
    folder = write(
        tmp_path / "labels",
        {"walk_2.txt": line(0.1), "walk_10.txt": line(0.15) + "\r\n\r\n", "walk_4.txt": ""},
    )
    (clip,) = read(folder)
    assert (clip.name, clip.fps) == ("walk", 30)
    assert clip.joints.shape == (1, 9, JOINTS, 2)
    np.testing.assert_allclose(clip.joints[0, [0, 8], 5], [[20, 65], [30, 65]])
    assert np.isnan(clip.joints[:, 1:8]).all()
    np.testing.assert_allclose(clip.scores[0, 0], 0.75)


def test_videos_in_one_folder_are_apart_and_bare_numbers_take_its_name(tmp_path):
    texts = {"a_1.txt": line(0.1), "b_c_1.txt": line(0.2), "7.txt": line(0.3)}
    clips = read(write(tmp_path / "labels", texts))
    assert sorted(clip.name for clip in clips) == ["a", "b_c", "labels"]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("further", [(), (0.9,), (0.9, 4)])
def test_columns_of_every_length(tmp_path, dims, further):
    folder = write(tmp_path / "labels", {"v_1.txt": line(0.25, dims=dims, further=further)})
    (clip,) = read(folder)
    np.testing.assert_allclose(clip.joints[0, 0, 3], [50, 59])
    assert (clip.scores is None) is (dims == 2)


def test_track_numbers_join_people(tmp_path):
    texts = {
        "v_1.txt": line(0.1, further=(0.9, 1)) + "\n" + line(0.8, further=(0.9, 2)),
        "v_2.txt": line(0.1, further=(0.9, 2)) + "\n" + line(0.8, further=(0.9, 1)),
    }
    (clip,) = read(write(tmp_path / "labels", texts))
    np.testing.assert_allclose(clip.joints[:, :, 0, 0], [[20, 160], [160, 20]])


def test_joints_of_score_zero_are_missing(tmp_path):
    text = line(0.5).split()
    text[5:8] = ["0", "0", "0"]
    (clip,) = read(write(tmp_path / "labels", {"v_1.txt": " ".join(text)}))
    assert np.isnan(clip.joints[0, 0, 0]).all()
    np.testing.assert_allclose(clip.joints[0, 0, 1], [100, 53])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({}, "a folder of texts"),
        ({"walk.txt": line(0.1)}, "walk.txt: expected a name"),
        ({"v_1.txt": "", "v_01.txt": ""}, "each frame once"),
        ({"v_1.txt": "", "v_20260101.txt": ""}, "at most 1000000 frames"),
        ({"v_1.txt": "\n0 0.5 0.5"}, r"v_1\.txt:2: expected 31 or .* found 3\."),
        ({"v_1.txt": "a b c"}, r"v_1\.txt:1: expected numbers, found 'a b c'"),
        ({"v_1.txt": line("nan")}, r"v_1\.txt:1: expected"),
        ({"v_1.txt": line(150)}, "fractions of the picture, found pixels"),
        ({"v_1.txt": line(0.1, further=(12,))}, "a confidence in"),
    ],
)
def test_other_forms_are_refused(tmp_path, texts, message):
    folder = write(tmp_path / "labels", texts)
    with pytest.raises(ValueError, match=message) as error:
        read(folder)
    assert str(folder) in str(error.value)


def test_the_size_has_to_be_stated(tmp_path):
    with pytest.raises(ValueError, match="--size 1920x1080"):
        read(tmp_path, PoseOptions(joints=JOINTS))


@settings(max_examples=100, deadline=None)
@given(
    content=cut_or_changed("\n".join([line(0.1), line(0.6)]).encode()),
    name=st.sampled_from(("v_1.txt", "v_2.txt")),
)
def test_damage_ends_in_an_error_that_names_the_file(content, name, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "damaged-texts"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    check_read(lambda: read_ultralytics(folder, OPTIONS), folder)
