"""UMAFall: files in the official layout, damaged ones, and the real trials."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worn_files import fault, umafall_name, umafall_samples, umafall_text

from onebody.data.sources import read_array
from onebody.datasets.umafall import (
    ACTIVITIES,
    UmafallConfig,
    official_trials,
    read_trial,
    read_umafall,
)
from onebody.datasets.wearable_packed import save_trials
from onebody.datasets.wearable_trial import Faults, Stream, Trial

POSITIONS = ["thigh_pocket", "chest", "waist", "wrist", "ankle"]


@pytest.fixture
def official(tmp_path):
    folder = tmp_path / "official"
    folder.mkdir()
    for subject, movement, kind in ((1, "Walking", "ADL"), (17, "backwardFall", "Fall")):
        text = umafall_text(umafall_samples(), subject=subject, gender="F" if subject == 1 else "M")
        (folder / umafall_name(subject, movement, kind=kind)).write_text(text)
    return folder


def labels(table, column):
    found = table.columns[column]
    return [found.space.classes[value] for value in found.values]


def test_a_row_is_a_sensor(official):
    table = read_umafall(UmafallConfig(folder=official))
    assert len(table) == 10
    assert labels(table, "position") == POSITIONS * 2
    assert labels(table, "activity") == ["Walking"] * 5 + ["backwardFall"] * 5
    assert labels(table, "kind") == ["ADL"] * 5 + ["Fall"] * 5
    assert labels(table, "gender") == ["female"] * 5 + ["male"] * 5
    assert labels(table, "wearer") == ["1"] * 5 + ["17"] * 5
    assert len(set(table.group.tolist())) == 2
    assert (table.fps == 20).all()
    pocket, chest = (np.asarray(read_array(s)) for s in table.media["imu"][:2])
    assert pocket.shape == (80, 1, 6)
    np.testing.assert_allclose(pocket[5:-5, 0, :3], [[0, 9.80665, 0]] * 70, atol=1e-4)
    assert np.isnan(pocket[..., 3:]).all()
    np.testing.assert_allclose(chest[1, 0], [0.980665, 9.80665, 0, 0, np.pi / 2, 0], rtol=1e-5)


def test_a_row_is_a_body(official):
    table = read_umafall(UmafallConfig(folder=official, per="body"))
    assert len(table) == 2
    assert "position" not in table.columns
    body = np.asarray(read_array(table.media["imu"][0]))
    assert body.shape == (80, 5, 6)
    np.testing.assert_allclose(body[40, :, 0] / 0.980665, [0, 1, 2, 3, 4], atol=1e-4)
    some = read_umafall(UmafallConfig(folder=official, per="body", positions=("wrist", "chest")))
    assert np.asarray(read_array(some.media["imu"][0])).shape == (80, 2, 6)


def test_accelerometers_alone(official):
    table = read_umafall(UmafallConfig(folder=official, accelerometer_only=True))
    for source in table.media["imu"]:
        values = np.asarray(read_array(source))
        assert np.isnan(values[..., 3:]).all()
        assert np.isfinite(values[2:-2, :, :3]).all()


def test_windows_of_a_trial_are_one_group(official):
    table = read_umafall(UmafallConfig(folder=official, window_s=1.0, overlap=0.5))
    assert len(table) == 10 * 7
    assert table.start_s[:7].tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    np.testing.assert_allclose(table.end_s - table.start_s, 1.0)
    assert len(set(table.group.tolist())) == 2
    assert table.row_names[6].endswith("thigh_pocket@6")
    assert len(set(table.row_names.tolist())) == len(table)


def test_a_gap_stays_a_gap_and_its_windows_are_left_out(official):
    samples = [row for row in umafall_samples() if not 1100 <= row[0] < 2300]
    (official / umafall_name(1, "Walking")).write_text(umafall_text(samples))
    with pytest.warns(UserWarning, match="left out: 5 windows of which too little is known"):
        table = read_umafall(UmafallConfig(folder=official, window_s=1.0))
    assert len(table) == 5 * 3 + 5 * 4
    values = np.asarray(read_array(table.media["imu"][4]))
    assert np.isnan(values[22:42, 0, :3]).all()


def test_a_changed_file_is_read_anew(official):
    assert labels(read_umafall(UmafallConfig(folder=official)), "gender")[0] == "female"
    text = umafall_text(umafall_samples(2.0), gender="M")
    (official / umafall_name(1, "Walking")).write_text(text)
    assert labels(read_umafall(UmafallConfig(folder=official)), "gender")[0] == "male"


def test_no_such_position(official):
    with pytest.raises(ValueError, match=r"found 'head'\. Correct 'positions'"):
        read_umafall(UmafallConfig(folder=official, positions=("head",)))


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="no UMAFall here"):
        read_umafall(UmafallConfig(folder=tmp_path))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text.replace(";1;0;0\r", ";1;0\r", 1), "expected 7 numbers in row"),
        (lambda text: text.replace("; 3; WRIST;", "; 3; HEAD;"), "found 'HEAD'"),
        (lambda text: text.replace("; 3; WRIST;", "; 1; WRIST;"), "twice"),
        (lambda text: text.replace("%f8", "%").replace("; 3; WRIST; tag", ""), "sensor 3, which"),
        (lambda text: text.replace("Gender: F", "Gender: X"), "found 'X'"),
        (lambda text: text.replace(";1;0;0;0\r", ";1;0;0.5;0\r"), "types 0, 1 and 2, found 0.5"),
        (lambda text: text.split("\r\n2")[0].split("\r\n1")[0], "found none"),
    ],
)
def test_files_that_contradict_their_layout(tmp_path, damage, said):
    file = tmp_path / umafall_name(1, "Walking")
    text = umafall_text([(ms, n, x, y, z, q, s) for ms, n, x, y, z, q, s in umafall_samples(0.5)])
    changed = damage(text)
    if said == "expected 7 numbers in row":
        lines = text.split("\r\n")
        lines[-3] = lines[-3].rpartition(";")[0]
        changed = "\r\n".join(lines)
    file.write_text(changed)
    with pytest.raises(ValueError, match=said) as found:
        read_trial(file, Faults())
    assert file.name in str(found.value)


def test_names_and_headers_that_contradict_each_other(tmp_path):
    text = umafall_text(umafall_samples(0.5))
    file = tmp_path / umafall_name(1, "Walking", kind="Fall")
    file.write_text(text)
    with pytest.raises(ValueError, match="its name calls 'Walking' 'Fall'"):
        read_trial(file, Faults())
    other, same = (tmp_path / umafall_name(number, "Walking") for number in (1, 17))
    for path in (other, same):
        path.write_text(text.replace("Subject_01", "Subject_17"))
    with pytest.warns(UserWarning, match=rf"1 files whose header .* \(first: .*{other.name}\)"):
        people = [trial.subject for trial in official_trials([other, same])]
    assert people == ["1", "17"]  # the name counts


def test_trials_that_contradict_each_other(official):
    text = umafall_text(umafall_samples(2.0), gender="M")
    (official / umafall_name(1, "Walking", number=9)).write_text(text)
    with pytest.warns(UserWarning, match="1 trials contradict .* calls subject 1 male, UMAFall_"):
        found = read_umafall(UmafallConfig(folder=official))
    assert labels(found.select(found.subject == "1"), "gender") == ["female"] * 5 + ["male"] * 5
    (official / umafall_name(1, "Walking", number=9)).unlink()
    (official / "copy").mkdir()
    (official / "copy" / umafall_name(1, "Walking")).write_text(text)
    with pytest.raises(ValueError, match="expected one recording of this name, found two"):
        read_umafall(UmafallConfig(folder=official))


def test_a_sensor_where_none_is_worn_is_refused(tmp_path):
    stream = Stream(
        position="nose",
        quantity="acceleration",
        times_s=np.arange(40) / 20,
        values=np.ones((40, 3), np.float32),
    )
    worn = replace(stream, position="wrist")
    for streams, said in (((worn, stream), "one at 'nose'"), ((worn, worn), "two at 'wrist'")):
        save_trials(tmp_path, [Trial(name="a", subject="1", labels={}, streams=streams)])
        with pytest.raises(ValueError, match=f"a: expected one acceleration at .* {said}"):
            read_umafall(UmafallConfig(folder=tmp_path))


@settings(max_examples=60)
@given(cut=st.integers(0, 4000), at=st.integers(0, 4000), letter=st.characters(codec="latin-1"))
def test_damage_is_said_or_harmless(tmp_path_factory, cut, at, letter):
    text = umafall_text(umafall_samples(0.3))
    place = at % len(text)
    changed = text[:place] + letter + text[place + 1 :]
    file = tmp_path_factory.mktemp("u") / umafall_name(1, "Walking")
    file.write_text(changed[: len(text) - cut % len(text)], encoding="utf-8")
    found = []
    said = fault(lambda: found.append(read_trial(file, Faults())))
    assert not said or file.name in said
    for trial in found:
        for stream in trial.streams:
            assert np.isfinite(stream.values).all()
            assert (np.diff(stream.times_s) > 0).all()


def test_a_real_file(shared):
    files = list((shared / "data" / "formats" / "umafall").glob("*.csv"))
    trial = read_trial(files[0], Faults())
    assert trial.subject == "17"
    assert trial.labels == {"activity": "backwardFall", "kind": "Fall", "gender": "female"}
    assert len(trial.streams) == 9  # the telephone has no gyroscope
    for stream in trial.streams:
        length = np.linalg.norm(stream.values, axis=1)
        if stream.quantity == "acceleration":
            assert 8.5 < np.median(length) < 11.5


def test_the_packed_trials(shared, tmp_path):
    script = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "umafall.py"))
    trials = []
    for trial in script["packed_trials"](shared / "data" / "umafall"):
        trials.append(trial)
        if len(trials) == 40:
            break
    assert save_trials(tmp_path, trials) == 40
    table = read_umafall(UmafallConfig(folder=tmp_path, window_s=2.0))
    assert set(labels(table, "activity")) <= set(ACTIVITIES)
    assert len(set(table.group.tolist())) == 40
    values = np.asarray(read_array(table.media["imu"][0]))
    assert 9 < np.nanmedian(np.linalg.norm(values[..., :3], axis=-1)) < 11
