"""Fitting a network to one person, keeping its other tasks."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner
from worn_training import LENGTH, RATE, WornConfig, build_worn, worn_recipe

from onebody.cli.app import app
from onebody.config import Factory
from onebody.data import ClassColumn, Source, evaluation_batches, make_table
from onebody.datasets import DATASETS
from onebody.evaluation import LeakageError
from onebody.inference import load
from onebody.labels import LabelSpace
from onebody.models import blank_batch, load_network
from onebody.training import build_sources, load_recipe, train
from onebody.training.personal import personalize
from onebody.training.personal_fit import (
    PersonalConfig,
    exclusive,
    fit_person,
    former_loss,
    person_loss,
)
from onebody.training.personal_rows import person_trials, take_minutes, trial_seconds

TRIAL_S = LENGTH / RATE
OTHERS = ("wearer", "gender", "position")
FEW = PersonalConfig(steps=12, lr=3e-3)


@pytest.fixture(scope="module")
def patched():
    with pytest.MonkeyPatch.context() as patch:
        factory = Factory(config=WornConfig, build=build_worn, summary="for tests")
        patch.setitem(DATASETS, "worn", factory)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory, patched):
    """A run that has never met dan."""
    folder = tmp_path_factory.mktemp("personal")
    path = folder / "worn.yaml"
    path.write_text(yaml.safe_dump(worn_recipe(folder)))
    train(load_recipe(str(path)), folder / "run", progress=False)
    return folder / "run"


def sources_of(run):
    return build_sources(load_recipe(str(run))).splits["test"]


def test_trials_come_class_by_class_in_turn(run):
    trials = person_trials(sources_of(run), "dan", "activity")
    assert len(trials) == 18
    assert [trial.label for trial in trials[:6]] == [0, 1, 2, 0, 1, 2]
    assert trials[0].seconds == pytest.approx(TRIAL_S)
    taken = take_minutes(trials, 4 * TRIAL_S / 60)
    assert [trial.label for trial in taken] == [0, 1, 2, 0]
    assert [id(t) for t in take_minutes(trials, 2 * TRIAL_S / 60)] == [id(t) for t in taken[:2]]


def test_minutes_that_are_not_there_are_refused(run):
    trials = person_trials(sources_of(run), "dan", "activity")
    with pytest.raises(ValueError, match=r"5 minutes are asked for, but .* 18 trials last 0\.90"):
        take_minutes(trials, 5)
    with pytest.raises(ValueError, match=r"none is left for the test\. Ask for fewer"):
        take_minutes(trials, 18 * TRIAL_S / 60)
    with pytest.raises(ValueError, match="Minutes are above 0"):
        personalize(run, "dan", [0.0], task="activity")
    with pytest.raises(ValueError, match="Minutes are above 0"):
        personalize(run, "dan", [0.1, float("nan")], task="activity")


def test_overlapping_windows_count_once_and_an_unknown_clock_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((100, 1, 6), np.float32))
    path = str(tmp_path / "a.npy")
    table = make_table(
        "w",
        {"imu": [path] * 3, "slow": [f"{path}#0:50"] * 3},
        fps=[10.0] * 3,
        start_s=[0.0, 1.0, 6.0],
        end_s=[2.0, 3.0, 8.0],
    )
    assert trial_seconds(table.select(np.array([0, 1])), np.array([0, 1])) == pytest.approx(3.0)
    slices = make_table("w", {"imu": [f"{path}#0:20", f"{path}#10:30"]}, fps=[10.0] * 2)
    assert trial_seconds(slices, np.array([0, 1])) == pytest.approx(3.0)
    both = make_table("w", {"imu": [path]}, fps=[10.0], rates={"imu": 50.0})
    assert trial_seconds(both, np.array([0])) == pytest.approx(2.0)
    unknown = make_table("w", {"imu": [path]})
    with pytest.raises(ValueError, match=r"nobody knows how long this is\. State 'fps'"):
        trial_seconds(unknown, np.array([0]))


def test_sensors_and_cameras_of_a_trial_count_once(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((100, 1, 6), np.float32))
    parts = [f"{tmp_path / 'a.npy'}#{start}:{start + 20}" for start in (0, 20, 40)]
    rows = np.arange(3)
    places = ClassColumn(values=np.array([0, 0, 1]), space=LabelSpace("p", ("wrist", "ankle")))
    worn = make_table("w", {"imu": parts}, columns={"position": places}, fps=[10.0] * 3)
    assert trial_seconds(worn, rows) == pytest.approx(4.0)
    seen = make_table("w", {"imu": parts}, camera=["left", "left", "right"], fps=[10.0] * 3)
    assert trial_seconds(seen, rows) == pytest.approx(4.0)
    one = make_table("w", {"imu": parts}, fps=[10.0] * 3)
    assert trial_seconds(one, rows) == pytest.approx(6.0)


@pytest.mark.parametrize("who", ["ada", "cyd"])
def test_people_whom_the_network_knows_are_refused(run, who):
    with pytest.raises(LeakageError, match=rf"has learned from subject '{who}'.*split\.test"):
        personalize(run, who, [0.1], task="activity")


def test_other_requests_that_make_no_sense_are_refused(run, tmp_path):
    with pytest.raises(ValueError, match=r"'den' is not among its tested people\. .*dan"):
        personalize(run, "den", [0.1], task="activity")
    with pytest.raises(ValueError, match="several tasks: state one of activity, gender"):
        personalize(run, "dan", [0.1])
    with pytest.raises(ValueError, match="Did you mean 'activity'"):
        personalize(run, "dan", [0.1], task="activty")
    with pytest.raises(ValueError, match="expected a finished run's folder"):
        personalize(tmp_path, "dan", [0.1])


def test_freezing_leaves_all_other_tasks_to_the_last_bit(run, tmp_path):
    config = FEW.model_copy(update={"keep": "freeze"})
    report = personalize(run, "dan", [0.2, 0.4], task="activity", config=config, out=tmp_path / "o")
    before, less, more = report.steps
    for name in ("gender", "position"):
        np.testing.assert_equal(less.person[name], before.person[name])  # some are NaN
        np.testing.assert_equal(more.person[name], before.person[name])
        np.testing.assert_equal(more.others[name], before.others[name])
    assert (less.trials, more.trials, report.tested) == (4, 8, 10)
    assert less.seconds == pytest.approx(4 * TRIAL_S)
    assert more.classes == (3, 3)
    assert report.of_others == "validation"
    assert report.left_out == {"wearer": 10}
    old = load_network(run / "model").network
    new = load(tmp_path / "o" / "0.4-minutes").saved.network
    changed = {n for n, v in new.state_dict().items() if not v.equal(old.state_dict()[n])}
    assert changed == {"heads.activity.linear.weight", "heads.activity.linear.bias"}


def test_distilling_holds_the_other_tasks_to_their_former_answers(run):
    found = build_sources(load_recipe(str(run))).splits
    network = load_network(run / "model").network
    own, former = found["test"], found["train"]
    (batch,) = evaluation_batches(replace(former[0], augment=None, batch_size=64))

    def fitted(weight: float) -> tuple[float, float]:
        """Return how far other tasks moved, and the loss on the person's rows."""
        config = PersonalConfig(keep="distill", steps=12, lr=3e-3, weight=weight)
        after = fit_person(network, "activity", own, former, config)
        with torch.no_grad():
            old, new = network([batch])[0], after([batch])[0]
            loss = float(person_loss(after, network, "activity", persons, [], 0.0))
        moved = [former_loss(network.tasks[n], new[n][-1], old[n][-1]) for n in OTHERS]
        return float(sum(moved)), loss

    persons = list(evaluation_batches(replace(own[0], augment=None, batch_size=64)))
    with torch.no_grad():
        start = float(person_loss(network, network, "activity", persons, [], 0.0))
    (free, learned_free), (held, learned_held) = fitted(0.0), fitted(5.0)
    assert held < 0.5 * free
    assert max(learned_free, learned_held) < start


