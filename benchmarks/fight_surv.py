"""Turn packed surveillance clips into a folder with a manifest for the recipe ``fight-surv``.

    python benchmarks/fight_surv.py PACKED_ZIP OUT_FOLDER
    onebody compare fight-surv --fold-by split data.0.dataset.manifest=OUT_FOLDER/manifest.csv

The zip holds H.264 clips and ``labels.json``: name, fight (0 or 1), frames, fps and source_url of
each. Clips of one source video look alike, so the video is their group: it is never divided.

Source: Akti, Tataroglu, Ekenel, "Vision-based Fight Detection from Surveillance Cameras", IPTA
2019.
"""

from __future__ import annotations

import csv
import json
import sys
import zipfile
from collections import Counter
from pathlib import Path


def folds(videos: list[str], count: int = 5) -> dict[str, str]:
    """Put whole source videos into folds of about equal size, the largest videos first."""
    sizes, fold = [0] * count, {}
    for video, clips in Counter(videos).most_common():
        smallest = sizes.index(min(sizes))
        sizes[smallest] += clips
        fold[video] = f"fold{smallest + 1}"
    return fold


def unpack(packed: Path, folder: Path) -> Path:
    """Write the clips and their manifest; return the manifest's path."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(packed) as archive:
        clips = json.loads(archive.read("labels.json"))
        for clip in clips:
            name = f"{clip['name']}.mp4"
            (folder / name).write_bytes(archive.read(name))
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["rgb", "group", "split", "fps", "fight"])
        fold = folds([clip["source_url"] for clip in clips])
        for clip in clips:
            label, video = "fight" if clip["fight"] else "normal", clip["source_url"]
            table.writerow([f"{clip['name']}.mp4", video, fold[video], clip["fps"], label])
    sidecar = "labels:\n  fight: {classes: [normal, fight], mirror: same}\n"
    manifest.with_suffix(".yaml").write_text(sidecar, encoding="utf-8")
    return manifest


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(unpack(Path(sys.argv[1]), Path(sys.argv[2])))
