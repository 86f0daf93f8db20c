import av
import pytest

from onebody.inference.bench_file import bench_file, write_sample
from onebody.inference.step import eager_step
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
    assert 0 <= row.seen <= 1
    short = write_sample(tmp_path / "short.mp4", 8, side=32)
    with pytest.raises(ValueError, match="more than 21 frames"):
        bench_file("tiny", saved, eager_step(saved), short, trained=False)
