"""``onebody import-poses``: poses of other programs become a prepared folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onebody.datasets.pose_import import ImportReport


def import_poses(
    sources: Annotated[list[Path], typer.Argument(help="Files, or folders of texts.")],
    format_: Annotated[
        str, typer.Option("--format", help="coco, ultralytics, mediapipe or pyskl.")
    ],
    out: Annotated[Path, typer.Option(help="The prepared folder.")],
    layout: Annotated[str, typer.Option(help="Joint layout of the files.")] = "",
    to: Annotated[str, typer.Option(help="Convert the joints to this layout.")] = "",
    person: Annotated[
        str, typer.Option(help="Who of several people: score, extent or all.")
    ] = "score",
    min_score: Annotated[float, typer.Option(help="Less sure joints are missing.")] = 0.0,
    fps: Annotated[float | None, typer.Option(help="Frames per second.")] = None,
    size: Annotated[str, typer.Option(help="Size of the pictures: 1920x1080.")] = "",
    images: Annotated[Path | None, typer.Option(help="coco: file that lists the pictures.")] = None,
    keypoints: Annotated[
        list[Path] | None, typer.Option(help="pyskl, compressed: files or folders of joints.")
    ] = None,
    splits: Annotated[str, typer.Option(help="pyskl: the splits to take: train1,test1.")] = "",
    unit: Annotated[str, typer.Option(help="pyskl, 3D: unit of the joints, m or mm.")] = "",
    y_up: Annotated[bool, typer.Option("--y-up", help="pyskl, 3D: the y axis is upward.")] = False,
    world: Annotated[bool, typer.Option("--world", help="mediapipe: landmarks in metres.")] = False,
    classes: Annotated[Path | None, typer.Option(help="Class names, one a line.")] = None,
    symmetric: Annotated[
        bool, typer.Option("--symmetric", help="Every class stays itself in a mirror.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the set (default: the folder's).")] = "",
) -> None:
    """Read poses that other programs found, for training on skeletons.

    Read are COCO results, Ultralytics texts, MediaPipe landmarks, and pickles of pyskl and
    mmaction2. Use the folder as {kind: prepared, folder: OUT}.
    """
    from onebody.cli.choices import parse_choice, parse_size
    from onebody.datasets.pose_clip import PoseOptions
    from onebody.datasets.pose_import import Target, pose_reader
    from onebody.datasets.pose_import import import_poses as run_import
    from onebody.skeletons import get_skeleton

    reader = pose_reader(format_)
    _refuse_foreign(
        format_,
        {
            "--images": ("coco", images),
            "--keypoints": ("pyskl", keypoints),
            "--splits": ("pyskl", splits),
            "--unit": ("pyskl", unit),
            "--y-up": ("pyskl", y_up),
            "--world": ("mediapipe", world),
        },
    )
    layout = layout or ("mediapipe-33" if format_ == "mediapipe" else "")
    if not layout:
        raise ValueError("--layout: expected the joint layout of the files, found none.")
    if fps is not None and not 0 < fps < float("inf"):
        raise ValueError(f"--fps: expected frames per second above 0, found {fps:g}.")
    options = PoseOptions(
        joints=len(get_skeleton(layout)),
        fps=float("nan") if fps is None else fps,
        size=parse_size(size),
        images=images,
        keypoints=tuple(keypoints or ()),
        splits=tuple(text.strip() for text in splits.split(",") if text.strip()),
        unit=parse_choice("--unit", unit, ("", "m", "mm")),
        y_up=y_up,
        world=world,
    )
    target = Target(
        folder=out,
        name=name or out.resolve().name,
        layout=layout,
        to=get_skeleton(to).name if to else "",
        person=parse_choice("--person", person, ("score", "extent", "all")),
        min_score=min_score,
        classes=_lines(classes),
        symmetric=symmetric,
    )
    clips = (clip for source in sources for clip in reader(source, options))
    table, report = run_import(clips, target)
    typer.echo(f"{out}: {len(table)} samples, {describe(report)}")


def describe(report: ImportReport) -> str:
    """Say what was kept and what was left out."""
    share = 100 * (1 - report.known / max(report.joints, 1))
    parts = [
        f"{report.recordings} recordings, {report.frames} frames, {share:.1f} % of the joints "
        "missing"
    ]
    if report.left_out:
        shown = ", ".join(report.left_out[:5]) + (", .." if len(report.left_out) > 5 else "")
        parts.append(f"{len(report.left_out)} recordings without anybody left out ({shown})")
    if report.further_people:
        parts.append(
            f"{report.further_people} further people in {report.further_poses} poses left out "
            "(--person all keeps them)"
        )
    return "; ".join(parts)


def _refuse_foreign(format_: str, options: dict[str, tuple[str, object]]) -> None:
    """Refuse options, with the format that reads them and their value, that would go unread."""
    for option, (reader, value) in options.items():
        if value and reader != format_:
            raise ValueError(
                f"{option}: expected with --format {reader} alone, found it with {format_}. Leave "
                "it out."
            )


def _lines(file: Path | None) -> tuple[str, ...]:
    """Read class names."""
    if file is None:
        return ()
    lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    names = tuple(line for line in lines if line)
    if not names:
        raise ValueError(f"{file}: expected class names, one a line, found none. Write them.")
    return names
