"""MMAction2 lists: videos and numbered pictures, offsets, blanks, several labels refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged, outcome, written_lines
from PIL import Image

from onebody.config import read_config
from onebody.data.sources import probe, read_frames
from onebody.datasets.listed import ListLine
from onebody.datasets.mmaction2 import Entry, Mmaction2Config, read_entry, read_mmaction2

NAMES = ("walk", "sit", "run far")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three empty videos, one of them with blanks in its path, and ten pictures in two series."""
    folder = tmp_path_factory.mktemp("mmaction2") / "data"
    (folder / "my clips 3").mkdir(parents=True)
    for name in ("a.mp4", "b.avi", "my clips 3/c 1.mp4"):
        (folder / name).touch()
    (folder / "frames 2").mkdir()
    for number in range(1, 11):
        for series, extra in (("img", 0), ("flow_x", 5)):
            picture = Image.new("L", (8, 6), 20 * number + extra)
            picture.save(folder / "frames 2" / f"{series}_{number:05d}.png")
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in NAMES))
    return folder


def config(folder, file, **given):
    values = {"folder": folder, "classes": folder / "classes.txt", "train": file, **given}
    return read_config(Mmaction2Config, values, "test")


def rawframes(folder, file, **given):
    return config(folder, file, media="rawframes", template="img_{:05}.png", **given)


def write(tmp_path, text, name="list.txt"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_videos_with_and_without_labels(folder, tmp_path):
    file = write(tmp_path, "a.mp4 0\nb.avi\nmy clips 3/c 1.mp4 2\n")
    other = write(tmp_path, "a.mp4 0\n", "other.txt")
    table = read_mmaction2(config(folder, file, column="deed", mirror="same"))
    assert table.columns["deed"].values.tolist() == [0, -1, 2]
    assert table.columns["deed"].space.classes == NAMES
    assert table.columns["deed"].space.mirror_table().tolist() == [0, 1, 2]
    assert table.media["rgb"][2] == f"{folder}/my clips 3/c 1.mp4"
    table = read_mmaction2(config(folder, None, validation=other))
    assert table.split.tolist() == ["validation"]
    with pytest.raises(ValueError, match="does not say what a mirror makes"):
        table.columns["action"].space.mirror_table()


def test_rows_may_be_listed_several_times(folder, tmp_path):
    table = read_mmaction2(config(folder, write(tmp_path, "a.mp4 0\na.mp4 0\n./a.mp4 0\n")))
    assert len(table) == 3


def test_pictures_of_a_folder(folder, tmp_path):
    table = read_mmaction2(rawframes(folder, write(tmp_path, "frames 2 4 1\n"), fps=25))
    source = str(table.media["rgb"][0])
    assert probe(source).num_frames == 4
    assert read_frames(source, np.arange(4))[:, 0, 0, 0].tolist() == [20, 40, 60, 80]
    assert table.fps.tolist() == [25.0]
    flow = config(
        folder, write(tmp_path, "frames 2 4 1\n"), media="rawframes", template="flow_x_{:05d}.png"
    )
    source = str(read_mmaction2(flow).media["rgb"][0])
    assert read_frames(source, np.arange(2))[:, 0, 0, 0].tolist() == [25, 45]


def test_offsets(folder, tmp_path):
    text = "frames 2 0 3 1\nframes 2 6 4 2\n"
    table = read_mmaction2(rawframes(folder, write(tmp_path, text), with_offset=True))
    frames = [read_frames(str(source), np.arange(3))[:, 0, 0, 0] for source in table.media["rgb"]]
    assert [values.tolist() for values in frames] == [[20, 40, 60], [140, 160, 180]]
    assert np.isnan(table.fps).all()


@pytest.mark.parametrize(
    ("text", "media", "offset", "entry"),
    [
        ("a b.mp4 7", "videos", False, Entry(path="a b.mp4", label=7)),
        ("a b.mp4", "videos", False, Entry(path="a b.mp4")),
        ("a\t7", "videos", False, Entry(path="a", label=7)),
        ("x y 5 7", "rawframes", False, Entry(path="x y", label=7, frames=5)),
        ("x 5", "rawframes", False, Entry(path="x", frames=5)),
        ("x y 2 5 7", "rawframes", True, Entry(path="x y", label=7, frames=5, offset=2)),
        ("x 2 5", "rawframes", True, Entry(path="x", frames=5, offset=2)),
    ],
)
def test_lines_are_read_from_the_right(tmp_path, text, media, offset, entry):
    assert read_entry(ListLine(tmp_path, 1, text), media, with_offset=offset) == entry


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            config,
            "a.mp4 0 2\n",
            r"list\.txt:1: expected one label, found 0 2\. A row has one class",
        ),
        (config, "a.mp4 3\n", r"list\.txt:1: expected a label from 0 to 2 \(3 classes\), found 3"),
        (config, "a.mp4 -1\n", r"expected 'path label'"),
        (
            config,
            "a.mp4 0\na.mp4 1\n",
            r"list\.txt:2: .*list\.txt:1 says of it, 'walk', found 'sit",
        ),
        (config, "none.mp4 0\n", r"no 'none\.mp4' there \(1 of 1 listed clips are missing\)"),
        (rawframes, "frames 2\nfolder\n", r"list\.txt:2: expected 'folder frames label'"),
        (rawframes, "frames 2 4 1 2\n", r"further numbers after 'frames'|one label"),
        (rawframes, "frames 2 0 1\n", r"expected 1 frame or more, found 0"),
    ],
)
def test_what_is_wrong_is_named(folder, tmp_path, kind, text, message):
    if "frames 2 4 1 2" in text:
        (tmp_path / "frames").mkdir()
        (tmp_path / "classes.txt").write_text("walk\nsit\nrun\n")
        folder = tmp_path
    with pytest.raises(ValueError, match=message):
        read_mmaction2(kind(folder, write(tmp_path, text)))


