"""A take with a real network: looked at, blurred, recorded, and ended cleanly."""

from __future__ import annotations

import time

import av
import numpy as np
from fake_stream import FakeStream, jpeg_of

from onebody.inference.capture import open_capture
from onebody.inference.stream import Stream
from onebody.viewer.jpeg import write_jpeg
from onebody.viewer.looks import Look, Shot
from onebody.viewer.studio import Ended, Studio, Take, Trouble
from stream_networks import tiny_stream


def run(studio, *shots, number=1):
    """Run a take to its end; return what it told."""
    told = []
    take = Take(studio, number, lambda _, what: told.append(what))
    take.start()
    for at, shot in enumerate(shots):
        take.shots.put(shot)
        while len(told) <= at:
            time.sleep(0.002)
    if shots:
        take.stop()
    take.join()
    return told


def shot(number, jpeg=b"", time_s=None):
    return Shot(
        number=number,
        time_s=number / 10 if time_s is None else time_s,
        arrived_s=time.monotonic(),
        jpeg=jpeg or jpeg_of(),
    )


def test_a_file_is_looked_at_by_a_network(tmp_path, make_video):
    saved = tiny_stream()
    path = make_video(tmp_path / "a.mp4", 6, fps=25)
    studio = Studio(
        make_stream=lambda h, w: Stream(saved, camera=(60, 60, w / 2, h / 2), depth_ref_mm=2500),
        capture=open_capture(path, paced=True),
        source="file",
        record=tmp_path / "out.mp4",
    )
    *looks, end = run(studio)
    assert looks
    assert all(isinstance(look, Look) for look in looks)
    assert (looks[0].told["height"], looks[0].told["width"]) == (48, 64)
    assert all(joint for joint in looks[-1].told["poses"]["space"]["joints"])
    assert looks[-1].jpeg[:2] == b"\xff\xd8"
    assert isinstance(end, Ended)
    assert end.why == ""
    assert end.said == f"Recorded {len(looks)} frames: {tmp_path / 'out.mp4'}"
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(looks)


def test_a_page_gets_its_picture_back_only_where_faces_are_hidden():
    def make(height, width):
        return FakeStream((height, width))

    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    jpeg = write_jpeg(noise, 64)
    plain, _ = run(Studio(make_stream=make), shot(1, jpeg))
    assert (plain.jpeg, plain.for_sender) == (jpeg, False)
    hidden, _ = run(Studio(make_stream=make, blur=True), shot(1, jpeg))
    assert hidden.jpeg not in (jpeg, b"")
    assert hidden.for_sender


def test_frames_that_were_not_looked_at_are_not_shown_where_faces_are_hidden(tmp_path):
    saved = tiny_stream()
    studio = Studio(
        make_stream=lambda _h, _w: Stream(saved, fps=10), blur=True, record=tmp_path / "out.mp4"
    )
    *looks, end = run(studio, *(shot(n, time_s=n / 40) for n in range(9)))
    shown = [bool(look.jpeg) for look in looks]
    assert shown == [look.told["ran"] for look in looks]
    assert 2 <= sum(shown) <= 4
    assert end.said.startswith(f"Recorded {sum(shown)} frames")


def test_trouble_with_a_picture_does_not_end_the_take():
    studio = Studio(make_stream=lambda h, w: FakeStream((h, w)))
    told = run(studio, shot(1, b"no jpeg"), shot(2, jpeg_of(1, 1)), shot(3))
    assert [type(what) for what in told] == [Trouble, Trouble, Look, Ended]
    assert "left out: 7 bytes" in told[0].text
    assert "nobody can be seen" in told[1].text


def test_a_recording_that_fails_does_not_end_the_take(tmp_path):
    studio = Studio(
        make_stream=lambda h, w: FakeStream((h, w)), record=tmp_path / "none" / "out.mp4"
    )
    (tmp_path / "none").write_text("a file where a folder should be")
    told = run(studio, shot(1), shot(2))
    assert [type(what) for what in told] == [Trouble, Look, Look, Ended]
    assert "not recorded" in told[0].text


def test_takes_write_files_of_their_own(tmp_path):
    studio = Studio(make_stream=lambda h, w: FakeStream((h, w)), record=tmp_path / "out.mp4")
    run(studio, shot(1), shot(2))
    run(studio, shot(1), number=2)
    run(studio, shot(1), number=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out-2.mp4", "out-3.mp4", "out.mp4"]


def test_events_that_go_on_are_ended():
    studio = Studio(make_stream=lambda h, w: FakeStream((h, w)))
    told = run(studio, shot(1, time_s=1.2))
    assert [event.label for event in told[0].started] == ["wave"]
    assert [event.end_s for event in told[1].ended] == [99.0]
    assert np.isfinite(told[0].told["delay_ms"])
