"""What the readers of all sets of wearables can be asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from onebody.config import Config


class WearableConfig(Config):
    """Keys of every set of wearable sensors.

    Attributes:
        folder: the official folder, or one that was packed from it (``trials.npz``).
        prepared: where tables at one rate are kept; default: ``prepared`` inside ``folder``.
        per: ``sensor``: a row for each sensor of a recording (one sensor, and the label
            ``position``); ``body``: a row for each recording, all positions as sensors, in the
            set's order, absent ones NaN.
        rate_hz: rate that every sensor is brought to.
        lowpass_hz: filter every sensor at this frequency, whatever its own rate; null: only those
            that come faster than ``rate_hz``. Sensors of two kinds differ in what they let
            through; a task that shall not tell the position by the kind filters all alike.
        accelerometer_only: leave out turn rates (NaN).
        window_s: length of a window in seconds; null: a row is a whole recording.
        overlap: of two windows, as a part of their length.
        max_gap_s: longest gap that is interpolated over; longer ones are NaN.
        min_valid: windows (or recordings) of which a smaller part is known are left out.
        positions: those that are used; empty: all of the set.
        subject_prefix: put before every subject's name, so that the people of several sets stay
            apart.
    """

    folder: Path
    prepared: Path | None = None
    per: Literal["sensor", "body"] = "sensor"
    rate_hz: float = Field(50.0, gt=0.0, le=1000.0)
    lowpass_hz: float | None = Field(None, ge=0.01)  # slower ones need minutes of readings
    accelerometer_only: bool = False
    window_s: float | None = Field(None, gt=0.0)
    overlap: float = Field(0.0, ge=0.0, lt=1.0)
    max_gap_s: float = Field(0.25, gt=0.0)
    min_valid: float = Field(0.5, gt=0.0, le=1.0)
    positions: tuple[str, ...] = ()
    subject_prefix: str = ""

    @model_validator(mode="after")
    def _possible(self) -> WearableConfig:
        if self.lowpass_hz is not None and self.lowpass_hz >= self.rate_hz / 2:
            raise ValueError(
                f"'lowpass_hz' should lie below half of rate_hz ({self.rate_hz / 2:g}), found "
                f"{self.lowpass_hz:g}"
            )
        if self.window_s is not None and self.window_s * self.rate_hz < 2:
            raise ValueError(
                f"'window_s' should hold two samples or more at {self.rate_hz:g} Hz, found "
                f"{self.window_s:g} s"
            )
        return self
