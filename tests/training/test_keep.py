"""Few labels per class: which, how many, and of which groups."""

import numpy as np
import pytest

from onebody.data import ClassColumn, make_table
from onebody.labels import LabelSpace
from onebody.training.keep import KeepConfig, keep_few
from onebody.training.sources import build_sources

ROWS = 24


def table(groups=None):
    """24 rows of 3 classes in turn, the last 6 unlabeled; a second column labels every row."""
    values = np.arange(ROWS) % 3
    values[18:] = -1
    columns = {
        "action": ClassColumn(values=values, space=LabelSpace("a", ("x", "y", "z"))),
        "gesture": ClassColumn(values=np.zeros(ROWS, np.int64), space=LabelSpace("g", ("wave",))),
    }
    return make_table(
        "few", {"rgb": ["a.mp4"] * ROWS}, columns=columns, group=groups or [""] * ROWS
    )


def kept(config, *, groups=None, trains=None, seed=0):
    rows = np.ones(ROWS, bool) if trains is None else trains
    return keep_few(table(groups), config, rows, seed)


@pytest.mark.parametrize(("count", "left"), [(1, 3), (2, 6), (6, 18), (50, 18)])
def test_each_class_keeps_so_many(count, left):
    few = kept(KeepConfig(column="action", per_class=count))
    labels = few.columns["action"].values
    assert (labels >= 0).sum() == left
    assert np.bincount(labels[labels >= 0]).tolist() == [left // 3] * 3
    assert few.labeled("gesture").all()


def test_labels_outside_training_stay():
    trains = np.arange(ROWS) < 9
    few = kept(KeepConfig(column="action", per_class=1), trains=trains)
    assert few.labeled("action")[9:18].all()
    assert few.labeled("action")[:9].sum() == 3


def test_fewer_labels_are_among_more():
    sets = [
        set(np.flatnonzero(kept(KeepConfig(column="action", per_class=n)).labeled("action")))
        for n in (1, 2, 4)
    ]
    assert sets[0] < sets[1] < sets[2]


def test_a_draw_depends_on_seed_and_number_alone():
    def rows(draw, seed):
        config = KeepConfig(column="action", per_class=2, draw=draw)
        return np.flatnonzero(kept(config, seed=seed).labeled("action")).tolist()

    assert rows(0, 0) == rows(0, 0)
    assert len({tuple(rows(draw, seed)) for draw in (0, 1, 2) for seed in (0, 1)}) == 6


def test_groups_give_one_clip_each_before_a_second():
    groups = [f"g{row // 9}" if row < 18 else "" for row in range(ROWS)]  # two of three per class
    for draw in range(5):
        two = kept(KeepConfig(column="action", per_class=2, draw=draw), groups=groups)
        rows = np.flatnonzero(two.labeled("action"))
        for label in range(3):
            own = rows[rows % 3 == label]
            assert {groups[row] for row in own} == {"g0", "g1"}
        three = kept(KeepConfig(column="action", per_class=3, draw=draw), groups=groups)
        assert three.labeled("action").sum() == 9


def test_rows_without_a_group_stand_alone():
    groups = ["g" if row < 15 else "" for row in range(ROWS)]
    for draw in range(5):
        two = kept(KeepConfig(column="action", per_class=2, draw=draw), groups=groups)
        assert two.labeled("action")[15:18].all()  # beside the one group, one row of each class


def test_a_column_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"'keep':.*'acton'.*Did you mean 'action'"):
        kept(KeepConfig(column="acton", per_class=1))


def test_training_keeps_few_and_drops_bare_rows(tiny):
    few = {"data.0.keep": {"column": "gesture", "per_class": 1, "draw": 2}}
    changes = [f"{key}={value}" for key, value in few.items()]
    whole = build_sources(tiny().only(["gesture"])).rows
    assert whole == {"train": 16, "validation": 4, "test": 4, "unlabeled": 0}
    rows = build_sources(tiny(changes).only(["gesture"])).rows
    assert rows == {"train": 3, "validation": 4, "test": 4, "unlabeled": 13}
    joint = build_sources(tiny(changes)).splits["train"][0].table
    assert len(joint) == 16  # they carry other labels
    assert joint.labeled("gesture").sum() == 3


def test_hide_and_keep_of_one_column_contradict(tiny):
    both = [
        "data.0.keep={column: gesture, per_class: 1}",
        "data.0.hide={columns: [gesture], share: 0.5}",
    ]
    with pytest.raises(ValueError, match="'hide' and 'keep' both say"):
        tiny(both)
    apart = tiny([both[0], "data.0.hide={columns: [action], share: 0.5}"])
    table = build_sources(apart).splits["train"][0].table
    assert (table.labeled("gesture").sum(), table.labeled("action").sum()) == (3, 8)
