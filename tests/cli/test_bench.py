import json

import pytest
from typer.testing import CliRunner

from onebody.cli.app import app

pytestmark = pytest.mark.alone

SMALL = """
num_joints: 5
num_actions: [3]
action_pyramids: [2]
num_levels: 3
kernel_size: 3
growth: 8
image_div: 4
stem_width: 8
num_pose_features: 16
num_visual_features: 16
"""
QUICK = ("--size", 32, "--frames", 2, "--rounds", 1, "--threads", 1)


def bench(*arguments):
    return CliRunner().invoke(app, ["bench", "spnet", *map(str, arguments)])


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_every_runtime_answers_as_eager_does(config):
    names = ("eager", "channels-last", "onnxruntime", "openvino")
    chosen = [part for name in names for part in ("--runtime", name)]
    result = bench("--config", config, *QUICK, *chosen, "--truncate", 4, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert {(row["runtime"], row["precision"]) for row in rows} == {
        ("eager", "fp32"),
        ("eager", "bf16"),
        ("eager channels-last", "fp32"),
        ("eager channels-last", "bf16"),
        ("onnxruntime", "fp32"),
        ("onnxruntime", "int8"),
        ("openvino", "fp32"),
        ("openvino", "bf16"),
        ("openvino", "int8"),
    }
    bounds = {"fp32": 1e-4, "bf16": 0.05, "int8": 0.2}
    for row in rows:
        assert row["error"] < bounds[row["precision"]], row
        assert row["input"] == [1, 3, 2, 32, 32]
        assert row["frames_per_s"] > 0
        assert row["gflop_per_s"] > 0
    assert max(row["error"] for row in rows if row["precision"] == "int8") > 0


def test_truncated_networks_cost_less(config):
    result = bench(
        *("--config", config, *QUICK, "--runtime", "eager", "--json"),
        *("--truncate", 2, "--truncate", 4),
    )
    rows = [row for row in json.loads(result.stdout) if row["precision"] == "fp32"]
    assert [row["truncate"] for row in rows] == [2, 4]
    work = [row["gflop_per_s"] / row["frames_per_s"] for row in rows]
    assert work[0] < work[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--truncate", 2, "--truncate", 5], "--truncate: expected 1 to 4 predictions, found 5."),
        (["--truncate", 0], "--truncate: expected 1 to 4 predictions, found 0."),
        (["--threads", -1], "Invalid value for '--threads'"),
        (["--runtime", "egaer"], "Did you mean 'eager'?"),
        (["--size", 20, "--runtime", "eager"], "multiples of 16 pixels"),
        (["--run", "nowhere"], "--config, --frames, --size: expected nothing of this beside --run"),
        (["--clips", 8], "--clips says how many rows of a run are read: name one by --run."),
    ],
)
def test_what_cannot_be_measured_is_refused(config, arguments, message):
    result = bench("--config", config, *QUICK, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_run_that_is_none_is_named():
    result = bench("--run", "nowhere")
    assert result.exit_code == 2
    assert "nowhere: no such folder" in " ".join(result.stderr.split())
