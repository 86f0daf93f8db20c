"""``onebody live`` from the command line: what it looks at, what it refuses, how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial

import av
import pytest
from typer.testing import CliRunner
from websockets.sync.client import connect

from onebody.cli.app import app
from onebody.cli.live import TRIED, Lens, fastest_runner, frames_to_try, load_saved, make_studio
from onebody.inference.activity import ActivityConfig
from onebody.inference.chosen import keep_chosen
from onebody.inference.events import EventConfig
from onebody.viewer.commands import split_result
from onebody.viewer.serve import open_port
from saved_runs import write_saved
from stream_networks import tiny_stream

LENS = Lens(camera=None, distance_mm=None)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run's folder with a small causal network."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    saved = tiny_stream(notes={"demo": "demo weights, trained on nothing"})
    write_saved(folder, saved)
    return folder


def refused(*arguments: object) -> str:
    """Return the one line with which a command is refused."""
    answer = CliRunner().invoke(app, ["live", *map(str, arguments)])
    assert answer.exit_code == 2
    assert len(answer.stderr.splitlines()) == 1
    return answer.stderr


def test_the_browsers_camera_is_the_source_where_none_is_named(run):
    studio = make_studio(None, run, LENS, blur=True)
    assert (studio.source, studio.capture, studio.blur) == ("browser", None, True)
    assert studio.notice == "demo weights, trained on nothing"
    assert studio.tasks == ("both",), "where there is a joint answer, it alone speaks"
    assert studio.model.startswith("tiny (")
    assert "60 degrees" in studio.space


def test_events_are_those_that_were_chosen_for_the_run(tmp_path):
    saved = tiny_stream()
    write_saved(tmp_path / "tiny", saved)
    stream = make_studio(None, tmp_path / "tiny", LENS).make_stream(48, 64)
    assert stream.setup.events_of("both") is None
    chosen = EventConfig(on=0.6)
    keep_chosen(tmp_path / "tiny", {"both": {"activity": ActivityConfig(), "events": chosen}})
    stream = make_studio(None, tmp_path / "tiny", LENS).make_stream(48, 64)
    assert stream.setup.events_of("both") == chosen
    (tmp_path / "tiny" / "detect.json").write_text("{}[")
    assert "detect.json: expected JSON" in refused("--run", tmp_path / "tiny", "--port", 0)


def test_a_file_is_played_at_its_own_speed(run, tmp_path, make_video):
    path = make_video(tmp_path / "film.mp4", 3)
    studio = make_studio(str(path), run, Lens(camera=(1, 1, 0, 0), distance_mm=2000))
    assert (studio.source, studio.name, studio.space) == ("file", "film.mp4", "")
    assert studio.capture.paced
    assert not studio.capture.camera


def test_a_usual_lens_sees_sixty_degrees():
    fx, fy, cx, cy = LENS.of(480, 640)
    assert fx == fy == pytest.approx(554.26, abs=0.01)
    assert (cx, cy) == (320, 240)
    assert Lens.given("5,6,7,8", 1000.0).of(480, 640) == (5, 6, 7, 8)
    assert Lens.given(None, 1000.0).assumed == (
        "The scale is that of a lens of 60 degrees: --camera, --depth-ref."
    )


def test_what_cannot_work_is_refused_before_anything_opens(run, tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    taken = tmp_path / "taken.mp4"
    taken.write_bytes(b"precious")
    assert "notes.mp4" in refused(text, "--run", run)
    assert "none.mp4" in refused(tmp_path / "none.mp4", "--run", run)
    assert "camera" in refused("/dev/video97", "--run", run)
    assert "expected a new file" in refused("--run", run, "--record", taken)
    assert "found .avi" in refused("--run", run, "--record", tmp_path / "out.avi")
    assert "--camera" in refused("--run", run, "--camera", "1,2")
    assert "--depth-ref" in refused("--run", run, "--depth-ref", "-3")
    assert "no such folder" in refused("--run", tmp_path / "nothing")
    assert taken.read_bytes() == b"precious"


def test_a_network_that_looks_ahead_is_named_before_a_faster_way_is_looked_for(tmp_path):
    folder = tmp_path / "ahead"
    write_saved(folder, tiny_stream(encoder={"kind": "light", "width": 0.25}))

    def find(saved):
        raise AssertionError("looked for a way to run it")

    with pytest.raises(ValueError, match=r"^ahead: This network cannot run on a stream: the enc"):
        make_studio(None, folder, LENS, find=find)


def test_a_port_in_use_is_named(run):
    with open_port(0) as listening:
        port = listening.getsockname()[1]
        assert f"port {port} of 127.0.0.1" in refused("--run", run, "--port", port)


def test_faces_are_hidden_only_by_networks_that_find_them(tmp_path):
    saved = tiny_stream(tasks=("action",))
    write_saved(tmp_path, saved)
    with pytest.raises(ValueError, match="--blur-faces needs a network with a 2D pose"):
        make_studio(None, tmp_path, LENS, blur=True)


def test_without_weights_one_is_told_to_name_a_run(monkeypatch, tmp_path):
    import onebody.inference.default as default

    monkeypatch.setattr(default.load_default, "__defaults__", (tmp_path / "none",))
    with pytest.raises(ValueError, match="onebody live --run RUN"):
        load_saved(None)


def test_an_extra_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'onebody[viewer]'" in refused()


def test_it_runs_until_it_is_interrupted_and_keeps_what_it_recorded(run, tmp_path, make_video):
    film, out = make_video(tmp_path / "film.mp4", 500, fps=25), tmp_path / "out.mp4"
    options = ["--run", run, "--port", "0", "--record", out, "--blur-faces", "--eager"]
    command = [sys.executable, "-m", "onebody.cli", "live", film, *options]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout.readline() == "demo weights, trained on nothing\n"
        address = re.search(r"open http://(\S+) ", process.stdout.readline())[1]
        with connect(f"ws://{address}/live", origin=f"http://{address}") as page:
            assert json.loads(page.recv(timeout=30))["record"] == "out.mp4"
            frames = 0
            while frames < 5:
                message = page.recv(timeout=30)
                if isinstance(message, bytes):
                    text, jpeg = split_result(message)
                    assert json.loads(text)["width"] == 64
                    assert jpeg
                    page.send('{"do": "seen"}')
                    frames += 1
            process.send_signal(signal.SIGINT)
        said = process.stdout.read()
    assert process.returncode == 0, said
    assert re.search(rf"Recorded \d+ frames.*: {re.escape(str(out))}", said)
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 5


def test_a_notice_that_is_no_text_is_none(run):
    from onebody.inference.default import demo_notice

    assert demo_notice(replace(tiny_stream(), notes={"demo": True})) == ""


def test_the_fastest_way_is_looked_for_on_the_kind_of_frames_that_come(run, tmp_path, make_video):
    saved, _ = load_saved(run)
    film = make_video(tmp_path / "film.mp4", 5)
    assert len(frames_to_try(saved, str(film))) == 5
    assert {frame.shape for frame in frames_to_try(saved, None)} == {(1, 3, 32, 32)}
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    assert len(frames_to_try(saved, str(text))) == TRIED


def test_what_no_other_way_can_run_is_run_by_pytorch(run, monkeypatch, capsys):
    def none(*_given, **_options):
        raise ValueError("its state grows")

    monkeypatch.setattr("onebody.inference.kept_runner.kept_runner", none)
    studio = make_studio(None, run, LENS, find=partial(fastest_runner, source=None, error=0.01))
    assert studio.model == "tiny (pytorch fp32)"
    assert "PyTorch runs the network: its state grows" in capsys.readouterr().err


def test_a_faster_way_is_named(run, monkeypatch):
    class Quick:
        name, precision = "openvino", "bf16"

    monkeypatch.setattr(
        "onebody.inference.kept_runner.kept_runner", lambda *_given, **_options: Quick()
    )
    find = partial(fastest_runner, source=None, error=0.01)
    assert make_studio(None, run, LENS, find=find).model == "tiny (openvino bf16)"
