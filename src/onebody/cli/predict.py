"""``onebody predict``: what a trained network says of videos."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onebody.cli.errors import complain

if TYPE_CHECKING:
    from onebody.inference import Label, Prediction, Predictor

_OF_NETWORKS = ("recipe.yaml", "network.json", "model/network.json")
"""A folder with one of these is a run or a saved network, not pictures."""

_COLORED, _COLORED_SHARE = 24, 0.02
"""Difference of red, green and blue above which a pixel has a color, and how many of them make a
picture in color: codecs give grey ones a tint."""


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] VIDEOS...",
            help="A run's folder, or a saved network (without one: the network that comes with "
            "onebody); then videos, pictures, folders of pictures, or arrays of joints; of a "
            "network of several media depth=FILE,imu=FILE, any left out.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("predictions"),
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of folders of pictures.")
    ] = None,
    window: Annotated[
        float | None, typer.Option(help="Length of a window in seconds (uniform sampling).")
    ] = None,
    clips: Annotated[int, typer.Option(min=1, help="Clips taken of each window.")] = 1,
    camera: Annotated[
        str | None, typer.Option(help="fx,fy,cx,cy in pixels; 3D poses need it.")
    ] = None,
    depth_ref: Annotated[
        float | None, typer.Option(help="Distance of the body in mm; 3D poses need it.")
    ] = None,
    own_boxes: Annotated[
        bool, typer.Option("--own-boxes", help="Look closer, where the network finds the person.")
    ] = False,
    box: Annotated[
        str | None, typer.Option(help="x0,y0,x1,y1 in pixels: where the person is.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the network runs: cpu, cuda.")] = "cpu",
    no_video: Annotated[bool, typer.Option("--no-video", help="Write no annotated video.")] = False,
) -> None:
    """Say what videos show: an annotated mp4, JSON lines per frame, and an npz for each.

    A network of skeletons reads npy and npz files with joints [T, J, D] in its own layout, and
    there is no video of them. Several media of one performance are named together; they cover the
    same span.

    A video that cannot be read is reported and the others go on; the exit code is then 1.
    """
    from onebody.data.reading import channels_of
    from onebody.inference import load
    from onebody.inference.default import demo_notice

    for option, value in (("--fps", fps), ("--window", window), ("--depth-ref", depth_ref)):
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{option}: expected a positive number, found {value:g}.")
    run, videos = divided(inputs)
    given = [named_media(video) for video in videos]
    firsts = [one if isinstance(one, str) else next(iter(one.values())) for one in given]
    names = result_names(firsts)
    everything = [s for one in given for s in ([one] if isinstance(one, str) else one.values())]
    _spare_inputs(everything, names, out, video=not no_video)
    lens, look = read_camera(camera), _box(box, own=own_boxes)
    predictor = load(run, device=device)
    fresh = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    if notice := demo_notice(predictor.saved):
        typer.echo(notice, err=True)
    failed = False
    for video, media, name in zip(videos, given, names, strict=True):
        shown = first_medium(media, predictor)
        drawn = not no_video and channels_of(shown) is not None
        try:
            with watched(video) as progress:
                prediction = predictor.predict(
                    media,
                    fps=fps,
                    window_s=window,
                    clips=clips,
                    box=look,
                    camera=lens,
                    depth_ref_mm=depth_ref,
                    progress=progress,
                )
            _write(prediction, out, name, video=drawn)
        except (ValueError, OSError) as error:
            failed = True
            complain(error, video)
            continue
        typer.echo(f"{video}: {_sentence(prediction)} -> {out / name}.*")
        _tell_other_medium(prediction, shown)
        _tell_what_lacks(prediction, predictor)
        _tell_where_it_looked(prediction)
    if failed:
        if fresh and not any(out.iterdir()):
            out.rmdir()
        raise typer.Exit(1)


def divided(inputs: list[str]) -> tuple[Path | None, list[str]]:
    """Tell a network's folder, if that comes first, from what is to be looked at.

    Raises:
        ValueError: if there is nothing to look at, or the first one is nothing at all.
    """
    from onebody.data.images import is_picture

    first = Path(inputs[0])
    if not first.suffix and "#" not in first.name and not first.exists():
        raise ValueError(
            f"{first}: no such folder. Name a run's folder, then videos; or videos alone, for the "
            "network that comes with onebody."
        )
    if not any((first / place).is_file() for place in _OF_NETWORKS):
        if (
            len(inputs) > 1
            and first.is_dir()
            and not any(is_picture(x.name) for x in first.iterdir())
        ):
            raise ValueError(
                f"{first}: expected a run or a saved network ({', '.join(_OF_NETWORKS)}), or "
                "pictures, found none of them. Name a finished run, then videos."
            )
        return None, inputs
    if len(inputs) == 1:
        raise ValueError(f"{first}: is a network. Name videos after it.")
    return first, inputs[1:]


_NAMED = re.compile(r"((?:flow/)?[a-z]+(?:/[0-9]+)?)=(.+)")


def named_media(text: str) -> str | dict[str, str]:
    """Read ``depth=FILE,imu=FILE``: sources by medium; any other text is one source.

    Raises:
        ValueError: if a medium is named twice.
    """
    parts = [_NAMED.fullmatch(part) for part in text.split(",")]
    found = {part[1]: part[2] for part in parts if part}
    if not all(parts) or Path(text).exists():
        return text
    if len(found) < len(parts):
        raise ValueError(f"{text}: a medium is named twice.")
    return found


def first_medium(media: str | dict[str, str], predictor: Predictor) -> str:
    """Return which of a network's media leads: the first one that is given."""
    known = [medium.modality for medium in predictor.saved.input.media]
    return next((name for name in known if isinstance(media, str) or name in media), known[0])


