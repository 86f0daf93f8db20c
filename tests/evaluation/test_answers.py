import math

import numpy as np
import pytest
import torch
from torch import nn

from onebody.data import ClassColumn, InputSpec, JointsColumn, Source, make_table
from onebody.evaluation import evaluate, evaluating, figures, fuse_clips, score
from onebody.labels import symmetric
from onebody.metrics import Results
from onebody.models import Network
from onebody.tasks import (
    ClassificationConfig,
    Pose2DConfig,
    UnionConfig,
    build_tasks,
    resolve_tasks,
)

ROWS, FRAMES, JOINTS = 6, 4, 16
ACTIONS, GESTURES = [0, 1, -1, 2, 0, -1], [-1, -1, 1, -1, -1, 0]


@pytest.fixture
def table(tmp_path):
    """Six clips of four frames; each has an action or a gesture, the even ones joints."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "frames.npy", rng.integers(0, 255, (ROWS * FRAMES, 8, 8, 3), np.uint8))
    joints = rng.uniform(0.5, 7.5, (ROWS * FRAMES, JOINTS, 3))
    joints[..., 2] = 1.0
    joints[:FRAMES, 3] = np.nan
    np.save(tmp_path / "joints.npy", joints.astype(np.float32))
    spans = [f"#{i * FRAMES}:{(i + 1) * FRAMES}" for i in range(ROWS)]
    labeled = [f"{tmp_path}/joints.npy{s}" if i % 2 == 0 else "" for i, s in enumerate(spans)]
    return make_table(
        "clips",
        {"rgb": [f"{tmp_path}/frames.npy{s}" for s in spans]},
        columns={
            "action": ClassColumn(values=np.array(ACTIONS), space=symmetric("a", list("xyz"))),
            "gesture": ClassColumn(values=np.array(GESTURES), space=symmetric("g", list("pq"))),
            "pose": JointsColumn(sources=np.array(labeled), skeleton="mpii-16", unit="px"),
        },
        fps=[10.0] * ROWS,
    )


@pytest.fixture
def tasks(table):
    configs = {
        "action": ClassificationConfig(),
        "gesture": ClassificationConfig(),
        "pose": Pose2DConfig(),
        "any": UnionConfig(of=("action", "gesture")),
    }
    return build_tasks(resolve_tasks(configs, [table]))


class Knowing(Network):
    """Says what the targets say, and remembers how it was asked."""

    causal = False

    def __init__(self, tasks, wrong_rows=()):
        super().__init__()
        self.tasks = tasks
        self.norm = nn.BatchNorm1d(1)
        self.other = nn.Dropout()
        self.wrong_rows = set(wrong_rows)
        self.asked = []
        self.modes = []

    def forward(self, batches, rows=None):
        self.modes.append((self.training, torch.is_inference_mode_enabled()))
        self.modes.append(torch.is_autocast_enabled("cpu"))
        (batch,), (asked,) = batches, rows
        outputs = {}
        for name, mask in asked.items():
            self.asked.append((name, batch.context.row[mask].tolist()))
            value = batch.targets[name].select(mask).value
            if self.tasks[name].form != "joints":
                wrong = [int(r) in self.wrong_rows for r in batch.context.row[mask]]
                value = (value + torch.tensor(wrong).long()) % self.tasks[name].num_outputs
                value = 9.0 * nn.functional.one_hot(value, self.tasks[name].num_outputs).float()
                if self.tasks[name].form == "frames":
                    value = value.unsqueeze(1).repeat(1, batch.num_frames, 1)
            outputs[name] = (torch.full_like(value, math.nan), value)  # only the last counts
        return [outputs]

    def stream(self, frame, state):
        raise NotImplementedError

    def shared(self, tasks):
        return []


def source_of(table, tasks, size=2, frames=FRAMES):
    return Source(
        table=table,
        spec=InputSpec(size=8, frames=frames),
        targets=tuple(task.target_spec(table) for task in tasks.values()),
        batch_size=size,
    )


def test_perfect_answers_are_perfect_whatever_the_batch(table, tasks):
    for size in (1, 4, 6):
        results = evaluate(Knowing(tasks), source_of(table, tasks, size))
        assert list(results) == ["action", "gesture", "pose", "any"]
        assert score(tasks, results) == pytest.approx(1.0)
        assert figures(tasks, results)["pose"]["error"] == pytest.approx(0.0, abs=1e-5)


def test_each_task_is_asked_of_its_labeled_rows_alone(table, tasks):
    network = Knowing(tasks)
    results = evaluate(network, source_of(table, tasks, 6))
    assert dict(network.asked) == {
        "action": [0, 1, 3, 4],
        "gesture": [2, 5],
        "pose": [0, 2, 4],
        "any": [0, 1, 2, 3, 4, 5],
    }
    assert results["action"].row.tolist() == [0, 1, 3, 4]
    assert results["pose"].row.tolist() == [0] * 4 + [2] * 4 + [4] * 4
    assert results["action"].target.tolist() == [0, 1, 2, 0]


def test_batches_without_a_label_are_not_run(table, tasks):
    network = Knowing(tasks)
    evaluate(network, source_of(table, tasks, 1), tasks=["gesture"])
    assert network.asked == [("gesture", [2]), ("gesture", [5])]


def test_a_task_that_nobody_is_labeled_for_has_no_entry(table, tasks):
    some = table.select(np.array([0, 1]))
    results = evaluate(Knowing(tasks), source_of(some, tasks))
    assert list(results) == ["action", "pose", "any"]


def test_wrong_rows_are_counted(table, tasks):
    results = evaluate(Knowing(tasks, wrong_rows=[3]), source_of(table, tasks))
    found = figures(tasks, results)
    assert found["action"]["top1"] == pytest.approx(3 / 4)
    assert found["gesture"]["top1"] == 1.0
    assert found["any"]["top1"] == pytest.approx(5 / 6)
    assert score(tasks, results) == pytest.approx((3 / 4 + 1 + 1 + 5 / 6) / 4)


def test_an_unknown_task_is_named(table, tasks):
    with pytest.raises(ValueError, match=r"Unknown task 'actoin'\. Did you mean 'action'"):
        evaluate(Knowing(tasks), source_of(table, tasks), tasks=["actoin"])


def test_rows_are_numbered_through_several_sources(table, tasks):
    one, two = table.select(np.arange(2)), table.select(np.arange(2, 6))
    network = Knowing(tasks)
    results = evaluate(network, [source_of(one, tasks), source_of(two, tasks)])
    whole = evaluate(network, source_of(table, tasks))
    for name in whole:
        assert results[name].row.tolist() == whole[name].row.tolist()
        np.testing.assert_array_equal(results[name].target, whole[name].target)


@pytest.mark.parametrize("clips", [2, 3])
def test_several_clips_give_one_answer_per_row(table, tasks, clips):
    network = Knowing(tasks)
    results = evaluate(network, source_of(table, tasks, 4, frames=2), clips=clips)
    assert len(network.asked) == clips * 4 * 2  # four tasks in each of two groups of rows
    assert results["action"].row.tolist() == [0, 1, 3, 4]
    assert results["action"].prediction.sum(1) == pytest.approx(1.0)
    assert len(results["pose"]) == 3 * 2 * clips
    assert score(tasks, results) == pytest.approx(1.0)


def test_several_clips_of_answers_per_frame_give_one_per_row(table):
    configs = {
        "action": ClassificationConfig(per_frame=True),
        "gesture": ClassificationConfig(per_frame=True),
        "any": UnionConfig(of=("action", "gesture")),
    }
    tasks = build_tasks(resolve_tasks(configs, [table]))
    results = evaluate(Knowing(tasks), source_of(table, tasks, 4, frames=2), clips=2)
    assert results["any"].row.tolist() == list(range(6))
    assert results["any"].prediction.shape == (6, 5)
    assert score(tasks, results) == pytest.approx(1.0)


def test_clips_are_averaged_wherever_they_stand():
    results = Results(
        prediction=np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]], np.float32),
        target=np.array([0, 1, 0, 1]),
        row=np.array([7, 2, 7, 2]),
    )
    averaged = fuse_clips(results)
    assert averaged.row.tolist() == [2, 7]
    assert averaged.target.tolist() == [1, 0]
    np.testing.assert_allclose(averaged.prediction, [[0.4, 0.6], [0.6, 0.4]], rtol=1e-6)


def test_clips_of_a_row_must_agree():
    results = Results(
        prediction=np.full((2, 2), 0.5), target=np.array([0, 1]), row=np.array([4, 4])
    )
    with pytest.raises(ValueError, match="row 4 have different labels"):
        fuse_clips(results)


def test_modes_come_back_module_by_module(table, tasks):
    network = Knowing(tasks)
    network.train()
    network.norm.eval()  # frozen on purpose
    evaluate(network, source_of(table, tasks, 6))
    assert network.modes[0] == (False, True)
    assert network.training
    assert network.other.training
    assert not network.norm.training
    assert not torch.is_inference_mode_enabled()


def test_modes_come_back_after_an_error(tasks):
    network = Knowing(tasks).train()

    def fail():
        with evaluating(network):
            assert not network.other.training
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert network.other.training


@pytest.mark.parametrize("bf16", [False, True])
def test_half_precision_is_a_choice(table, tasks, bf16):
    network = Knowing(tasks)
    results = evaluate(network, source_of(table, tasks, 6), bf16=bf16)
    assert network.modes[1] is bf16
    assert results["action"].prediction.dtype == np.float32
    assert score(tasks, results) == pytest.approx(1.0)