def test_what_a_task_has_for_itself(run):
    saved = load_network(run / "model")
    batch = blank_batch(saved.input)
    names = {id(p): name for name, p in saved.network.named_parameters()}
    own = {names[id(p)] for p in exclusive(saved.network, "wearer", [batch])}
    assert own == {"heads.wearer.linear.weight", "heads.wearer.linear.bias"}


def test_former_answers_cost_nothing_where_they_are_given_again(run):
    task = load_network(run / "model").network.tasks["activity"]
    logits = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    assert float(former_loss(task, logits, logits)) == pytest.approx(0.0, abs=1e-7)
    shifted = torch.log_softmax(logits, -1) + 5.0
    assert float(former_loss(task, shifted, logits)) == pytest.approx(0.0, abs=1e-6)
    other = torch.zeros(2, 3)
    p, q = torch.softmax(logits, -1), torch.softmax(other, -1)
    expected = float((p * (p / q).log()).sum(1).mean())
    assert float(former_loss(task, other, logits)) == pytest.approx(expected, rel=1e-5)


def test_the_command_prints_before_and_after(run, tmp_path):
    arguments = ["personalize", str(run), "steps=3", "--subject", "dan", "--minutes", "0.2"]
    arguments += ["--task", "activity", "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "0.2 minutes: 4 trials, 12 s, with 3 of the 3 classes" in result.output
    assert "activity top1 *" in result.output
    assert "not measured for wearer: 14 rows of classes that the network never saw" in result.output
    kept = json.loads((tmp_path / "o" / "personal.json").read_text())
    assert [step["minutes"] for step in kept["steps"]] == [0.0, 0.2]
    result = CliRunner().invoke(app, [*arguments[:3], "--minutes", "1"])
    assert result.exit_code == 2
    assert "--subject: say which person" in result.output


def test_a_source_of_a_person_without_labels_is_refused(run):
    (source,) = sources_of(run)
    bare = source.table.hide("activity", np.ones(len(source.table), np.bool_))
    empty = [Source(table=bare, spec=source.spec, targets=source.targets)]
    with pytest.raises(ValueError, match="'dan' has no row with a label for 'activity'"):
        person_trials(empty, "dan", "activity")
