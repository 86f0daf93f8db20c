"""`SampleTable` and `Batch`: selection, hidden labels, presence."""

import numpy as np
import pytest
import torch

from onebody.data import Batch, ClassColumn, Context, JointsColumn, Target, make_table
from onebody.labels import UNLABELED, LabelSpace

SPACE = LabelSpace("set", ("a", "b"))


def table():
    return make_table(
        "set",
        {"rgb": ["1.mp4", "2.mp4", "3.mp4"]},
        columns={
            "action": ClassColumn(values=np.array([0, UNLABELED, 1]), space=SPACE),
            "pose": JointsColumn(
                sources=np.array(["", "p.npy", "q.npy"]), skeleton="coco-17", unit="px"
            ),
        },
        subject=["x", "y", "x"],
    )


def test_labels_may_be_absent():
    assert table().labeled("action").tolist() == [True, False, True]
    assert table().labeled("pose").tolist() == [False, True, True]
    with pytest.raises(ValueError, match="no column 'actions'"):
        table().labeled("actions")


@pytest.mark.parametrize("rows", [np.array([True, False, True]), np.array([0, 2])])
def test_selection_takes_every_column_along(rows):
    some = table().select(rows)
    assert len(some) == 2
    assert some.media["rgb"].tolist() == ["1.mp4", "3.mp4"]
    assert some.columns["action"].values.tolist() == [0, 1]
    assert some.columns["pose"].sources.tolist() == ["", "q.npy"]
    assert some.subject.tolist() == ["x", "x"]
    assert some.row_names.tolist() == ["set:0", "set:2"]


def test_hiding_a_label_leaves_the_others():
    rows = np.array([False, False, True])
    hidden = table().hide("action", rows).hide("pose", rows)
    assert hidden.labeled("action").tolist() == [True, False, False]
    assert hidden.labeled("pose").tolist() == [False, True, False]
    assert table().labeled("action").tolist() == [True, False, True]  # the first one is as it was


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="'subject' has 2 rows, expected 1"):
        make_table("set", {"rgb": ["1.mp4"]}, subject=["x", "y"])
    with pytest.raises(ValueError, match="no column 'person'"):
        make_table("set", {"rgb": ["1.mp4"]}, person=["x"])


def batch():
    return Batch(
        inputs={"rgb": torch.zeros(3, 3, 2, 8, 8)},
        targets={
            "action": Target(
                value=torch.tensor([0, 0, 1]), present=torch.tensor([True, False, True])
            )
        },
        context=Context(
            row=torch.arange(3),
            times_s=torch.zeros(3, 2),
            crop_to_source=torch.zeros(3, 2, 3),
            camera=torch.zeros(3, 4),
            depth_ref_mm=torch.zeros(3),
        ),
    )


def test_presence_of_a_task_that_the_batch_does_not_know_is_nobody():
    found = batch().present(["action", "gesture"])
    assert found["action"].tolist() == [True, False, True]
    assert found["gesture"].tolist() == [False, False, False]
    assert len(batch()) == 3
    assert batch().num_frames == 2


def test_targets_and_context_select_rows_and_keep_what_is_none():
    rows = torch.tensor([True, False, True])
    target = batch().targets["action"].select(rows)
    assert target.value.tolist() == [0, 1]
    assert target.mask is None
    assert batch().context.select(rows).row.tolist() == [0, 2]
    assert batch().to("cpu").targets["action"].present.tolist() == [True, False, True]
