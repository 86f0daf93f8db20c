"""Buffers of frames are not given back to the system and taken again."""

from __future__ import annotations

import resource
import sys

import numpy as np
import pytest

from onebody.inference.keep_memory import keep_memory


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults as Linux does")
def test_memory_of_one_frame_serves_the_next():
    def frame():
        pieces = [np.ones(2 << 20, np.uint8) for _ in range(4)]
        return sum(len(piece) for piece in pieces)

    def faults():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    keep_memory()
    frame()
    before = faults()
    for _ in range(20):
        assert frame() == 8 << 20
    assert faults() - before < 20 * 512  # 2048 pages a frame where none is kept
