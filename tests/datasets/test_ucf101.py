"""UCF101: lists as they are published, damaged ones, groups, and the real lists."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged, outcome, written_lines

from onebody.data import InputSpec, make_batch
from onebody.datasets.listed import listed_table
from onebody.datasets.ucf101 import Ucf101Config, read_ucf101, ucf101_clips
from onebody.evaluation import SplitConfig, split
from onebody.labels import symmetric

CLASSES = ("HandstandPushups", "YoYo", "Archery")
IN_FILES = {"HandstandPushups": "HandStandPushups"}


def write_lists(folder, *, groups=4, clips=2):
    """Write lists whose split s tests group s of every class; return the clips' paths."""
    lists = folder / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    index = "".join(f"{i} {name}\r\n" for i, name in enumerate(CLASSES, 1))
    (lists / "classInd.txt").write_bytes(index.encode())
    paths = {
        (label, group): [
            f"{label}/v_{IN_FILES.get(label, label)}_g{group:02d}_c{clip:02d}.avi"
            for clip in range(1, clips + 1)
        ]
        for label in CLASSES
        for group in range(1, groups + 1)
    }
    for part in (1, 2, 3):
        train, test = [], []
        for (label, group), members in paths.items():
            number = CLASSES.index(label) + 1
            if group == part:
                test += members
            else:
                train += [f"{path} {number}" for path in members]
        (lists / f"trainlist0{part}.txt").write_bytes("".join(f"{x}\r\n" for x in train).encode())
        (lists / f"testlist0{part}.txt").write_bytes("".join(f"{x}\r\n" for x in test).encode())
    return [path for members in paths.values() for path in members]


@pytest.fixture(scope="module")
def official(tmp_path_factory, make_video):
    """Lists and videos; all of them are links to one."""
    folder = tmp_path_factory.mktemp("ucf") / "official"
    paths = write_lists(folder)
    video = make_video(folder / "one.avi", 8, codec="mpeg4")
    for path in paths:
        (folder / "UCF-101" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "UCF-101" / path).symlink_to(video)
    return folder


def test_rows_labels_groups_and_splits(official):
    table = read_ucf101(Ucf101Config(folder=official, split=2))
    assert len(table) == 24
    assert table.row_names[0] == "trainlist02.txt:1"
    action = table.columns["action"]
    assert action.space.classes == CLASSES
    assert np.bincount(action.values).tolist() == [8, 8, 8]
    assert sorted(set(table.group[table.split == "test"].tolist())) == [
        "Archery/g02",
        "HandstandPushups/g02",
        "YoYo/g02",
    ]
    assert action.space.mirror_table().tolist() == [0, 1, 2]
    for row in range(len(table)):
        label = action.space.classes[action.values[row]]
        assert f"/{label}/v_{IN_FILES.get(label, label)}_" in table.media["rgb"][row]


def test_each_split_tests_other_groups_and_validation_goes_by_group(official):
    tested = []
    for number in (1, 2, 3):
        table = read_ucf101(Ucf101Config(folder=official, split=number))
        made = split(table, SplitConfig(own_split=True, validation_share=0.3), seed=number)
        tested += table.group[made.test].tolist()
        assert made.validation.sum() == 6  # 3 of 9 training groups, 2 clips each
        sides = [set(table.group[rows].tolist()) for rows in (made.train, made.validation)]
        assert sides[0].isdisjoint(sides[1])
    assert len(tested) == len(set(tested)) * 2 == 18


def test_videos_are_read(official):
    table = read_ucf101(Ucf101Config(folder=official))
    batch = make_batch(table, np.arange(3), InputSpec(size=32, frames=4), [], augment=None)
    assert batch.inputs["rgb"].shape == (3, 3, 4, 32, 32)


def test_files_may_be_spelled_like_their_folder(tmp_path):
    for path in write_lists(tmp_path):
        file = tmp_path / "UCF-101" / path.replace("HandStand", "Handstand").replace("avi", "mp4")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert len(read_ucf101(Ucf101Config(folder=tmp_path))) == 24


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("trainlist01.txt", "_c01.avi 2", "_c01.avi 3", r":7: expected 2, the number of YoYo"),
        ("trainlist01.txt", "_c01.avi 2", "_c01.avi 0", r":7: expected 2, the number of YoYo"),
        ("trainlist01.txt", "_c01.avi 2", "_c01.avi", r":7: .*class number"),
        ("trainlist01.txt", "YoYo/v_YoYo_g02_c01", "YoYo/v_Archery_g02_c01", "after its folder"),
        ("trainlist01.txt", "YoYo/", "Yoyo2/", "Did you mean 'YoYo'"),
        ("trainlist01.txt", "_g02_c02", "_g02_c01", "each clip once"),
        ("testlist01.txt", "_g01_c02", "_g02_c01", "'train' there and 'test' here"),
        ("testlist01.txt", "Archery/v_Archery_g01_c01.avi", "Archery/v_Arch", "testlist01.txt:5"),
        ("classInd.txt", "3 Archery", "3 YoYo", "each once"),
    ],
)
def test_contradictions_are_named(tmp_path, file, old, new, message):
    write_lists(tmp_path)
    path = tmp_path / "ucfTrainTestlist" / file
    content = path.read_text()
    start = content.index("YoYo") if "c01.avi" in new or "c0" in old else 0
    path.write_text(content[:start] + content[start:].replace(old, new, 1))
    with pytest.raises(ValueError, match=message) as caught:
        ucf101_clips(tmp_path / "ucfTrainTestlist", 1)
    assert str(path) in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), name=st.sampled_from(["trainlist01.txt", "testlist01.txt", "classInd.txt"]))
def test_damaged_lists_are_named_or_read_whole(official, tmp_path_factory, data, name):
    lists = official / "ucfTrainTestlist"
    work = tmp_path_factory.mktemp("damaged")
    for file in ("trainlist01.txt", "testlist01.txt", "classInd.txt"):
        content = (lists / file).read_bytes()
        (work / file).write_bytes(data.draw(damaged(content)) if file == name else content)
    config = Ucf101Config(folder=official, lists=work)
    table, said = outcome(lambda: read_ucf101(config), work)
    if table is None:
        return
    assert len(table) == written_lines(work / "trainlist01.txt", work / "testlist01.txt")
    assert (len(table) < 24) == ("stand in no list" in said)


def test_real_lists(shared):
    classes, clips = ucf101_clips(shared / "data" / "formats" / "ucf101", 1)
    assert len(classes) == 101
    assert [sum(c.split == part for c in clips) for part in ("train", "test")] == [9537, 3783]
    space = symmetric("ucf101", classes)
    table = listed_table("ucf101", "action", space, clips, [clip.name for clip in clips])
    config = SplitConfig(own_split=True, validation_share=0.1)
    made = split(table, config)  # refused if a group were on both sides
    assert {re.sub(".*/g", "", g) for g in table.group[made.test].tolist()} == {
        f"0{i}" for i in range(1, 8)
    }
    assert len(set(table.group[made.validation].tolist())) == 182  # a tenth of 101 x 18
    divided = replace(table, split=np.where(np.arange(len(table)) % 2, "train", "test"))
    with pytest.raises(ValueError, match=r"group '.*' stands in training"):
        split(divided, SplitConfig(own_split=True))
