"""``onebody live``: a camera or a file, and a page in the browser that shows what is going on."""

from __future__ import annotations

import math
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onebody.cli.predict import read_camera

if TYPE_CHECKING:
    from onebody.inference.step import StepRunner
    from onebody.inference.stream import Stream
    from onebody.models import SavedNetwork
    from onebody.types import Floats
    from onebody.viewer import Studio

USUAL_ANGLE_DEG = 60.0
"""Horizontal angle of view of a usual webcam."""

TRIED = 32
"""Frames on which ways to run the network are tried."""

USUAL_DISTANCE_MM = 2500.0
"""How far somebody stands who is in the picture from head to foot."""


def live(
    source: Annotated[
        str | None,
        typer.Argument(
            help="camera, camera:1, a video or a folder of pictures; none: the browser's camera."
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="A run's folder, or a saved network; none: the one of the package."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0: any that is free.")
    ] = 8321,
    record: Annotated[
        Path | None, typer.Option(help="Write an annotated video (.mp4), a file for each take.")
    ] = None,
    blur_faces: Annotated[
        bool,
        typer.Option("--blur-faces", help="Hide faces: all but a body whose head is surely found."),
    ] = False,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of pictures, or asked of a camera.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="fx,fy,cx,cy in pixels, for 3D poses; none: a usual webcam.")
    ] = None,
    depth_ref: Annotated[
        float | None, typer.Option(help="Distance of the body in mm, for 3D poses; none: 2500.")
    ] = None,
    error: Annotated[
        float, typer.Option(min=0.0, help="Output error that a faster way to run it may have.")
    ] = 0.01,
    eager: Annotated[
        bool, typer.Option("--eager", help="Run it in PyTorch; look for no faster way.")
    ] = False,
    search: Annotated[
        bool, typer.Option("--search", help="Look for the fastest way anew, not as last time.")
    ] = False,
) -> None:
    """Show a camera or a file in the browser, with poses, actions and gestures as they happen.

    The page is served to this computer alone (127.0.0.1). Ctrl-C ends it. The network is run in the
    fastest way at hand whose probabilities and joints differ from PyTorch's by no more than ERROR.
    """
    needs_extra()
    from onebody.viewer.serve import address_of, open_port, serve

    lens = Lens.given(camera, depth_ref)
    find = None if eager else partial(fastest_runner, source=source, error=error, anew=search)
    with open_port(port) as listening:  # first, for what comes then takes seconds
        studio = make_studio(source, run, lens, record=record, blur=blur_faces, fps=fps, find=find)
        address = address_of(listening)
        if studio.notice:
            typer.echo(studio.notice)
        typer.echo(f"{studio.model}, {studio.name}: open {address} (Ctrl-C ends it)")
        if open_page:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        with suppress(KeyboardInterrupt):  # it is how one ends it
            serve(studio, listening, say=typer.echo)


