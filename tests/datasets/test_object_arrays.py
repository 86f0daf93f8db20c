"""Objects within npz files: read without running what their pickle names."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np
import pytest

from onebody.datasets.object_arrays import read_object
from onebody.datasets.pickle_reader import read_pickle

CONTENT = {"S1": {"Walking": np.arange(6, dtype=np.float32).reshape(1, 2, 3)}, "n": [1, "a"]}


class Evil:
    def __reduce__(self):
        return print, ("run",)


def test_what_numpy_wrote_is_read(tmp_path):
    for compressed in (np.savez, np.savez_compressed):
        compressed(tmp_path / "a.npz", data=CONTENT, other=np.zeros(3))
        found = read_object(tmp_path / "a.npz", "data")
        assert found["n"] == [1, "a"]
        np.testing.assert_array_equal(found["S1"]["Walking"], CONTENT["S1"]["Walking"])


def test_objects_within_objects(tmp_path):
    inner = np.empty(2, np.object_)
    inner[:] = [np.float32(3), {"x": np.ones(2)}]
    np.savez(tmp_path / "a.npz", data={"inner": inner})
    found = read_object(tmp_path / "a.npz", "data")["inner"]
    assert found[0] == 3
    np.testing.assert_array_equal(found[1]["x"], np.ones(2))


def test_code_is_refused_unrun(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", data={"x": Evil()})
    with pytest.raises(ValueError, match=r"a\.npz#data: .*the name 'builtins\.print'"):
        read_object(tmp_path / "a.npz", "data")
    assert capsys.readouterr().out == ""


def test_other_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", numbers=np.zeros(3), several=np.array([None, 1]))
    for key in ("numbers", "several"):
        with pytest.raises(ValueError, match=rf"a\.npz#{key}: expected one object"):
            read_object(tmp_path / "a.npz", key)
    with pytest.raises(ValueError, match=r"expected an array 'number'\. Did you mean 'numbers'"):
        read_object(tmp_path / "a.npz", "number")
    with pytest.raises(ValueError, match="No such file"):
        read_object(tmp_path / "b.npz", "numbers")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("data.npy", b"no array")
    with pytest.raises(ValueError, match=r"c\.npz#data: expected an array"):
        read_object(tmp_path / "c.npz", "data")
    (tmp_path / "d.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:300])
    with pytest.raises(ValueError, match=r"d\.npz: expected a whole npz file"):
        read_object(tmp_path / "d.npz", "numbers")


def test_the_number_of_objects_must_be_right(tmp_path):
    state = np.array({"a": 1}, dtype=object).__reduce__()[2]
    content = pickle.dumps(np.array({"a": 1}, dtype=object), protocol=2)
    assert state[1] == ()
    np.savez(tmp_path / "good.npz", data={"a": 1})
    with zipfile.ZipFile(tmp_path / "good.npz") as archive:
        member = archive.read("data.npy")
    head = member[: member.index(b"\n") + 1]
    with zipfile.ZipFile(tmp_path / "bad.npz", "w") as archive:
        archive.writestr("data.npy", head + pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match="expected one object, found list"):
        read_object(tmp_path / "bad.npz", "data")
    with zipfile.ZipFile(tmp_path / "same.npz", "w") as archive:
        archive.writestr("data.npy", head + content)
    assert read_object(tmp_path / "same.npz", "data") == {"a": 1}


def test_plain_pickles_still_hold_no_arrays_of_objects(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(np.array([None, 1])))
    with pytest.raises(ValueError, match="arrays of type 'O8'"):
        read_pickle(tmp_path / "a.pkl")
