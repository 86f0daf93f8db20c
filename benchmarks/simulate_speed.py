"""How many frames per second the renderer of simulated bodies makes.

Run: ``python benchmarks/simulate_speed.py`` (``--size --clips --frames --repeats --threads``)
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from onebody.simulate.camera import Cameras, make_cameras
from onebody.simulate.motion import MOVEMENTS, Motion, make_motion
from onebody.simulate.render import render
from onebody.simulate.scene import Scenes, make_scenes

ALL = ("rgb", "depth", "silhouette")


def make_inputs(
    clips: int, frames: int, size: int, device: str
) -> tuple[Motion, Scenes, Cameras, Tensor]:
    """Make motions, scenes, cameras and camera-frame joints."""
    seeds = range(clips)
    kinds = [list(MOVEMENTS)[i % len(MOVEMENTS)] for i in seeds]
    motion = make_motion(kinds, list(seeds), list(seeds), frames, fps=frames / 1.5, device=device)
    cameras = make_cameras(seeds, size, joints_mm=motion.joints_mm, device=device)
    scenes = make_scenes(seeds, device=device)
    return motion, scenes, cameras, cameras.to_camera(motion.joints_mm)


def measure(
    size: int, clips: int, frames: int, modalities: Sequence[str], repeats: int
) -> tuple[float, float]:
    """Return medians after one warm-up: frames per second, frames per second of processor time.

    The second is what one idle core would do; it hardly moves when others use the machine.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    motion, scenes, cameras, joints = make_inputs(clips, frames, size, device)
    seconds, busy = [], []
    for _ in range(repeats + 1):
        begin, begin_busy = time.perf_counter(), time.process_time()
        render(joints, motion.shape, scenes, cameras, size, modalities)
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
        busy.append(time.process_time() - begin_busy)
    count = clips * frames
    return count / statistics.median(seconds[1:]), count / statistics.median(busy[1:])


def main() -> None:
    """Print one line per set of modalities."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--clips", type=int, default=32)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{given.clips} clips of {given.frames} frames, {given.size} x {given.size} pixels")
    for modalities in (ALL, ("rgb",), ("depth",), ("silhouette",)):
        rate, share = measure(given.size, given.clips, given.frames, modalities, given.repeats)
        print(f"{' + '.join(modalities):28s} {rate:6.0f} frames/s, {share:6.0f} per core second")


if __name__ == "__main__":
    main()
