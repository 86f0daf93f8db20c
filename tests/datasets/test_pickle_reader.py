"""Pickles: plain ones of every protocol are read, and none runs anything."""

from __future__ import annotations

import collections
import os
import pickle

import numpy as np
import pytest
from damage import cut_or_changed
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.datasets.pickle_reader import read_pickle

VALUES = {
    "split": {"train": ["a", "b"], "test": []},
    "annotations": [
        {
            "frame_dir": "a",
            "label": 3,
            "img_shape": (240, 320),
            "keypoint": np.arange(24, dtype=np.float16).reshape(1, 3, 4, 2),
            "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
            "big": np.arange(3, dtype=">i4"),
            "names": np.array(["x", "yy"]),
            "none": np.zeros((0, 4), np.float32),
            "flags": np.array([True, False]),
            "scalar": np.float32(1.5),
            "bytes": b"\x00\xff",
            "empty": b"",
            "valid": {0.5: 2},
        }
    ],
}


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_comes_back(tmp_path, protocol):
    file = tmp_path / "set.pkl"
    file.write_bytes(pickle.dumps(VALUES, protocol=protocol))
    found = read_pickle(file)
    assert found["split"] == VALUES["split"]
    own, expected = found["annotations"][0], VALUES["annotations"][0]
    assert list(own) == list(expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(own[key], value, err_msg=key)
        if isinstance(value, np.ndarray):
            assert own[key].dtype.newbyteorder("=") == value.dtype.newbyteorder("=")
            assert own[key].shape == value.shape


def test_names_of_both_generations_of_numpy_are_known(tmp_path):
    content = pickle.dumps(VALUES["annotations"][0]["keypoint"], protocol=2)
    assert b"numpy._core.multiarray" in content or b"numpy.core.multiarray" in content
    for name in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        renamed = content.replace(b"numpy._core.multiarray", name)
        (tmp_path / "a.pkl").write_bytes(renamed)
        found = read_pickle(tmp_path / "a.pkl")
        np.testing.assert_array_equal(found, VALUES["annotations"][0]["keypoint"])


class Runs:
    """Runs a command where it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


HOSTILE = {
    "system": lambda mark: Runs(os.system, f"touch {mark}"),
    "exec": lambda mark: Runs(exec, f"open({str(mark)!r}, 'w')"),
    "open": lambda mark: Runs(open, str(mark), "w"),
    "getattr": lambda mark: Runs(getattr, "x", "upper"),
    "numpy": lambda mark: Runs(np.save, str(mark), np.zeros(1)),
    "nested": lambda mark: {"annotations": [Runs(os.mkdir, str(mark))]},
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", HOSTILE)
def test_a_pickle_that_runs_code_is_refused_and_nothing_runs(tmp_path, name, protocol):
    mark = tmp_path / "mark"
    file = tmp_path / "bad.pkl"
    file.write_bytes(pickle.dumps(HOSTILE[name](mark), protocol=protocol))
    with pytest.raises(ValueError, match=r"bad\.pkl: expected a pickle of plain values"):
        read_pickle(file)
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (collections.OrderedDict(a=1), "collections.OrderedDict"),
        (np.array([{}], dtype=object), "arrays of type 'O8'"),
        (np.zeros(2, dtype=[("a", "f4")]), "arrays of"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "arrays of type 'M8'"),
        (np.dtype("f4"), "a type or function"),
        (np.ma.masked_array([1]), "numpy.ma"),
    ],
)
def test_other_values_are_refused_by_name(tmp_path, value, found):
    file = tmp_path / "a.pkl"
    file.write_bytes(pickle.dumps(value, protocol=4))
    with pytest.raises(ValueError, match=found):
        read_pickle(file)


def build(*operations):
    """Assemble a pickle by hand."""
    return b"\x80\x02" + b"".join(operations) + b"."


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
FLOAT = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R"


@pytest.mark.parametrize(
    "content",
    [
        build(ARRAY),  # an array whose content never comes
        build(ARRAY, b"(K\x01J\xff\xff\xff\x7f\x85", FLOAT, b"\x89C\x04aaaatb"),  # too few bytes
        build(ARRAY, b"(K\x01J\xff\xff\xff\xff\x85", FLOAT, b"\x89C\x04aaaatb"),  # negative shape
        build(b"cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R"),  # a call of the class itself
        build(b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R"),
        build(b"c_codecs\nencode\n}X\x08\x00\x00\x00__code__K\x01sb"),
        build(b"cnumpy\ndtype\nX\x01\x00\x00\x00OK\x00K\x01\x87R"),
        build(b"l" * 50),
        build(b"(" * 5000),
        build(b"](h\x00"),
    ],
)
def test_pickles_made_by_hand_fail_in_peace(tmp_path, content):
    file = tmp_path / "a.pkl"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.pkl: expected a"):
        read_pickle(file)


def test_a_list_within_itself_is_refused(tmp_path):
    value = []
    value.append(value)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(ValueError, match="RecursionError"):
        read_pickle(tmp_path / "a.pkl")


GOOD = pickle.dumps(VALUES, protocol=2)


@settings(max_examples=150, deadline=None)
@given(content=cut_or_changed(GOOD) | st.binary(max_size=60))
def test_damage_ends_in_an_error_that_names_the_file(content, tmp_path_factory):
    file = tmp_path_factory.getbasetemp() / "damaged.pkl"
    file.write_bytes(content)
    try:
        read_pickle(file)
    except ValueError as error:
        assert str(file) in str(error)  # noqa: PT017


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="No such file"):
        read_pickle(tmp_path / "none.pkl")
    with pytest.raises(ValueError, match="found: a folder"):
        read_pickle(tmp_path)


def test_real_pickles(shared):
    formats = shared / "data" / "formats"
    found = read_pickle(formats / "mmaction2" / "sample.pkl")
    assert len(found["annotations"]) == 100
    assert found["annotations"][0]["frame_inds"].dtype == np.int16
    cameras = read_pickle(formats / "mmpose" / "h36m" / "cameras.pkl")
    assert cameras["S1", "54138969"]["R"].shape == (3, 3)
