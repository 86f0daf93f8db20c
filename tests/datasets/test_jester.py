"""Jester: three layouts of lists, numbered pictures at 12 frames a second."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged, outcome
from PIL import Image

from onebody.data import InputSpec, make_batch
from onebody.data.sources import read_frames
from onebody.datasets.jester import CLASSES, JesterConfig, jester_clips, mirror_of, read_jester

TRAIN = {"9": "Swiping Left", "34870": "Doing other things"}
VALIDATION = {"107090": "Thumb Up"}
TEST = ("5",)


def draw_clip(folder, count=4):
    """Write pictures whose grey is ten times their number."""
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        Image.new("RGB", (20, 10), (10 * number,) * 3).save(folder / f"{number:05d}.jpg")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jester") / "original"
    for name in (*TRAIN, *VALIDATION, *TEST):
        draw_clip(folder / "20bn-jester-v1" / name)
    parts = {"train": TRAIN, "validation": VALIDATION}
    for part, labels in parts.items():
        lines = [f"{name};{label}\n" for name, label in labels.items()]
        (folder / f"jester-v1-{part}.csv").write_text("".join(lines))
    (folder / "jester-v1-test.csv").write_text("5\n")
    (folder / "jester-v1-labels.csv").write_text("\n".join(reversed(CLASSES)) + "\n")
    return folder


@pytest.fixture
def later(tmp_path):
    header = "video_id,label,frames,label_id,shape,format\n"
    for part, labels in (("Train", TRAIN), ("Validation", VALIDATION)):
        rows = [f'{n},{label},4,3,"(10, 20)",jpg\n' for n, label in labels.items()]
        (tmp_path / f"{part}.csv").write_text(header + "".join(rows))
        for name in labels:
            draw_clip(tmp_path / part / name)
    (tmp_path / "Test.csv").write_text(f"{header.replace('video_id', 'id')}5,,4,,,jpg\n")
    draw_clip(tmp_path / "Test" / "5")
    return tmp_path


@pytest.fixture
def rewritten(original, tmp_path):
    index = [f"{i} {name.replace(' ', '_')}\n" for i, name in enumerate(CLASSES, 1)]
    (tmp_path / "classInd.txt").write_text("".join(index))
    (tmp_path / "trainlist01.txt").write_text("9 17\n34870 1\n")
    (tmp_path / "vallist01.txt").write_text("107090 21\n")
    (tmp_path / "testlist01.txt").write_text("5 2\n")
    return JesterConfig(folder=original, lists=tmp_path)


def assert_clips(table, test_label):
    gesture = table.columns["gesture"]
    assert table.split.tolist() == ["train", "train", "validation", "test"]
    names = [gesture.space.classes[i] if i >= 0 else "" for i in gesture.values]
    assert names == ["Swiping Left", "Doing other things", "Thumb Up", test_label]
    assert set(table.fps.tolist()) == {12.0}
    assert gesture.space.classes == CLASSES
    frames = read_frames(str(table.media["rgb"][0]), np.arange(4))
    assert np.abs(frames[:, 0, 0, 0].astype(int) - [10, 20, 30, 40]).max() <= 1


def test_the_original_layout(original):
    table = read_jester(JesterConfig(folder=original))
    assert_clips(table, "")
    assert table.row_names.tolist()[0] == "jester-v1-train.csv:1"
    batch = make_batch(table, np.arange(4), InputSpec(size=16, frames=4), [], augment=None)
    np.testing.assert_allclose(batch.context.times_s[0].numpy(), np.arange(4) / 12, rtol=1e-6)


def test_the_later_layout_knows_how_many_frames_there_are(later):
    table = read_jester(JesterConfig(folder=later))
    assert_clips(table, "")
    assert table.media["rgb"][0] == f"{later}/Train/9/%05d.jpg#1:5"
    (later / "Train" / "9" / "00004.jpg").unlink()
    with pytest.raises(ValueError, match=r"pictures 1 to 4, found no '00004\.jpg'"):
        read_frames(str(table.media["rgb"][0]), np.arange(2))


def test_rewritten_lists(rewritten):
    assert_clips(read_jester(rewritten), "Drumming Fingers")


def test_a_missing_picture_in_the_middle_is_named(later):
    table = read_jester(JesterConfig(folder=later, pictures="%05d.jpg"))
    (later / "Test" / "5" / "00002.jpg").unlink()
    with pytest.raises(ValueError, match=r"no '00002\.jpg'"):
        read_frames(str(table.media["rgb"][3]), np.arange(2))
    loose = read_jester(JesterConfig(folder=later, pictures=""))
    assert len(read_frames(str(loose.media["rgb"][3]), np.arange(3))) == 3


def test_mirror_images():
    mirror = mirror_of(CLASSES)
    assert mirror["Swiping Left"] == "Swiping Right"
    assert mirror["Sliding Two Fingers Right"] == "Sliding Two Fingers Left"
    assert mirror["Turning Hand Clockwise"] == "Turning Hand Counterclockwise"
    assert sum(a != b for a, b in mirror.items()) == 6
    assert mirror_of(("Swiping Left", "Stop Sign")) == {
        "Swiping Left": None,
        "Stop Sign": "Stop Sign",
    }


@pytest.mark.parametrize(
    ("part", "text", "message"),
    [
        ("train", "9;Swiping Lft\n", r"train\.csv:1: .*Did you mean 'Swiping Left'"),
        ("train", "9;Thumb Up\nx;Thumb Up\n", r"train\.csv:2: expected the number of a clip"),
        ("train", "9\n", r"train\.csv:1: expected a class, found none"),
        ("validation", "9;Swiping Left\n", "each clip once.*'train' there and 'validation' here"),
        ("validation", "999;Thumb Up\n", r"no '999' there \(1 of 4 listed clips"),
        ("labels", "Thumb Up\nThumb Upp\n", r"labels\.csv:2: expected one of 27 classes"),
        ("labels", "Thumb Up\n", r"train\.csv:1: expected one of 1 classes, found 'Swiping Left'"),
    ],
)
def test_what_is_wrong_is_named(original, tmp_path, part, text, message):
    for file in original.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / f"jester-v1-{part}.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_jester(JesterConfig(folder=original, lists=tmp_path))


def test_class_numbers_are_checked(rewritten):
    (rewritten.lists / "vallist01.txt").write_text("107090 28\n")
    with pytest.raises(ValueError, match=r"vallist01\.txt:1: .* a class number from 1 to 27"):
        read_jester(rewritten)


def test_numbers_of_frames_are_checked(later):
    (later / "Train.csv").write_text("video_id,label,frames\n9,Thumb Up,many\n")
    with pytest.raises(ValueError, match=r"Train\.csv:2: expected a number of frames, found 'many"):
        read_jester(JesterConfig(folder=later))


def test_no_lists(tmp_path):
    with pytest.raises(ValueError, match="no Jester lists here"):
        jester_clips(tmp_path)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), part=st.sampled_from(["train", "validation", "test", "labels"]))
def test_damaged_lists_are_named_or_read_whole(original, tmp_path_factory, data, part):
    work = tmp_path_factory.mktemp("damaged")
    for file in original.glob("*.csv"):
        content = file.read_bytes()
        is_damaged = file.name == f"jester-v1-{part}.csv"
        (work / file.name).write_bytes(data.draw(damaged(content)) if is_damaged else content)
    config = JesterConfig(folder=original, lists=work)
    table, said = outcome(lambda: read_jester(config), work)
    if table is not None:
        assert len(table) == len(jester_clips(work))
        assert (len(table) < 4) == ("stand in no list" in said)


def test_real_list(shared):
    clips = jester_clips(shared / "data" / "formats" / "jester")
    assert len(clips) == 14_787
    assert {clip.label for clip in clips} == set(CLASSES)
    assert {clip.split for clip in clips} == {"validation"}
    assert (clips[0].name, clips[0].label) == ("9223", "Thumb Up")
