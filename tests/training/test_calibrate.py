import json

import numpy as np
import pytest
from tiny_training import read

from onebody.evaluation import evaluate
from onebody.inference import load
from onebody.metrics import Results
from onebody.models import load_network
from onebody.models.calibration import known_scores, log_probabilities, rejected, tempered
from onebody.training import build_run, build_sources, train
from onebody.training.calibrate import CalibrateConfig, calibrate, calibration_of, fit_temperature

JOINT = {
    "action": "classification",
    "gesture": "classification",
    "kind": {"kind": "which", "of": ["action", "gesture"]},
    "movement": {"kind": "union", "of": ["action", "gesture"]},
    "routed": {"kind": "routed", "router": "kind", "of": ["action", "gesture"]},
}


def softmax(logits):
    values = np.exp(logits - logits.max(1, keepdims=True))
    return values / values.sum(1, keepdims=True)


def draw(temperature, rows=6000, classes=5, seed=0):
    """Return logits whose true classes are drawn from their softmax at a temperature."""
    rng = np.random.default_rng(seed)
    logits = 4 * rng.normal(size=(rows, classes))
    p = softmax(logits / temperature)
    return logits, (p.cumsum(1) < rng.random((rows, 1))).sum(1)


def answers(logits, target):
    return Results(
        prediction=softmax(logits).astype(np.float32),
        target=np.asarray(target, np.int64),
        row=np.arange(len(target)),
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_is_recovered(temperature):
    logits, target = draw(temperature)
    assert fit_temperature(logits, target) == pytest.approx(temperature, rel=0.06)


def test_probabilities_serve_as_well_as_logits():
    logits, target = draw(2.0, rows=200)
    probabilities = answers(logits, target).prediction
    assert fit_temperature(log_probabilities(probabilities), target) == pytest.approx(
        fit_temperature(logits, target), rel=1e-3
    )
    np.testing.assert_allclose(tempered(probabilities, 2.0), softmax(logits / 2), atol=1e-6)


def test_a_few_right_answers_do_not_make_everything_certain():
    logits = np.eye(3)[[0, 1, 2]] * 2.0
    assert 0.3 < fit_temperature(logits, np.arange(3)) < 1.0


def test_calibration_lowers_the_error():
    found = calibration_of(answers(*draw(4.0)), CalibrateConfig())
    assert found.ece_before > 0.2
    assert found.ece_after < 0.03
    assert (found.threshold, found.keep, found.rows) == (None, None, 6000)


@pytest.mark.parametrize("score", ["probability", "margin"])
@pytest.mark.parametrize("keep", [0.5, 0.9, 0.95, 1.0])
def test_the_threshold_keeps_the_stated_share(score, keep):
    results = answers(*draw(2.0, rows=400))
    found = calibration_of(results, CalibrateConfig(keep=keep, score=score), none=False)
    warm = tempered(results.prediction, found.temperature)
    kept = np.mean(~rejected(warm, score, found.threshold))
    assert keep <= kept < keep + 1 / 400 + 1e-9


def test_clips_of_none_do_not_set_the_threshold():
    # Rows of the last class, "none of these", are sure of themselves; the others half sure.
    logits = np.log(np.array([[0.6, 0.2, 0.2]] * 20 + [[0.01, 0.01, 0.98]] * 20))
    results = answers(logits, [0] * 20 + [2] * 20)
    found = calibration_of(results, CalibrateConfig(keep=1.0), none=True)
    warm = tempered(results.prediction, found.temperature)
    lost = rejected(warm, "probability", found.threshold, none=True)
    assert lost.tolist() == [False] * 20 + [True] * 20


def test_scores_are_of_known_classes():
    p = np.array([[0.3, 0.1, 0.6], [0.5, 0.4, 0.1], [np.nan] * 3])
    np.testing.assert_allclose(known_scores(p, "probability"), [0.6, 0.5, np.nan])
    np.testing.assert_allclose(known_scores(p, "probability", none=True), [0.3, 0.5, np.nan])
    np.testing.assert_allclose(known_scores(p, "margin", none=True), [0.2, 0.1, np.nan], rtol=1e-6)
    assert rejected(p, "probability", None, none=True).tolist() == [True, False, False]
    assert rejected(p, "margin", 0.15).tolist() == [False, True, False]


def tiny_joint(tiny, tmp_path, tasks=JOINT, **changes):
    return tiny(
        tasks=tasks,
        data=[
            {
                "dataset": {"kind": "tiny", "folder": str(tmp_path / "media"), "labels": "one"},
                "batch_size": 8,
            }
        ],
        split={"validation": {"subject": ["s1"]}, "test": {"subject": ["s3"]}},
        **changes,
    )


def test_a_run_saves_what_its_validation_rows_say(tiny, tmp_path):
    recipe = tiny_joint(tiny, tmp_path, calibrate={"keep": 0.5})
    summary = train(recipe, tmp_path / "run", progress=False)
    saved = load_network(tmp_path / "run" / "model")
    assert set(saved.calibration) == set(JOINT)
    assert saved.calibration["routed"].rows == summary.rows["validation"]
    assert saved.calibration["routed"].keep == 0.5
    assert saved.calibration["action"].threshold is None
    written = json.loads((tmp_path / "run/model/network.json").read_text())["calibration"]
    assert written["movement"] == saved.calibration["movement"].model_dump()
    # A task without a loss is no part of training: the log has no loss and no weight of it.
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    assert {name for line in steps for name in line["loss"]} == set(JOINT) - {"routed"}
    assert {name for line in steps for name in line["weight"]} == set(JOINT) - {"routed"}
    assert "routed" in summary.validation
    # The other rows are not asked: only validation rows make the calibration.
    sources = build_sources(recipe).splits["validation"]
    again = calibrate(saved.network, sources, recipe.calibrate)
    assert again == saved.calibration


def test_nothing_is_calibrated_where_nobody_asks(tiny):
    setup = build_run(tiny())
    validation = setup.sources["validation"]
    assert calibrate(setup.network, validation, setup.recipe.calibrate) == {}


def test_without_validation_rows_nothing_is_calibrated(tiny, tmp_path):
    recipe = tiny_joint(tiny, tmp_path)
    network = build_run(recipe).network
    assert calibrate(network, [], recipe.calibrate) == {}


def test_twins_lose_what_needs_the_other_task(tiny, tmp_path):
    recipe = tiny_joint(tiny, tmp_path)
    assert list(recipe.only(["action"]).tasks) == ["action"]
    assert list(recipe.only(["action", "kind", "routed"]).tasks) == ["action"]
    assert list(recipe.only(["action", "gesture", "kind"]).tasks) == ["action", "gesture", "kind"]
    with pytest.raises(ValueError, match="made of tasks that are not selected"):
        recipe.only(["kind"])


def test_a_balancer_cannot_weigh_a_task_without_a_loss(tiny, tmp_path):
    weights = {"action": 1.0, "gesture": 1.0, "kind": 1.0, "movement": 1.0, "routed": 1.0}
    recipe = tiny_joint(tiny, tmp_path, balancer={"kind": "fixed", "weights": weights})
    with pytest.raises(ValueError, match="routed"):
        build_run(recipe)
    joint = {**JOINT, "routed": {**JOINT["routed"], "joint": True}}
    values = recipe.plain() | {"tasks": joint}
    assert build_run(read(values)).balancer is not None


def test_answers_per_frame_are_calibrated_by_their_clips(tiny, tmp_path):
    framed = {
        name: {"kind": task, "per_frame": True} if isinstance(task, str) else task
        for name, task in JOINT.items()
    }
    framed["kind"] = {**JOINT["kind"], "per_frame": True}
    recipe = tiny_joint(tiny, tmp_path, tasks=framed)
    train(recipe, tmp_path / "run", progress=False)
    predictor = load(tmp_path / "run")
    network, made = predictor.saved.network, predictor.saved.calibration
    assert {task.form for task in network.tasks.values()} == {"frames"}
    assert set(made) == set(framed)
    (source,) = build_sources(recipe).splits["validation"]
    for name, results in evaluate(network, source).items():
        row = int(results.row[0])
        answer = predictor.predict(source.table.media["rgb"][row], fps=25.0).classes[name]
        # a file's answer is the mean over its frames, tempered as the calibration saw it
        expected = tempered(results.prediction[0], made[name].temperature)
        np.testing.assert_allclose(answer.scores[0], expected, atol=1e-5)
