"""Recipes whose tasks are judged on people whom training has seen, or has not."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_training import TinyConfig, build_tiny, plain, read

from onebody.config import Factory
from onebody.datasets import DATASETS
from onebody.evaluation import task_protocols
from onebody.training import build_sources
from onebody.training.summary import protocols_of


@pytest.fixture
def values(tmp_path, monkeypatch):
    tiny = Factory(config=TinyConfig, build=build_tiny, summary="for tests")
    monkeypatch.setitem(DATASETS, "tiny", tiny)
    found = plain(tmp_path)
    found["split"] = {"test": {"subject": ["s0"]}, "seen_share": 0.34}
    found["judged_on"] = {"action": "unseen", "who": "seen"}
    return found


def test_test_rows_keep_the_labels_of_their_people(values):
    found = build_sources(read(values))
    table = found.splits["test"][0].table
    unseen = table.subject == "s0"
    assert unseen.sum() == 6
    assert (~unseen).sum() == 6  # two of six rows of each of three people
    np.testing.assert_array_equal(table.labeled("action"), unseen)
    np.testing.assert_array_equal(table.labeled("who"), ~unseen)
    assert table.labeled("gesture").all()
    train = found.splits["train"][0].table
    assert train.labeled("action").all()
    assert train.labeled("who").all()
    said = protocols_of(found.tasks, found.splits)["test"]
    assert (said["action"]["people"], said["action"]["seen"]) == (1, 0)
    assert (said["who"]["people"], said["who"]["seen"]) == (3, 3)
    assert said["who"]["majority"] == pytest.approx(1 / 3)


def test_a_single_task_twin_is_judged_on_the_same_rows(values):
    recipe = read(values)
    twin = recipe.only(["who"])
    assert twin.judged_on == {"who": "seen"}
    joint, own = (build_sources(r).splits["test"][0].table for r in (recipe, twin))
    assert set(own.row_names.tolist()) == set(joint.row_names[joint.labeled("who")].tolist())
    assert not recipe.only(["gesture"]).judged_on


def test_the_fingerprint_knows_of_it(values):
    own = read(values).fingerprint()
    assert read({**values, "judged_on": {}}).fingerprint() != own
    assert read({**values, "split": {**values["split"], "seen_share": 0.0}}).fingerprint() != own


def test_names_and_values_are_checked(values):
    with pytest.raises(ValueError, match="'judged_on' names the task 'acton'"):
        read({**values, "judged_on": {"acton": "seen"}})
    with pytest.raises(ValueError, match="judged_on"):
        read({**values, "judged_on": {"action": "some"}})


def test_both_columns_of_a_tree_are_judged_on_the_same_rows(values):
    actions = build_sources(read(values)).tasks["action"].classes
    tree = {"first": list(actions[:1]), "others": list(actions[1:])}
    values["data"][0]["derive"] = {"kind_of": {"column": "action", "tree": tree}}
    values["tasks"]["action"] = {"kind": "tree", "class_column": "kind_of", "tree": tree}
    table = build_sources(read(values)).splits["test"][0].table
    for column in ("action", "kind_of"):
        np.testing.assert_array_equal(table.labeled(column), table.subject == "s0")


def test_the_majority_of_a_tree_is_that_of_its_leaves(values):
    values["data"][0]["derive"] = {
        "place": {"column": "who", "tree": {"near": ["a", "b"], "far": ["c", "d"]}}
    }
    tree = values["data"][0]["derive"]["place"]["tree"]
    tasks = {
        "tree": {"kind": "tree", "column": "who", "class_column": "place", "tree": tree},
        "who": "classification",
        "place": "classification",
        "two": {"kind": "consistency", "coarse": "place", "fine": "who", "tree": tree},
    }
    found = build_sources(read({**values, "tasks": tasks, "judged_on": {}}))
    (source,) = found.splits["test"]
    alone = source.table.subject != "s0"  # rows of which the class alone is known
    bare = replace(source, table=source.table.hide("who", alone))
    said = task_protocols(found.tasks, [bare], found.splits["train"])
    assert set(said) == {"tree", "who", "place"}
    assert said["tree"] == said["who"]
    assert (said["tree"].rows, said["tree"].majority) == (6, 1.0)
    assert said["place"].rows == 12


def test_tasks_of_one_column_are_judged_alike(values):
    values["tasks"]["again"] = {"kind": "classification", "column": "action"}
    with pytest.raises(ValueError, match="several tasks read column 'action'"):
        build_sources(read(values))


def test_a_test_without_such_people_is_refused(values):
    values["split"]["seen_share"] = 0.0
    said = r"'who' is judged on seen people, .* \(6 rows of others\)\. .*seen_share"
    with pytest.raises(ValueError, match=said):
        build_sources(read(values))


def test_a_union_is_judged_by_its_parts(values):
    values["tasks"]["any"] = {"kind": "union", "of": ["action", "gesture"]}
    values["judged_on"] = {"any": "seen"}
    with pytest.raises(ValueError, match="'any' is made of other tasks' labels"):
        build_sources(read(values))
