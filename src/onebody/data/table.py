"""`SampleTable`: which samples there are, where their media lie and what is known of each.

Columnar, so that it can hold Kinetics: one array per column, no object per row.

A *source* is a string that says where an array of frames (or joints, or sensor readings) lies:

=====================  =============================================================
``clip.mp4``           a video file
``frames/``            a folder of images, in name order
``f/img_%05d.jpg``     numbered images of a folder; ``...#1:38``: numbers 1 to 37;
                       ``...#1:38:5``: every fifth of these
``still.jpg``          one image (a clip of one frame)
``data.npz#key``       one array of an npz file
``data.npy#100:150``   rows 100 to 149 of an npy file (memory-mapped)
``clips.zip!a.mp4``    a file inside a zip archive
=====================  =============================================================
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from onebody.config import lookup
from onebody.labels import UNLABELED, LabelSpace
from onebody.skeletons import SKELETONS, get_skeleton
from onebody.types import Floats, Ints

Text = npt.NDArray[np.str_]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColumn:
    """Class labels of all rows.

    Attributes:
        values: ``[N]`` indices into ``space``; `UNLABELED` where a row has no label.
        space: the dataset's own label space.
    """

    values: Ints
    space: LabelSpace


@dataclass(frozen=True, slots=True, kw_only=True)
class JointsColumn:
    """Joint positions of all rows, one array per row, read when needed.

    Each array is ``[T, J, D + 1]`` (float): D coordinates and a last channel, visibility: 1 seen,
    0 hidden but annotated, NaN not annotated (then the coordinates mean nothing). T is the number
    of frames of the row's media within its span.

    Attributes:
        sources: ``[N]`` sources; empty where a row has no joints.
        skeleton: name of the joint layout.
        unit: ``"px"`` (2D, source pixels, centers at i + 0.5) or ``"mm"`` (3D, camera frame).
    """

    sources: Text
    skeleton: str
    unit: str


Column = ClassColumn | JointsColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftColumn:
    """Probabilities of a task's classes where nobody has labeled (pseudo-labels).

    They are made for one training and are no part of a saved table.

    Attributes:
        values: ``[N, C]`` probabilities in the order of the task's classes.
        weight: ``[N]`` what a label counts beside one of weight 1; 0 where a row has none.
    """

    values: Floats
    weight: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTable:
    """Rows of samples with any subset of labels.

    Attributes:
        name: name of the dataset.
        media: modality (``rgb``, ``depth``, ``silhouette``, ``skeleton``, ``imu``; a further view
            as ``rgb/2``) to ``[N]`` sources; empty where a row lacks that modality.
        columns: label column by name.
        soft: soft labels by name; a `TargetSpec` says which task they serve.
        layouts: joint layout of each skeleton medium, by modality. Such a medium is ``[T, J, D]``:
            camera frame, x to the right, y down, z away from it, in mm (3D) or pixels (2D); NaN
            where a joint is missing.
        start_s, end_s: ``[N]`` span within the media in seconds; NaN: its beginning, its end.
        fps: ``[N]`` frames per second of the media; NaN: ask the file.
        rates: frames per second of media that run otherwise than ``fps`` says, by modality.
        subject, camera, source, group, split: ``[N]`` texts, empty where unknown. Rows of one
            group are never divided between training and test.
        camera_matrix: ``[N, 4]`` fx, fy, cx, cy in source pixels; NaN where unknown.
        depth_ref_mm: ``[N]`` distance at which normalized depth is 0.5; NaN where unknown.
        box: ``[N, 4]`` x0, y0, x1, y1 of the person in source pixels (0: the picture's left or
            upper border), one for all frames of a row; NaN: the whole picture is looked at.
        head_px: ``[N]`` length of the person's head as the dataset's protocol has it, which PCKh
            divides errors by (MPII: 0.6 of the diagonal of the head's box); NaN where unknown.
        row_names: ``[N]`` how messages name a row ("clips.csv:17").
    """

    name: str
    media: Mapping[str, Text]
    columns: Mapping[str, Column] = field(default_factory=dict)
    soft: Mapping[str, SoftColumn] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    start_s: Numbers
    end_s: Numbers
    fps: Numbers
    subject: Text
    camera: Text
    source: Text
    group: Text
    split: Text
    camera_matrix: Numbers
    depth_ref_mm: Numbers
    box: Numbers
    head_px: Numbers
    row_names: Text

    def __len__(self) -> int:
        return len(self.row_names)

    def __post_init__(self) -> None:
        size = len(self.row_names)
        for name, values in _arrays(self).items():
            if len(values) != size:
                raise ValueError(
                    f"Table {self.name!r}: column {name!r} has {len(values)} rows, expected {size}."
                )
        for modality, layout in self.layouts.items():
            lookup(self.media, modality, f"modality in the layouts of table {self.name!r}:")
            get_skeleton(layout)
        for modality, rate in self.rates.items():
            lookup(self.media, modality, f"modality in the rates of table {self.name!r}:")
            if not 0 < rate < math.inf:
                raise ValueError(f"Table {self.name!r}: {modality!r} cannot run at {rate} Hz.")

    def rate(self, modality: str) -> Numbers:
        """Return ``[N]`` frames per second of a medium; NaN: ask the file."""
        if modality in self.rates:
            return np.full(len(self), float(self.rates[modality]))
        return self.fps

    def layout(self, modality: str) -> str:
        """Return the joint layout of a skeleton medium.

        Raises:
            ValueError: if nobody has said which it is; says how to.
        """
        if modality not in self.layouts:
            raise ValueError(
                f"Table {self.name!r} does not say which joints its {modality!r} holds. State "
                f"'layouts: {{{modality}: NAME}}' in the manifest's sidecar (from Python: "
                f"make_table(layouts=...)); NAME is one of {', '.join(SKELETONS)}."
            )
        return self.layouts[modality]

    def select(self, rows: npt.NDArray[np.bool_] | Ints) -> SampleTable:
        """Return the table of some rows, by mask or by index."""
        columns: dict[str, Column] = {}
        for name, column in self.columns.items():
            if isinstance(column, ClassColumn):
                columns[name] = replace(column, values=column.values[rows])
            else:
                columns[name] = replace(column, sources=column.sources[rows])
        return replace(
            self,
            media={name: sources[rows] for name, sources in self.media.items()},
            columns=columns,
            soft={
                name: SoftColumn(values=found.values[rows], weight=found.weight[rows])
                for name, found in self.soft.items()
            },
            **{name: getattr(self, name)[rows] for name in _PER_ROW},
        )

    def hide(self, column: str, rows: npt.NDArray[np.bool_]) -> SampleTable:
        """Return the table without the labels of some rows in one column.

        Args:
            column: name of the column.
            rows: ``[N]`` bool.

        Raises:
            ValueError: if the table has no such column.
        """
        self.labeled(column)  # refuses a column that there is not
        found = self.columns[column]
        bare: Column
        if isinstance(found, ClassColumn):
            bare = replace(found, values=np.where(rows, UNLABELED, found.values))
        else:
            bare = replace(found, sources=np.where(rows, "", found.sources))
        return replace(self, columns={**self.columns, column: bare})

    def labeled(self, column: str) -> npt.NDArray[np.bool_]:
        """Return ``[N]``: does the row carry a label in this column?

        Raises:
            ValueError: if the table has no such column.
        """
        if column not in self.columns:
            raise ValueError(
                f"Table {self.name!r} has no column {column!r}. Columns: {', '.join(self.columns)}."
            )
        found = self.columns[column]
        if isinstance(found, ClassColumn):
            return np.asarray(found.values != UNLABELED)
        return np.asarray(found.sources != "")


_PER_ROW = (
    "start_s",
    "end_s",
    "fps",
    "subject",
    "camera",
    "source",
    "group",
    "split",
    "camera_matrix",
    "depth_ref_mm",
    "box",
    "head_px",
    "row_names",
)


def make_table(
    name: str,
    media: Mapping[str, Sequence[str] | Text],
    *,
    columns: Mapping[str, Column] | None = None,
    layouts: Mapping[str, str] | None = None,
    rates: Mapping[str, float] | None = None,
    **given: Sequence[str] | Sequence[float] | npt.NDArray[np.generic],
) -> SampleTable:
    """Make a table, filling per-row columns that are not given with "unknown".

    Args:
        name: name of the dataset.
        media: modality to sources, one per row.
        columns: label columns.
        layouts: joint layout of each skeleton medium, by modality.
        rates: frames per second of media that run otherwise than ``fps`` says, by modality.
        **given: any other column of `SampleTable` (``subject=...``, ``fps=...``).
    """
    sources = {key: np.asarray(values, dtype=np.str_) for key, values in media.items()}
    size = len(next(iter(sources.values())))
    unknown = np.full(size, np.nan)
    texts = ("subject", "camera", "source", "group", "split")
    values: dict[str, npt.NDArray[np.generic]] = {
        **{key: np.full(size, "", dtype=np.str_) for key in texts},
        **dict.fromkeys(("start_s", "end_s", "fps", "depth_ref_mm", "head_px"), unknown),
        "camera_matrix": np.full((size, 4), np.nan),
        "box": np.full((size, 4), np.nan),
        "row_names": np.array([f"{name}:{i}" for i in range(size)], dtype=np.str_),
    }
    for key, column in given.items():
        if key not in values:
            raise ValueError(f"SampleTable has no column {key!r}. Columns: {', '.join(values)}.")
        values[key] = np.asarray(column, dtype=values[key].dtype.type)
    return SampleTable(
        name=name,
        media=sources,
        columns=dict(columns or {}),
        layouts=dict(layouts or {}),
        rates=dict(rates or {}),
        **values,  # type: ignore[arg-type]
    )


def _arrays(table: SampleTable) -> dict[str, npt.NDArray[np.generic]]:
    """Return every array of a table by name."""
    arrays: dict[str, npt.NDArray[np.generic]] = {n: getattr(table, n) for n in _PER_ROW}
    arrays |= {f"media {n}": sources for n, sources in table.media.items()}
    for name, column in table.columns.items():
        arrays[name] = column.values if isinstance(column, ClassColumn) else column.sources
    for name, soft in table.soft.items():
        arrays |= {f"soft {name}": soft.values, f"weight of soft {name}": soft.weight}
    return arrays
