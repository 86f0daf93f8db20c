import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from onebody.balancing import BALANCERS
from onebody.models import load_network
from onebody.training import load_recipe, load_summary, loop, read_log, train


class Killed(BaseException):
    """Stands for a process that ends at once."""


def kill_at(monkeypatch, step):
    """Let the training die when it comes to a step."""
    real = loop.train_step

    def dying(setup, batches, number):
        if number == step:
            raise Killed
        return real(setup, batches, number)

    monkeypatch.setattr(loop, "train_step", dying)


def weights(folder: Path, name="final"):
    return load_file(folder / name / "weights.safetensors")


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def losses(folder: Path, task: str):
    return [line["loss"][task] for line in read_log(folder / "log.jsonl") if "loss" in line]


def test_a_run_leaves_everything_and_is_not_repeated(tiny, tmp_path, monkeypatch):
    recipe, folder = tiny(["train.ema=0.9", "train.clip_norm=1"]), tmp_path / "run"
    summary = train(recipe, folder, progress=False)
    names = {path.name for path in folder.iterdir()} - {".lock"}
    assert names == {"recipe.yaml", "log.jsonl", "model", "final", "resume", "summary.json"}
    assert load_recipe(str(folder)) == recipe
    assert load_summary(folder) == summary
    assert (summary.steps, summary.epochs, summary.seed) == (4, 2, 0)
    assert summary.rows == {"train": 16, "validation": 4, "test": 4, "unlabeled": 0}
    assert set(summary.test) == set(summary.validation) == {"pose", "action", "gesture", "who"}
    assert 0 <= summary.best <= 1
    assert summary.parameters > 0 < summary.macs
    lines = read_log(folder / "log.jsonl")
    assert [line["step"] for line in lines] == [1, 2, 2, 3, 4, 4]
    assert summary.best == max(line["monitor"] for line in lines if "monitor" in line)
    saved = load_network(folder / "model")
    assert list(saved.network.tasks) == list(recipe.tasks)
    assert saved.notes["step"] == summary.best_step
    assert saved.input == recipe.input
    monkeypatch.setattr(loop, "build_run", None)
    assert train(recipe, folder, progress=False) == summary


@pytest.mark.parametrize("balancer", ["dwa", "automatic", "gradvac"])
@pytest.mark.parametrize("every", ["null", "4"])
def test_a_killed_run_reaches_the_same_weights(tiny, tmp_path, monkeypatch, balancer, every):
    """Ten steps equal five, a kill within an epoch, and the rest; whenever it was saved."""
    recipe = tiny(
        [
            "train.ema=0.8",
            f"balancer={balancer}",
            f"gradient={'{every: 3}' if balancer == 'gradvac' else 'null'}",
            f"train.checkpoint_every={every}",
            "data.0.batch_size=6",  # 3 steps an epoch, the last of which takes rows of the next
            "augment={flip: 0.0, brightness: [0.5, 1.5], translate: 0.1}",
            "network.encoder.dropout=0.2",
        ],
        schedule={"steps": 10},
    )
    whole = train(recipe, tmp_path / "whole", progress=False)
    with monkeypatch.context() as patch:
        kill_at(patch, 5)
        with pytest.raises(Killed):
            train(recipe, tmp_path / "killed", progress=False)
    assert load_summary(tmp_path / "killed") is None
    resumed = train(recipe, tmp_path / "killed", progress=False)
    for name in ("final", "model"):
        assert_same(weights(tmp_path / "whole", name), weights(tmp_path / "killed", name))
    raw = [load_file(tmp_path / n / "resume" / "weights.safetensors") for n in ("whole", "killed")]
    assert_same(*raw)
    assert (resumed.best, resumed.best_step) == (whole.best, whole.best_step)
    assert resumed.test == whole.test
    states = [
        json.loads((tmp_path / n / "resume" / "state.json").read_text())
        for n in ("whole", "killed")
    ]
    assert states[0]["balancer"] == states[1]["balancer"]
    assert states[0]["gradients"] == states[1]["gradients"]
    steps = [line["step"] for line in read_log(tmp_path / "killed" / "log.jsonl") if "loss" in line]
    assert steps == sorted(set(steps))
    assert steps[-1] == 10


