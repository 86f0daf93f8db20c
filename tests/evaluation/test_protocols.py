import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onebody.config import read_config
from onebody.data import ClassColumn, make_table
from onebody.evaluation import (
    FoldConfig,
    LeakageError,
    SplitConfig,
    check_leakage,
    folds,
    matching,
    split,
    split_several,
)
from onebody.labels import symmetric

SUBJECTS, ACTIONS, REPEATS = 5, 4, 3


def make(**changed):
    """Five subjects, four actions, three times each, from two cameras (a group: both views)."""
    grid = [
        (s, a, r, c)
        for s in range(1, SUBJECTS + 1)
        for a in range(ACTIONS)
        for r in range(REPEATS)
        for c in range(2)
    ]
    given = {
        "subject": [str(s) for s, *_ in grid],
        "camera": [f"c{c}" for *_, c in grid],
        "group": [f"{s}-{a}-{r}" for s, a, r, _ in grid],
    }
    names = [f"move{a}" for a in range(ACTIONS)]
    values = np.array([a for _, a, *_ in grid], np.int64)
    return make_table(
        "set",
        {"rgb": [f"{i}.mp4" for i in range(len(grid))]},
        columns={"action": ClassColumn(values=values, space=symmetric("actions", names))},
        **(given | changed),
    )


TABLE = make()


def counts(made):
    return made.train.sum(), made.validation.sum(), made.test.sum()


def test_test_by_values():
    made = split(TABLE, SplitConfig(test={"subject": ("2", "4")}, subjects_apart=True))
    assert set(TABLE.subject[made.test]) == {"2", "4"}
    assert set(TABLE.subject[made.train]) == {"1", "3", "5"}
    assert counts(made) == (72, 0, 48)


def test_numbers_in_a_recipe_are_read_as_texts():
    config = read_config(SplitConfig, {"test": {"subject": [3]}}, "recipe.yaml")
    assert set(TABLE.subject[split(TABLE, config).test]) == {"3"}


def test_all_named_columns_must_agree():
    rows = matching(TABLE, {"subject": ("1", "2"), "camera": ("c1",)})
    assert rows.sum() == 24
    assert set(TABLE.subject[rows]) == {"1", "2"}
    assert set(TABLE.camera[rows]) == {"c1"}


def test_classes_are_matched_by_name():
    rows = matching(TABLE, {"action": ("move2",)})
    assert (TABLE.columns["action"].values[rows] == 2).all()
    assert rows.sum() == 30


def test_a_value_that_nobody_has_is_named():
    with pytest.raises(ValueError, match=r"no row has subject '7'\. Known: 1, 2, 3, 4, 5"):
        split(TABLE, SplitConfig(test={"subject": ("1", "7")}))


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"'subjekt'\. Did you mean 'subject'"):
        split(TABLE, SplitConfig(test={"subjekt": ("1",)}))


def test_views_of_one_recording_cannot_be_divided():
    with pytest.raises(LeakageError, match=r"group '1-0-0' stands in training"):
        split(TABLE, SplitConfig(test={"camera": ("c1",)}))


@pytest.mark.parametrize("by", ["group", "subject"])
def test_a_share_keeps_units_together(by):
    made = split(TABLE, SplitConfig(test_share=0.2, test_by=by), seed=1)
    values = getattr(TABLE, by)
    assert not set(values[made.test]) & set(values[made.train])
    assert counts(made) == (96, 0, 24)


