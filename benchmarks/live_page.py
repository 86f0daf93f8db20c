"""Round trips of the page of ``onebody live``: camera, JPEG, server, network, skeleton, per second.

Run: ``python benchmarks/live_page.py`` (``--run --size --camera-fps --seconds --json``). Headless
Chromium opens the page before a fake camera of noise; what is counted are pictures that came back
as poses and were drawn. Without ``--run`` a network answers that does nothing but what the server
needs, so that the page and the server alone are measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "viewer"))

from browser import Tab, chromium, find_chromium, write_y4m
from fake_stream import FakeStream, running

from onebody.cli.live import Lens, make_studio
from onebody.viewer.studio import Studio


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a run's folder, or a saved network")
    parser.add_argument("--size", default="320x240", help="of the camera's pictures")
    parser.add_argument("--camera-fps", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    program = find_chromium()
    if program is None:
        raise SystemExit("There is no Chromium (Debian: apt-get install chromium).")
    width, height = map(int, given.size.split("x"))
    if given.run is None:
        studio = Studio(make_stream=lambda h, w: FakeStream((h, w)), model="none")
    else:
        studio = make_studio(None, given.run, Lens(camera=None, distance_mm=None))
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (8, height // 8, width // 8, 3), dtype=np.uint8)
    pictures = small.repeat(8, axis=1).repeat(8, axis=2)  # some detail, as a room has
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        camera = write_y4m(folder / "camera.y4m", pictures, given.camera_fps)
        with running(studio) as server, chromium(program, folder / "profile", camera) as browser:
            row = measure(browser.open(server.address), given.seconds)
    row = {"model": studio.model, "size": given.size, "camera_fps": given.camera_fps, **row}
    print(json.dumps(row) if given.json else ", ".join(f"{k} {v}" for k, v in row.items()))


def measure(tab: Tab, seconds: float) -> dict[str, float]:
    """Return round trips per second and their delay."""
    tab.wait("!document.getElementById('begin').hidden")
    tab.click("#begin")
    tab.wait("window.onebody.answered > 20")
    first, begin, delays = tab.run("window.onebody.answered"), time.monotonic(), []
    while time.monotonic() - begin < seconds:
        time.sleep(0.25)
        delays.append(tab.run("window.onebody.delay"))
    trips = tab.run("window.onebody.answered") - first
    passed = time.monotonic() - begin
    return {
        "round_trips_per_s": round(trips / passed, 1),
        "delay_ms": round(statistics.median(delays), 1),
    }


if __name__ == "__main__":
    main()
