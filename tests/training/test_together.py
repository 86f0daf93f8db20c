import numpy as np
import pytest
from tiny_training import TinyConfig, build_tiny

from onebody.data import InputSpec, Source
from onebody.labels import UNLABELED
from onebody.tasks import build_tasks, resolve_tasks
from onebody.tasks.classification import ClassificationConfig
from onebody.tasks.union import UnionConfig
from onebody.training.together import apart, check_together

SPEC = InputSpec(size=16, frames=4)
CLASSES = {name: ClassificationConfig() for name in ("action", "gesture", "who")}


def source_of(folder, configs, labels="one", hidden=(), **changes):
    table = build_tiny(TinyConfig(folder=folder, labels=labels, **changes))
    for column in hidden:
        table = table.hide(column, np.ones(len(table), np.bool_))
    tasks = build_tasks(resolve_tasks(configs, [table]))
    return Source(
        table=table, spec=SPEC, targets=tuple(task.target_spec(table) for task in tasks.values())
    )


def test_tasks_meet_on_a_row_of_any_source(tmp_path):
    one = source_of(tmp_path, CLASSES)
    assert len(apart([one], list(CLASSES))) == 3
    both = source_of(tmp_path, CLASSES, labels="all", hidden=["who"])
    assert apart([one, both], list(CLASSES)) == [("action", "who"), ("gesture", "who")]
    assert apart([source_of(tmp_path, CLASSES, labels="all")], list(CLASSES)) == []


def test_a_task_without_labels_is_not_missed(tmp_path):
    source = source_of(tmp_path, CLASSES, without=("who",))
    assert (source.table.columns["who"].values == UNLABELED).all()
    assert apart([source], list(CLASSES)) == [("action", "gesture")]


def test_a_union_meets_its_parts(tmp_path):
    configs = {**CLASSES, "movement": UnionConfig(of=("action", "gesture"))}
    found = apart([source_of(tmp_path, configs)], list(configs))
    assert ("action", "movement") not in found
    assert ("gesture", "movement") not in found
    assert ("who", "movement") in found


def test_the_refusal_names_pairs_and_the_way_out(tmp_path):
    source = source_of(tmp_path, CLASSES)
    with pytest.raises(
        ValueError, match=r"'action' and 'gesture', 'action' and 'who', .*source=shared"
    ):
        check_together([source], list(CLASSES))
    check_together([source], ["action"])
