"""A run's folder is held by one training."""

import multiprocessing
from pathlib import Path

import pytest

from onebody.training import train
from onebody.training.lock import locked


def _hold(folder: Path, held, done) -> None:
    with locked(folder, leads=True):
        held.set()
        done.wait(20)


@pytest.fixture
def held_elsewhere(tmp_path):
    """Hold ``tmp_path/run`` in another process."""
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(tmp_path / "run", held, done))
    process.start()
    assert held.wait(20)
    yield tmp_path / "run"
    done.set()
    process.join(20)


def test_a_second_training_is_refused(held_elsewhere, tiny):
    with pytest.raises(ValueError, match="another process is training here"):
        train(tiny(["schedule.epochs=1"]), held_elsewhere, progress=False)
    with locked(held_elsewhere, leads=False):  # a process that does not lead holds nothing
        pass


def test_the_folder_is_free_again(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "run", leads=True):
            assert (tmp_path / "run").is_dir()
    with pytest.raises(RuntimeError, match="inside"), locked(tmp_path / "run", leads=True):
        raise RuntimeError("inside")
    with locked(tmp_path / "run", leads=True):
        pass
