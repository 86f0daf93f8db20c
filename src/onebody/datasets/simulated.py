"""Simulated people: videos of actions and gestures with every joint known.

Rendered once into a cache folder; later runs map it into memory. Action clips carry no gesture
label and gesture clips no action label, so the set trains what real ones need: tasks with labels
on different samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationInfo, field_validator, model_validator

import onebody
from onebody import simulate
from onebody.config import nearest
from onebody.data import ClassColumn, Column, JointsColumn, SampleTable, make_table
from onebody.datasets.prepared import kept_table
from onebody.datasets.simulated_imu import Clips, by_sensor, sensor_readings, wearer_columns
from onebody.datasets.simulated_plan import Plan, make_plan
from onebody.datasets.simulated_stage import kind_column, stage_columns, with_joint_boxes
from onebody.datasets.simulated_views import (
    FilmingConfig,
    Performances,
    file_name,
    filmed,
    present,
    view_names,
)
from onebody.home import cache_root
from onebody.labels import UNLABELED, LabelSpace
from onebody.simulate.actions import ACTIONS
from onebody.simulate.body import BODY
from onebody.simulate.draws import uniform
from onebody.simulate.gestures import GESTURES
from onebody.simulate.held import OBJECTS
from onebody.simulate.idle import IDLE
from onebody.simulate.motion import MOVEMENTS, make_motion
from onebody.simulate.movement import label_space
from onebody.simulate.render import CHANNELS
from onebody.simulate.sensors import POSITIONS
from onebody.simulate.surroundings import SURROUNDINGS

Modality = Literal["rgb", "depth", "silhouette", "imu"]


class SimulatedConfig(FilmingConfig):
    """Simulated people doing actions and gestures.

    Attributes:
        modalities: what is rendered; ``imu``: worn sensors at five positions, a reading per frame
            (see `onebody.simulate.sensors`), with the columns ``wearer`` and ``stature``. Of a set
            of ``imu`` alone nothing is rendered, and it has no joints.
        size: side of the square pictures in pixels.
        frames: frames of a clip.
        fps: frames per second; ``frames / fps`` of one to two seconds looks natural.
        people: how many persons.
        first_person: number of the first one; sets with the same seed share the persons whose
            numbers they share.
        test_people: how many of them, the last, are marked ``test`` in the split column.
        clips: clips of every class by every person.
        actions: names of the actions; None: all. Empty: none.
        gestures: names of the gestures; None: all. Empty: none.
        idle: names of idle movements (`onebody.simulate.idle`): clips of people who do nothing that
            has a name. With any, the column ``kind`` tells ``action``, ``gesture`` and ``idle``
            apart, from which a router (task ``which``) learns to say "none of these".
        pose_share: share of the clips that keep their pose labels.
        yaw_degrees: cameras stand within this angle to either side; people face within 10 degrees.
        occluders: share of the clips with a thing before the person.
        clutter: probability of each thing in the room.
        noise: factor on the noise of the camera and of worn sensors.
        per: ``imu`` alone: a row per clip, all sensors of a ``body``, or one for each ``sensor``,
            with the column ``position``.
        mounting_deg: ``imu``: greatest angle by which people wear sensors in their own way.
        fill: range of the share of the picture's side that a person's whole movement takes.
        place: range of where they are in what is left of the picture (see `make_cameras`).
        boxes: ``joints``: the table's box of a row is the smallest one around all its joints.
        objects: what people hold in a hand (`onebody.simulate.held`), one of these at random in
            each clip, with the column ``object``. Empty: nothing.
        scenes: kinds of scenes (`onebody.simulate.surroundings`), likewise, with the column
            ``scene``. Empty: rooms of one kind.
        views: cameras around each performance; the second one's pictures are the media ``rgb/2``,
            ``depth/2`` and so on. Joints are those of the first camera.
        view_step_degrees: angle from one camera to the next, to the person's left.
        view_share: probability of each view of a clip to be there; one always is.
        outfits: different clothes that a person wears.
        seed: another number makes other people and performances.
        cache: folder of rendered sets; None: ``$ONEBODY_CACHE``, else ``onebody`` in
            ``$XDG_CACHE_HOME`` or ``~/.cache``.
        device: where to render. Pictures differ between devices by rounding only.
    """

    kind: Literal["simulated"] = "simulated"
    modalities: tuple[Modality, ...] = Field(("rgb",), min_length=1)
    frames: int = Field(16, ge=1)
    fps: float = Field(10.0, gt=0)
    people: int = Field(10, ge=1, le=100_000)
    first_person: int = Field(0, ge=0, le=100_000)
    test_people: int = Field(0, ge=0)
    clips: int = Field(2, ge=1, le=1000)
    actions: tuple[str, ...] | None = None
    gestures: tuple[str, ...] | None = None
    idle: tuple[str, ...] = ()
    pose_share: float = Field(1.0, ge=0, le=1)
    boxes: Literal["none", "joints"] = "none"
    seed: int = Field(0, ge=0, le=1_000_000)
    cache: Path | None = None
    per: Literal["body", "sensor"] = "body"
    mounting_deg: float = Field(20.0, ge=0, le=180)

    LATER: ClassVar[frozenset[str]] = frozenset(
        {"per", "mounting_deg", "idle", "fill", "place", "boxes", "objects", "scenes"}
        | {"views", "view_step_degrees", "view_share"}
    )

    @field_validator("actions", "gestures", "idle")
    @classmethod
    def _known(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Refuse movements that do not exist."""
        for name in names or ():
            if name not in MOVEMENTS:
                raise ValueError(f"there is no movement {name!r}. {nearest(name, MOVEMENTS)}")
        return names

    @field_validator("fill", "place")
    @classmethod
    def _range(cls, ends: tuple[float, float]) -> tuple[float, float]:
        """Refuse what is no range of shares."""
        if not 0 <= ends[0] <= ends[1] <= 1 or ends[1] == 0:
            raise ValueError(f"expected two shares, 0 <= low <= high <= 1, found {list(ends)}")
        return ends

    @field_validator("objects", "scenes")
    @classmethod
    def _there(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Refuse things and kinds of scenes that do not exist, or that are named twice."""
        known = OBJECTS if info.field_name == "objects" else SURROUNDINGS
        for name in names:
            if name not in known:
                raise ValueError(f"there is no {name!r}. {nearest(name, known)}")
        if len(set(names)) < len(names):
            raise ValueError(f"expected each name once, found {list(names)}")
        return names

    @model_validator(mode="after")
    def _consistent(self) -> SimulatedConfig:
        """Refuse more test people than there are people."""
        if self.test_people > self.people:
            raise ValueError(
                f"test_people should be at most people ({self.people}), found {self.test_people}"
            )
        if "imu" in self.modalities and self.frames < 3:
            raise ValueError(f"worn sensors need 3 frames or more, found frames: {self.frames}")
        if self.per == "sensor" and self.modalities != ("imu",):
            raise ValueError("'per: sensor' is for 'modalities: [imu]' alone")
        if self.modalities == ("imu",) and self.views > 1:
            raise ValueError("'views' are of pictures, found imu alone")
        if self.modalities == ("imu",) and (self.boxes != "none" or self.objects or self.scenes):
            raise ValueError("'boxes', 'objects' and 'scenes' are for pictures, found imu alone")
        return self


def build_simulated(config: SimulatedConfig) -> SampleTable:
    """Render the set, or open it where it was rendered before.

    Returns:
        One row per clip with columns ``action``, ``gesture``, ``joints2d`` (px), ``joints3d`` (mm,
        camera frame; both kinect-20), and subject, split, camera matrix, depth reference (distance
        of the hips, mean over the clip) and frame rate.
    """
    table = kept_table(cache_folder(config), lambda work: _render_set(config, work))
    return with_joint_boxes(table, "joints2d") if config.boxes == "joints" else table


def cache_folder(config: SimulatedConfig) -> Path:
    """Return where a set is kept: by the config, the version and the simulator's code."""
    root = config.cache or cache_root()
    digest = hashlib.sha256(onebody.__version__.encode())
    digest.update(config.model_dump_json(exclude={"cache", "device", "boxes"}).encode())
    own = [
        Path(__file__).with_name(f"simulated{end}.py")
        for end in ("", "_imu", "_plan", "_stage", "_views")
    ]
    for file in [*own, *sorted(Path(simulate.__path__[0]).glob("*.py"))]:
        digest.update(file.read_bytes())
    return root / "simulated" / digest.hexdigest()[:20]


def _spaces(config: SimulatedConfig) -> dict[str, LabelSpace]:
    """Return the label space of each class column; a mirror image that is left out has no name."""
    spaces = {}
    chosen = {"action": (config.actions, ACTIONS), "gesture": (config.gestures, GESTURES)}
    for column, (names, movements) in chosen.items():
        wanted = tuple(movements) if names is None else names
        full = label_space(f"simulated {column}s", movements)
        misplaced = [name for name in wanted if name not in movements]
        if misplaced:
            raise ValueError(f"Simulated {column}s: {misplaced[0]!r} is no {column}. Move it.")
        mirror = {n: full.mirror[n] if full.mirror[n] in wanted else None for n in wanted}
        spaces[column] = LabelSpace(full.name, wanted, mirror)
    strange = [name for name in config.idle if name not in IDLE]
    if strange:
        raise ValueError(f"Simulated idle movements: {strange[0]!r} is none. Move it.")
    if not any(len(space) for space in spaces.values()):
        raise ValueError("A simulated set needs an action or a gesture, found neither.")
    return spaces


def _render_set(config: SimulatedConfig, folder: Path) -> SampleTable:
    """Render all clips into arrays in a folder."""
    spaces = _spaces(config)
    plan = make_plan(
        [kind for space in spaces.values() for kind in space.classes] + list(config.idle),
        range(config.first_person, config.first_person + config.people),
        config.clips,
        config.seed,
    )
    count, frames, size = len(plan.kinds), config.frames, config.size
    shapes: dict[str, tuple[tuple[int, ...], npt.DTypeLike]] = {
        name: ((size, size, CHANNELS[name.split("/")[0]]), np.uint8)
        for name in view_names(_rendered(config), config.views)
    }
    if shapes:
        shapes |= {f"joints{d}d": ((len(BODY), d + 1), np.float32) for d in (2, 3)}
    if "imu" in config.modalities:
        shapes["imu"] = ((len(POSITIONS), 6), np.float32)
    if config.per == "sensor":  # one after the other, each as long as the clip
        frames, shapes["imu"] = frames * len(POSITIONS), ((1, 6), np.float32)
    arrays = {
        name: np.lib.format.open_memmap(
            folder / f"{file_name(name)}.npy",
            mode="w+",
            dtype=dtype,
            shape=(count * frames, *shape),
        )
        for name, (shape, dtype) in shapes.items()
    }
    numbers = np.zeros((count, 5))  # fx, fy, cx, cy, distance
    step = max(1, (512 if _rendered(config) else 32_768) // config.frames)
    for begin in range(0, count, step):
        rows = range(begin, min(begin + step, count))
        values, numbers[rows.start : rows.stop] = _render_rows(config, plan, rows)
        for name, value in values.items():
            arrays[name][rows.start * frames : rows.stop * frames] = value
    for array in arrays.values():
        array.flush()
    sources = {
        name: [
            f"{folder / file_name(name)}.npy#{i * frames}:{(i + 1) * frames}" for i in range(count)
        ]
        for name in arrays
    }
    table = _make_table(config, plan, spaces, sources, numbers)
    return by_sensor(table, config.frames) if config.per == "sensor" else table


def _rendered(config: SimulatedConfig) -> list[Literal["rgb", "depth", "silhouette"]]:
    """Return the modalities that are pictures."""
    return [name for name in config.modalities if name != "imu"]


def _render_rows(
    config: SimulatedConfig, plan: Plan, rows: range
) -> tuple[dict[str, npt.NDArray[np.generic]], npt.NDArray[np.float64]]:
    """Simulate some clips: arrays of all their frames, and camera and distance ``[n, 5]``."""
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    numbers = np.full((len(rows), 5), np.nan)
    if _rendered(config):
        arrays, numbers = _picture_rows(config, plan, rows)
    if "imu" in config.modalities:
        clips = Clips(
            kinds=[plan.kinds[i] for i in rows],
            identities=[plan.identities[i] for i in rows],
            performances=[plan.performances[i] for i in rows],
        )
        found = sensor_readings(
            clips, config.frames, config.fps, mounting_deg=config.mounting_deg, noise=config.noise
        )
        if config.per == "sensor":
            found = found.swapaxes(1, 2)[:, :, :, None]  # [n, S, T, 1, 6]
            found = found.reshape(len(rows), -1, 1, 6)
        arrays["imu"] = found.reshape(-1, *found.shape[2:])
    return arrays, numbers


def _picture_rows(
    config: SimulatedConfig, plan: Plan, rows: range
) -> tuple[dict[str, npt.NDArray[np.generic]], npt.NDArray[np.float64]]:
    """Render some clips."""

    def of(values: Sequence[int]) -> list[int]:
        return [values[i] for i in rows]

    seeds, identities = of(plan.performances), of(plan.identities)
    motion = make_motion(
        [plan.kinds[i] for i in rows],
        identities,
        seeds,
        config.frames,
        fps=config.fps,
        facing_deg=10.0,
    )
    performances = Performances(
        seeds=seeds, identities=identities, motion=motion, rendered=_rendered(config)
    )
    tensors, numbers = filmed(config, performances)
    for view in range(1, config.views):
        further, _ = filmed(config, performances, view)
        tensors |= {f"{name}/{view + 1}": further[name] for name in _rendered(config)}
    arrays = {name: value.flatten(0, 1).numpy() for name, value in tensors.items()}
    return arrays, numbers


def _make_table(
    config: SimulatedConfig,
    plan: Plan,
    spaces: dict[str, LabelSpace],
    sources: dict[str, list[str]],
    numbers: npt.NDArray[np.float64],
) -> SampleTable:
    """Describe the rendered clips."""
    columns: dict[str, Column] = {
        name: ClassColumn(
            values=np.array(
                [space.index(k) if k in space.classes else UNLABELED for k in plan.kinds], np.int64
            ),
            space=space,
        )
        for name, space in spaces.items()
        if len(space)
    }
    if config.idle:
        columns["kind"] = kind_column(plan.kinds, spaces)
    columns |= stage_columns(plan.performances, object=config.objects, scene=config.scenes)
    posed = uniform(plan.performances, "pose label", 1)[:, 0].numpy() < config.pose_share
    for name, unit in (("joints2d", "px"), ("joints3d", "mm")) if _rendered(config) else ():
        kept = np.where(posed, np.array(sources[name], np.str_), "")
        columns[name] = JointsColumn(sources=kept, skeleton=BODY.name, unit=unit)
    people = [f"p{person:05d}" for person in plan.people]
    if "imu" in config.modalities:
        columns |= wearer_columns(people, plan.identities)
    first_test = config.first_person + config.people - config.test_people
    return make_table(
        "simulated",
        present(sources, config.modalities, plan.performances, config.views, config.view_share),
        columns=columns,
        fps=np.full(len(plan.kinds), config.fps),
        subject=people,
        split=["test" if person >= first_test else "train" for person in plan.people],
        camera_matrix=numbers[:, :4],
        depth_ref_mm=numbers[:, 4],
        row_names=[
            f"simulated:{person}/{kind}/{take}"
            for person, kind, take in zip(people, plan.kinds, plan.takes, strict=True)
        ],
    )
