"""Numbered pictures: some of a folder's, by their numbers, and a missing one named."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from PIL import Image

from onebody.data.sources import MediaError, frame_span, probe, read_frames, timestamps


@pytest.fixture
def folder(tmp_path):
    """Pictures 1 to 9 of two series whose grey is ten times the number (the other: one more)."""
    folder = tmp_path / "my frames #1"
    folder.mkdir()
    for number in range(1, 10):
        for name, extra in (("img", 0), ("flow_x", 1)):
            color = (10 * number + extra,) * 3
            Image.new("RGB", (6, 4), color).save(folder / f"{name}_{number:05d}.png")
    return folder


def greys(source, count):
    return read_frames(source, np.arange(count))[:, 0, 0, 0].tolist()


def test_one_series_of_a_folder(folder):
    source = f"{folder}/flow_x_%05d.png"
    assert probe(source).num_frames == 9
    assert (probe(source).height, probe(source).width) == (4, 6)
    assert greys(source, 9) == [11, 21, 31, 41, 51, 61, 71, 81, 91]


def test_some_numbers(folder):
    source = f"{folder}/img_%05d.png#3:6"
    assert greys(source, 3) == [30, 40, 50]
    assert frame_span(source, 0.1, 0.2, fps=10) == (1, 2)
    np.testing.assert_allclose(timestamps(source, np.array([2]), fps=12), [2 / 12])
    with pytest.raises(MediaError, match="frame numbers from 0 to 2, found frame 3"):
        read_frames(source, np.array([3]))


def test_every_so_many_numbers(folder):
    source = f"{folder}/img_%05d.png#2:9:3"
    assert probe(source).num_frames == 3
    assert greys(source, 3) == [20, 50, 80]
    (folder / "img_00004.png").unlink()
    assert greys(source, 3) == [20, 50, 80]
    with pytest.raises(MediaError, match=r"pictures 1 to 7 in steps of 3, found no 'img_00004\.p"):
        probe(f"{folder}/img_%05d.png#1:8:3")


def test_a_missing_picture_is_named(folder):
    (folder / "img_00004.png").unlink()
    with pytest.raises(MediaError, match=r"pictures 1 to 9, found no 'img_00004\.png' \(1 miss"):
        probe(f"{folder}/img_%05d.png")
    with pytest.raises(MediaError, match=r"pictures 5 to 11, found no 'img_00010\.png' \(2 miss"):
        probe(f"{folder}/img_%05d.png#5:12")
    assert greys(f"{folder}/img_%05d.png#5:7", 2) == [50, 60]


@pytest.mark.parametrize("numbers", ["", "3", "6:3", "3:3", "a:b", "-1:3", "1:5:0", "1:5:"])
def test_a_range_that_is_none(folder, numbers):
    with pytest.raises(MediaError, match=r"picture numbers as|of this name"):
        probe(f"{folder}/img_%05d.png#{numbers or ':'}")


def test_another_count_of_digits_is_another_name(folder):
    with pytest.raises(MediaError, match="pictures of this name in the folder, found none"):
        probe(f"{folder}/img_%04d.png")
    with pytest.raises(MediaError, match="pictures of this name"):
        probe(f"{folder}/img_%d.png")


def test_within_an_archive(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"run/{file.name}")
    assert greys(f"{tmp_path}/all.zip!run/img_%05d.png#2:4", 2) == [20, 30]


def test_percent_signs_elsewhere_mean_nothing(tmp_path, make_video):
    video = make_video(tmp_path / "100%d.mp4", 3)
    assert probe(str(video)).num_frames == 3
