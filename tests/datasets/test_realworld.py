"""RealWorld HAR: archives in the official layout, archives in archives, parts, missing sensors."""

from __future__ import annotations

import numpy as np
import pytest
from worn_files import realworld_text, zip_of

from onebody.data.sources import read_array
from onebody.datasets.realworld import RealWorldConfig, read_realworld


@pytest.fixture
def official(tmp_path):
    first, second = (tmp_path / f"proband{n}" / "data" for n in (1, 4))
    for folder in (first, second):
        folder.mkdir(parents=True)
    (first / "acc_walking_csv.zip").write_bytes(
        zip_of(
            {
                "acc_walking_chest.csv": realworld_text(value=1),
                "acc_walking_waist.csv": realworld_text(value=2),
                "readMe": "text",
            }
        )
    )
    (first / "gyr_walking_csv.zip").write_bytes(
        zip_of({"Gyroscope_walking_chest.csv": realworld_text(value=0.5)})
    )
    (first / "mag_walking_csv.zip").write_bytes(b"not read")
    inner = {f"acc_climbingup_{n}_csv.zip": zip_of(
        {f"acc_climbingup_{n}_shin.csv": realworld_text(value=n)}) for n in (1, 2)}  # fmt: skip
    (second / "acc_climbingup_csv.zip").write_bytes(zip_of(inner))
    return tmp_path


def test_a_row_is_a_sensor(official):
    table = read_realworld(RealWorldConfig(folder=official, rate_hz=25))
    assert table.row_names.tolist() == [
        "proband1/walking/1/chest",
        "proband1/walking/1/waist",
        "proband4/climbingup/1/shin",
        "proband4/climbingup/2/shin",
    ]
    assert table.subject.tolist() == ["1", "1", "4", "4"]
    assert table.group[0] == table.group[1]
    assert len(set(table.group.tolist())) == 3
    chest, waist, _, shin = (np.asarray(read_array(s)) for s in table.media["imu"])
    np.testing.assert_allclose(chest[40, 0], [1, 9.8, 0.1, 0.5, 9.8, 0.1], rtol=1e-3)
    assert np.isnan(waist[..., 3:]).all()
    np.testing.assert_allclose(shin[40, 0, :3], [2, 9.8, 0.1], rtol=1e-3)
    assert abs(len(chest) - 100) <= 1


def test_a_row_is_a_body(official):
    table = read_realworld(RealWorldConfig(folder=official, per="body", window_s=2.0, overlap=0.5))
    values = np.asarray(read_array(table.media["imu"][0]))
    known = np.isfinite(values[50, :, 0])
    assert values.shape[1:] == (7, 6)
    assert known.tolist() == [True, False, False, False, False, False, True]


@pytest.mark.parametrize(
    ("name", "members", "said"),
    [
        ("acc_walking_csv.zip", {"acc_walking_nose.csv": realworld_text()}, "positions chest"),
        ("acc_flying_csv.zip", {"acc_flying_chest.csv": realworld_text()}, "activities climb"),
        ("acc_lying_csv.zip", {"acc_lying_chest.csv": "id,x\n1,2\n"}, "expected the header"),
        ("acc_lying_csv.zip", {"acc_lying_chest.csv": realworld_text() + "7,8\n"}, "5 numbers in"),
        ("acc_lying_csv.zip", {"../acc_lying_chest.csv": realworld_text()}, "leads out"),
        (
            "acc_lying_csv.zip",
            {"acc_lying_chest.csv": realworld_text(), "b/acc_lying_chest.csv": realworld_text()},
            "the same recording",
        ),
        ("acc_lying_csv.zip", {"acc_sitting_head.csv": realworld_text()}, "recording of 'lying'"),
    ],
)
def test_archives_that_contradict_their_layout(official, name, members, said):
    (official / "proband4" / "data" / name).write_bytes(zip_of(members))
    with pytest.raises(ValueError, match=said) as error:
        read_realworld(RealWorldConfig(folder=official))
    assert name in str(error.value)


def test_a_clock_that_jumps_is_named(tmp_path):
    folder = tmp_path / "proband2" / "data"
    folder.mkdir(parents=True)
    late = realworld_text() + "999,9435993733000,1,2,3\n"
    (folder / "acc_sitting_head.csv").write_text(late)
    with pytest.raises(ValueError, match=r"proband2/sitting/1/head: .* at most 56 hours at 50 Hz"):
        read_realworld(RealWorldConfig(folder=tmp_path))


def test_times_in_seconds_leave_no_recording(tmp_path):
    folder = tmp_path / "proband2" / "data"
    folder.mkdir(parents=True)
    head, *lines = realworld_text().splitlines()
    slow = [f"{n},{1435993733 + n / 50},1,2,3" for n in range(len(lines))]
    (folder / "acc_sitting_head.csv").write_text("\n".join([head, *slow]))
    said = "no recording is left: .* Take a larger 'max_gap_s'"
    with (
        pytest.warns(UserWarning, match="1 recordings of which too little"),
        pytest.raises(ValueError, match=said),
    ):
        read_realworld(RealWorldConfig(folder=tmp_path))


def test_a_damaged_archive_is_named(official):
    file = official / "proband4" / "data" / "acc_climbingup_csv.zip"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"acc_climbingup_csv\.zip: expected a readable zip"):
        read_realworld(RealWorldConfig(folder=official))


def test_another_folder(tmp_path):
    with pytest.raises(ValueError, match="Name the folder that holds proband1"):
        read_realworld(RealWorldConfig(folder=tmp_path))


def test_texts_that_were_unpacked(tmp_path):
    folder = tmp_path / "proband2" / "data" / "acc_sitting_csv"
    folder.mkdir(parents=True)
    (folder / "acc_sitting_2_head.csv").write_text(realworld_text(value=3))
    table = read_realworld(RealWorldConfig(folder=tmp_path))
    assert table.row_names.tolist() == ["proband2/sitting/2/head"]
