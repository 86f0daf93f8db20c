import av
import numpy as np
import pytest

from onebody.inference.bench_file import _Seeing, bench_file, write_sample
from onebody.inference.capture import open_capture
from onebody.inference.step import eager_step
from onebody.inference.stream import Stream
from step_networks import step_network


def test_a_file_is_read_looked_at_and_answered_for(tmp_path):
    path = write_sample(tmp_path / "sample.mp4", 26, side=32)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.codec_context.name) == (1280, 720, "h264")
    saved = step_network()
    row = bench_file("tiny", saved, eager_step(saved), path, trained=False)
    assert row.frames == 5
    assert (row.model, row.runtime, row.precision) == ("tiny", "eager", "fp32")
    assert {"decode", "crop", "network", "smooth"} <= set(row.stages_ms)
    assert row.frames_per_s > 0
    assert row.cpu_ms > 0
    assert row.seen == 1  # of an untrained network joints are made up
    trained = bench_file("tiny", saved, eager_step(saved), path, trained=True)
    assert 0 <= trained.seen <= 1


def test_the_box_rests_on_a_made_up_person(tmp_path):
    path = write_sample(tmp_path / "sample.mp4", 6, side=32)
    saved = step_network()
    stream = Stream(saved, runner=_Seeing(eager_step(saved), saved.input.box_scale))
    boxes = [made.prediction.boxes[0] for _, made in stream.run(open_capture(path))]
    assert np.isnan(boxes[0]).all()
    for box in boxes[1:]:
        np.testing.assert_allclose(box, [640 - 115.2, 72, 640 + 115.2, 648], atol=0.1)


def test_a_short_file_is_refused(tmp_path):
    saved = step_network()
    short = write_sample(tmp_path / "short.mp4", 8, side=32)
    with pytest.raises(ValueError, match="more than 21 frames"):
        bench_file("tiny", saved, eager_step(saved), short, trained=False)
