import pytest
import torch
from safetensors.torch import load_file

from onebody.training import build_run, loop, train
from onebody.training.schedule import ScheduleConfig, rate_factor
from onebody.training.step import train_step

PARTS = "sharing.encoder.stem"


def steps_of(setup, count):
    """Train some steps; return what each taught."""
    taught = []
    for batches in setup.loader.epoch(0, 0):
        if len(taught) == count:
            break
        taught.append(set(train_step(setup, batches, len(taught)).losses))
    return taught


def changed(before, after):
    return {name for name, value in after.items() if not torch.equal(before[name], value)}


def test_stages_teach_their_tasks_and_leave_the_rest(tiny):
    stages = [{"share": 0.5, "tasks": ["pose"], "freeze": [PARTS]}]
    recipe = tiny(schedule={"steps": 2, "stages": stages})
    setup = build_run(recipe)
    setup.stages.training_mode()
    before = {name: value.clone() for name, value in setup.network.state_dict().items()}
    assert steps_of(setup, 1) == [{"pose"}]
    moved = changed(before, setup.network.state_dict())
    assert any(name.startswith("heads.pose") for name in moved)
    assert any(name.startswith("sharing.") for name in moved)
    assert not any(name.startswith((PARTS, "heads.action", "heads.who")) for name in moved)


def test_after_the_stages_everything_is_taught(tiny):
    stages = [{"share": 0.34, "tasks": ["pose"]}, {"share": 0.33, "freeze": [PARTS]}]
    setup = build_run(tiny(["data.0.batch_size=5"], schedule={"steps": 3, "stages": stages}))
    every = {"pose", "action", "gesture", "who"}
    assert steps_of(setup, 3) == [{"pose"}, every, every]
    stem = setup.network.get_submodule(PARTS)
    assert all(module.training for module in stem.modules())
    assert all(p.grad is not None for p in stem.parameters())


def test_a_training_with_stages_goes_on_where_it_stopped(tiny, tmp_path, monkeypatch):
    """It is killed in the second of six steps' stages, and reaches the weights of a whole one."""
    stages = [
        {"share": 0.34, "tasks": ["action"], "freeze": [PARTS]},
        {"share": 0.5, "tasks": ["pose"], "freeze": ["heads.action"]},
    ]
    recipe = tiny(["train.checkpoint_every=1"], schedule={"steps": 6, "stages": stages})
    train(recipe, tmp_path / "whole", progress=False)

    def killing(setup, batches, step):
        if step == 3:
            raise KeyboardInterrupt
        return train_step(setup, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", killing)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path / "killed", progress=False)
    train(recipe, tmp_path / "killed", progress=False)
    whole, killed = (
        load_file(tmp_path / name / "final" / "weights.safetensors") for name in ("whole", "killed")
    )
    assert changed(whole, killed) == set()


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([{"share": 0.6}, {"share": 0.6}], "add up to 1.2"),
        ([{"share": 0.5, "tasks": ["acton"]}], "Did you mean 'action'"),
        ([{"share": 0.5, "freeze": ["sharing.encodr"]}], "Did you mean 'sharing.encoder'"),
    ],
)
def test_impossible_stages_are_refused(tiny, stages, message):
    with pytest.raises(ValueError, match=message):
        build_run(tiny(schedule={"epochs": 1, "stages": stages}))


def test_milestones_take_the_place_of_the_cosine():
    config = ScheduleConfig(steps=10, warmup=0.0, milestones=(0.5, 0.8), gamma=0.1)
    rates = [rate_factor(step, 10, config) for step in range(10)]
    assert rates == pytest.approx([1.0] * 5 + [0.1] * 3 + [0.01] * 2)
    with pytest.raises(ValueError, match="must ascend between 0 and 1"):
        ScheduleConfig(steps=10, milestones=(0.8, 0.5))
