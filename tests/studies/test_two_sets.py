"""The recipe of two video sets of one's own, on tiny sets in the official layouts."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from onebody.datasets.hmdb51 import CLASSES as ACTIONS
from onebody.datasets.jester import CLASSES as GESTURES
from onebody.studies import Study
from onebody.studies.measure import measure
from onebody.training import load_recipe, load_summary


@pytest.fixture
def hmdb51(tmp_path, make_video):
    """Three films of every class; in split s film s is tested."""
    folder = tmp_path / "hmdb51"
    lists = folder / "testTrainMulti_7030_splits"
    lists.mkdir(parents=True)
    video = make_video(folder / "one.avi", 4, codec="mpeg4")
    for label in ACTIONS:
        (folder / label).mkdir()
        names = [f"film{n}_{label}_f_cm_np1_fr_med_0.avi" for n in (1, 2, 3)]
        for name in names:
            (folder / label / name).symlink_to(video)
        for part in (1, 2, 3):
            lines = [f"{name} {2 if n == part else 1}\n" for n, name in enumerate(names, 1)]
            (lists / f"{label}_test_split{part}.txt").write_text("".join(lines))
    return folder


@pytest.fixture
def jester(tmp_path):
    """Two clips of every class for training, one for validation."""
    folder, rng = tmp_path / "jester", np.random.default_rng(0)
    (folder / "20bn-jester-v1").mkdir(parents=True)
    (folder / "jester-v1-labels.csv").write_text("\n".join(GESTURES) + "\n")
    number = 0
    for part, clips in (("train", 2), ("validation", 1)):
        lines = []
        for label in GESTURES * clips:
            number += 1
            clip = folder / "20bn-jester-v1" / str(number)
            clip.mkdir()
            pixels = rng.integers(0, 255, (16, 24, 3), dtype=np.uint8)
            for frame in (1, 2):
                Image.fromarray(pixels).save(clip / f"{frame:05d}.jpg")
            lines.append(f"{number};{label}\n")
        (folder / f"jester-v1-{part}.csv").write_text("".join(lines))
    return folder


@pytest.mark.slow
def test_the_study_of_two_sets_runs(tmp_path, hmdb51, jester):
    changes = [f"data.{i}.dataset.folder={f}" for i, f in enumerate((hmdb51, jester))]
    recipe = load_recipe("joint-action-gesture", changes, debug=True)
    study = Study(recipe, tmp_path / "runs")
    assert [fold.name for fold in study.context.folds] == ["split-1"]
    result = study.run(jobs=1, say=lambda _: None)
    assert result.choice.named.startswith("hard.average")
    assert result.runs == 3
    (run,) = study.context.plans(result.choice.named, recipe)
    measured = measure(run.folder)
    assert load_summary(run.folder).steps == 4
    assert measured.samples == {"action": 51, "gesture": 27}
