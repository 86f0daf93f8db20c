"""UCI-HAR: overlapping windows become recordings again."""

from __future__ import annotations

import numpy as np
import pytest
from worn_files import write_uci_har

from onebody.data.sources import read_array
from onebody.datasets.uci_har import UciHarConfig, read_uci_har


def recording(windows, seed):
    return np.random.default_rng(seed).normal(size=(64 * (windows + 1), 6)).astype(np.float32)


@pytest.fixture
def official(tmp_path):
    found = {
        "train": [(1, 5, recording(3, 0)), (1, 5, recording(2, 1)), (3, 1, recording(1, 2))],
        "test": [(2, 6, recording(4, 3))],
    }
    write_uci_har(tmp_path, found)
    return tmp_path, found


def test_the_official_windows(official):
    folder, found = official
    table = read_uci_har(UciHarConfig(folder=folder))
    assert len(table) == 3 + 2 + 1 + 4
    assert table.split.tolist() == ["train"] * 6 + ["test"] * 4
    activity = table.columns["activity"]
    names = [activity.space.classes[value] for value in activity.values]
    assert names == ["STANDING"] * 5 + ["WALKING"] + ["LAYING"] * 4
    assert table.subject.tolist() == ["1"] * 5 + ["3"] + ["2"] * 4
    assert len(set(table.group.tolist())) == 4
    np.testing.assert_allclose(table.end_s - table.start_s, 2.56)
    values = np.asarray(read_array(table.media["imu"][0]))
    assert values.shape == (256, 1, 6)
    expected = found["train"][0][2] * np.r_[np.full(3, 9.80665), np.ones(3)]
    np.testing.assert_allclose(values[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_other_windows(official):
    table = read_uci_har(UciHarConfig(folder=official[0], window_s=1.28, overlap=0.0))
    assert len(table) == 4 + 3 + 2 + 5


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("train/y_train.txt", lambda text: text.replace("5", "7", 1), "1 to 6 in row 1"),
        ("train/y_train.txt", lambda text: text + "1\n", "expected 7 rows"),
        ("train/subject_train.txt", lambda text: text.replace("1", "1.5", 1), "row 1, found 1.5"),
        (
            "test/Inertial Signals/total_acc_y_test.txt",
            lambda text: text.replace("e", "z", 1),
            "expected 128 numbers in row 1",
        ),
        ("activity_labels.txt", lambda text: text.replace("LAYING", "LYING"), "LYING"),
        ("activity_labels.txt", lambda text: text.replace("1 WALKING", "2 WALKING"), "found 2 W"),
        ("test/subject_test.txt", lambda text: text.replace("2", "3"), "subject 3 in both"),
    ],
)
def test_files_that_contradict_each_other(official, name, change, said):
    file = official[0] / "UCI HAR Dataset" / name
    file.write_text(change(file.read_text()))
    with pytest.raises(ValueError, match=said):
        read_uci_har(UciHarConfig(folder=official[0]))


def test_a_missing_file(official):
    (official[0] / "UCI HAR Dataset" / "test" / "subject_test.txt").unlink()
    with pytest.raises(ValueError, match=r"subject_test\.txt: expected a file of UCI-HAR"):
        read_uci_har(UciHarConfig(folder=official[0]))
