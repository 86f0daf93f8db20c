"""Label spaces, mirrors, and maps from one space to another."""

import numpy as np
import pytest

from onebody.labels import UNLABELED, LabelSpace, label_table, symmetric

SWIPES = LabelSpace(
    "swipes",
    ("left", "right", "wave", "tick"),
    {"left": "right", "right": "left", "wave": "wave", "tick": None},
)


def test_mirror_table_swaps_keeps_and_drops():
    assert SWIPES.mirror_table().tolist() == [1, 0, 2, UNLABELED]
    assert symmetric("s", ["a", "b"]).mirror_table().tolist() == [0, 1]


def test_a_mirror_that_nobody_stated_is_refused():
    with pytest.raises(ValueError, match="does not say what a mirror makes"):
        LabelSpace("s", ("left", "right")).mirror_table()


def test_mirror_of_the_mirror_is_the_class_itself():
    table = SWIPES.mirror_table()
    known = table != UNLABELED
    np.testing.assert_array_equal(table[table[known]], np.flatnonzero(known))


@pytest.mark.parametrize(
    ("classes", "mirror", "message"),
    [
        (("a", "a"), {}, "names classes twice: a"),
        (("a", "b"), {"a": "c", "b": "b"}, "the mirror names 'c'"),
        (("a", "b"), {"a": "a"}, "the mirror leaves out b"),
    ],
)
def test_contradictions_are_refused(classes, mirror, message):
    with pytest.raises(ValueError, match=message):
        LabelSpace("s", classes, mirror)


def test_index_names_the_nearest():
    assert SWIPES.index("wave") == 2
    with pytest.raises(ValueError, match="Did you mean 'wave'"):
        SWIPES.index("waves")


def test_label_table_follows_names_not_positions():
    target = LabelSpace("task", ("wave", "swipe"))
    places = {"left": "swipe", "right": "swipe", "wave": "wave", "tick": None}
    assert label_table(SWIPES, target, places).tolist() == [1, 1, 0, UNLABELED]


def test_equal_spaces_need_no_places():
    reordered = LabelSpace("other", ("wave", "tick", "right", "left"))
    assert label_table(SWIPES, reordered).tolist() == [3, 2, 0, 1]


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"left": "swipe"}, "without a place in 'task': right, wave, tick"),
        ({"lft": "swipe"}, "has no class 'lft'. Did you mean 'left'"),
        (
            {"left": "swip", "right": None, "wave": None, "tick": None},
            "'task' has no class 'swip'. Did you mean 'swipe'",
        ),
        (None, "without a place"),
    ],
)
def test_a_class_without_a_place_is_an_error(places, message):
    with pytest.raises(ValueError, match=message):
        label_table(SWIPES, LabelSpace("task", ("wave", "swipe")), places)
