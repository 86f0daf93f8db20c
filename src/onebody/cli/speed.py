"""Memory settings that make networks on the CPU faster.

A training step, or a run of a large network, makes and drops large arrays. By default glibc
returns such memory to the system each time, and every step pays for getting it back, page by page;
told to keep it, a step takes about two thirds to four fifths of the time. They are read when a
process starts, so the program starts itself again with them (the same process, the same arguments).

``ONEBODY_MALLOC=0`` turns this off; settings that are already made are left alone.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "1000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "100000000",
}
GUARD = "ONEBODY_MALLOC"
COMMANDS = ("train", "compare", "study", "demo", "bench")


def tuned_environment(
    arguments: list[str], environment: Mapping[str, str], *, libc: str
) -> dict[str, str] | None:
    """Return the environment to start again with; None: stay as it is.

    Args:
        arguments: the command line without the program's name.
        environment: that of this process.
        libc: name of the C library; only glibc knows the settings.
    """
    if libc != "glibc" or GUARD in environment or not arguments or arguments[0] not in COMMANDS:
        return None
    if "--help" in arguments or any(name in environment for name in SETTINGS):
        return None
    return {**environment, **SETTINGS, GUARD: "set"}


def start_again_if_faster(arguments: list[str]) -> None:
    """Start this process again with the settings where they help."""
    libc = "glibc" if sys.platform == "linux" and platform.libc_ver()[0] == "glibc" else ""
    environment = tuned_environment(arguments, os.environ, libc=libc)
    if environment is None or not sys.orig_argv[1:]:
        return
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
