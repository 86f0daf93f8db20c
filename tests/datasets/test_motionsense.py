"""MotionSense: files in the official layout, in folders and in the archive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worn_files import fault, motionsense_text, zip_of

from onebody.data.sources import read_array
from onebody.datasets.motionsense import PEOPLE, MotionSenseConfig, read_motionsense, read_people

LIST = "\ufeffcode,weight,height,age,gender\r\n1,102,188,46,1\r\n2,72,180,28,0\r\n"
RECORDINGS = {"wlk_7/sub_1.csv": 120, "wlk_15/sub_2.csv": 80, "dws_1/sub_2.csv": 100}


@pytest.fixture
def official(tmp_path):
    root = tmp_path / "A_DeviceMotion_data" / "A_DeviceMotion_data"
    for name, samples in RECORDINGS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(motionsense_text(samples))
    (tmp_path / "__MACOSX" / "A_DeviceMotion_data").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "A_DeviceMotion_data" / "sub_1.csv").write_text("mac")
    (tmp_path / PEOPLE).write_text(LIST, encoding="utf-8")
    return tmp_path


@pytest.fixture
def archive(tmp_path):
    """The same recordings as the archive that one downloads."""
    folder = tmp_path / "packed"
    folder.mkdir()
    members = {
        f"A_DeviceMotion_data/{name}": motionsense_text(samples)
        for name, samples in RECORDINGS.items()
    }
    (folder / "A_DeviceMotion_data.zip").write_bytes(zip_of(members))
    (folder / PEOPLE).write_text(LIST, encoding="utf-8")
    return folder


@pytest.mark.parametrize("form", ["official", "archive"])
def test_the_official_folder_and_the_archive(form, request):
    table = read_motionsense(MotionSenseConfig(folder=request.getfixturevalue(form)))
    names = table.row_names.tolist()
    assert names == [f"{t}/thigh_pocket" for t in ("dws_1/sub_2", "wlk_15/sub_2", "wlk_7/sub_1")]
    assert table.split.tolist() == ["train", "test", "train"]
    labels = {
        name: [column.space.classes[value] for value in column.values]
        for name, column in table.columns.items()
    }
    assert labels["activity"] == ["downstairs", "walking", "walking"]
    assert labels["gender"] == ["female", "female", "male"]
    assert labels["wearer"] == ["2", "2", "1"]
    values = np.asarray(read_array(table.media["imu"][2]))
    assert values.shape == (120, 1, 6)
    np.testing.assert_allclose(values[50, 0, :3], [0.05 * 9.80665, -9.80665, 0], rtol=1e-5)
    np.testing.assert_allclose(values[50, 0, 3:], [0.5, 0, 0])


def test_without_the_list_nobody_knows_a_gender(official):
    (official / PEOPLE).unlink()
    table = read_motionsense(MotionSenseConfig(folder=official))
    assert not table.labeled("gender").any()


def test_short_recordings_are_counted(official):
    with pytest.warns(UserWarning, match="1 recordings shorter than a window of 2.0 s"):
        table = read_motionsense(MotionSenseConfig(folder=official, window_s=2.0))
    assert len(table) == 2


def test_nothing_there(tmp_path):
    with pytest.raises(ValueError, match="no MotionSense here"):
        read_motionsense(MotionSenseConfig(folder=tmp_path))
    with pytest.raises(ValueError, match="expected the folder"):
        read_motionsense(MotionSenseConfig(folder=tmp_path / "gone"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fly_1/sub_1.csv", motionsense_text(3), "act one of dws"),
        ("wlk_7/sub_9.csv", motionsense_text(3).replace("gravity.y", "gravy"), "'gravity.y'"),
        ("wlk_7/sub_9.csv", motionsense_text(3)[:-12] + "\n", "expected 13 numbers in row 3"),
        (
            "wlk_7/sub_9.csv",
            motionsense_text(3).replace("attitude.roll", "gravity.x"),
            "names 'gravity.x' twice",
        ),
    ],
)
def test_files_that_contradict_their_layout(official, name, text, said):
    file = official / "A_DeviceMotion_data" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    with pytest.raises(ValueError, match=said) as error:
        read_motionsense(MotionSenseConfig(folder=official))
    assert file.name in str(error.value)


@settings(max_examples=40)
@given(st.text(alphabet="code,gr12x\n\r\"'", max_size=60))
def test_any_list_of_people_is_read_or_named(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("m") / PEOPLE
    file.write_text(text, encoding="utf-8", newline="")
    said = fault(lambda: read_people(file))
    assert not said or PEOPLE in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"code,weight,gender\n1,\xe9,1\n", "as UTF-8 text, found"),
        (b"code,gender\n1," + b"1" * 200_000 + b"\n", "field larger than"),
        (b"code,gender\n3,1\n4,1\n3,0\n", ":4: expected one gender of person 3, found two"),
        (b"", "a list of people, found none"),
    ],
)
def test_lists_that_are_none_are_named(tmp_path, content, said):
    (tmp_path / PEOPLE).write_bytes(content)
    with pytest.raises(ValueError, match=said) as error:
        read_people(tmp_path / PEOPLE)
    assert str(error.value).startswith(str(tmp_path / PEOPLE))


def test_a_recording_stands_in_one_place(official):
    copy = official / "A_DeviceMotion_data" / "A_DeviceMotion_data" / "wlk_7" / "sub_1.csv"
    copy.parent.mkdir(parents=True, exist_ok=True)
    for number in ("1", "01"):
        (copy.parent / f"sub_{number}.csv").write_text(motionsense_text(200))
    with pytest.raises(ValueError, match="wlk_7/sub_1: expected one recording of this name"):
        read_motionsense(MotionSenseConfig(folder=official))


def test_the_real_list(shared):
    people = read_people(shared / "data" / "formats" / "motionsense" / PEOPLE)
    assert len(people) == 24
    assert sum(gender == "female" for gender in people.values()) == 10
