"""Prepared folders as a dataset kind."""

from __future__ import annotations

import numpy as np
import pytest

from onebody.config import build
from onebody.data import make_table
from onebody.data.sources import read_array
from onebody.data.store import save_table
from onebody.datasets import DATASETS
from onebody.datasets.prepared import PreparedConfig, prefix_subjects, store_arrays


def test_arrays_of_different_lengths_lie_one_after_the_other(tmp_path):
    parts = [np.full((n, 2), n, np.float32) for n in (3, 0, 2)]
    sources = store_arrays(tmp_path / "a.npy", parts)
    assert [s.rpartition("#")[2] for s in sources.tolist()] == ["0:3", "3:3", "3:5"]
    np.testing.assert_array_equal(read_array(str(sources[2])), parts[2])


def test_a_folder_is_a_dataset_wherever_it_was_moved(tmp_path):
    folder = tmp_path / "before"
    folder.mkdir()
    media = {"skeleton": store_arrays(folder / "a.npy", [np.ones((2, 13, 2), np.float32)])}
    save_table(make_table("mine", media, subject=["anna"], layouts={"skeleton": "penn-13"}), folder)
    folder.rename(tmp_path / "after")
    config = PreparedConfig(folder=tmp_path / "after", subject_prefix="x-")
    table = build(DATASETS, config, "dataset")
    assert table.subject.tolist() == ["x-anna"]
    assert table.layouts == {"skeleton": "penn-13"}
    assert read_array(str(table.media["skeleton"][0])).shape == (2, 13, 2)


def test_unknown_subjects_stay_unknown():
    table = make_table("t", {"rgb": ["a", "b"]}, subject=["", "1"])
    assert prefix_subjects(table, "utd-").subject.tolist() == ["", "utd-1"]
    assert prefix_subjects(table, "") is table


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a saved table"):
        build(DATASETS, PreparedConfig(folder=tmp_path), "dataset")
