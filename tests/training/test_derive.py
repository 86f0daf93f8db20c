import numpy as np
import pytest

from onebody.data import ClassColumn, JointsColumn, make_table
from onebody.labels import LabelSpace
from onebody.training.derive import DeriveConfig, with_classes

LEAVES = ("swipe left", "swipe right", "kick", "tick")
MIRROR = {"swipe left": "swipe right", "swipe right": "swipe left", "kick": "kick", "tick": None}
TREE = {"hand": ["tick", "swipe left", "swipe right"], "leg": ["kick"]}


def table(mirror=MIRROR):
    space = LabelSpace("moves", LEAVES, mirror)
    joints = JointsColumn(sources=np.array([""] * 4), skeleton="mpii-16", unit="px")
    action = ClassColumn(values=np.array([0, 2, -1, 3]), space=space)
    return make_table("set", {"rgb": ["a.mp4"] * 4}, columns={"action": action, "joints": joints})


def derive(own=None, name="part", column="action", tree=TREE):
    return with_classes(own or table(), name, DeriveConfig(column=column, tree=tree))


def test_a_class_follows_from_its_sub_class():
    found = derive().columns["part"]
    assert found.space.classes == ("hand", "leg")
    assert found.values.tolist() == [0, 1, -1, 0]


def test_the_finer_labels_may_be_hidden_without_the_class():
    own = derive().hide("action", np.array([True, True, False, False]))
    assert own.columns["action"].values.tolist() == [-1, -1, -1, 3]
    assert own.columns["part"].values.tolist() == [0, 1, -1, 0]


def test_mirrors_are_those_of_the_leaves():
    assert derive().columns["part"].space.mirror == {"hand": None, "leg": "leg"}
    sides = {"left": ["swipe left"], "right": ["swipe right"], "rest": ["kick", "tick"]}
    still = {**MIRROR, "tick": "tick"}
    found = derive(table(still), tree=sides).columns["part"].space
    assert found.mirror == {"left": "right", "right": "left", "rest": "rest"}
    assert derive(table({})).columns["part"].space.mirror == {}


def test_of_several_levels_the_topmost_is_taken():
    deep = {"hand": {"swipe": ["swipe left", "swipe right"], "draw": ["tick"]}, "kick": []}
    assert derive(tree=deep).columns["part"].space.classes == ("hand", "kick")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "action"}, "there is a column 'action' already"),
        ({"column": "acton"}, "Did you mean 'action'?"),
        ({"column": "joints"}, "Known: action"),
        ({"tree": {"leg": ["kick"], "hand": ["tick"]}}, "no place for swipe left, swipe right of"),
        (
            {"tree": {"leg": ["kik"], "hand": ["tick"]}},
            "'kik', which is no class of column 'action'",
        ),
    ],
)
def test_what_cannot_be_derived_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        derive(**changes)