def needs_extra() -> None:
    """Check that the viewer's libraries are there.

    Raises:
        ImportError: names the extra.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
        import websockets  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"onebody live needs {error.name}. Install the extra: pip install 'onebody[viewer]'"
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What turns depth into millimeters.

    Attributes:
        camera: fx, fy, cx, cy in pixels; None: that of a usual webcam.
        distance_mm: of the body; None: a usual one.
    """

    camera: tuple[float, float, float, float] | None
    distance_mm: float | None

    @classmethod
    def given(cls, camera: str | None, distance_mm: float | None) -> Lens:
        """Read what the command line says.

        Raises:
            ValueError: if it is no camera, or the distance is not positive.
        """
        if distance_mm is not None and not 0 < distance_mm < math.inf:
            raise ValueError(f"--depth-ref: expected a positive distance in mm: {distance_mm:g}.")
        return cls(camera=read_camera(camera), distance_mm=distance_mm)

    def of(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Return fx, fy, cx, cy for pictures of a size."""
        if self.camera is not None:
            return self.camera
        focal = width / 2 / math.tan(math.radians(USUAL_ANGLE_DEG / 2))
        return focal, focal, width / 2, height / 2

    @property
    def distance(self) -> float:
        """The distance in mm."""
        return USUAL_DISTANCE_MM if self.distance_mm is None else self.distance_mm

    @property
    def assumed(self) -> str:
        """What was assumed, in a few words; empty: nothing."""
        angle = f"a lens of {USUAL_ANGLE_DEG:g} degrees" if self.camera is None else ""
        far = f"{USUAL_DISTANCE_MM / 1000:g} m away" if self.distance_mm is None else ""
        said = ", ".join(part for part in (angle, far) if part)
        return f"The scale is that of {said}: --camera, --depth-ref." if said else ""


def make_studio(
    source: str | None,
    run: Path | None,
    lens: Lens,
    *,
    record: Path | None = None,
    blur: bool = False,
    fps: float | None = None,
    find: Callable[[SavedNetwork], StepRunner] | None = None,
) -> Studio:
    """Put together what looks at the pictures.

    Args:
        source: a camera, a file, or None, the browser's camera.
        run: a run's folder, or a saved network; None: that of the package.
        lens: for 3D poses.
        record: file of the recording.
        blur: hide faces.
        fps: of pictures without a clock, or asked of a camera.
        find: finds what runs the network; None: PyTorch does.

    Raises:
        ValueError: if there is no such source or network, the network cannot run on a stream or
            has no poses to find faces by, or the recording would be written over something.
    """
    from onebody.inference.capture import open_capture
    from onebody.inference.chosen import read_events
    from onebody.inference.default import demo_notice
    from onebody.inference.plain_step import PlainStep
    from onebody.inference.record import check_recording
    from onebody.inference.stream import Stream
    from onebody.tasks import speakers
    from onebody.viewer import Studio

    if record is not None:
        check_recording(record)
    capture = None if source is None else open_capture(source, fps=fps, paced=True)
    saved, name = load_saved(run)
    if blur:
        _check_blur(saved)
    try:
        plain = PlainStep(saved)
        Stream(saved, runner=plain)  # before what takes seconds, and a page is open
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    events = {} if run is None else read_events(run, saved.network.tasks)
    runner = plain if find is None else find(saved)

    def make_stream(height: int, width: int) -> Stream:
        return Stream(
            saved,
            runner=runner,
            events=events,
            camera=lens.of(height, width),
            depth_ref_mm=lens.distance,
            source=source or "browser",
        )

    return Studio(
        make_stream=make_stream,
        capture=capture,
        source="browser" if capture is None else "camera" if capture.camera else "file",
        name="the browser's camera" if source is None else Path(source).name or source,
        notice=demo_notice(saved),
        model=f"{name} ({runner.name} {runner.precision})",
        tasks=tuple(speakers(saved.network.tasks)),
        space=lens.assumed if _is_in_space(saved) else "",
        blur=blur,
        record=record,
    )


def load_saved(run: Path | None) -> tuple[SavedNetwork, str]:
    """Return the network of a run, or that of the package, and what it is called."""
    from onebody.inference import load
    from onebody.inference.default import NAME, load_default

    if run is not None:
        return load(run).saved, run.resolve().name
    try:
        return load_default(), NAME
    except ValueError as error:
        raise ValueError(f"{error} (onebody live --run RUN)") from None


def fastest_runner(
    saved: SavedNetwork, *, source: str | None, error: float, anew: bool = False
) -> StepRunner:
    """Return the fastest way to run a network on this machine within an output error.

    Args:
        saved: the network.
        source: where there is a video, the ways are tried on its frames, else on simulated people.
        error: greatest difference of probabilities and crop fractions.
        anew: look, whatever was found before.
    """
    from onebody.inference.kept_runner import kept_runner
    from onebody.inference.plain_step import PlainStep

    try:
        frames = frames_to_try(saved, source)
        return kept_runner(saved, frames, error, anew=anew, say=partial(typer.echo, err=True))
    except ValueError as fault:  # no frames of its modality, or no steps of fixed shape
        typer.echo(f"PyTorch runs the network: {fault}", err=True)
        return PlainStep(saved)


def frames_to_try(saved: SavedNetwork, source: str | None) -> list[Floats]:
    """Return frames of a file; where there is none, of simulated people."""
    from onebody.inference.step_frames import simulated_frames, video_frames

    if source is not None and Path(source).is_file():
        with suppress(ValueError):  # damaged at its end: a stream reads what comes before
            return video_frames(source, saved.input, TRIED)
    return simulated_frames(saved.input, TRIED)


def _is_in_space(saved: SavedNetwork) -> bool:
    """Whether a network answers with 3D poses."""
    from onebody.tasks.pose import PoseTask

    return any(isinstance(t, PoseTask) and t.dims == 3 for t in saved.network.tasks.values())


def _check_blur(saved: SavedNetwork) -> None:
    """Refuse to hide faces without a network that could find heads."""
    from onebody.inference.blur import in_head
    from onebody.skeletons import get_skeleton
    from onebody.tasks.pose import PoseTask

    poses = [task for task in saved.network.tasks.values() if isinstance(task, PoseTask)]
    flat = [task for task in poses if task.dims == 2]
    if not any(in_head(get_skeleton(task.skeleton)).any() for task in flat):
        raise ValueError(
            "--blur-faces needs a network with a 2D pose that has a head; this one answers "
            f"{', '.join(saved.network.tasks)}. Everything would be blurred. Leave it out, or name "
            "another --run."
        )
