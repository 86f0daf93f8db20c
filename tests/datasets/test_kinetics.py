"""Kinetics: CSV lists as published, clips wherever they lie, and many that are missing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged, outcome

from onebody.datasets.kinetics import KineticsConfig, kinetics_clips, read_kinetics

HEADER = "label,youtube_id,time_start,time_end,split\n"
ROWS = (
    "abseiling,-abcdefghij,38,48,train",
    "abseiling,_bcdefghijk,1.0,11.0,train",
    '"massaging person\'s head, slowly",AAAAAAAAAAA,12.5,22.5,train',
    "passing American football (in game),BBBBBBBBBBB,100,110,val",
    "passing american football (not in game),BBBBBBBBBBB,200,210,val",
)
FILES = (
    "train/abseiling/-abcdefghij_000038_000048.mp4",
    "train/abseiling/_bcdefghijk_000001_000011.mkv",
    "train/massaging_person's_head,_slowly/AAAAAAAAAAA_000012_000022.mp4",
    "val/passing American football (in game)/BBBBBBBBBBB_000100_000110.mp4",
    "BBBBBBBBBBB_000200_000210.mp4",
)


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinetics") / "official"
    for name in FILES:
        (folder / "clips" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "clips" / name).touch()
    text = HEADER + "".join(f"{row}\n" for row in ROWS)
    (folder / "all.csv").write_bytes(text.encode("utf-8-sig"))
    return folder


def config(folder, *lists, **given):
    lists = lists or (folder / "all.csv",)
    return KineticsConfig(folder=folder / "clips", lists=lists, **given)


def write(folder, text, name="list.csv"):
    (folder / name).write_text(HEADER + text)
    return folder / name


def test_clips_in_class_folders_split_folders_and_loose(official):
    table = read_kinetics(config(official, missing="refuse"))
    assert [s.removeprefix(f"{official}/clips/") for s in table.media["rgb"]] == list(FILES)
    assert table.row_names.tolist() == [f"all.csv:{i}" for i in range(2, 7)]
    assert table.split.tolist() == ["train"] * 3 + ["validation"] * 2
    action = table.columns["action"]
    assert [action.space.classes[i] for i in action.values] == [
        "abseiling",
        "abseiling",
        "massaging person's head, slowly",
        "passing American football (in game)",
        "passing american football (not in game)",
    ]
    assert table.group[3] == table.group[4] == "BBBBBBBBBBB"  # two clips of one video


def test_missing_clips_are_counted(official, tmp_path):
    more = write(tmp_path, "abseiling,CCCCCCCCCCC,0,10,train\nzumba,DDDDDDDDDDD,0,10,val\n")
    both = config(official, official / "all.csv", more)
    with pytest.warns(UserWarning, match="kinetics: 2 of 7 listed clips are not below"):
        table = read_kinetics(both)
    assert len(table) == 5
    assert "zumba" in table.columns["action"].space.classes  # a class keeps its place
    with pytest.raises(ValueError, match=r"list\.csv:2: .*no 'CCCCCCCCCCC_000000_000010' there"):
        read_kinetics(config(official, official / "all.csv", more, missing="refuse"))


def test_clips_in_no_list_are_said(official, tmp_path):
    one = write(tmp_path, ROWS[0] + "\n")
    with pytest.warns(UserWarning, match="4 clips below .* stand in no list"):
        assert len(read_kinetics(config(official, one))) == 1


def test_test_lists_without_labels(official, tmp_path):
    text = ",-abcdefghij,38,48,test\n-1,_bcdefghijk,1,11,test\n"
    with pytest.warns(UserWarning, match="in no list"):
        table = read_kinetics(config(official, write(tmp_path, text)))
    assert table.columns["action"].values.tolist() == [-1, -1]
    assert table.split.tolist() == ["test", "test"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,#NAME?,0,10,val", "youtube_id of 11 letters.* found '#NAME\\?'"),
        ("a,AAAAAAAAAAA,x,10,val", "time_start in seconds, found 'x'"),
        ("a,AAAAAAAAAAA,nan,10,val", "time_start in seconds, found 'nan'"),
        ("a,AAAAAAAAAAA,0,,val", "time_end in seconds, found ''"),
        ("a,AAAAAAAAAAA,10,10,val", "an end after 10 s, found 10 s"),
        ("a,AAAAAAAAAAA,0,10,vall", "Did you mean 'val'"),
        (",AAAAAAAAAAA,0,10,val", "expected a label, found none"),
        ("a,AAAAAAAAAAA,0,10", "5 columns, found 4"),
        ("b,-abcdefghij,38,48,train", "each clip once.*'abseiling' there and 'b' here"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(official, tmp_path, row, message):
    file = write(tmp_path, f"{ROWS[0]}\n{row}\n")
    with pytest.raises(ValueError, match=message) as caught:
        read_kinetics(config(official, file))
    assert f"{file}:3: " in str(caught.value)


def test_a_clip_in_the_folder_of_another_class_is_refused(official, tmp_path):
    text = "zumba,-abcdefghij,38,48,train\nabseiling,_bcdefghijk,1,11,train\n"
    with pytest.raises(ValueError, match=r"clip of 'zumba' in a folder of that class, found .*abs"):
        read_kinetics(config(official, write(tmp_path, text)))


def test_stated_classes_give_the_order(official, tmp_path):
    names = ["zumba", *sorted({row.split(",")[0] for row in ROWS[3:]}), "abseiling"]
    (tmp_path / "map.txt").write_text("\n".join([*names, "massaging person's head, slowly"]))
    table = read_kinetics(config(official, classes=tmp_path / "map.txt"))
    assert table.columns["action"].values.tolist() == [3, 3, 4, 1, 2]
    (tmp_path / "map.txt").write_text("abseilin\n")
    with pytest.raises(
        ValueError, match=r"all\.csv:2: .*found 'abseiling'. Did you mean 'abseilin"
    ):
        read_kinetics(config(official, classes=tmp_path / "map.txt"))


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_damaged_lists_are_named_or_read_whole(official, tmp_path_factory, data):
    work = tmp_path_factory.mktemp("damaged")
    file = work / "all.csv"
    file.write_bytes(data.draw(damaged((official / "all.csv").read_bytes())))
    table, said = outcome(lambda: read_kinetics(config(official, file)), work)
    if table is None:
        return
    rows = len(kinetics_clips(file))
    assert len(table) == rows or f"{rows - len(table)} of {rows} listed clips are not" in said
    assert len(table) == 5 or "stand in no list" in said


def test_real_list(shared):
    clips = kinetics_clips(shared / "data" / "formats" / "kinetics" / "kinetics-600_val.csv")
    assert len(clips) == 29_093
    assert len({clip.label for clip in clips}) == 600
    assert {clip.split for clip in clips} == {"validation"}
    assert sum(clip.name[0] in "-_" for clip in clips) == 1_216
    assert len(clips) - len({clip.group for clip in clips}) == 5  # videos with two clips
