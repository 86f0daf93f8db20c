"""Soft labels: beside hard ones, mirrored with them, never instead of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from make_samples import SPEC, gesture_spec, sample_table

from onebody.data import AugmentConfig, Source, make_batch
from onebody.data.soft import SoftLabels, mirrored_soft, mixed_target, soft_labels
from onebody.data.store import save_table
from onebody.data.table import SoftColumn
from onebody.data.targets import labeled_rows
from onebody.labels import UNLABELED

MIRROR = np.array([1, 0, 2])


def softened(folder, mirror=MIRROR):
    """Six rows; 0 and 3 are labeled by hand, 1, 3 and 4 softly."""
    table = sample_table(folder)
    column = replace(
        table.columns["gesture"],
        values=np.array([0, UNLABELED, UNLABELED, 2, UNLABELED, UNLABELED]),
    )
    values = np.zeros((6, 3), np.float32)
    values[[1, 3, 4]] = (0.7, 0.2, 0.1)
    weight = np.array([0, 0.5, 0, 0.5, 0.25, 0], np.float32)
    table = replace(
        table,
        columns={**table.columns, "gesture": column},
        soft={"teacher": SoftColumn(values=values, weight=weight)},
    )
    return table, gesture_spec(soft="teacher", mirror=mirror)


def test_hard_labels_go_before_soft_ones(tmp_path):
    table, spec = softened(tmp_path)
    assert labeled_rows(table, spec).tolist() == [True, True, False, True, True, False]
    batch = make_batch(table, np.arange(6), SPEC, (spec,), augment=None)
    target = batch.targets["gesture"]
    assert target.present.tolist() == [True, True, False, True, True, False]
    assert target.weight is not None
    assert target.weight[target.present].tolist() == [1, 0.5, 1, 0.25]
    expected = [[1, 0, 0], [0.7, 0.2, 0.1], [0, 0, 1], [0.7, 0.2, 0.1]]
    torch.testing.assert_close(target.value[target.present], torch.tensor(expected))


def test_a_table_without_the_column_is_served_too(tmp_path):
    table, spec = softened(tmp_path)
    table = replace(table, columns={})
    batch = make_batch(table, np.arange(6), SPEC, (replace(spec, table=None),), augment=None)
    assert batch.targets["gesture"].present.tolist() == [False, True, False, True, True, False]


def test_rows_are_selected_with_their_soft_labels(tmp_path):
    table, spec = softened(tmp_path)
    part = table.select(np.array([4, 1]))
    assert part.soft["teacher"].weight.tolist() == [0.25, 0.5]
    assert Source(table=part, spec=SPEC, targets=(spec,)).groups()[0].tolist() == [0, 1]


def test_a_flip_moves_probabilities():
    labels = SoftLabels(
        value=np.array([[0.7, 0.2, 0.1]] * 2, np.float32), weight=np.ones(2, np.float32)
    )
    flip, soft = mirrored_soft(
        {"gesture": labels}, (gesture_spec(mirror=MIRROR),), np.array([True, False])
    )
    assert flip.tolist() == [True, False]
    np.testing.assert_allclose(soft["gesture"].value, [[0.2, 0.7, 0.1], [0.7, 0.2, 0.1]])


def test_a_class_without_mirror_image_keeps_soft_rows_as_they_are(tmp_path):
    table, spec = softened(tmp_path, mirror=np.array([1, 0, UNLABELED]))
    rows = np.arange(6)
    batch = make_batch(table, rows, SPEC, (spec,), augment=AugmentConfig(flip=1.0))
    assert batch.targets["gesture"].value[:2].argmax(1).tolist() == [1, 0]  # only row 0 is flipped
    table, spec = softened(tmp_path)
    batch = make_batch(table, rows, SPEC, (spec,), augment=AugmentConfig(flip=1.0))
    assert batch.targets["gesture"].value[:2].argmax(1).tolist() == [1, 1]


def test_targets_without_soft_labels_stay_as_they_were(tmp_path):
    table, spec = softened(tmp_path)
    hard = replace(spec, soft="")
    assert soft_labels(table, np.arange(6), (hard,), {}) == {}
    batch = make_batch(table, np.arange(6), SPEC, (hard,), augment=None)
    assert batch.targets["gesture"].value.dtype == torch.int64
    assert batch.targets["gesture"].weight is None


def test_the_soft_table_itself_is_not_written_to():
    labels = SoftLabels(value=np.full((1, 2), 0.5, np.float32), weight=np.ones(1, np.float32))
    mixed_target(np.array([1]), labels)
    assert labels.value.tolist() == [[0.5, 0.5]]


def test_faults_are_named(tmp_path):
    table, spec = softened(tmp_path)
    with pytest.raises(ValueError, match="Unknown soft labels of table 'made': 'teachr'"):
        Source(table=table, spec=SPEC, targets=(replace(spec, soft="teachr"),))
    with pytest.raises(ValueError, match=r"soft labels .teacher., which are made for one training"):
        save_table(table, tmp_path / "saved")
    short = SoftColumn(values=np.zeros((2, 3), np.float32), weight=np.zeros(6, np.float32))
    with pytest.raises(ValueError, match="column 'soft short' has 2 rows, expected 6"):
        replace(table, soft={"short": short})
