"""HMDB51: 51 x 3 lists, flags, odd file names, source videos."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged, outcome, written_lines

from onebody.data import InputSpec, make_batch
from onebody.datasets import jhmdb
from onebody.datasets.hmdb51 import CLASSES, Hmdb51Config, read_hmdb51
from onebody.datasets.hmdb_lists import source_video, split_clips
from onebody.evaluation import FoldConfig, SplitConfig, folds, split

SOURCES = ("THE_WALLET_TRICK!!!", "Torwarttraining_2_(_sterreich)", "a;b@c#1&d", "x%05d")


def name_of(source, label, clip):
    return f"{source}_{label}_f_cm_np1_fr_med_{clip}.avi"


@pytest.fixture(scope="module")
def official(tmp_path_factory, make_video):
    """Four sources of two clips a class; in split s source s is tested and source 0 unused."""
    folder = tmp_path_factory.mktemp("hmdb") / "official"
    lists = folder / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    video = make_video(folder / "one.avi", 8, codec="mpeg4")
    for label in CLASSES:
        (folder / label).mkdir()
        for part in (1, 2, 3):
            lines = []
            for number, source in enumerate(SOURCES):
                flag = 0 if number == 0 else 2 if number == part else 1
                lines += [f"{name_of(source, label, clip)} {flag} \n" for clip in (0, 1)]
            (lists / f"{label}_test_split{part}.txt").write_text("".join(lines))
        for source in SOURCES:
            for clip in (0, 1):
                (folder / label / name_of(source, label, clip)).symlink_to(video)
    return folder


def test_unused_clips_have_no_row_and_flags_are_splits(official):
    table = read_hmdb51(Hmdb51Config(folder=official, split=2))
    assert len(table) == 51 * 6
    assert (table.split == "train").sum() == 51 * 4
    assert table.row_names[0] == "brush_hair_test_split2.txt:3"
    assert set(table.source[table.split == "test"].tolist()) == {"a;b@c#1&d"}
    assert table.group[0] == "brush_hair/Torwarttraining_2_(_sterreich)"
    assert table.columns["action"].space.classes == CLASSES
    assert np.bincount(table.columns["action"].values).tolist() == [6] * 51


def test_odd_names_are_read_as_files(official):
    table = read_hmdb51(Hmdb51Config(folder=official))
    batch = make_batch(table, np.arange(6), InputSpec(size=32, frames=4), [], augment=None)
    assert batch.inputs["rgb"].shape == (6, 3, 4, 32, 32)


def test_validation_and_folds_keep_the_clips_of_a_video_together(official):
    table = read_hmdb51(Hmdb51Config(folder=official, split=3))
    made = split(table, SplitConfig(own_split=True, validation_share=0.5))
    assert made.validation.sum() == made.train.sum() == 102
    for fold in folds(table, FoldConfig(k=3)):
        sides = [set(table.group[rows].tolist()) for rows in (fold.train, fold.test)]
        assert sides[0].isdisjoint(sides[1])


@pytest.mark.parametrize(
    ("name", "label", "source"),
    [
        ("a_b_brush_hair_u_nm_np1_ba_goo_0", "brush_hair", "a_b"),
        ("catch_a_ball_catch_f_cm_np12_ri_bad_13", "catch", "catch_a_ball"),
        ("other_throw_f_cm_np1_fr_med_1", "catch", "other_throw"),  # filed under another class
        ("without_tags_7", "catch", "without_tags"),
        ("bare", "catch", "bare"),
    ],
)
def test_the_source_is_the_beginning_of_the_name(name, label, source):
    assert source_video(name, label) == source


def test_a_missing_list_is_named(official, tmp_path):
    for file in (official / "testTrainMulti_7030_splits").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "wave_test_split1.txt").unlink()
    with pytest.raises(ValueError, match=r"wave_test_split1\.txt: expected a list file"):
        read_hmdb51(Hmdb51Config(folder=official, lists=tmp_path))


@pytest.mark.parametrize("line", ["a.avi", "a.avi 3", "a.mp4 1", ".avi 1", "a/b.avi 1", "a.avi -1"])
def test_a_wrong_line_is_named(tmp_path, line):
    (tmp_path / "walk_test_split1.txt").write_text(f"x_walk_f_cm_np1_fr_med_1.avi 1\n{line}\n")
    with pytest.raises(ValueError, match=r"walk_test_split1\.txt:2: expected <name>\.avi and 1"):
        split_clips(tmp_path, ["walk"], 1)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_lists_are_named_or_read_whole(official, tmp_path_factory, data):
    work = tmp_path_factory.mktemp("damaged")
    for file in (official / "testTrainMulti_7030_splits").glob("*_split1.txt"):
        (work / file.name).symlink_to(file)
    file = work / "jump_test_split1.txt"
    content = data.draw(damaged(file.read_bytes()))
    file.unlink()
    file.write_bytes(content)
    config = Hmdb51Config(folder=official, lists=work)
    table, said = outcome(lambda: read_hmdb51(config), work)
    if table is None:
        return
    listed = written_lines(*work.iterdir())
    unused = sum(f.read_text().count(".avi 0") + f.read_text().count(".avi\t0") for f in [file])
    assert len(table) == listed - 50 * 2 - unused
    assert listed >= 51 * 8 or "stand in no list" in said


def test_real_lists_of_jhmdb(shared, tmp_path):
    with zipfile.ZipFile(shared / "data" / "formats" / "jhmdb" / "splits.zip") as archive:
        archive.extractall(tmp_path)
    train = {1: 660, 2: 658, 3: 663}
    for number in (1, 2, 3):
        clips = split_clips(tmp_path / "splits", jhmdb.CLASSES, number)
        assert len(clips) == 928
        assert sum(clip.split == "train" for clip in clips) == train[number]
        sides = [{c.group for c in clips if c.split == part} for part in ("train", "test")]
        assert sides[0].isdisjoint(sides[1])  # the official splits keep these groups together
        assert len(sides[0] | sides[1]) == 410
        assert len({clip.source for clip in clips}) == 336  # some films serve several classes
