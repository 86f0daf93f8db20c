"""What one network was taught, and what another is tested on."""

import numpy as np
import pytest

from onebody.data import make_table
from onebody.evaluation import LeakageError
from onebody.evaluation.apart import check_apart


def clips(*sources, name="set", modality="rgb", **given):
    return make_table(name, {modality: sources}, **given)


def test_other_recordings_pass():
    check_apart([clips("a.mp4", "b.mp4")], [clips("c.mp4"), clips("d.npy#0:5")])
    check_apart([], [clips("a.mp4")])
    check_apart([clips("a.mp4")], [])


@pytest.mark.parametrize("spelling", ["b.mp4", "./b.mp4", "x/../b.mp4"])
def test_a_recording_of_both_sides_is_named(spelling):
    with pytest.raises(LeakageError, match=r"b.mp4' stand in training \(set:1\) and test \(other:"):
        check_apart([clips("a.mp4", "b.mp4")], [clips("c.mp4", spelling, name="other")])


def test_ranges_of_one_array_may_be_apart():
    check_apart([clips("a.npy#0:5")], [clips("a.npy#5:9")])
    with pytest.raises(LeakageError, match="overlapping"):
        check_apart([clips("a.npy#0:5")], [clips("a.npy#4:9")])


def test_spans_of_one_video_may_be_apart():
    first = clips("a.mp4", start_s=[0.0], end_s=[2.0], fps=[10.0])
    check_apart([first], [clips("a.mp4", start_s=[2.0], end_s=[3.0], fps=[10.0])])
    with pytest.raises(LeakageError):
        check_apart([first], [clips("a.mp4", start_s=[1.0], end_s=[3.0], fps=[10.0])])


def test_tables_need_not_have_the_same_media():
    depth = clips("d.mp4", modality="depth")
    check_apart([clips("a.mp4"), depth], [clips("c.mp4")])
    with pytest.raises(LeakageError, match=r"d\.mp4"):
        check_apart([clips("a.mp4"), depth], [clips("d.mp4", modality="depth")])


def test_groups_and_subjects_count_within_one_dataset():
    taught = clips("a.mp4", group=["g1"], subject=["7"])
    with pytest.raises(LeakageError, match="group 'set/g1'"):
        check_apart([taught], [clips("b.mp4", group=["g1"])])
    check_apart(
        [taught], [clips("b.mp4", group=["g1"], subject=["7"], name="other")], subjects=True
    )
    again = clips("b.mp4", subject=["7"])
    check_apart([taught], [again])
    with pytest.raises(LeakageError, match="subject 'set/7'"):
        check_apart([taught], [again], subjects=True)


def test_the_tables_stay_as_they_were():
    table = clips("a.mp4", group=["g"])
    check_apart([table], [clips("b.mp4")])
    assert table.media["rgb"].tolist() == ["a.mp4"]
    assert np.array_equal(table.group, ["g"])
