"""``onebody extract``: skeletons of videos by a pose network in an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onebody.cli.errors import complain

if TYPE_CHECKING:
    from onebody.inference.extract import Boxes


def extract(
    videos: Annotated[list[str], typer.Argument(help="Videos, or folders of pictures.")],
    pose: Annotated[Path, typer.Option(help="The pose network, an ONNX file.")],
    out: Annotated[Path, typer.Option(help="The prepared folder.")],
    layout: Annotated[str, typer.Option(help="Joint layout of the network.")] = "coco-17",
    to: Annotated[str, typer.Option(help="Convert the joints to this layout.")] = "",
    output: Annotated[
        str, typer.Option(help="Outputs that hold the pose: NAME or X,Y (default: found).")
    ] = "",
    coordinates: Annotated[
        str, typer.Option(help="Networks that put out coordinates: pixels or fractions.")
    ] = "",
    cells: Annotated[
        str, typer.Option(help="Heat maps: cells lie at their corner or center.")
    ] = "corner",
    input_size: Annotated[
        str, typer.Option(help="Size of the input, if the file leaves it open: 192x256.")
    ] = "",
    mean: Annotated[str, typer.Option(help="Mean of red, green, blue.")] = "0.485,0.456,0.406",
    std: Annotated[str, typer.Option(help="Their deviation.")] = "0.229,0.224,0.225",
    bgr: Annotated[bool, typer.Option("--bgr", help="The network wants blue first.")] = False,
    boxes: Annotated[
        Path | None, typer.Option(help="Where people are: a JSON file, or a folder of <video>.json")
    ] = None,
    box_scale: Annotated[float, typer.Option(help="Margin around boxes.")] = 1.25,
    person: Annotated[
        str, typer.Option(help="Who of several people: score, extent or all.")
    ] = "score",
    min_score: Annotated[float, typer.Option(help="Less sure joints are missing.")] = 0.0,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of folders of pictures.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the set (default: the folder's).")] = "",
) -> None:
    """Find the joints of people in videos, for training on skeletons.

    A video that cannot be read is reported and the others go on; the exit code is then 1. Use the
    folder as {kind: prepared, folder: OUT}.
    """
    from onebody.cli.choices import parse_choice, parse_numbers, parse_size
    from onebody.cli.import_poses import describe
    from onebody.datasets.pose_import import Target, check_target, import_poses
    from onebody.inference.extract import extract_poses
    from onebody.inference.pose_models import PoseNetworkOptions, load_pose_network
    from onebody.skeletons import get_skeleton

    size = parse_size(input_size)
    options = PoseNetworkOptions(
        output=tuple(text.strip() for text in output.split(",") if text.strip()),
        size=None if size is None else size[::-1],
        mean=parse_numbers("--mean", mean),
        std=parse_numbers("--std", std),
        bgr=bgr,
        cells=parse_choice("--cells", cells, ("corner", "center")),
        coordinates=parse_choice("--coordinates", coordinates, ("", "pixels", "fractions")),
        box_scale=box_scale,
    )
    target = Target(
        folder=out,
        name=name or out.resolve().name,
        layout=get_skeleton(layout).name,
        to=get_skeleton(to).name if to else "",
        person=parse_choice("--person", person, ("score", "extent", "all")),
        min_score=min_score,
    )
    check_target(target)
    _refuse_twice(videos)
    joints = len(get_skeleton(layout))
    network = load_pose_network(pose, joints, options)
    clips, failed = [], False
    for video in videos:
        try:
            own = _boxes_of(video, videos, boxes)
            clips.append(extract_poses(video, network, joints, boxes=own, fps=fps))
        except (ValueError, OSError) as error:
            failed = True
            complain(error, video)
    if clips:
        table, report = import_poses(clips, target)
        typer.echo(f"{out}: {len(table)} samples, {describe(report)}")
    if failed:
        raise typer.Exit(1)


def _refuse_twice(videos: list[str]) -> None:
    """Refuse two videos of one name before the work begins: names tell samples apart."""
    first: dict[str, str] = {}
    for video in videos:
        name = Path(video).stem
        if name in first:
            raise ValueError(
                f"{video}: expected videos of different names, found {first[name]} as well. Rename "
                "one, or extract them into folders of their own."
            )
        first[name] = video


def _boxes_of(video: str, videos: list[str], boxes: Path | None) -> Boxes | None:
    """Read the boxes of a video; None: none are stated at all."""
    from onebody.inference.extract import read_boxes

    if boxes is None:
        return None
    if boxes.is_dir():
        return read_boxes(boxes / f"{Path(video).stem}.json")
    if len(videos) > 1:
        raise ValueError(f"--boxes: one file for {len(videos)} videos. Name a folder of them.")
    return read_boxes(boxes)
