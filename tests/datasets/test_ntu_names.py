"""Names, protocols and the list of missing skeletons of NTU RGB+D."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_damage import damaged
from ntu_texts import write_missing

from onebody.datasets.defects import ManifestError
from onebody.datasets.ntu_names import (
    CLASSES,
    MISSING_LISTS,
    TRAIN_SUBJECTS,
    Name,
    parse_name,
    read_missing,
)

SOME = ["S001C002P005R002A008", "S017C003P020R002A060"]


def test_a_name_says_it_all():
    name = parse_name("S018C003P046R002A119")
    assert name == Name(setup=18, camera=3, subject=46, replication=2, action=119)
    assert name.performance == "S018P046R002A119"
    assert [name.split(p) for p in ("xsub", "xview", "xset")] == ["train", "train", "train"]
    assert (name.is_of(60), name.is_of(120)) == (False, True)
    early = parse_name("S001C001P003R001A060")
    assert [early.split(p) for p in ("xsub", "xview", "xset")] == ["test"] * 3
    assert early.is_of(60)


@pytest.mark.parametrize(
    "text",
    [
        *("", "S001C001P001R001A001_rgb", "s001c001p001r001a001", "S001C001P001R001A000"),
        *("S033C001P001R001A001", "S001C004P001R001A001", "S001C001P107R001A001"),
        *("S001C001P001R003A001", "S001C001P001R001A121", "S1C1P1R1A1"),
    ],
)
def test_other_names_are_none(text):
    assert parse_name(text) is None


def test_classes_and_protocols_are_those_of_the_papers():
    assert len(CLASSES) == len(set(CLASSES)) == 120
    assert (CLASSES[0], CLASSES[59], CLASSES[119][:14]) == (
        "drink water",
        "walking apart from each other",
        "finger-guessin",
    )
    assert len([subject for subject in TRAIN_SUBJECTS if subject <= 40]) == 20
    assert len(TRAIN_SUBJECTS) == len(set(TRAIN_SUBJECTS)) == 53


def test_a_list(tmp_path):
    assert read_missing(write_missing(tmp_path, SOME)) == set(SOME)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 of the", "3 of the", r":1: expected 3 names, as the first line says, found 2"),
        ("2 of the", "Some of the", r":1: expected a number of names"),
        (SOME[1], SOME[0], r":5: expected every name once, found S001.* at line 4 as well"),
        (SOME[1], SOME[1][:-1], r":5: expected a name SsssCcccPpppRrrrAaaa, found 'S017"),
    ],
)
def test_lists_that_are_not_whole_are_named(tmp_path, old, new, message):
    file = write_missing(tmp_path, SOME)
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ManifestError, match=message):
        read_missing(file)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_damaged_lists_are_named_or_read_whole(tmp_path_factory, data):
    file = write_missing(tmp_path_factory.mktemp("lists"), SOME)
    file.write_bytes(data.draw(damaged(file.read_bytes())))
    try:
        names = read_missing(file)
    except ManifestError as error:
        assert error.defect.file == str(file)  # noqa: PT017
        return
    assert len(names) == 2
    assert all(parse_name(name) for name in names)


def test_official_lists(shared):
    folder = shared / "data" / "formats" / "ntu"
    names = {classes: read_missing(folder / file) for classes, file in MISSING_LISTS.items()}
    assert {classes: len(found) for classes, found in names.items()} == {60: 302, 120: 535}
    assert names[60] < names[120]
    assert all(parse_name(name).is_of(60) for name in names[60])
