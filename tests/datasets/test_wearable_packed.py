"""Packed trials come back as they were; damaged ones are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worn_files import fault

from onebody.datasets.wearable_packed import FILE, load_trials, save_trials
from onebody.datasets.wearable_trial import Stream, Trial


def trials():
    rng = np.random.default_rng(0)
    for n, labels in enumerate(({"activity": "walk", "gender": "female"}, {"activity": "sit"}, {})):
        streams = tuple(
            Stream(
                position=position,
                quantity=quantity,
                times_s=np.cumsum(rng.uniform(0.01, 0.1, n + 2)),
                values=rng.normal(size=(n + 2, 3)).astype(np.float32),
            )
            for position, quantity in (("chest", "acceleration"), ("wrist", "turn_rate"))
        )
        yield Trial(
            name=f"t{n}",
            subject=str(n % 2),
            labels=labels,
            streams=streams,
            split="train" * (n > 0),
        )


def test_trials_come_back(tmp_path):
    given_trials = list(trials())
    assert save_trials(tmp_path, given_trials) == 3
    found = list(load_trials(tmp_path))
    for one, other in zip(given_trials, found, strict=True):
        assert (one.name, one.subject, one.split) == (other.name, other.subject, other.split)
        assert one.labels == other.labels
        for stream, kept in zip(one.streams, other.streams, strict=True):
            assert (stream.position, stream.quantity) == (kept.position, kept.quantity)
            np.testing.assert_array_equal(stream.times_s, kept.times_s)
            np.testing.assert_array_equal(stream.values, kept.values)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("count", lambda a: a + 1, "times_s of"),
        ("count", lambda a: a * 0, "times_s of 0"),
        ("count", lambda a: a.astype(np.float64), "whole numbers in count"),
        ("trial", lambda a: a + 3, "trial 0 to 2"),
        ("trial", lambda a: a.astype(np.float64), "whole numbers in trial"),
        ("subject", lambda a: np.where(a == "0", "", a), "a subject of each"),
        ("subject", lambda a: a[:-1], "subject of 3 trials"),
        ("times_s", lambda a: a[::-1], "ascending"),
        ("values", lambda a: a * np.nan, "finite"),
        ("values", lambda a: a[:, :2], r"values \["),
        ("quantity", lambda a: np.char.add(a, "x"), "acceleration"),
        ("position", lambda a: a[1:], "position of 6 streams"),
    ],
)
def test_arrays_that_contradict_each_other(tmp_path, name, change, said):
    save_trials(tmp_path, trials())
    with np.load(tmp_path / FILE) as found:
        arrays = {key: found[key] for key in found.files}
    np.savez(tmp_path / FILE, **{**arrays, name: change(arrays[name])})
    with pytest.raises(ValueError, match=said) as error:
        list(load_trials(tmp_path))
    assert FILE in str(error.value)


@given(cut=st.integers(1, 3000), at=st.integers(0, 4000), byte=st.integers(0, 255))
def test_damaged_files_are_named(tmp_path_factory, cut, at, byte):
    folder = tmp_path_factory.mktemp("p")
    save_trials(folder, trials())
    data = bytearray((folder / FILE).read_bytes())
    data[at % len(data)] = byte
    (folder / FILE).write_bytes(bytes(data[: len(data) - cut % 60]))
    said = fault(lambda: list(load_trials(folder)))
    assert not said or FILE in said