def test_a_run_killed_before_its_first_checkpoint_begins_anew(tiny, tmp_path, monkeypatch):
    recipe = tiny(schedule={"steps": 3})
    with monkeypatch.context() as patch:
        kill_at(patch, 1)
        with pytest.raises(Killed):
            train(recipe, tmp_path / "run", progress=False)
    train(recipe, tmp_path / "run", progress=False)
    train(recipe, tmp_path / "other", progress=False)
    assert_same(weights(tmp_path / "run"), weights(tmp_path / "other"))


def test_workers_change_nothing(tiny, tmp_path):
    for number in (0, 1):
        train(
            tiny([f"train.workers={number}"], schedule={"steps": 3}),
            tmp_path / f"run{number}",
            progress=False,
        )
    assert_same(weights(tmp_path / "run0"), weights(tmp_path / "run1"))


def test_folders_of_others_are_refused(tiny, tmp_path):
    train(tiny(schedule={"steps": 1}), tmp_path / "run", progress=False)
    with pytest.raises(ValueError, match="run of another recipe"):
        train(tiny(["train.seed=1"], schedule={"steps": 1}), tmp_path / "run", progress=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(ValueError, match="not empty and holds no run"):
        train(tiny(), tmp_path / "mine", progress=False)


def test_a_start_that_fails_leaves_the_folder_to_the_corrected_recipe(tiny, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ValueError, match="sound"):
        train(tiny(["input.modality=sound"]), folder, progress=False)
    assert [path.name for path in folder.iterdir()] == [".lock"]
    recipe = tiny(schedule={"steps": 1})
    assert train(recipe, folder, progress=False).steps == 1
    # A run that is there keeps its recipe, whatever fails when it is taken up again.
    (folder / "summary.json").unlink()
    (folder / "resume" / "state.json").write_text("{}")
    with pytest.raises(ValueError, match=r"resume: damaged, .*'format'.*delete it to train anew"):
        train(recipe, folder, progress=False)
    assert load_recipe(str(folder)) == recipe


def test_a_first_step_that_fails_leaves_the_folder_too(tiny, tmp_path, monkeypatch):
    folder = tmp_path / "run"

    def fail(*_):
        raise ValueError("a sample cannot be read")

    with monkeypatch.context() as patched:
        patched.setattr("onebody.training.loop.train_step", fail)
        with pytest.raises(ValueError, match="cannot be read"):
            train(tiny(), folder, progress=False)
    assert [path.name for path in folder.iterdir()] == [".lock"]
    assert train(tiny(schedule={"steps": 1}), folder, progress=False).steps == 1


def test_a_damaged_summary_is_named(tiny, tmp_path):
    folder = tmp_path / "run"
    train(tiny(schedule={"steps": 1}), folder, progress=False)
    text = (folder / "summary.json").read_text()
    (folder / "summary.json").write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match=r"summary\.json: damaged, expected JSON"):
        load_summary(folder)


MAY_BE_NEGATIVE = ("aligned-mtl", "imtl-g")


