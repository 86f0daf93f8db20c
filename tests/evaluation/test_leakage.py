import numpy as np
import pytest

from onebody.data import make_table
from onebody.evaluation import LeakageError, Split, check_leakage


def parts(text):
    """One letter per row: t(raining), v(alidation), e(valuated), - unused."""
    letters = np.array(list(text))
    return Split(train=letters == "t", validation=letters == "v", test=letters == "e")


def make(sources, **given):
    return make_table("set", {"rgb": sources}, **given)


def four(**given):
    return make([f"{i}.mp4" for i in range(4)], **given)


def test_part_numbers_the_parts():
    assert parts("tve-").part.tolist() == [0, 1, 2, -1]


def test_rows_that_have_nothing_in_common_may_be_divided():
    check_leakage(four(), parts("ttve"))
    check_leakage(four(group=["a", "a", "b", "c"]), parts("ttve"))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tevv", r"group 'a' stands in training \(set:0\) and test \(set:1\)"),
        ("tvee", r"group 'a' stands in training \(set:0\) and validation \(set:1\)"),
        ("evtt", r"group 'a' stands in validation \(set:1\) and test \(set:0\)"),
    ],
)
def test_a_divided_group_is_named(text, names):
    with pytest.raises(LeakageError, match=names):
        check_leakage(four(group=["a", "a", "", ""]), parts(text))


def test_unknown_groups_are_not_equal():
    check_leakage(four(group=["", "", "", ""]), parts("tvee"))


def test_unused_rows_do_not_leak():
    check_leakage(four(group=["a", "a", "b", "b"]), parts("t-e-"))


def test_subjects_are_looked_at_where_asked():
    table = four(subject=["1", "1", "2", "2"])
    check_leakage(table, parts("tete"))
    with pytest.raises(LeakageError, match=r"subject '1' stands in training .* and test"):
        check_leakage(table, parts("tete"), subjects=True)
    check_leakage(table, parts("tvee"), subjects=True)  # validation within training subjects
    with pytest.raises(LeakageError, match=r"subject '2'"):
        check_leakage(table, parts("ttve"), subjects=True)


def test_subjects_that_are_unknown_cannot_be_kept_apart():
    table = four(subject=["1", "", "2", "2"])
    with pytest.raises(ValueError, match=r"set:1 names no subject \(1 rows\)"):
        check_leakage(table, parts("ttee"), subjects=True)
    check_leakage(table, parts("t-ee"), subjects=True)


@pytest.mark.parametrize(
    ("spans", "leaks"),
    [
        ([(0, 2), (1, 3)], True),
        ([(0, 2), (2, 3)], False),  # they touch
        ([(0, 9), (3, 4)], True),
        ([(np.nan, np.nan), (3, 4)], True),  # all of it
        ([(np.nan, 3), (3, np.nan)], False),
        ([(5, 6), (0, 4)], False),
    ],
)
def test_overlapping_spans_of_one_medium(spans, leaks):
    start, end = zip(*spans, strict=True)
    table = make(["a.mp4", "a.mp4"], start_s=start, end_s=end)
    if leaks:
        with pytest.raises(LeakageError, match=r"spans of 'a\.mp4' stand in training \(set:0\)"):
            check_leakage(table, parts("te"))
    else:
        check_leakage(table, parts("te"))


def test_the_same_span_in_different_media_is_fine():
    check_leakage(make(["a.mp4", "b.mp4"], start_s=[0, 0], end_s=[2, 2]), parts("te"))


def test_overlap_within_one_part_is_fine():
    check_leakage(make(["a.mp4"] * 2, start_s=[0, 1], end_s=[2, 3]), parts("tt"))


def test_a_long_early_span_is_not_forgotten():
    # The second training row ends before the test row begins; the first does not.
    table = make(["a.mp4"] * 3, start_s=[0, 1, 5], end_s=[9, 2, 6])
    with pytest.raises(LeakageError, match=r"training \(set:0\) and test \(set:2\)"):
        check_leakage(table, parts("tte"))


def test_a_further_view_of_another_modality_counts():
    table = make_table("set", {"rgb": ["a.mp4", ""], "rgb/2": ["", "a.mp4"]})
    with pytest.raises(LeakageError, match=r"'a\.mp4'"):
        check_leakage(table, parts("te"))


@pytest.mark.parametrize(
    ("sources", "leaks"),
    [
        (["a.npy#0:10", "a.npy#10:20"], False),
        (["a.npy#0:10", "a.npy#9:20"], True),
        (["a.npy#0:10", "a.npy"], True),
        (["a.npy#:10", "a.npy#10:"], False),
        (["a.npz#x", "a.npz#y"], False),
        (["a.npz#x", "a.npz#x"], True),
    ],
)
def test_arrays_are_compared_by_rows(sources, leaks):
    if leaks:
        with pytest.raises(LeakageError):
            check_leakage(make(sources), parts("te"))
    else:
        check_leakage(make(sources), parts("te"))


@pytest.mark.parametrize(
    ("sources", "leaks"),
    [
        (["v/img_%05d.jpg#1:6", "v/img_%05d.jpg#6:9"], False),
        (["v/img_%05d.jpg#1:7", "v/img_%05d.jpg#6:9"], True),
        (["v/img_%05d.jpg#1:7", "v/flow_x_%05d.jpg#6:9"], True),  # the same moments
        (["v/img_%05d.jpg", "v/img_%05d.jpg#6:9"], True),
        (["v/", "v/img_%05d.jpg#6:9"], True),
        (["v/img_%05d.jpg", "w/img_%05d.jpg"], False),
        (["v/100%.mp4", "v/100%.mp4"], True),
    ],
)
def test_numbered_pictures_are_compared_by_number(sources, leaks):
    if leaks:
        with pytest.raises(LeakageError, match="overlapping spans of 'v"):
            check_leakage(make(sources), parts("te"))
    else:
        check_leakage(make(sources), parts("te"))


@pytest.mark.parametrize("other", ["./a/b.mp4", "a//b.mp4", "a/c/../b.mp4"])
def test_one_file_spelled_twice_is_one_medium(other):
    with pytest.raises(LeakageError, match=r"spans of 'a/b\.mp4'"):
        check_leakage(make(["a/b.mp4", other]), parts("te"))


@pytest.mark.parametrize(("fps", "leaks"), [(10.0, False), (np.nan, True)])
def test_seconds_within_an_array_need_its_clock(fps, leaks):
    table = make(
        ["a.npy#0:40", "a.npy#0:40"], start_s=[0, 2], end_s=[2, 4], fps=np.array([fps, fps])
    )
    if leaks:
        with pytest.raises(LeakageError):
            check_leakage(table, parts("te"))
    else:
        check_leakage(table, parts("te"))


def test_a_row_in_two_parts_is_named():
    both = np.array([True, False, False, False])
    with pytest.raises(LeakageError, match="set:0 is in two parts"):
        check_leakage(four(), Split(train=both, validation=~both, test=both))


def test_a_split_of_another_table_is_refused():
    with pytest.raises(ValueError, match="split of 2 rows for a table of 4"):
        check_leakage(four(), parts("te"))


def test_many_faults_are_counted():
    table = make([f"{i}.mp4" for i in range(10)], group=list("abcdeabcde"))
    with pytest.raises(LeakageError, match=r"'a' .*'b' .*'c' .* and 2 more\. Give rows"):
        check_leakage(table, parts("ttttteeeee"))


def test_many_windows_of_one_array_are_checked_quickly():
    count = 20_000
    sources = [f"a.npy#{i}:{i + 1}" for i in range(count)]
    check_leakage(make(sources), parts("te" * (count // 2)))
