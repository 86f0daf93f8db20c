import json
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from typer.testing import CliRunner

from onebody.cli.app import app
from onebody.models.spnet import SPNet, load_spnet
from spnet_helpers import SMALL, keras_arrays, write_keras


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    network = SPNet(SMALL).eval()
    (tmp_path / "small.json").write_text(json.dumps(SMALL.model_dump()))
    return network, write_keras(tmp_path / "w.h5", keras_arrays(network)), tmp_path / "small.json"


def convert(*arguments):
    return CliRunner().invoke(app, ["convert", "spnet", *map(str, arguments)])


def test_converted_weights_say_what_they_are_of(weights, tmp_path):
    network, path, config = weights
    out = tmp_path / "there" / "model.safetensors"
    result = convert(path, "--config", config, "-o", out)
    assert result.exit_code == 0, result.output
    count = sum(p.numel() for p in network.parameters())
    assert f"{count:,} trainable parameters" in result.stdout
    assert "none is left over" in result.stdout
    again = load_spnet(out)
    assert again.config == SMALL
    clip = torch.rand(1, 3, 4, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(again(clip).poses[-1], network(clip).poses[-1])


@pytest.mark.parametrize(
    ("config", "out", "message"),
    [
        ("spnet-pen", "m.safetensors", "Did you mean 'spnet-penn'?"),
        ("spnet-penn", "m.safetensors", "not the weights of this configuration"),
        ("spnet-penn", "m.pt", "expected a file called .safetensors"),
        ("list.json", "m.safetensors", "expected names and values, found list"),
        ("odd.json", "m.safetensors", "Did you mean 'num_joints'?"),
    ],
)
def test_what_cannot_be_converted_is_refused(weights, tmp_path, monkeypatch, config, out, message):
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text("[1]")
    Path("odd.json").write_text('{"num_joint": 3}')
    result = convert(weights[1], "--config", config, "-o", out)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not list(tmp_path.glob("*.safetensors*"))


def test_all_names_of_the_authors_configuration_are_read(weights, tmp_path):
    _, path, config = weights
    out = tmp_path / "m.safetensors"
    values = {k: v for k, v in SMALL.model_dump().items() if k not in ("in_channels", "truncate")}
    theirs = values | {"input_shape": [4, 16, 16, 3], "xmin": 0.03125, "ymin": 0.03125}
    config.write_text(json.dumps(theirs | {"predict_rootz": False, "dbg_decoupled_h": False}))
    assert convert(path, "--config", config, "-o", out).exit_code == 0
    assert load_spnet(out).config == SMALL
    config.write_text(json.dumps(theirs | {"predict_rootz": True}))
    result = convert(path, "--config", config, "-o", out)
    assert result.exit_code == 2
    assert "unknown key 'predict_rootz'" in result.stderr
    config.write_text(json.dumps(theirs | {"input_shape": [4, 16, 16, 1]}))
    result = convert(path, "--config", config, "-o", out)
    assert "'conv1' kernel: expected shape [7, 7, 1, 8], found [7, 7, 3, 8]" in result.stderr


def test_weights_that_cannot_be_written_are_one_line(weights, tmp_path, monkeypatch):
    _, path, config = weights
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    result = convert(path, "--config", config, "-o", folder)
    assert result.exit_code == 2
    assert "found a folder" in result.stderr

    def full(*_values, **_named):
        raise SafetensorError("no space left")

    monkeypatch.setattr("onebody.models.spnet.store.save_file", full)
    result = convert(path, "--config", config, "-o", tmp_path / "m.safetensors")
    assert result.exit_code == 2
    assert "m.safetensors: the weights cannot be written: no space left" in result.stderr
    assert [found.name for found in tmp_path.glob("*.safetensors*")] == [folder.name]


def test_other_files_are_no_converted_weights(tmp_path):
    path = tmp_path / "m.safetensors"
    with pytest.raises(ValueError, match="found no file"):
        load_spnet(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="expected weights"):
        load_spnet(path)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="found others"):
        load_spnet(path)
    save_file({"a": torch.zeros(1)}, path, metadata={"spnet": SMALL.model_dump_json()})
    with pytest.raises(ValueError, match="do not fit"):
        load_spnet(path)
