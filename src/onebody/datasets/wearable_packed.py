"""Trials of a set of wearables in one npz file, ``trials.npz``: nothing is lost, nothing resampled.

Arrays: ``name``, ``subject``, ``split`` and ``label/<column>`` by trial (texts; empty: unknown);
``trial``, ``position``, ``quantity`` and ``count`` by stream; ``times_s`` and ``values`` by sample,
one stream after the other.
"""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from onebody.datasets.wearable_trial import Quantity, Stream, Trial

FILE = "trials.npz"

_QUANTITIES = ("acceleration", "turn_rate")
_DAMAGED = (
    OSError, ValueError, TypeError, KeyError, EOFError, NotImplementedError, RuntimeError,
    SyntaxError, MemoryError, OverflowError, struct.error, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What numpy and zipfile raise at damaged files."""


def save_trials(folder: Path, trials: Iterable[Trial]) -> int:
    """Write trials; return how many."""
    kept = list(trials)
    streams = [(place, s) for place, trial in enumerate(kept) for s in trial.streams]
    columns = sorted({name for trial in kept for name in trial.labels})
    arrays: dict[str, npt.NDArray[Any]] = {
        "name": np.array([trial.name for trial in kept], np.str_),
        "subject": np.array([trial.subject for trial in kept], np.str_),
        "split": np.array([trial.split for trial in kept], np.str_),
        **{
            f"label/{column}": np.array([trial.labels.get(column, "") for trial in kept], np.str_)
            for column in columns
        },
        "trial": np.array([place for place, _ in streams], np.int64),
        "position": np.array([s.position for _, s in streams], np.str_),
        "quantity": np.array([s.quantity for _, s in streams], np.str_),
        "count": np.array([len(s.times_s) for _, s in streams], np.int64),
        "times_s": np.concatenate([s.times_s for _, s in streams]),
        "values": np.concatenate([s.values for _, s in streams]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / FILE, **arrays)  # type: ignore[arg-type]
    return len(kept)


def load_trials(folder: Path) -> Iterator[Trial]:
    """Read trials one by one.

    Raises:
        ValueError: if the file is damaged, or its arrays contradict each other.
    """
    file = folder / FILE
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        _check(arrays)
    except _DAMAGED as error:
        raise ValueError(
            f"{file}: expected packed trials, found: {error}. Pack them anew."
        ) from None
    stop = np.cumsum(arrays["count"])
    labels = [name for name in arrays if name.startswith("label/")]
    for place in range(len(arrays["name"])):
        streams = [
            Stream(
                position=str(arrays["position"][k]),
                quantity=cast("Quantity", str(arrays["quantity"][k])),
                times_s=arrays["times_s"][stop[k] - arrays["count"][k] : stop[k]],
                values=arrays["values"][stop[k] - arrays["count"][k] : stop[k]],
            )
            for k in np.flatnonzero(arrays["trial"] == place)
        ]
        own = {name.removeprefix("label/"): str(arrays[name][place]) for name in labels}
        yield Trial(
            name=str(arrays["name"][place]),
            subject=str(arrays["subject"][place]),
            split=str(arrays["split"][place]),
            labels={name: text for name, text in own.items() if text},
            streams=tuple(streams),
        )


def _check(arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Refuse arrays that contradict each other."""
    for name in ("trial", "count"):
        whole = np.issubdtype(arrays[name].dtype, np.integer) and arrays[name].ndim == 1
        _expect(bool(whole), f"whole numbers in {name}", f"{arrays[name].dtype}")
    trials, samples = len(arrays["name"]), int(arrays["count"].sum())
    labels = [name for name in arrays if name.startswith("label/")]
    for name in ("subject", "split", *labels):
        _expect(arrays[name].shape == (trials,), f"{name} of {trials} trials", arrays[name].shape)
    _expect(bool((arrays["subject"].astype(np.str_) != "").all()), "a subject of each", "none")
    for name in ("trial", "position", "quantity"):
        fits = arrays[name].shape == arrays["count"].shape
        _expect(fits, f"{name} of {len(arrays['count'])} streams", arrays[name].shape)
    times, values = arrays["times_s"], arrays["values"]
    _expect(times.shape == (samples,), f"times_s of {samples} samples", times.shape)
    _expect(values.shape == (samples, 3), f"values [{samples}, 3]", values.shape)
    _expect(bool((arrays["count"] > 0).all()), "streams of one sample or more", "an empty one")
    place = arrays["trial"]
    _expect(bool(((place >= 0) & (place < trials)).all()), f"trial 0 to {trials - 1}", "another")
    _expect(bool(np.isin(arrays["quantity"], _QUANTITIES).all()), str(_QUANTITIES), "another")
    _expect(bool(np.isfinite(times).all() and np.isfinite(values).all()), "finite numbers", "NaN")
    inner = np.ones(max(samples - 1, 0), np.bool_)
    inner[np.cumsum(arrays["count"])[:-1] - 1] = False
    _expect(bool((np.diff(times)[inner] > 0).all()), "ascending times_s", "others")


def _expect(fits: bool, expected: str, found: object) -> None:
    if not fits:
        raise ValueError(f"expected {expected}, found {found}")