def result_names(videos: list[str]) -> list[str]:
    """Return a file name (without ending) for each video; equal ones are numbered."""
    names: list[str] = []
    for video in videos:
        stem = Path(video).stem or "video"
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def _spare_inputs(videos: list[str], names: list[str], out: Path, *, video: bool) -> None:
    """Refuse to write a result over a file that is to be looked at."""
    from onebody.data.media import parse

    endings = ("npz", "jsonl", "mp4") if video else ("npz", "jsonl")
    inputs = [place for place in (Path(parse(text).path) for text in videos) if place.exists()]
    for result in (out / f"{name}.{ending}" for name in names for ending in endings):
        if result.exists() and any(result.samefile(place) for place in inputs):
            raise ValueError(
                f"{result}: is to be looked at, and a result would be written over it. Name "
                "another folder with --out."
            )


@contextmanager
def watched(video: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal while a video is looked at; yield what is told the windows done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task(Path(video).name, total=None)
        yield lambda done, whole: bar.update(row, completed=done, total=whole)


def _write(prediction: Prediction, out: Path, name: str, *, video: bool) -> None:
    """Write the results of one video."""
    from onebody.inference import draw_frames, write_video
    from onebody.inference.reader import read_pictures

    prediction.save_npz(out / f"{name}.npz")
    partial = out / f".{name}.jsonl.partial"
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in prediction.to_jsonl())
    partial.replace(out / f"{name}.jsonl")
    if video:
        drawn = draw_frames(
            prediction,
            read_pictures(prediction.source, len(prediction), first=prediction.first_frame),
        )
        write_video(out / f"{name}.mp4", drawn, prediction.fps)


def _sentence(prediction: Prediction) -> str:
    """Say the answer in a few words."""
    said = [_phrase(label) for label in prediction.labels()]
    poses = [
        f"{task} of {len(prediction)} frame{'s' * (len(prediction) != 1)}"
        for task in prediction.poses
        if is_known(prediction, task)
    ]
    places = [f"{task} of {len(prediction)} frames" for task in prediction.places]
    return ", ".join(said + poses + places + _unusual(prediction))


