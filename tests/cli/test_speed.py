"""Memory settings are made once, where they help, and never over the user's own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from onebody.cli.speed import GUARD, SETTINGS, tuned_environment


def tuned(arguments, environment=None, libc="glibc"):
    return tuned_environment(arguments, environment or {}, libc=libc)


@pytest.mark.parametrize("command", ["train", "compare", "demo"])
def test_commands_that_train_get_the_settings(command):
    environment = tuned([command, "simulated"], {"HOME": "x"})
    assert environment is not None
    assert environment["HOME"] == "x"
    assert {k: environment[k] for k in SETTINGS} == SETTINGS
    assert tuned([command], environment) is None  # not a second time


@pytest.mark.parametrize("arguments", [[], ["predict", "a"], ["--help"], ["train", "--help"]])
def test_other_commands_stay_as_they_are(arguments):
    assert tuned(arguments) is None


def test_the_users_word_counts():
    assert tuned(["train"], {GUARD: "0"}) is None
    assert tuned(["train"], {"MALLOC_TOP_PAD_": "1"}) is None


def test_other_c_libraries_stay_as_they_are():
    assert tuned(["train"], libc="") is None


@pytest.mark.skipif(sys.platform != "linux", reason="the settings are those of glibc")
@pytest.mark.parametrize("given", [None, "0"])
def test_the_process_starts_again_with_its_arguments(given):
    code = (
        "import os, sys, onebody.cli.speed as s; s.start_again_if_faster(['train']); "
        "print(os.environ.get(s.GUARD), os.environ.get('MALLOC_TOP_PAD_'), sys.argv[1:])"
    )
    environment = {k: v for k, v in os.environ.items() if k != GUARD and k not in SETTINGS}
    if given is not None:
        environment[GUARD] = given
    done = subprocess.run(
        [sys.executable, "-c", code, "a b", "c"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=60,
    )
    assert done.stdout.strip().endswith("['a b', 'c']")
    if given == "0":
        assert done.stdout.startswith("0 None")
