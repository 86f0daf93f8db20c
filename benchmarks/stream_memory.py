"""Does a stream's memory grow? Ten minutes of frames at full speed, resident memory by minute.

Run: ``python benchmarks/stream_memory.py [--run RUN] [--minutes 10] [--fps 30] [--runtime eager]``.
Frames of simulated people go round (a few seconds of them, over and over, with times that go on),
so that the pictures themselves take the same place all the time. Prints the resident memory after
every minute of the stream and the largest change from that after the first; Linux only.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from onebody.inference import Stream, load
from onebody.inference.choose_runner import choose_runner
from onebody.inference.step_frames import simulated_frames


def resident_mib() -> float:
    """Return the resident memory of this process in MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status: expected VmRSS, found none.")


def main() -> None:
    """Run the stream and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, default=None, help="default: the package's network")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--runtime", choices=("eager", "fastest"), default="eager")
    given = parser.parse_args()
    saved = load(given.run).saved
    spec = saved.input
    raw = simulated_frames(spec, 64)
    frames = [np.ascontiguousarray((255 * x[0].transpose(1, 2, 0)).astype(np.uint8)) for x in raw]
    runner = choose_runner(saved, raw, 0.01) if given.runtime == "fastest" else None
    stream = Stream(saved, runner=runner)
    count = round(given.minutes * 60 * given.fps)
    per_minute = round(60 * given.fps)
    found, events, started = [], 0, time.perf_counter()
    for i in range(count):
        answer = stream.push(frames[i % len(frames)], i / given.fps)
        events += len(answer.ended)
        if (i + 1) % per_minute == 0:
            found.append(resident_mib())
            print(f"minute {len(found)}: {found[-1]:.1f} MiB, {events} events", flush=True)
    change = max(abs(value / found[0] - 1) for value in found)
    seconds = time.perf_counter() - started
    print(f"{count} frames in {seconds:.0f} s; largest change from minute 1: {change:.2%}")


if __name__ == "__main__":
    main()
