import math

import numpy as np
import pytest
import torch
from torch import nn

from onebody.data import ClassColumn, InputSpec, Source, make_table
from onebody.evaluation import UNKNOWN, ViewsConfig, evaluate, without_task
from onebody.labels import symmetric
from onebody.models import Calibration
from onebody.models.base import Network
from onebody.tasks import (
    ClassificationConfig,
    RoutedConfig,
    UnionConfig,
    WhichConfig,
    build_tasks,
    resolve_tasks,
)

ROWS = 8
# By row: what the picture's brightness makes the network say; the last two rows are of neither.
ACTIONS = np.array([0, 1, 0, -1, -1, -1, -1, -1])
GESTURES = np.array([-1, -1, -1, 0, 1, 1, -1, -1])


class Told(Network):
    """Says what the test wrote down for each row: joint probabilities ``[ROWS, C]``."""

    def __init__(self, tasks, probabilities):
        super().__init__()
        self.tasks, self.causal = tasks, False
        self.register_buffer("said", torch.tensor(probabilities).log())
        self.drop = nn.Dropout()
        self.asked = set()

    def forward(self, batches, rows=None):
        made = []
        for batch, asked in zip(batches, rows, strict=True):
            self.asked |= {(n, int(r)) for n, m in asked.items() for r in batch.context.row[m]}
            made.append({n: (self.said[batch.context.row[m]],) for n, m in asked.items()})
        return made

    def stream(self, frame, state):
        raise NotImplementedError

    def shared(self, tasks):
        raise NotImplementedError


def column(values, classes):
    return ClassColumn(values=np.array(values, np.int64), space=symmetric("labels", classes))


@pytest.fixture
def media(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((1, 8, 8, 3), np.uint8))
    return [str(tmp_path / "x.npy")] * ROWS


def build(media, configs, **columns):
    labels = {
        "action": column(ACTIONS, ["walk", "sit"]),
        "gesture": column(GESTURES, ["wave", "clap"]),
    }
    table = make_table("set", {"rgb": media}, columns=labels | columns)
    plain = {"action": ClassificationConfig(), "gesture": ClassificationConfig()}
    tasks = build_tasks(resolve_tasks(plain | configs, [table]))
    targets = tuple(task.target_spec(table) for task in tasks.values())
    spec = InputSpec(size=8, frames=1)
    return tasks, [Source(table=table, spec=spec, targets=targets, batch_size=3)]


UNION = {"any": UnionConfig(of=("action", "gesture"))}
SAID = [
    [0.7, 0.1, 0.1, 0.1],  # walk: right
    [0.1, 0.3, 0.5, 0.1],  # sit: a gesture is said, but of the actions the right one
    [0.1, 0.6, 0.2, 0.1],  # walk: wrong
    [0.1, 0.1, 0.8, 0.0],  # wave: right
    [0.1, 0.1, 0.2, 0.6],  # clap: right
    [0.4, 0.2, 0.1, 0.3],  # clap: an action is said
    [0.3, 0.3, 0.2, 0.2],  # none
    [0.3, 0.1, 0.55, 0.05],  # none, but sure
]
SAID = np.maximum(SAID, 1e-6).astype(np.float32)


def test_the_same_rows_with_and_without_the_task(media):
    mark = column([-1] * 6 + [0, 0], [UNKNOWN])
    tasks, sources = build(media, UNION, **{UNKNOWN: mark})
    calibration = {"any": Calibration(temperature=1.0, threshold=0.45)}
    found = without_task(Told(tasks, SAID), sources, calibration)["any"]
    whole, action, gesture = (found.parts[name] for name in ("all", "action", "gesture"))
    assert (whole.rows, action.rows, gesture.rows, found.neither) == (6, 3, 3, 2)
    assert (whole.given, whole.without) == (pytest.approx(5 / 6), pytest.approx(3 / 6))
    assert (action.given, action.without, action.gap) == pytest.approx((2 / 3, 1 / 3, 1 / 3))
    assert (gesture.given, gesture.without) == pytest.approx((1.0, 2 / 3))
    assert (action.router, gesture.router) == pytest.approx((2 / 3, 2 / 3))
    assert whole.answered == pytest.approx(3 / 6)
    assert found.rejected_known == pytest.approx(1 / 6)
    assert found.rejected_neither == 0.5
    # Scores of known clips .7 .5 .6 .8 .6 .4, of others .3 .55: 6 + 4 of 12 pairs in order.
    assert found.auroc == pytest.approx(10 / 12)
    assert found.fpr95 == 0.5
    assert found.threshold == 0.45


