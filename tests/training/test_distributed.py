import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import plain, read

from onebody.training import build_run, save_recipe
from onebody.training.distributed import World, distributed, joined, summed, wait

SCRIPT = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
from tiny_training import TinyConfig, build_tiny
from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.training import load_recipe, loop, train
from safetensors.torch import save_file

DATASETS["tiny"] = Factory(config=TinyConfig, build=build_tiny, summary="")
folder = Path(sys.argv[1])
real = loop.build_run

def build(recipe, world):
    setup = real(recipe, world)
    build.setup = setup
    return setup

loop.build_run = build
train(load_recipe(str(folder / "recipe.yaml")), folder / "run", progress=False)
setup = build.setup
save_file(
    {{name: value.contiguous() for name, value in setup.network.state_dict().items()}},
    folder / f"rank{{setup.world.rank}}.safetensors",
)
"""


def test_alone_nothing_is_started(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined(cuda=False) as world:
        assert world == World(rank=0, size=1, local_rank=0)
        assert world.leads
        values = torch.tensor([1.0, 2.0])
        assert summed(values, world).tolist() == [1.0, 2.0]
        network = torch.nn.Linear(1, 1)
        assert distributed(network, world) is network
        wait(world)
    assert not torch.distributed.is_initialized()


@pytest.mark.slow
@pytest.mark.parametrize("sharing", ["hard", "learned"])
def test_two_processes_train_one_network(tiny, tmp_path, sharing):
    """Both end with the same weights; steps in which one of them has no label do not hang."""
    values = plain(tmp_path)
    values["data"][0] |= {"batch_size": 2}
    values["data"][0]["dataset"] |= {"labels": "one", "without": ["who"]}
    values["network"]["sharing"] = sharing
    values["schedule"] = {"steps": 8}
    values["train"] |= {"clip_norm": 1.0, "ema": 0.9}
    values["balancer"] = "automatic"
    recipe = read(values)
    save_recipe(recipe, tmp_path / "recipe.yaml")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent)))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (load_file(tmp_path / f"rank{rank}.safetensors") for rank in range(2))
    for name, value in first.items():
        # Batch norms keep each process's own statistics until the next forward.
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(value, second[name]), name
    lines = [json.loads(x) for x in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert any(len(line["loss"]) == 1 for line in lines if "loss" in line)
    start = build_run(recipe).network.state_dict()
    for name, value in first.items():
        if name.startswith("heads.who."):
            assert torch.equal(value, start[name]), name
    assert any(not torch.equal(first[name], start[name]) for name in first)
