"""People in stills: the table that readers make of them, kept until annotation or reader change."""

import numpy as np
import pytest

from onebody.data.sources import read_array
from onebody.datasets.people import (
    LeftOut,
    Person,
    check_distinct,
    first_folder,
    kept_people,
    people_table,
    split_of,
    with_pictures,
)
from onebody.labels import symmetric


def person(number, joints=True, **given):
    values = {
        "place": f"list:{number}",
        "picture": f"/p/{number}.jpg",
        "box": (0.0, 0, number + 1, 9),
        "joints": np.full((16, 3), number, np.float32) if joints else None,
        "group": f"g{number}",
        "split": "train",
    }
    return Person(**(values | given))


def test_a_row_per_person(tmp_path):
    people = [person(1, labels={"activity": "run"}), person(2, False), person(3, head_px=4.0)]
    table = people_table("set", people, "mpii-16", {"activity": symmetric("a", ["run"])}, tmp_path)
    assert table.labeled("pose2d").tolist() == [True, False, True]
    assert table.labeled("activity").tolist() == [True, False, False]
    assert table.box[:, 2].tolist() == [2, 3, 4]
    np.testing.assert_array_equal(table.head_px, [np.nan, np.nan, 4])
    third = read_array(str(table.columns["pose2d"].sources[2]))
    assert third.shape == (1, 16, 3)
    assert third.mean() == 3
    nobody = people_table("set", [person(1, False)], "mpii-16", {}, tmp_path)
    assert not nobody.labeled("pose2d").any()


def test_what_was_read_is_kept_until_something_changes(tmp_path):
    file, made = tmp_path / "a.json", []
    file.write_text("1")

    def make(work):
        made.append(work)
        return people_table("set", [person(len(made))], "mpii-16", {}, work)

    def read(options="x"):
        return kept_people(tmp_path / "kept", [file], options, make)

    first = read()
    assert read_array(str(first.columns["pose2d"].sources[0])).mean() == 1
    assert read().row_names.tolist() == first.row_names.tolist() == ["list:1"]
    assert read("y").row_names.tolist() == ["list:2"]
    file.write_text("2")
    assert read().row_names.tolist() == ["list:3"]
    file.write_text("1")
    assert read().row_names.tolist() == ["list:1"]
    assert len(list((tmp_path / "kept").iterdir())) == 3
    with pytest.raises(ValueError, match="lost: expected a readable file"):
        kept_people(tmp_path / "kept", [tmp_path / "lost"], "", make)


def test_a_failure_leaves_nothing_behind(tmp_path):
    def make(work):
        (work / "half").write_text("")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept_people(tmp_path / "kept", [], "", make)
    assert not list((tmp_path / "kept").iterdir())


def test_missing_pictures(tmp_path):
    there = tmp_path / "a.jpg"
    there.write_text("")
    people = [person(0, picture=str(there)), person(1), person(2), person(3, picture="/p/2.jpg")]
    table = people_table("set", people, "mpii-16", {}, tmp_path)
    with pytest.raises(ValueError, match=r"list:1: expected the picture /p/1\.jpg.*2 of 3"):
        with_pictures(table, "refuse")
    with pytest.warns(UserWarning, match="2 of 3 pictures are missing; 3 people are left out"):
        assert len(with_pictures(table, "drop")) == 1
    assert with_pictures(table.select(np.array([0])), "refuse").row_names.tolist() == ["list:0"]
    with pytest.raises(ValueError, match="2 of 2 pictures"):
        with_pictures(table.select(np.array([1, 2])), "drop")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("mpii_val", "validation"),
        ("person_keypoints_val2017", "validation"),
        ("test_posetrack18_val", "validation"),
        ("mpii_trainval", "train"),
        ("Test", "test"),
        ("people", ""),
        ("contest", ""),
    ],
)
def test_the_split_is_told_by_the_name(tmp_path, name, split):
    assert split_of(tmp_path / f"{name}.json") == split


def test_what_is_left_out_is_counted():
    left_out = LeftOut()
    left_out.say("set")
    assert str(left_out) == "none"
    for place in ("a:1", "a:2"):
        left_out.add("crowds", place)
    left_out.add("dwarfs", "a:7")
    with pytest.warns(UserWarning, match=r"2 crowds \(first: a:1\); 1 dwarfs \(first: a:7\)"):
        left_out.say("set")


def test_the_same_people_twice(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    check_distinct({one: {1, 2}, two: {3}}, "person")
    with pytest.raises(ValueError, match=r"two: expected other people than in .*one, .* person 2"):
        check_distinct({one: {1, 2}, two: {2}}, "person")


def test_the_first_folder_with_the_picture(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.jpg").write_text("")
    folders = [tmp_path / "a", tmp_path / "b", tmp_path]
    assert first_folder("x.jpg", folders) == tmp_path / "b"
    assert first_folder("y.jpg", folders) == tmp_path
