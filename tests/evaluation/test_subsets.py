"""Some media of a network shown, the others hidden from the test rows."""

import numpy as np
import pytest

from onebody.data import ClassColumn, InputSpec, Source, TargetSpec, make_table
from onebody.data.views import View
from onebody.evaluation.stress import stress_names
from onebody.evaluation.subsets import all_subsets, media_of, with_media
from onebody.evaluation.views import check_views
from onebody.labels import LabelSpace

DEPTH = InputSpec(modality="depth", size=16, frames=2)
BODY = InputSpec(modality="skeleton", skeleton="kinect-20", frames=2)
WORN = InputSpec(modality="imu", frames=4)


def source(*also: InputSpec) -> Source:
    table = make_table(
        "made",
        {"depth": ["a", "", "c"], "skeleton": ["d", "e", ""], "imu": ["", "", "f"]},
        columns={"act": ClassColumn(values=np.arange(3), space=LabelSpace("s", ("a", "b", "c")))},
        layouts={"skeleton": "kinect-20"},
        fps=[10.0] * 3,
    )
    target = TargetSpec(task="act", column="act", form="class", table=np.arange(3))
    return Source(
        table=table, spec=DEPTH.model_copy(update={"also": also}), targets=(target,), batch_size=2
    )


def test_subsets_go_from_single_media_to_all() -> None:
    found = all_subsets(("depth", "skeleton", "imu"))
    assert len(found) == 7
    assert found[0] == ("depth",)
    assert found[3] == ("depth", "skeleton")
    assert found[-1] == ("depth", "skeleton", "imu")


def test_hidden_media_are_not_there_and_rows_keep_their_numbers() -> None:
    whole = source(BODY, WORN)
    assert media_of([whole]) == ("depth", "skeleton", "imu")
    (some,) = with_media([whole], ["imu", "depth"])
    assert len(some.table) == 3
    assert some.readable().tolist() == [True, False, True]
    assert some.table.media["skeleton"].tolist() == ["", "", ""]
    assert whole.table.media["skeleton"].tolist() == ["d", "e", ""]
    assert whole.readable().all()


def test_a_source_that_reads_none_of_them_is_left_out() -> None:
    assert len(with_media([source(BODY), source(WORN)], ["imu"])) == 1


def test_media_that_nobody_reads_are_refused() -> None:
    with pytest.raises(ValueError, match=r"does not read 'imus'\. Did you mean 'imu'"):
        with_media([source(WORN)], ["imus"])
    with pytest.raises(ValueError, match="No medium is left"):
        with_media([source(WORN)], [])


def test_what_is_not_possible_with_several_media_is_said() -> None:
    assert stress_names(DEPTH)
    assert stress_names(source(BODY).spec) == ()
    with pytest.raises(ValueError, match="'imu' cannot be mirrored"):
        check_views([View(), View(flip=True)], [source(BODY, WORN)], [], {})
