"""The fastest way is kept, tried before it is used again, and looked for anew if need be."""

import json
import os

import pytest
import torch

from onebody.inference.export_step import INT8, MODEL
from onebody.inference.kept_runner import CHOICE, KEPT, kept_runner
from onebody.inference.step_check import differences, walk
from step_networks import noise, step_network

ONNX = ("onnxruntime",)


@pytest.fixture
def searches(monkeypatch):
    """Count searches; onnxruntime in float32 wins each."""
    found = []

    def fastest(trials, bound):
        found.append(bound)
        return next((t for t in trials if t.runner.name in ONNX), trials[0])

    monkeypatch.setattr("onebody.inference.choose_runner.fastest", fastest)
    monkeypatch.setattr(
        "onebody.inference.choose_runner.take_turns", lambda turns, _: [[1.0]] * len(turns)
    )
    return found


def test_it_is_looked_for_once(tmp_path, searches):
    saved, said = step_network(), []
    given = {"root": tmp_path, "names": ONNX, "say": said.append}
    first = kept_runner(saved, noise(4), 0.01, **given)
    assert said[0] == "looking for the fastest way to run the network .."
    told = len(said)
    again = kept_runner(saved, noise(4), 0.01, **given)
    assert (again.name, again.precision) == (first.name, first.precision) == ("onnxruntime", "fp32")
    assert (len(searches), len(said)) == (1, told)
    (folder,) = tmp_path.iterdir()
    assert sorted(p.name for p in folder.iterdir()) == [CHOICE, "step.json", MODEL]
    apart = differences(walk(again, noise(6)), walk(first, noise(6)), saved.network.tasks)
    assert max(found.shown for found in apart.values()) == 0.0
    kept_runner(saved, noise(4), 0.01, anew=True, **given)
    assert len(searches) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_other_weights_bounds_and_threads_are_looked_at_for_themselves(tmp_path, searches):
    saved, threads = step_network(), torch.get_num_threads()
    kept_runner(saved, noise(2), 0.01, root=tmp_path, names=ONNX)
    kept_runner(saved, noise(2), 0.02, root=tmp_path, names=ONNX)
    torch.set_num_threads(threads + 1)
    try:
        kept_runner(saved, noise(2), 0.01, root=tmp_path, names=ONNX)
    finally:
        torch.set_num_threads(threads)
    with torch.no_grad():
        next(iter(saved.network.parameters())).add_(0.1)
    kept_runner(saved, noise(2), 0.01, root=tmp_path, names=ONNX)
    assert len(searches) == len(list(tmp_path.iterdir())) == 4


def test_pytorch_needs_no_files(tmp_path):
    saved = step_network()
    for _ in range(2):
        assert kept_runner(saved, noise(2), 0.0, root=tmp_path, names=()).name == "eager"
    (folder,) = tmp_path.iterdir()
    assert [path.name for path in folder.iterdir()] == [CHOICE]


@pytest.mark.parametrize("damage", ["choice", "model", "other", "unknown"])
def test_what_is_damaged_is_looked_for_anew(tmp_path, searches, damage):
    saved = step_network()
    kept_runner(saved, noise(3), 0.01, root=tmp_path, names=ONNX)
    (folder,) = tmp_path.iterdir()
    if damage == "choice":
        (folder / CHOICE).write_text("{")
    elif damage == "model":
        (folder / MODEL).write_bytes(b"nothing")
    elif damage == "unknown":
        (folder / CHOICE).write_text('{"runtime": "tpu", "precision": "fp32"}')
    else:  # that of another network
        with torch.no_grad():
            for value in saved.network.parameters():
                value.mul_(1.5)
        kept_runner(saved, noise(3), 0.01, root=tmp_path, names=ONNX)
        (other,) = set(tmp_path.iterdir()) - {folder}
        (folder / MODEL).replace(other / MODEL)
        searches.pop()
    again = kept_runner(saved, noise(3), 0.01, root=tmp_path, names=ONNX)
    assert len(searches) == 2
    assert again.name == "onnxruntime"


def test_few_are_kept(tmp_path, searches):
    saved = step_network()
    for number in range(KEPT + 2):
        old = tmp_path / f"{number:020x}"
        old.mkdir()
        (old / CHOICE).write_text("{}")
        os.utime(old, (number, number))
    (tmp_path / "mine").mkdir()
    (tmp_path / f"{99:020x}").mkdir()  # named alike, and no choice
    kept_runner(saved, noise(2), 0.01, root=tmp_path, names=ONNX)
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == KEPT + 2
    assert {f"{number:020x}" for number in range(3)}.isdisjoint(left)
    assert {"mine", f"{99:020x}"} <= left


def test_a_folder_that_cannot_be_written_hinders_nothing(tmp_path, searches):
    blocked = tmp_path / "file"
    blocked.write_text("")
    saved, said = step_network(), []
    given = {"root": blocked / "in", "names": ONNX, "say": said.append}
    assert kept_runner(saved, noise(2), 0.01, **given).name == "onnxruntime"
    assert any("cannot be written" in line for line in said)


def test_a_folder_that_can_only_be_read_serves(tmp_path, searches, monkeypatch):
    saved = step_network()
    kept_runner(saved, noise(2), 0.01, root=tmp_path, names=ONNX)

    def forbidden(*_given):
        raise PermissionError(1, "no")

    monkeypatch.setattr("onebody.inference.kept_runner.os.utime", forbidden)
    assert kept_runner(saved, noise(2), 0.01, root=tmp_path, names=ONNX).name == "onnxruntime"
    assert len(searches) == 1


def test_eight_bits_are_kept_alone(tmp_path, monkeypatch):
    saved = step_network()

    def rough(trials, _):
        return next(t for t in trials if t.runner.precision == "int8")

    monkeypatch.setattr("onebody.inference.choose_runner.fastest", rough)
    assert kept_runner(saved, noise(8), 1.0, root=tmp_path, names=ONNX).precision == "int8"
    (folder,) = tmp_path.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [CHOICE, INT8, "step.json"]
    assert json.loads((folder / CHOICE).read_text())["precision"] == "int8"
    assert kept_runner(saved, noise(8), 1.0, root=tmp_path, names=ONNX).precision == "int8"


def test_nothing_to_try_on_is_refused(tmp_path):
    with pytest.raises(ValueError, match="found none"):
        kept_runner(step_network(), [], 0.01, root=tmp_path)
    assert not list(tmp_path.iterdir())