@pytest.mark.parametrize("kind", BALANCERS)
def test_every_balancer_trains_on_one_label_per_sample(tiny, tmp_path, kind):
    balancer = {"kind": kind, "weights": {"pose": 2.0}} if kind == "fixed" else kind
    recipe = tiny(
        ["data.0.dataset.labels=one", "data.0.batch_size=4", "train.clip_norm=5"],
        balancer=balancer,
        schedule={"steps": 12},
    )
    summary = train(recipe, tmp_path / "run", progress=False)
    lines = [line for line in read_log(tmp_path / "run" / "log.jsonl") if "loss" in line]
    seen = {task for line in lines for task in line["loss"]}
    assert seen == set(recipe.tasks)
    # Few steps of four rows hold all four tasks: absent ones have neither loss nor weight.
    assert any(len(line["loss"]) < 4 for line in lines)
    assert all(line["loss"].keys() == line["weight"].keys() for line in lines)
    assert all(loss is not None and loss >= 0 for line in lines for loss in line["loss"].values())
    weighed = [weight for line in lines for weight in line["weight"].values()]
    assert all(weight is not None for weight in weighed)
    assert kind in MAY_BE_NEGATIVE or min(weighed) >= 0
    if BALANCERS[kind].summary.endswith("from gradients"):
        pairs = {pair for line in lines for pair in line["cosine"]}
        assert "action-pose" in pairs
        assert all(-1.001 <= c <= 1.001 for line in lines for c in line["cosine"].values())
    assert summary.empty_steps == 0
    assert all(bool(value.isfinite().all()) for value in weights(tmp_path / "run").values())


def test_a_tiny_set_is_learned_by_heart(tiny, tmp_path):
    recipe = tiny(
        ["tasks.who=null", "optimizer.lr=0.01", "train.validate_every=1000"],
        schedule={"steps": 60},
    )
    train(recipe, tmp_path / "run", progress=False)
    for task in recipe.tasks:
        found = losses(tmp_path / "run", task)
        assert sum(found[-5:]) < 0.3 * sum(found[:5]), task


def test_a_task_without_labels_changes_nothing(tiny, tmp_path):
    """Its head stays as it was drawn, and every other weight is the same to the last bit."""
    unlabeled = "data.0.dataset.without=[who]"
    with_task = tiny([unlabeled, "train.clip_norm=1"], schedule={"steps": 4})
    names = list(with_task.tasks)
    first = tiny(
        [unlabeled, "train.clip_norm=1"],
        schedule={"steps": 4},
        tasks={
            "who": "classification",
            **{n: with_task.tasks[n].kind for n in names if n != "who"},
        },
    )
    for name, recipe in {
        "without": with_task.only([n for n in names if n != "who"]),
        "last": with_task,
        "first": first,
    }.items():
        train(recipe, tmp_path / name, progress=False)
    expected = weights(tmp_path / "without")
    start = loop.build_run(with_task).network.state_dict()
    for name in ("last", "first"):
        found = weights(tmp_path / name)
        assert_same({key: found[key] for key in expected}, expected)
        extra = found.keys() - expected.keys()
        assert extra
        assert all(key.startswith("heads.who.") for key in extra)
        assert_same({k: found[k] for k in extra}, {k: start[k] for k in extra})


def test_losses_that_are_no_number_name_task_and_rows(tiny, tmp_path, monkeypatch):
    recipe = tiny(["data.0.batch_size=16"])
    real = type(loop.build_run(recipe).network.tasks["action"]).loss

    def loss(self, output, target):
        found = real(self, output, target)
        return (
            torch.where(torch.arange(len(found)) == 1, torch.nan, found)
            if (self.name == "action")
            else found
        )

    monkeypatch.setattr(type(loop.build_run(recipe).network.tasks["action"]), "loss", loss)
    with pytest.raises(
        ValueError, match=r"Step 0: the loss is not finite: 'action' for tiny:\d+\."
    ):
        train(recipe, tmp_path / "run", progress=False)


def test_unreadable_samples_stop_or_are_skipped_and_named(tiny, tmp_path):
    broken = ["data.0.dataset.broken=[3, 5]"]
    with pytest.raises(ValueError, match=r"tiny:[35].*gone\.npy"):
        train(tiny(broken), tmp_path / "stop", progress=False)
    summary = train(tiny([*broken, "train.on_error=skip"]), tmp_path / "skip", progress=False)
    assert len(summary.failures) == 2
    assert all("gone.npy" in failure for failure in summary.failures)


