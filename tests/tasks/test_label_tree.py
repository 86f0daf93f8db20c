import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.tasks.label_tree import check_leaves, make_tree

TWO = {"arm": ["wave", "hammer"], "leg": ["kick"], "bend": []}
DEEP = {"arm": {"one": ["wave", "hammer"], "both": ["clap"]}, "leg": ["kick"]}


def test_nodes_are_leaves_and_then_classes():
    tree = make_tree("it", TWO)
    assert tree.leaves == ("wave", "hammer", "kick", "bend")
    assert tree.inner == ("arm", "leg")
    assert tree.above == (("arm",), ("arm",), ("leg",), (), (), ())
    assert tree.depth == 2
    assert tree.members().astype(int).tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [1, 1, 0, 0],
        [0, 0, 1, 0],
    ]


def test_levels_of_a_deep_tree():
    tree = make_tree("it", DEEP)
    assert tree.depth == 3
    assert tree.level(0) == ("arm", "leg")
    assert tree.level(1) == ("one", "both", "kick")  # a leaf above the level stands for itself
    assert tree.level(2) == tree.leaves == ("wave", "hammer", "clap", "kick")
    nodes = tree.nodes
    assert dict(zip(nodes, tree.on_level(1).tolist(), strict=True)) == {
        "wave": 0, "hammer": 0, "clap": 1, "kick": 2, "arm": -1, "one": 0, "both": 1, "leg": -1
    }  # fmt: skip


def test_two_labels_mean_the_finer_one_or_nothing():
    tree = make_tree("it", DEEP)
    joined, at = tree.joined(), tree.nodes.index
    assert joined[at("wave"), at("arm")] == at("wave")
    assert joined[at("arm"), at("one")] == at("one")
    assert joined[at("kick"), at("leg")] == joined[at("leg"), at("kick")] == at("kick")
    assert joined[at("wave"), at("leg")] == -1
    assert joined[at("one"), at("both")] == -1
    assert (np.diag(joined) == np.arange(len(tree.nodes))).all()
    assert (joined == joined.T).all()


def test_mirror_of_a_class_holds_the_mirror_images_of_its_leaves():
    sides = {
        "left": ["swipe left", "push left"],
        "right": ["swipe right", "push right"],
        "tick": [],
    }
    tree = make_tree("it", sides)
    image = {"tick": None}
    for what in ("swipe", "push"):
        image |= {f"{what} left": f"{what} right", f"{what} right": f"{what} left"}
    found = tree.mirror(image)
    assert tree.nodes[found[tree.nodes.index("left")]] == "right"
    assert tree.nodes[found[0]] == "swipe right"
    assert found[tree.nodes.index("tick")] == -1
    assert tree.mirror({}) is None
    image["push left"] = "push left"
    assert tree.mirror(image)[tree.nodes.index("left")] == -1


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ({"a": ["x", "y"], "b": ["x"]}, "places 'x' twice: a / x and b / x"),
        ({"a": ["x", "a"]}, "places 'a' twice: a and a / a"),
        ({"a": ["x"]}, "expected two leaves or more, found 1"),
        ({}, "expected two leaves or more, found 0"),
        ({"all": ["x", "y"]}, "everything under 'all', a class that says nothing"),
        ({"all": {"a": ["x"], "b": ["y"]}}, "everything under 'all'"),
        ({"a": "x"}, "expected under a a list of leaves or a mapping of classes, found 'x'"),
        ({"a": [1, "x"]}, "expected a name, found 1"),
        ({"a": {"b": ["x", 2.0]}}, "expected a name, found 2.0"),
    ],
)
def test_what_is_no_tree_is_refused(branches, message):
    with pytest.raises(ValueError, match=message):
        make_tree("it", branches)


def test_leaves_are_the_classes_and_no_others():
    tree = make_tree("it", TWO)
    check_leaves("it", tree, ("bend", "hammer", "kick", "wave"), "column 'action'")
    with pytest.raises(ValueError, match=r"leaf 'kick', which is no class of there. Did you mean"):
        check_leaves("it", tree, ("bend", "hammer", "kicks", "wave"), "there")
    with pytest.raises(ValueError, match="no place for run, jump of there"):
        check_leaves("it", tree, ("bend", "hammer", "kick", "wave", "run", "jump"), "there")


@given(
    st.recursive(st.just([]), lambda below: st.lists(below, min_size=1, max_size=3), max_leaves=9)
)
def test_any_shape_of_tree_keeps_its_sums(shape):
    count = iter(range(1000))

    def grow(node):
        return {f"n{next(count)}": grow(child) for child in node}

    branches = {"top": grow(shape), "other": []}
    tree = make_tree("it", branches)
    inside = tree.members()
    assert inside[: len(tree.leaves)].sum() == len(tree.leaves)
    for number in range(tree.depth):
        places = tree.on_level(number)[: len(tree.leaves)]
        assert set(places.tolist()) == set(range(len(tree.level(number))))  # all, none left out
    for node, path in enumerate(tree.above):
        for name in path:
            assert (inside[tree.nodes.index(name)] >= inside[node]).all()
