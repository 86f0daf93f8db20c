import numpy as np
import pytest

from onebody.inference.stage_times import stage_times
from saved_runs import write_saved
from step_networks import noise, step_network


def test_every_part_is_timed_once_a_frame_and_hooks_are_gone():
    saved = step_network()
    found = stage_times(saved, noise(2), repeats=4)
    assert list(found) == [
        "stem",
        "0 FrameStage",
        "1 FrameStage",
        "2 KeypointPool",
        "3 TemporalStage",
        "head action",
        "head gesture",
        "head pose",
        "rest",
    ]
    assert all(ms >= 0 for ms in found.values())
    assert sum(found.values()) > 0
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in saved.network.modules()]
    assert sum(hooks) == 0


@pytest.mark.alone
def test_peak_memory_is_that_of_a_process_of_its_own(tmp_path):
    from onebody.inference.peak_memory import peak_memory

    saved = step_network()
    write_saved(tmp_path, saved)
    mine = np.ones(800 << 20, np.uint8)  # what this process holds is none of the other's
    found = peak_memory(tmp_path, "eager", "fp32", 1)
    assert 50 << 20 < found < len(mine)
