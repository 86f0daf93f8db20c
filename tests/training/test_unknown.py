import numpy as np
import pytest
from tiny_training import ROWS

from onebody.data import ClassColumn, make_table
from onebody.evaluation import marked
from onebody.labels import LabelSpace, symmetric
from onebody.training import build_sources
from onebody.training.unknown import hold_out

TASKS = {
    "action": "classification",
    "gesture": "classification",
    "movement": {"kind": "union", "of": ["action", "gesture"]},
}


def table(**columns):
    labels = {
        "action": ClassColumn(
            values=np.array([0, 1, 2, -1, 1]),
            space=LabelSpace(
                "actions",
                ("left", "right", "sit"),
                {"left": "right", "right": "left", "sit": "sit"},
            ),
        ),
        "gesture": ClassColumn(
            values=np.array([-1, -1, -1, 0, -1]), space=symmetric("gestures", ("wave", "clap"))
        ),
        "kind": ClassColumn(
            values=np.array([0, 0, 0, 1, 0]), space=symmetric("kinds", ("action", "gesture"))
        ),
    }
    return make_table("set", {"rgb": ["x.mp4"] * 5}, columns=labels | columns)


def test_classes_go_and_their_rows_are_marked():
    (made,) = hold_out([table()], {"action": ["right"]}, ["kind"])
    action = made.columns["action"]
    assert action.space.classes == ("left", "sit")
    assert action.values.tolist() == [0, -1, 1, -1, -1]
    assert action.space.mirror == {"left": None, "sit": "sit"}
    assert marked(made).tolist() == [False, True, False, False, True]
    assert made.columns["gesture"].values.tolist() == [-1, -1, -1, 0, -1]
    assert made.columns["kind"].values.tolist() == [0, -1, 0, 1, -1]


def test_nothing_to_hold_out_changes_nothing():
    given = table()
    assert hold_out([given], {})[0] is given
    assert not marked(given).any()


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        ({"action": ["lefft"]}, "Did you mean 'left'"),
        ({"actions": ["left"]}, "'unknown' names 'actions', .* Did you mean 'action'"),
        ({"gesture": ["wave", "clap"]}, "every class"),
    ],
)
def test_what_cannot_be_held_out_is_named(unknown, message):
    with pytest.raises(ValueError, match=message):
        hold_out([table()], unknown)


def test_a_column_of_that_name_is_in_the_way():
    other = ClassColumn(values=np.zeros(5, np.int64), space=symmetric("u", ("yes",)))
    with pytest.raises(ValueError, match="has a column 'unknown' of its own"):
        hold_out([table(unknown=other)], {"action": ["left"]})


def test_held_out_rows_never_reach_training(tiny, tmp_path):
    data = {"kind": "tiny", "folder": str(tmp_path / "media"), "labels": "one"}
    split = {"validation": {"subject": ["s1"]}, "test": {"subject": ["s3"]}}
    changes = {"tasks": TASKS, "data": [{"dataset": data, "batch_size": 8}], "split": split}
    before = build_sources(tiny(**changes))
    after = build_sources(tiny(**changes, unknown={"gesture": ["green"]}))
    greens = {}
    for part, sources in before.splits.items():
        column = sources[0].table.columns["gesture"]
        greens[part] = int((column.values == column.space.index("green")).sum())
    assert greens["train"] > 0
    assert greens["test"] > 0
    for part in ("train", "validation"):
        assert after.rows[part] == before.rows[part] - greens[part]
        assert not any(marked(source.table).any() for source in after.splits[part])
        assert sum(len(s.table) for s in after.splits[part]) == after.rows[part]
    assert after.rows["test"] == before.rows["test"] - greens["test"]
    assert after.rows["unknown"] == greens["test"]
    (test,) = after.splits["test"]
    assert marked(test.table).sum() == greens["test"]
    assert len(test.table) == before.rows["test"]
    assert after.tasks["gesture"].classes == ("red", "blue")
    assert after.tasks["movement"].num_outputs == 4
    assert after.rows["unlabeled"] == before.rows["unlabeled"]
    assert "unknown" not in before.rows
    assert sum(after.rows.values()) < ROWS