def test_a_sample_in_two_lists_is_refused(folder, tmp_path):
    test = write(tmp_path, "b.avi 0\na.mp4 0\n", "test.txt")
    with pytest.raises(ValueError, match=r"test\.txt:2: expected what list\.txt:1 says.* 'train'"):
        read_mmaction2(config(folder, write(tmp_path, "a.mp4 0\n"), test=test))


def test_options_that_cannot_be(folder):
    with pytest.raises(ValueError, match="state at least one list"):
        config(folder, None)
    for template in ("img.jpg", "%05d.jpg", "a/{:05}.jpg", "{:05}{:05}.jpg"):
        with pytest.raises(ValueError, match="expected a picture's name"):
            config(folder, folder / "x", template=template)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), is_video=st.booleans())
def test_damaged_lists_are_named_or_read_whole(folder, tmp_path_factory, data, is_video):
    work = tmp_path_factory.mktemp("damaged")
    text = (
        "a.mp4 0\nb.avi 1\nmy clips 3/c 1.mp4 2\n" if is_video else "frames 2 4 1\nframes 2 5 1\n"
    )
    (work / "list.txt").write_bytes(data.draw(damaged(text.encode())))
    made = (config if is_video else rawframes)(folder, work / "list.txt")
    table, _ = outcome(lambda: read_mmaction2(made), work)
    assert table is None or len(table) == written_lines(work / "list.txt")


def test_real_lists(shared, tmp_path):
    folder = shared / "data" / "formats" / "mmaction2"
    classes = write(tmp_path, "".join(f"class {i}\n" for i in range(400)), "classes.txt")
    given = {"classes": classes}
    table = read_mmaction2(config(folder, folder / "video_test_list.txt", **given))
    assert table.columns["action"].values.tolist() == [0, 0]
    assert read_frames(str(table.media["rgb"][0]), np.array([299])).shape == (1, 256, 340, 3)
    raw = {"media": "rawframes", **given}
    table = read_mmaction2(config(folder, folder / "rawframe_test_list.txt", **raw))
    assert table.columns["action"].values.tolist() == [127, 127]
    with pytest.raises(ValueError, match=r"pictures 1 to 5, found no 'img_00004\.jpg' \(2 missing"):
        probe(str(table.media["rgb"][0]))  # three of the five pictures are in the sample
    offset = folder / "rawframe_test_list_with_offset.txt"
    table = read_mmaction2(config(folder, offset, with_offset=True, **raw))
    assert str(table.media["rgb"][0]).endswith("imgs/img_%05d.jpg#3:8")
    for name, media in (("video_test_list", "videos"), ("rawframe_test_list", "rawframes")):
        made = config(folder, folder / f"{name}_multi_label.txt", media=media, **given)
        with pytest.raises(ValueError, match="one label"):
            read_mmaction2(made)
