import json
import shutil

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from onebody.balancing.dwa import DWA
from onebody.data.folders import replace_folder, restore_folder
from onebody.training import checkpoint
from onebody.training.checkpoint import (
    Progress,
    load_resume,
    save_resume,
)
from onebody.training.ema import WeightAverage
from onebody.training.optimizer import AdamWConfig, SGDConfig, build_optimizer


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv3d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.absent = nn.Linear(4, 2)  # never gets a gradient
        self.scale = nn.Parameter(torch.tensor(1.0))  # no axes, as the optimizer's step count

    def forward(self, x):
        return self.norm(self.conv(x)).relu().mean((2, 3, 4)) * self.scale


def make_state(config):
    network = Net().to(memory_format=torch.channels_last_3d)
    return {
        "network": network,
        "optimizer": build_optimizer(config, network),
        "balancer": DWA(),
        "gradients": None,
        "average": WeightAverage(network, 0.9),
        "fingerprint": "abc",
    }


def run_steps(state, start, stop):
    for step in range(start, stop):
        torch.manual_seed(step)
        x = torch.randn(3, 2, 4, 6, 6).contiguous(memory_format=torch.channels_last_3d)
        state["optimizer"].zero_grad(set_to_none=True)
        loss = (state["network"](x) - torch.arange(4.0)).square().mean()
        weight = state["balancer"].weights(loss.detach()[None], None, ("a",))
        (loss * weight[0]).backward()
        state["optimizer"].step()
        state["average"].update(state["network"])
        if step % 2:
            state["balancer"].end_epoch()


@pytest.mark.parametrize("config", [AdamWConfig(lr=0.01), SGDConfig(lr=0.01)], ids=["adamw", "sgd"])
def test_going_on_equals_never_having_stopped(tmp_path, config):
    whole = make_state(config)
    run_steps(whole, 0, 8)
    first = make_state(config)
    run_steps(first, 0, 5)
    progress = Progress(step=5, epoch=1, step_in_epoch=2, best=0.5, failures=["a.mp4: empty"])
    save_resume(tmp_path / "resume", progress=progress, **first)
    second = make_state(config)
    assert load_resume(tmp_path / "resume", **second) == progress
    run_steps(second, 5, 8)
    for name, value in whole["network"].state_dict().items():
        assert torch.equal(second["network"].state_dict()[name], value), name
    for name, value in whole["average"].values.items():
        assert torch.equal(second["average"].values[name], value), name
    assert second["balancer"].state() == whole["balancer"].state()


def test_optimizer_state_keeps_the_layout_of_its_parameter(tmp_path):
    state = make_state(AdamWConfig())
    run_steps(state, 0, 2)
    save_resume(tmp_path / "resume", progress=Progress(step=2), **state)
    other = make_state(AdamWConfig())
    load_resume(tmp_path / "resume", **other)
    for owner in (state, other):
        moment = owner["optimizer"].state[owner["network"].conv.weight]["exp_avg"]
        assert moment.stride() == owner["network"].conv.weight.stride()
        assert owner["network"].absent.weight not in owner["optimizer"].state


def test_nothing_saved_yet(tmp_path):
    assert load_resume(tmp_path / "resume", **make_state(AdamWConfig())) is None


def test_another_recipe_is_refused(tmp_path):
    state = make_state(AdamWConfig())
    save_resume(tmp_path / "resume", progress=Progress(), **state)
    with pytest.raises(ValueError, match=r"another recipe \(abc, now xyz\)"):
        load_resume(tmp_path / "resume", **{**state, "fingerprint": "xyz"})


def test_another_layout_is_refused(tmp_path, monkeypatch):
    state = make_state(AdamWConfig())
    save_resume(tmp_path / "resume", progress=Progress(), **state)
    monkeypatch.setattr(checkpoint, "FORMAT", 2)
    with pytest.raises(ValueError, match="layout 1, expected 2"):
        load_resume(tmp_path / "resume", **state)


def test_nothing_is_pickled(tmp_path):
    save_resume(tmp_path / "resume", progress=Progress(), **make_state(AdamWConfig()))
    names = {path.name for path in (tmp_path / "resume").iterdir()}
    assert names == {
        "weights.safetensors",
        "average.safetensors",
        "optimizer.safetensors",
        "state.json",
    }
    json.loads((tmp_path / "resume" / "state.json").read_text())


def write_text(text):
    return lambda folder: (folder / "file").write_text(text)


@pytest.mark.parametrize("moment", ["while writing", "first move", "second move", "clearing"])
def test_killed_at_any_moment_leaves_a_whole_folder(tmp_path, monkeypatch, moment):
    folder = tmp_path / "model"
    replace_folder(folder, write_text("old"))
    real_rename, real_rmtree, moves = type(folder).rename, shutil.rmtree, []

    class Killed(BaseException):
        pass

    def rename(self, target):
        moves.append(target)
        if moment == "first move" or (moment == "second move" and len(moves) == 2):
            raise Killed
        return real_rename(self, target)

    def rmtree(path, **options):
        if moment == "clearing" and len(moves) == 2:
            raise Killed
        return real_rmtree(path, **options)

    def write(fresh):
        write_text("half")(fresh)
        if moment == "while writing":
            raise Killed
        write_text("new")(fresh)

    with monkeypatch.context() as patch:
        patch.setattr(type(folder), "rename", rename)
        patch.setattr(shutil, "rmtree", rmtree)
        with pytest.raises(Killed):
            replace_folder(folder, write)
    restore_folder(folder)
    expected = "new" if moment == "clearing" else "old"
    assert (folder / "file").read_text() == expected
    replace_folder(folder, write_text("later"))
    assert (folder / "file").read_text() == "later"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("damage", ["state cut", "state", "weights", "missing", "other"])
def test_a_damaged_checkpoint_is_named_with_the_remedy(tmp_path, damage):
    state, folder = make_state(AdamWConfig()), tmp_path / "resume"
    run_steps(state, 0, 2)
    save_resume(folder, progress=Progress(step=2), **state)
    weights = folder / "weights.safetensors"
    if damage == "state cut":
        (folder / "state.json").write_text((folder / "state.json").read_text()[:40])
    elif damage == "state":
        (folder / "state.json").write_text("[]")
    elif damage == "weights":
        weights.write_bytes(weights.read_bytes()[:50])
    elif damage == "missing":
        (folder / "optimizer.safetensors").unlink()
    else:
        save_file({"other": torch.zeros(1)}, weights)
    with pytest.raises(ValueError, match=r"resume: damaged, .* delete it to train anew") as found:
        load_resume(folder, **make_state(AdamWConfig()))
    assert "\n" not in str(found.value)
