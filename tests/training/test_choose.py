import json

import numpy as np
import pytest

from onebody.evaluation import evaluate, evaluate_outputs, figures
from onebody.models import load_network
from onebody.training import build_sources, train
from onebody.training.choose import choose_outputs

SPNET = {
    "kind": "spnet",
    "num_levels": 3,
    "kernel_size": 3,
    "growth": 8,
    "image_div": 4,
    "stem_width": 8,
    "num_pose_features": 16,
    "num_visual_features": 16,
}


@pytest.fixture
def trained(tiny, tmp_path):
    """Return a trained network's recipe, folder and summary."""
    recipe = tiny(network=SPNET)
    return recipe, tmp_path / "run", train(recipe, tmp_path / "run")


def test_the_answer_is_what_validation_rows_chose(trained):
    recipe, folder, summary = trained
    network = load_network(folder / "model").network
    notes = json.loads((folder / "model" / "network.json").read_text())["notes"]
    assert set(notes["outputs"]) == set(network.choices) == {"pose", "action", "gesture", "who"}
    sources = build_sources(recipe).splits
    for number, name in enumerate(network.tasks):
        scores = notes["outputs"][name]
        assert len(scores) == 4
        assert int(network.chosen[number]) == int(np.argmax(scores))
    own = figures(network.tasks, evaluate(network, sources["validation"]))
    for name, scores in notes["outputs"].items():
        assert own[name][network.tasks[name].primary] == pytest.approx(max(scores))
    tested = figures(network.tasks, evaluate(network, sources["test"]))
    for name, values in summary.test.items():
        known = {key: value for key, value in values.items() if value is not None}
        assert known
        assert known == pytest.approx({key: tested[name][key] for key in known})


def test_every_output_is_measured_in_one_pass(trained):
    recipe, folder, _ = trained
    network = load_network(folder / "model").network
    rows = build_sources(recipe).splits["validation"]
    scores = choose_outputs(network, rows)
    for name in network.choices:
        network.choose(name, 3)
    each = evaluate_outputs(network, rows, tasks=["action", "pose"])
    assert [len(found) for found in each.values()] == [4, 4]
    for name, found in each.items():
        metric = network.tasks[name].metrics[network.tasks[name].primary].function
        assert [metric(results) for results in found] == pytest.approx(scores[name])
        for output in range(4):
            network.choose(name, output)
            alone = evaluate(network, rows, tasks=[name])[name]
            network.choose(name, 3)
            np.testing.assert_allclose(alone.prediction, found[output].prediction, atol=1e-5)


def test_without_validation_rows_or_choices_nothing_is_chosen(trained, tiny):
    _, folder, _ = trained
    network = load_network(folder / "model").network
    before = network.chosen.clone()
    assert choose_outputs(network, []) == {}
    assert (network.chosen == before).all()
    assert "outputs" not in train_plain(tiny, folder)


def train_plain(tiny, folder):
    """Train the ordinary network; return its notes."""
    train(tiny(["schedule.epochs=1"]), folder.parent / "plain")
    return json.loads((folder.parent / "plain" / "model" / "network.json").read_text())["notes"]