def _unusual(prediction: Prediction) -> list[str]:
    """Say whether the network has seen the like, where it knows a limit."""
    from onebody.models.familiar import TOLD

    if prediction.unusual is None:
        return []
    scores, limit = prediction.unusual.of(TOLD)
    if not len(scores) or limit != limit:
        return []
    count = int(prediction.unusual.above().sum())
    windows = "" if len(scores) == 1 else f" in {count} of {len(scores)} windows" if count else ""
    word = "unlike" if count else "like"
    return [f"{word} its training clips{windows} ({TOLD} {scores.max():.1f}, limit {limit:.1f})"]


def _phrase(label: Label) -> str:
    """Say one label; "none of these" belongs to no task and may have no probability."""
    name = f"{label.task} {label.name!r}" if label.task else label.name
    known = label.probability == label.probability
    return f"{name} {100 * label.probability:.0f} %" if known else name


def is_known(prediction: Prediction, task: str) -> bool:
    """Whether any joint of a pose is known."""
    import numpy as np

    return bool(np.isfinite(prediction.poses[task].joints).all(axis=-1).any())


def _tell_what_lacks(prediction: Prediction, predictor: Predictor) -> None:
    """Say why a 3D pose is empty."""
    for task in prediction.poses:
        if predictor.tasks[task].dims == 3 and not is_known(prediction, task):
            typer.echo(
                f"{prediction.source}: {task} is empty: millimeters need --camera fx,fy,cx,cy and "
                "--depth-ref.",
                err=True,
            )


def _tell_other_medium(prediction: Prediction, modality: str) -> None:
    """Say that a network of depth or silhouettes answered about a picture in color."""
    import numpy as np

    from onebody.data.flow import pictured
    from onebody.inference.reader import read_pictures

    if pictured(modality).partition("/")[0] not in ("depth", "silhouette"):
        return
    first = next(read_pictures(prediction.source, 1, first=prediction.first_frame))
    spread = np.ptp(first.astype(np.int64), axis=-1)  # of red, green and blue
    if float((spread > _COLORED).mean()) > _COLORED_SHARE:
        typer.echo(
            f"{prediction.source}: is in color, but the network reads {modality}: it was shown the "
            f"grey values, which are none. Give {pictured(modality)}, or take a network of rgb.",
            err=True,
        )


def _tell_where_it_looked(prediction: Prediction) -> None:
    """Say of how many frames the whole picture was looked at, for want of a box."""
    import numpy as np

    if prediction.boxes is None:
        return
    missed = int(np.isnan(prediction.boxes).any(axis=1).sum())
    if missed:
        typer.echo(
            f"{prediction.source}: no joint that the network is sure of in {missed} of "
            f"{len(prediction)} frames; there it looked at the whole picture.",
            err=True,
        )


def _box(
    text: str | None, *, own: bool
) -> Literal["own"] | tuple[float, float, float, float] | None:
    """Read ``x0,y0,x1,y1``, or say that the network finds the box itself."""
    if text is None:
        return "own" if own else None
    if own:
        raise ValueError("--box and --own-boxes both say where to look. Leave one of them out.")
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--box: expected x0,y0,x1,y1 in pixels, found {text!r}.") from None
    if not (x0 < x1 and y0 < y1 and all(map(math.isfinite, (x0, y0, x1, y1)))):
        raise ValueError(
            f"--box: expected x0,y0,x1,y1 in pixels, x0 < x1 and y0 < y1, found {text!r}."
        )
    return x0, y0, x1, y1


def read_camera(text: str | None) -> tuple[float, float, float, float] | None:
    """Read ``fx,fy,cx,cy``."""
    if text is None:
        return None
    try:
        fx, fy, cx, cy = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--camera: expected fx,fy,cx,cy in pixels, found {text!r}.") from None
    if not (all(map(math.isfinite, (fx, fy, cx, cy))) and fx > 0 and fy > 0):
        raise ValueError(
            f"--camera: expected fx,fy,cx,cy in pixels, finite, fx and fy positive, found {text!r}."
        )
    return fx, fy, cx, cy