def test_without_validation_the_last_weights_are_kept(tiny, tmp_path):
    recipe = tiny(["split={}", "train.ema=0.9"], schedule={"steps": 3})
    summary = train(recipe, tmp_path / "run", progress=False)
    assert summary.best is None
    assert (summary.best_step, summary.validation, summary.test) == (3, {}, {})
    assert summary.rows["train"] == 24
    assert_same(weights(tmp_path / "run", "model"), weights(tmp_path / "run", "final"))


def test_the_average_is_what_is_saved(tiny, tmp_path):
    train(tiny(["train.ema=0.9"], schedule={"steps": 3}), tmp_path / "run", progress=False)
    average = load_file(tmp_path / "run" / "resume" / "average.safetensors")
    raw = load_file(tmp_path / "run" / "resume" / "weights.safetensors")
    saved = weights(tmp_path / "run")
    for name, value in saved.items():
        assert torch.equal(value, average.get(name, raw[name])), name
    assert any(not torch.equal(average[name], raw[name]) for name in average)


def test_monitoring_one_metric(tiny, tmp_path):
    recipe = tiny(["train.monitor=pose/error"])
    summary = train(recipe, tmp_path / "run", progress=False)
    lines = [x for x in read_log(tmp_path / "run" / "log.jsonl") if "monitor" in x]
    assert summary.best == min(line["monitor"] for line in lines)  # lower is better
    with pytest.raises(ValueError, match="Unknown metric of task 'pose'"):
        train(tiny(["train.monitor=pose/eror"]), tmp_path / "other", progress=False)


def test_a_score_says_what_it_leaves_out(tiny, tmp_path, capsys):
    train(tiny(["data.0.dataset.without=[who]"], schedule={"steps": 1}), tmp_path / "run")
    shown = capsys.readouterr().err
    assert "(no labels of who), the best so far" in shown
    assert "samples/s" in shown


def test_bfloat16_and_frozen_parts(tiny, tmp_path):
    recipe = tiny(
        ["train.bf16=true", "optimizer.freeze=[sharing.encoder.stem]"], schedule={"steps": 2}
    )
    train(recipe, tmp_path / "run", progress=False)
    start, end = loop.build_run(recipe).network.state_dict(), weights(tmp_path / "run")
    for name, value in end.items():
        assert value.dtype == start[name].dtype
        if name.startswith("sharing.encoder.stem."):
            assert torch.equal(value, start[name]), name
    assert any(not torch.equal(end[name], start[name]) for name in end)


def test_starting_from_a_saved_network(tiny, tmp_path):
    train(tiny(schedule={"steps": 2}), tmp_path / "first", progress=False)
    init = f"train.init={tmp_path / 'first' / 'model'}"
    recipe = tiny([init], schedule={"steps": 1}).only(["action"])
    setup = loop.build_run(recipe)
    assert_same(
        setup.network.state_dict(),
        {
            name: value
            for name, value in weights(tmp_path / "first", "model").items()
            if not name.startswith("heads.") or name.startswith("heads.action.")
        },
    )
    assert any("not used: heads.pose" in line for line in setup.loaded)
    assert train(recipe, tmp_path / "second", progress=False).loaded == tuple(setup.loaded)
    other = tiny([init, "network.encoder.stem=4", "network.encoder.widths=[5, 7]"])
    assert any("another shape" in line for line in loop.build_run(other).loaded)


def test_twins_leave_out_what_has_no_label_of_theirs(tiny, tmp_path):
    recipe = tiny(["data.0.dataset.labels=one"], schedule={"steps": 2})
    summary = train(recipe.only(["action"]), tmp_path / "run", progress=False)
    assert summary.rows == {"train": 4, "validation": 4, "test": 0, "unlabeled": 16}
    assert set(summary.validation) == {"action"}