def test_the_seed_decides_what_is_drawn():
    config = SplitConfig(test_share=0.3, validation_share=0.2)
    first, again, other = (split(TABLE, config, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.part, again.part)
    assert (first.part != other.part).any()


def test_validation_by_values():
    config = SplitConfig(test={"subject": ("1",)}, validation={"subject": ("2",)})
    assert counts(split(TABLE, config)) == (72, 24, 24)


def test_validation_by_subject():
    config = SplitConfig(test={"subject": ("1",)}, validation_share=0.25, validation_by="subject")
    made = split(TABLE, config)
    assert len(set(TABLE.subject[made.validation])) == 1
    assert not set(TABLE.subject[made.validation]) & set(TABLE.subject[made.train])


def test_validation_by_label_is_stratified_within_training_subjects():
    config = SplitConfig(
        test={"subject": ("1",)},
        validation_share=0.25,
        validation_by="label",
        subjects_apart=True,
    )
    made = split(TABLE, config)
    labels = TABLE.columns["action"].values
    assert np.bincount(labels[made.validation]).tolist() == [6, 6, 6, 6]  # 3 of 12 groups each
    assert "1" not in set(TABLE.subject[made.validation])
    assert set(TABLE.group[made.validation]).isdisjoint(TABLE.group[made.train])


def test_rare_labels_reach_validation_but_single_ones_do_not():
    values = np.array([0] * 8 + [1] * 2 + [2], np.int64)
    column = ClassColumn(values=values, space=symmetric("s", list("abc")))
    table = make_table("t", {"rgb": [f"{i}.mp4" for i in range(11)]}, columns={"it": column})
    made = split(table, SplitConfig(validation_share=0.25, validation_by="label"))
    assert np.bincount(values[made.validation], minlength=3).tolist() == [2, 1, 0]


def test_stratifying_needs_to_know_the_label():
    columns = dict(TABLE.columns) | {"gesture": TABLE.columns["action"]}
    table = make_table("two", TABLE.media, columns=columns)
    config = SplitConfig(validation_share=0.2, validation_by="label")
    with pytest.raises(ValueError, match=r"2 class columns \(action, gesture\): state"):
        split(table, config)
    chosen = config.model_copy(update={"label": "gesture"})
    assert split(table, chosen).validation.any()


def test_the_tables_own_split():
    names = np.where(TABLE.subject == "1", "Test", np.where(TABLE.subject == "2", "val", "train"))
    made = split(make(split=names), SplitConfig(own_split=True))
    assert counts(made) == (72, 24, 24)
    with pytest.raises(ValueError, match="validation rows of its own"):
        split(make(split=names), SplitConfig(own_split=True, validation_share=0.1))


def test_validation_is_carved_where_the_own_split_has_none():
    names = np.where(TABLE.subject == "1", "test", "train")
    made = split(make(split=names), SplitConfig(own_split=True, validation_share=0.25))
    assert counts(made) == (72, 24, 24)


@pytest.mark.parametrize(
    ("value", "message"),
    [("", r"set:5: no split"), ("eval", r"set:5: expected split .*'eval' \(1 rows .*split.test=")],
)
def test_own_splits_that_are_not_understood_are_named(value, message):
    names = np.array(["train"] * len(TABLE), dtype="<U10")
    names[5] = value
    with pytest.raises(ValueError, match=message):
        split(make(split=names), SplitConfig(own_split=True))


def test_without_a_wish_everything_is_training():
    assert counts(split(TABLE, SplitConfig())) == (120, 0, 0)


def test_an_empty_part_is_refused():
    everyone = tuple(str(s) for s in range(1, 6))
    with pytest.raises(ValueError, match=r"no row is left for training \(120 of 120"):
        split(TABLE, SplitConfig(test={"subject": everyone}))
    config = SplitConfig(test={"subject": ("1",)}, validation={"subject": ("1",)})
    with pytest.raises(ValueError, match=r"no row is left for validation"):
        split(TABLE, config)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"test_share": 0.2, "own_split": True}, "state one of 'test'"),
        ({"test_share": 1.0}, "test_share"),
        ({"validation": {"subject": ["1"]}, "validation_share": 0.1}, "not both"),
        ({"tests": {"subject": ["1"]}}, r"unknown key 'tests'\. Did you mean 'test'"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_config(SplitConfig, values, "recipe.yaml")


def test_splitting_by_subject_needs_subjects():
    subjects = TABLE.subject.copy()
    subjects[7] = ""
    with pytest.raises(ValueError, match=r"set:7: no subject"):
        split(make(subject=subjects), SplitConfig(test_share=0.2, test_by="subject"))


def test_one_unit_cannot_be_divided():
    table = make_table("one", {"rgb": ["a.mp4", "b.mp4"]}, group=["g", "g"])
    with pytest.raises(ValueError, match=r"test needs at least 2 groups or subjects, found 1"):
        split(table, SplitConfig(test_share=0.5))


def test_leave_one_out_tests_everyone_once():
    made = folds(TABLE, FoldConfig(leave_out="subject", subjects_apart=True))
    assert [fold.name for fold in made] == [f"subject={s}" for s in range(1, 6)]
    assert (sum(fold.test.astype(int) for fold in made) == 1).all()
    for fold, subject in zip(made, "12345", strict=True):
        assert set(TABLE.subject[fold.test]) == {subject}
        assert not fold.validation.any()


def test_folds_are_in_natural_order():
    table = make_table("t", {"rgb": [f"{i}.mp4" for i in range(3)]}, subject=["10", "9", "x"])
    names = [fold.name for fold in folds(table, FoldConfig(leave_out="subject"))]
    assert names == ["subject=9", "subject=10", "subject=x"]


def test_folds_carve_validation_out_of_training():
    config = FoldConfig(leave_out="subject", validation_share=0.25, validation_by="subject")
    for fold in folds(TABLE, config):
        assert counts(fold) == (72, 24, 24)
        assert not set(TABLE.subject[fold.validation]) & set(TABLE.subject[fold.test])


def test_leaving_out_unknown_values_is_refused():
    subjects = TABLE.subject.copy()
    subjects[3] = ""
    with pytest.raises(ValueError, match=r"set:3: no subject \(1 of 120 rows"):
        folds(make(subject=subjects), FoldConfig(leave_out="subject"))


def test_too_many_folds_are_refused():
    with pytest.raises(ValueError, match="has 5 subjects, too few for 6 folds"):
        folds(TABLE, FoldConfig(k=6, by="subject"))


@pytest.mark.parametrize("values", [{}, {"k": 1}, {"k": 3, "leave_out": "subject"}])
def test_folds_need_one_way(values):
    with pytest.raises(ValueError, match="state either 'leave_out'"):
        read_config(FoldConfig, values, "recipe.yaml")


@settings(max_examples=25, deadline=None)
@given(
    groups=st.lists(st.sampled_from(["", *"abcdefg"]), min_size=6, max_size=30),
    k=st.integers(2, 4),
    seed=st.integers(0, 99),
)
def test_folds_divide_any_table_without_leaks(groups, k, seed):
    table = make_table("t", {"rgb": [f"{i}.mp4" for i in range(len(groups))]}, group=groups)
    size = len(set(groups) - {""}) + groups.count("")
    if size < k:
        return
    made = folds(table, FoldConfig(k=k), seed)
    assert (sum(fold.test.astype(int) for fold in made) == 1).all()
    for fold in made:
        check_leakage(table, fold)
        assert (fold.train ^ fold.test).all()


def windows(step, length=1.5, **given):
    """Six windows of one video, ``step`` seconds apart."""
    start = np.arange(6) * step
    return make_table(
        "windows", {"rgb": ["a.mp4"] * 6}, start_s=start, end_s=start + length, **given
    )


@pytest.mark.parametrize("config", [{"k": 3}, {"leave_out": "subject"}])
def test_folds_of_overlapping_windows_are_refused(config):
    subjects = ["1", "2"] * 3
    with pytest.raises(LeakageError, match=r"overlapping spans of 'a\.mp4' stand in training"):
        folds(windows(1.0, subject=subjects), FoldConfig(**config))
    assert len(folds(windows(1.5, subject=subjects), FoldConfig(**config))) in (2, 3)
    with pytest.raises(ValueError, match="has 1 groups, too few for 3 folds"):
        folds(windows(1.0, group=["a"] * 6), FoldConfig(k=3))


def test_groups_and_subjects_on_both_sides_of_a_fold_are_refused():
    table = windows(2.0, group=list("aabbcc"), subject=list("122334"))
    with pytest.raises(LeakageError, match=r"subject=1 .*group 'a' stands in training"):
        folds(table, FoldConfig(leave_out="subject"))
    assert len(folds(table, FoldConfig(leave_out="group"))) == 3
    with pytest.raises(LeakageError, match=r"group=a .*subject '2' stands in training"):
        folds(table, FoldConfig(leave_out="group", subjects_apart=True))


def test_drawn_validation_of_overlapping_windows_is_refused():
    test = {"subject": ["2"]}
    apart = windows(2.0, subject=list("111122"))
    made = split(apart, SplitConfig(test=test, validation_share=0.5))
    assert made.part.tolist().count(1) == 2
    with pytest.raises(LeakageError, match="overlapping spans"):
        split(windows(1.0, subject=list("111122")), SplitConfig(test=test))


def test_a_table_may_be_tested_whole_beside_others():
    one = make()
    other = make(subject=[f"x{int(s) % 3}" for s in one.subject])
    config = SplitConfig(
        test={"subject": tuple("12345")}, validation_share=0.3, validation_by="subject"
    )
    whole, rest = split_several([one, other], config)
    assert whole.test.all()
    assert not rest.test.any()
    assert len(set(other.subject[rest.validation])) == 1
    with pytest.raises(ValueError, match="needs at least 2 groups or subjects, found 0"):
        split_several([one], config)
    with pytest.raises(ValueError, match="no row has subject '9'"):
        split_several([one, other], SplitConfig(test={"subject": ("1", "9")}))
