"""Files of sets of wearables in their official layouts, for tests."""

from __future__ import annotations

import io
import zipfile

import numpy as np

UMAFALL_SENSORS = {"RIGHTPOCKET": 0, "CHEST": 1, "WRIST": 3, "ANKLE": 4, "WAIST": 2}


def umafall_text(samples, *, subject=1, gender="F", sensors=UMAFALL_SENSORS):
    """Write a trial; ``samples``: rows of ms, number, x, y, z, type, sensor."""
    lines = [
        "% Universidad de Malaga - ETSI de Telecomunicacion (Spain)      ",
        f"% Name: Subject_{subject:02}                         ",
        "% Age: 27",
        f"% Gender: {gender}   ",
        "      ",
        "% Type of Movement: FALL",
        "% MAC Address; Sensor_ID; Position; Device Model    ",
        *(f"%f8:95:c7:f3:ba:82; {n}; {name}; tag   " for name, n in sensors.items()),
        "% Sensor_Type: ",
        "% Accelerometer = 0     ",
        "% TimeStamp; Sample No; X-Axis; Y-Axis; Z-Axis; Sensor Type; Sensor ID; ",
        *(";".join(f"{value:.10g}" for value in row) for row in samples),
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


def umafall_samples(seconds=4.0):
    """Return samples: gravity along y everywhere, x: the sensor's number; tags turn 90 deg/s."""
    rows = []
    for sensor in UMAFALL_SENSORS.values():
        rate = 200 if sensor == 0 else 20
        for n in range(int(seconds * rate)):
            ms = 100 + round(1000 * n / rate)
            rows.append((ms, n + 1, 0.1 * sensor, 1.0, 0.0, 0, sensor))
            if sensor:
                rows.append((ms + 1, n + 1, 0.0, 90.0, 0.0, 1, sensor))
                rows.append((ms + 2, n + 1, 20.0, 3.0, 4.0, 2, sensor))
    return sorted(rows)


def umafall_name(subject, movement, number=1, kind="ADL"):
    """Return a trial's file name."""
    return f"UMAFall_Subject_{subject:02}_{kind}_{movement}_{number}_2016-06-17_19-25-39.csv"


def motionsense_text(samples):
    """Write a recording of ``samples`` lines: gravity along y, user acceleration n / 1000 g."""
    kinds = ("attitude", "gravity", "rotationRate", "userAcceleration")
    axes = dict.fromkeys(kinds, ("x", "y", "z")) | {"attitude": ("roll", "pitch", "yaw")}
    names = ["", *(f"{kind}.{axis}" for kind in kinds for axis in axes[kind])]
    lines = [",".join(names)]
    for n in range(samples):
        values = (n, 0, 0, 0, 0, -1.0, 0, 0.5, 0, 0, n / 1000, 0, 0)
        lines.append(",".join(f"{value:g}" for value in values))
    return "\n".join(lines) + "\n"


def realworld_text(seconds=4.0, value=1.0, rate=50):
    """Write a recording: irregular times, x of one value."""
    times = np.arange(int(seconds * rate)) * (1000 / rate)
    jitter = np.random.default_rng(0).integers(-4, 5, len(times))
    lines = ["id,attr_time,attr_x,attr_y,attr_z"]
    for n, ms in enumerate((1435993733000 + times + jitter).astype(np.int64)):
        lines.append(f"{n + 1},{ms},{value},9.8,0.1")
    return "\n".join(lines) + "\n"


def fault(read):
    """Return what a reader says of a file; empty: it read it."""
    try:
        read()
    except ValueError as error:
        return str(error)
    return ""


def zip_of(members):
    """Make an archive of texts and bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members.items():
            archive.writestr(name, value)
    return content.getvalue()


def write_uci_har(folder, recordings):
    """Write recordings ``{part: [(subject, activity, values [64 (n + 1), 6])]}``."""
    root = folder / "UCI HAR Dataset"
    root.mkdir(parents=True)
    names = ["WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING"]
    (root / "activity_labels.txt").write_text(
        "".join(f"{n} {name}\n" for n, name in enumerate(names, start=1))
    )
    for part, found in recordings.items():
        signals = root / part / "Inertial Signals"
        signals.mkdir(parents=True)
        windows, ids, people = [], [], []
        for subject, activity, values in found:
            for first in range(0, len(values) - 127, 64):
                windows.append(values[first : first + 128])
                ids.append(activity)
                people.append(subject)
        for c, name in enumerate(
            f"{kind}_{axis}" for kind in ("total_acc", "body_gyro") for axis in "xyz"
        ):
            lines = ["".join(f"{v: .7e} " for v in window[:, c]) for window in windows]
            (signals / f"{name}_{part}.txt").write_text("\n".join(lines) + "\n")
        (root / part / f"y_{part}.txt").write_text("".join(f"{i}\n" for i in ids))
        (root / part / f"subject_{part}.txt").write_text("".join(f"{p}\n" for p in people))
    return root
