import json
import re
from pathlib import Path

import pytest
import torch
from model_helpers import NUMBERS as READ_NUMBERS
from model_helpers import SHARED, TINY, batch_for, reader, scramble
from safetensors.torch import load_file, save_file

from onebody.config import Config, read_config
from onebody.data import InputSpec
from onebody.models import (
    Calibration,
    MultiTaskConfig,
    build_network,
    input_shapes,
    load_network,
    save_calibration,
    save_network,
)
from onebody.tasks import ClassificationConfig, Pose3DConfig, UnionConfig, build_tasks
from saved_runs import write_run

TASKS: dict[str, Config] = {
    "action": ClassificationConfig(name="action", column="action", classes=("sit", "run")),
    "gesture": ClassificationConfig(name="gesture", column="gesture", classes=("wave", "point")),
    "pose": Pose3DConfig(name="pose", column="pose", skeleton="kinect-20"),
    "any": UnionConfig(
        name="any",
        column="",
        of=("action", "gesture"),
        parts={"action": ("sit", "run"), "gesture": ("wave", "point")},
    ),
}
SPEC = InputSpec(size=32, frames=4)
NUMBERS = {
    "skeleton": InputSpec(modality="skeleton", skeleton="kinect-20", frames=4),
    "imu": InputSpec(modality="imu", sensors=2, frames=24),
}


def _fitting(encoder: str) -> tuple[dict[str, Config], InputSpec]:
    """Return tasks and input that an encoder can serve."""
    if (shapes := READ_NUMBERS.get(reader(TINY[encoder]))) is None:
        return TASKS, SPEC
    first, *others = (NUMBERS[modality] for modality in shapes)
    spec = first.model_copy(update={"also": tuple(others)})
    return {name: task for name, task in TASKS.items() if name != "pose"}, spec


def _save(folder: Path, encoder: str = "light", sharing: str = "hard"):
    torch.manual_seed(0)
    values = {"encoder": TINY[encoder], "sharing": SHARED[sharing]}
    config = read_config(MultiTaskConfig, values, "test")
    tasks, spec = _fitting(encoder)
    network = build_network(config, build_tasks(tasks), input_shapes(spec))
    scramble(network)
    save_network(
        folder, network.eval(), config=config, tasks=tasks, input=spec, notes={"score": 0.5}
    )
    return network


@pytest.mark.parametrize(
    ("encoder", "sharing"), [*((e, "hard") for e in TINY), *(("light", s) for s in SHARED)]
)
def test_a_saved_network_says_the_same(tmp_path: Path, encoder: str, sharing: str) -> None:
    network = _save(tmp_path, encoder, sharing)
    saved = load_network(tmp_path)
    assert not saved.network.training
    batch = batch_for(encoder)
    with torch.no_grad():
        (before,), (after,) = network([batch]), saved.network([batch])
    assert list(before) == list(after)
    assert all(torch.equal(before[name][-1], after[name][-1]) for name in before)
    assert (saved.tasks, saved.input) == _fitting(encoder)
    assert saved.config.encoder.kind == TINY[encoder]["kind"]
    assert saved.config.sharing.kind == SHARED[sharing]["kind"]
    assert saved.notes == {"score": 0.5}
    assert {p.name for p in tmp_path.iterdir()} == {"network.json", "weights.safetensors"}


def test_saving_again_replaces(tmp_path: Path) -> None:
    network = _save(tmp_path / "run" / "model")
    config = load_network(tmp_path / "run" / "model").config
    with torch.no_grad():
        next(network.parameters()).zero_()
    save_network(tmp_path / "run" / "model", network, config=config, tasks=TASKS, input=SPEC)
    saved = load_network(tmp_path / "run" / "model")
    assert not bool(next(saved.network.parameters()).any())
    assert saved.notes == {}


def test_configs_of_other_tasks_are_refused(tmp_path: Path) -> None:
    network = _save(tmp_path)
    config = load_network(tmp_path).config
    with pytest.raises(ValueError, match=r"has the tasks .* configs were given for action"):
        save_network(
            tmp_path, network, config=config, tasks={"action": TASKS["action"]}, input=SPEC
        )


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    _save(tmp_path)
    arrays = load_file(tmp_path / "weights.safetensors")
    name = next(n for n, value in arrays.items() if value.is_floating_point())
    arrays[name].view(-1)[0] = float("nan")
    save_file(arrays, tmp_path / "weights.safetensors")
    with pytest.raises(
        ValueError, match=rf"expected numbers, found NaN in {re.escape(name)} \(1 of"
    ):
        load_network(tmp_path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"network\.json: no such file"):
        load_network(tmp_path)
    _save(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    with pytest.raises(ValueError, match=r"weights\.safetensors: no such file"):
        load_network(tmp_path)


@pytest.mark.parametrize("size", [0, 5, 2000])
def test_damaged_weights_are_named(tmp_path: Path, size: int) -> None:
    _save(tmp_path)
    path = tmp_path / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"weights\.safetensors: damaged"):
        load_network(tmp_path)


def test_damaged_description_is_named(tmp_path: Path) -> None:
    _save(tmp_path)
    path = tmp_path / "network.json"
    text = path.read_text()
    for damaged, message in (
        (text[:40], "damaged, not JSON"),
        (text.replace('"version": 1', '"version": 99'), "expected version 1, found 99"),
        ("[]", "expected version 1, found None"),
        (text.replace('"input"', '"inptu"'), "'input' is missing"),
        (text.replace('"temporal_width"', '"temporal_with"'), "Did you mean 'temporal_width'"),
        (text.replace('"classification"', '"clasification"'), "Did you mean 'classification'"),
        (text.replace('"multitask"', '"multitsak"'), "Did you mean 'multitask'"),
    ):
        assert damaged != text
        path.write_text(damaged)
        with pytest.raises(ValueError, match=message):
            load_network(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    _save(tmp_path)
    path = tmp_path / "network.json"
    content = json.loads(path.read_text())
    content["network"]["encoder"]["temporal_width"] = 16
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"does not fit network\.json .* expected \(4"):
        load_network(tmp_path)
    content["network"]["encoder"] |= {"temporal_width": 8, "dilations": [1]}
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"is unknown; .*and \d+ more"):
        load_network(tmp_path)


def test_calibration_is_kept_with_the_network(tmp_path):
    folder = write_run(tmp_path) / "model"
    assert load_network(folder).calibration == {}
    found = {
        "both": Calibration(temperature=1.5, threshold=0.4, keep=0.9, rows=20, ece_before=0.2),
        "action": Calibration(temperature=0.7, score="margin"),
    }
    before = load_network(folder).network.state_dict()
    save_calibration(folder, found)
    again = load_network(folder)
    assert again.calibration == found
    assert all(torch.equal(before[k], v) for k, v in again.network.state_dict().items())
    with pytest.raises(ValueError, match="Did you mean 'action'"):
        save_calibration(folder, {"actoin": Calibration(temperature=1.0)})


def test_a_damaged_calibration_is_named(tmp_path):
    folder = write_run(tmp_path) / "model"
    save_calibration(folder, {"both": Calibration(temperature=1.5)})
    path = folder / "network.json"
    path.write_text(path.read_text().replace('"temperature": 1.5', '"temperature": -1.5'))
    with pytest.raises(ValueError, match=r"calibration of 'both'.*temperature"):
        load_network(folder)
