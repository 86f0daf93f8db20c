"""Joint layouts of COCO files: believed where names and order are those of a layout."""

from pathlib import Path

import pytest

from onebody.datasets.coco_layout import layout_of, person_categories, plain
from onebody.skeletons import SKELETONS

FILE = Path("a.json")


def long(joint):
    return joint.replace("l_", "left_", 1).replace("r_", "Right ", 1) if joint[1] == "_" else joint


@pytest.mark.parametrize("name", SKELETONS)
def test_names_in_a_layout_s_order(name):
    assert layout_of(FILE, [long(joint) for joint in SKELETONS[name].joints], "") == name


def test_spelling():
    assert [plain(n) for n in ("Left-Ankle", "root (pelvis)", " nose ")] == [
        "l_ankle",
        "root",
        "nose",
    ]


def test_names_in_another_order_are_not_believed():
    names = [long(joint) for joint in SKELETONS["coco-17"].joints]
    names[1], names[2] = names[2], names[1]
    with pytest.raises(
        ValueError, match=r"a\.json: expected 'l_eye' as joint 1, as coco-17 has it"
    ):
        layout_of(FILE, names, "")
    assert layout_of(FILE, names, "coco-17") == "coco-17"


@pytest.mark.parametrize(
    ("names", "stated", "words"),
    [
        (["a", "b"], "", "found a, b. State 'skeleton'. Layouts of 2 joints: none."),
        ([f"j{i}" for i in range(17)], "", "Layouts of 17 joints: coco-17"),
        ([], "", "found no names. State 'skeleton'."),
        (["nose"], "coco-17", "the 17 joints of coco-17, found 1 names"),
        ([], "coco-71", "coco-17"),
    ],
)
def test_names_of_no_layout(names, stated, words):
    with pytest.raises(ValueError, match=r"coco|json") as caught:
        layout_of(FILE, names, stated)
    assert words in str(caught.value)


def test_the_people_s_category():
    person = {"id": 1, "name": "person", "keypoints": ["nose"]}
    assert person_categories(FILE, [{"id": 2, "name": "cat"}, person]) == (
        frozenset({1}),
        ("nose",),
    )
    assert person_categories(FILE, [{"id": 3, "name": "human", "keypoints": ["a"]}])[1] == ("a",)
    assert person_categories(FILE, None) == person_categories(FILE, []) == (None, ())
    animals = [{"id": i, "name": f"a{i}", "keypoints": ["x"]} for i in (1, 2)]
    for bad, words in (
        (animals, "one category 'person', found"),
        ({}, "a list 'categories'"),
        ([{**person, "keypoints": "nose"}], "names as"),
        ([{**person, "id": None}], "'id'"),
    ):
        with pytest.raises(ValueError, match=words):
            person_categories(FILE, bad)
