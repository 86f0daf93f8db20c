import json

import pytest
from typer.testing import CliRunner

from onebody.cli.app import app

QUICK = ("--size", 64, "--rounds", 1, "--threads", 1, "--no-memory", "--no-spnet", "--no-file")


def bench(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_without_a_subcommand_streams_are_measured():
    result = bench(*QUICK, "--model", "stream-s", "--runtime", "eager", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["threads"] == 1
    assert [row["precision"] for row in found["rows"]] == ["fp32", "bf16"]
    assert found["rows"][0]["model"] == "stream-s"
    assert set(found["rows"][0]["tasks"]) == {"pose2d", "pose3d", "action", "gesture"}
    assert found["end_to_end"] == []
    table = bench(*QUICK, "--model", "stream-s", "--runtime", "eager")
    assert "stream-s, eager fp32, ms: stem" in table.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "stream-x"], "unknown network 'stream-x'"),
        (["--model", "stream-s", "--runtime", "egaer"], "Did you mean 'eager'?"),
        (["--run", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, message):
    result = bench(*QUICK, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
