"""Tasks judged on seen or unseen people, and what their figures are held against."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onebody.data import ClassColumn, InputSpec, Source, make_table
from onebody.evaluation import LeakageError, SplitConfig, judged, split, task_protocols
from onebody.labels import symmetric
from onebody.tasks import ClassificationConfig, build_tasks

PEOPLE, TRIALS, SENSORS = 5, 6, 3


def make(people=PEOPLE, trials=TRIALS):
    """Rows: person, trial, sensor; the sensors of a trial are one group."""
    grid = [(p, t, s) for p in range(people) for t in range(trials) for s in range(SENSORS)]
    person, trial, _ = np.array(grid).T
    columns = {
        "activity": ClassColumn(values=trial % 2, space=symmetric("a", ("walk", "sit"))),
        "wearer": ClassColumn(
            values=person, space=symmetric("w", tuple(f"p{p}" for p in range(people)))
        ),
    }
    return make_table(
        "worn",
        {"imu": [f"imu.npy#{9 * i}:{9 * i + 9}" for i in range(len(grid))]},
        columns=columns,
        subject=[f"p{p}" for p in person],
        group=[f"p{p} t{t}" for p, t, _ in grid],
    )


def divided(table, **changes):
    config = {"test": {"subject": ["p0"]}, "validation": {"subject": ["p1"]}, "seen_share": 0.2}
    return split(table, SplitConfig(**{**config, **changes}))


def test_every_training_person_gives_whole_trials():
    table = make()
    made = divided(table)
    for person in ("p2", "p3", "p4"):
        own = table.subject == person
        for rows, groups in ((made.test, 1), (made.validation, 1), (made.train, 4)):
            assert len(set(table.group[rows & own].tolist())) == groups
            assert (rows & own).sum() == groups * SENSORS
    assert made.test[table.subject == "p0"].all()
    assert made.validation[table.subject == "p1"].all()


def test_without_validation_nothing_is_taken_for_it():
    made = divided(make(), validation={})
    assert not made.validation.any()
    assert made.test.sum() == SENSORS * (TRIALS + 4)


def test_people_apart_means_the_unseen_ones():
    table = make()
    with_apart = divided(table, subjects_apart=True)
    assert (with_apart.part == divided(table).part).all()
    with pytest.raises(LeakageError, match="subject"):
        divided(table, subjects_apart=True, test={"group": ["p2 t0"]})


def test_who_gives_what_depends_on_the_person_alone():
    whole, few = make(), make(people=4)
    chosen = divided(whole).part[: len(few)]
    assert (chosen == divided(few).part).all()


def test_people_with_too_few_trials_stay_whole():
    table = make(trials=2)
    made = divided(table)
    assert made.train[np.isin(table.subject, ["p2", "p3", "p4"])].all()


@given(share=st.floats(0.01, 0.99), trials=st.integers(1, 9), seed=st.integers(0, 50))
def test_parts_are_disjoint_and_training_is_never_empty(share, trials, seed):
    table = make(people=4, trials=trials)
    config = SplitConfig(test={"subject": ["p0"]}, validation={"subject": ["p1"]}, seen_share=share)
    made = split(table, config, seed)
    assert (made.train.astype(int) + made.validation + made.test == 1).all()
    for person in ("p2", "p3"):
        assert made.train[table.subject == person].any()


def test_labels_count_on_the_rows_of_the_right_people():
    table = make()
    made = divided(table)
    found = judged(table, made, {"wearer": "seen", "activity": "unseen", "gone": "seen"})
    seen = np.isin(table.subject, ["p2", "p3", "p4"])
    tested = made.test | made.validation
    assert (found.labeled("wearer") == (~tested | seen)).all()
    assert (found.labeled("activity") == (~tested | ~seen)).all()
    assert judged(table, made, {}) is table


def test_nameless_people_are_refused():
    table = make()
    made = divided(table)
    subject = table.subject.copy()
    subject[-1] = ""
    from dataclasses import replace

    with pytest.raises(ValueError, match=r"worn:89: no subject \(1 rows"):
        judged(replace(table, subject=subject), made, {"wearer": "seen"})


def test_protocols_say_majority_and_people():
    table = make()
    made = divided(table)
    found = judged(table, made, {"wearer": "seen", "activity": "unseen"})
    tasks = build_tasks(
        {
            "activity": ClassificationConfig(name="activity", classes=("walk", "sit")),
            "wearer": ClassificationConfig(
                name="wearer", classes=tuple(f"p{p}" for p in range(PEOPLE))
            ),
        }
    )

    def source(rows):
        own = found.select(rows)
        return Source(
            table=own,
            spec=InputSpec(modality="imu"),
            targets=tuple(task.target_spec(own) for task in tasks.values()),
            augment=None,
            batch_size=4,
        )

    said = task_protocols(tasks, [source(made.test)], [source(made.train)])
    assert said["activity"].majority == pytest.approx(0.5)
    assert (said["activity"].people, said["activity"].seen) == (1, 0)
    assert said["wearer"].majority == pytest.approx(1 / 3)
    assert said["wearer"].rows == 9
    assert str(said["wearer"]) == "majority 33.3 %; 3 people of training, other recordings"
    assert str(said["activity"]) == "majority 50.0 %; 1 people not in training"
    everything = task_protocols(tasks, [source(made.test | made.train)], [source(made.train)])
    assert str(everything["wearer"]).endswith("3 people of training, other recordings")
