"""Processes that outlive failures, kills, and end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from pool_work import work

from onebody.studies import pool as pool_room
from onebody.studies.pool import Pool, _State, duration, threads_of


def named(given) -> str:
    return given[0]


def test_here_with_one_job(tmp_path):
    said: list[str] = []
    with Pool(1) as pool:
        made, failures = pool.run(
            work,
            [("a", str(tmp_path)), ("fails", ""), ("breaks", ""), ("b", "")],
            named=named,
            say=said.append,
        )
    assert made == {0: f"a done in {os.getpid()}", 3: f"b done in {os.getpid()}"}
    assert [(f.name, f.error) for f in failures] == [
        ("fails", "no rows"),
        ("breaks", "KeyError: 'gone'"),
    ]
    assert said[0].startswith("[1/4] a (about ")
    assert said[1:] == [
        "[2/4] fails: FAILED: no rows",
        "[3/4] breaks: FAILED: KeyError: 'gone'",
        "[4/4] b",
    ]


def test_an_interruption_is_not_caught(tmp_path):
    def stop(_given):
        raise KeyboardInterrupt

    with Pool(1) as pool, pytest.raises(KeyboardInterrupt):
        pool.run(stop, ["a"], named=str, say=lambda _: None)


@pytest.mark.slow
def test_a_killed_process_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    names = ["a", "killed once", "fails", "b"]
    with Pool(2) as pool:
        given = [(name, str(tmp_path)) for name in names]
        made, failures = pool.run(work, given, named=named, say=lambda _: None)
    assert [(failure.name, failure.error) for failure in failures] == [("fails", "no rows")]
    assert {text.split(" done")[0] for text in made.values()} == {"a", "killed once", "b"}
    assert str(os.getpid()) not in " ".join(made.values())


def test_work_is_begun_anew_after_the_processes_have_broken(monkeypatch):
    """One process may be killed while another's work is being collected."""

    class Broken:
        def submit(self, *_given):
            raise BrokenProcessPool("a process was killed")

    class Fresh:
        def __init__(self, *_given, **_options):
            pass

        def submit(self, work, given):
            future = Future()
            future.set_result(work(given))
            return future

        def shutdown(self, **_options):
            pass

    monkeypatch.setattr(pool_room, "ProcessPoolExecutor", Fresh)
    with Pool(2) as pool:
        pool._processes = Broken()
        made, failures = pool.run(str.upper, ["a", "b"], named=str, say=lambda _: None)
    assert (made, failures) == ({0: "A", 1: "B"}, [])


def test_what_kills_its_process_twice_is_given_up():
    said: list[str] = []
    state = _State(todo=deque([0, 1]), say=said.append)
    for _ in range(2):
        place = state.todo.popleft()
        state.killed(place, "big")
    assert list(state.todo) == [1]
    assert state.failures[0].name == "big"
    assert "killed 2 times (out of memory?)" in said[0]


PARENT = """
import sys, time
sys.path.insert(0, {folder!r})
from onebody.studies import pool as pool_room
from onebody.studies.pool import Pool
if __name__ == "__main__":
    with Pool(2) as pool:
        pool.run(time.sleep, [60.0, 60.0], named=str, say=print)
"""


@pytest.mark.slow
def test_processes_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(folder=str(tmp_path)))
    parent = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    try:
        children = _wait(lambda: _workers(parent.pid), 180)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert _wait(lambda: not any(_alive(child) for child in children), 30)
    finally:
        parent.kill()


def _wait(found, seconds):
    """Ask until there is an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.1)
    raise AssertionError("nothing happened in time")


def _workers(parent: int) -> list[int]:
    """Return the two workers once both are ready."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    ready = [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
    threads = [len(list(Path(f"/proc/{child}/task").iterdir())) for child in ready]
    return ready if len(ready) == 2 and min(threads) >= 2 else []


def _alive(process: int) -> bool:
    """Whether a process runs (one that nobody waited for may be left in name)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("seconds", "text"), [(40, "40 s"), (89.6, "90 s"), (720, "12 min"), (12600, "3.5 h")]
)
def test_times_as_text(seconds, text):
    assert duration(seconds) == text


def test_threads_are_shared_out(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert [threads_of(jobs) for jobs in (1, 3, 8, 20)] == [8, 2, 1, 1]
