"""Make the network that comes with the package out of a run.

Run: ``python benchmarks/default_weights.py runs/stream-simulated``, then write its figures into the
model card, ``src/onebody/_weights/stream-m/README.md``. Copies the run's best weights and their
description, and adds notes: what they were trained on, their license, and the line that stands on
everything that is made with them.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from onebody.inference.default import FOLDER, load_default
from onebody.models.store import DESCRIPTION, WEIGHTS

NOTES = {
    "demo": "demo weights, trained on simulated people",
    "trained_on": "simulated people alone (recipe stream-simulated); no recording of anybody",
    "license": "Apache-2.0",
}


def main() -> None:
    """Copy, and check that it can be read."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    model = parser.parse_args().run / "model"
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model / WEIGHTS, FOLDER / WEIGHTS)
    content = json.loads((model / DESCRIPTION).read_text(encoding="utf-8"))
    content["notes"] |= NOTES
    text = json.dumps(content, indent=1)
    (FOLDER / DESCRIPTION).write_text(f"{text}\n", encoding="utf-8")
    saved = load_default()
    size = sum(file.stat().st_size for file in FOLDER.iterdir()) / 2**20
    print(f"{FOLDER}: {', '.join(saved.network.tasks)}; {size:.1f} MiB; notes {saved.notes}")


if __name__ == "__main__":
    main()