def test_unlabeled_rows_are_not_of_none(media):
    tasks, sources = build(media, UNION)  # nothing marks the last two rows
    network = Told(tasks, SAID)
    found = without_task(network, sources, {})["any"]
    assert found.neither == 0
    assert math.isnan(found.auroc)
    assert math.isnan(found.rejected_neither)
    assert (found.threshold, found.rejected_known) == (None, 0.0)
    assert network.asked == {("any", row) for row in range(6)}


def test_marked_rows_never_enter_the_accuracy(media):
    mark = column([-1] * 6 + [0, 0], [UNKNOWN])
    tasks, sources = build(media, UNION, **{UNKNOWN: mark})
    results = evaluate(Told(tasks, SAID), sources, tasks=["any"])["any"]
    assert results.row.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_routers_column_tells_of_none(media):
    configs = {
        "kind": WhichConfig(of=("action", "gesture"), column="kinds", none="idle"),
        "any": RoutedConfig(router="kind", of=("action", "gesture")),
    }
    kinds = column([0, 0, 0, 1, 1, 1, 2, -1], ["action", "gesture", "idle"])
    tasks, sources = build(media, configs, kinds=kinds)
    said = np.concatenate([SAID * 0.9, np.full((ROWS, 1), 0.1, np.float32)], axis=1)
    said[6] = [0.1, 0.1, 0.1, 0.1, 0.6]
    found = without_task(Told(tasks, said), sources, {})["any"]
    assert found.neither == 1  # the last row is not known to be of none
    assert found.rejected_neither == 1.0  # by the class, without any threshold
    assert found.rejected_known == 0.0
    assert found.parts["all"].rows == 6
    assert found.parts["all"].given == pytest.approx(5 / 6)
    assert found.auroc == 1.0


def test_the_temperature_is_applied(media):
    tasks, sources = build(media, UNION)
    cold = without_task(Told(tasks, SAID), sources, {})["any"]
    warm = without_task(Told(tasks, SAID), sources, {"any": Calibration(temperature=3.0)})["any"]
    assert cold.ece_after == pytest.approx(cold.ece_before, abs=1e-6)
    assert warm.ece_before == cold.ece_before
    assert abs(warm.ece_after - warm.ece_before) > 0.01
    assert warm.parts == cold.parts


def test_a_network_without_a_joint_answer_has_no_block(media):
    tasks, sources = build(media, {})
    assert without_task(Told(tasks, SAID), sources, {}) == {}


def test_several_clips_are_one_row(media):
    mark = column([-1] * 6 + [0, 0], [UNKNOWN])
    tasks, sources = build(media, UNION, **{UNKNOWN: mark})
    one = without_task(Told(tasks, SAID), sources, {})["any"]
    three = without_task(Told(tasks, SAID), sources, {}, clips=3)["any"]
    assert three.parts == one.parts
    assert three.neither == one.neither


def test_views_and_clips_are_joined_as_asked(media):
    mark = column([-1] * 6 + [0, 0], [UNKNOWN])
    tasks, sources = build(media, UNION, **{UNKNOWN: mark})
    one = without_task(Told(tasks, SAID), sources, {})["any"]
    views = ViewsConfig(flip=True, crops=2)
    same = without_task(Told(tasks, SAID), sources, {}, clips=2, views=views)["any"]
    assert same.parts == one.parts
    assert same.ece_after == pytest.approx(one.ece_after)
    product = views.model_copy(update={"fusion": "product"})
    sharp = without_task(Told(tasks, SAID), sources, {}, clips=2, views=product)["any"]
    assert sharp.parts == one.parts
    assert sharp.ece_after != pytest.approx(one.ece_after)
