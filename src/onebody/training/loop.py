"""The training loop, top to bottom: steps, epochs, validation, checkpoints, summary."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

import onebody
from onebody.data.folders import replace_folder
from onebody.models import (
    Network,
    load_network,
    network_cost,
    save_calibration,
    save_choice,
    save_network,
)
from onebody.training.calibrate import calibrate
from onebody.training.checkpoint import Progress, load_resume, save_resume
from onebody.training.choose import choose_outputs
from onebody.training.distributed import World, joined, wait
from onebody.training.lock import LOCK, locked
from onebody.training.log import Display, RunLog
from onebody.training.measure import Figures, is_better, measure
from onebody.training.optimizer import set_rate
from onebody.training.reading import load_recipe, save_recipe
from onebody.training.recipe import Recipe
from onebody.training.report import StepReport
from onebody.training.schedule import rate_factor
from onebody.training.setup import Setup, build_run
from onebody.training.sources import clip_seconds, frames_per_second
from onebody.training.step import train_step
from onebody.training.summary import RunSummary, load_summary, protocols_of, save_summary


def train(recipe: Recipe, folder: Path, *, progress: bool = True, test: bool = True) -> RunSummary:
    """Train as a recipe says, or go on with a training that was interrupted.

    The folder gets ``recipe.yaml``, ``log.jsonl``, ``model/`` (the best weights by the monitored
    metric), ``final/`` (the last weights), ``resume/`` and, at the end, ``summary.json``. A run
    that was killed goes on from its last checkpoint and reaches the same weights, bit for bit on a
    CPU; a finished one is returned as it is.

    Args:
        recipe: what to train.
        folder: where the run lies; it is made if needed.
        progress: show a progress bar and remarks.
        test: measure the test split at the end; without it a study can choose on validation while
            nobody has looked at the test.

    Raises:
        ValueError: if the folder holds a run of another recipe, parts of the recipe do not fit
            together, a sample cannot be read, or a loss is not finite.
    """
    cuda = recipe.train.device != "cpu" and torch.cuda.is_available()
    with joined(cuda=cuda) as world, locked(folder, leads=world.leads):
        return _train(recipe, folder, world, progress=progress, test=test)


def _train(recipe: Recipe, folder: Path, world: World, *, progress: bool, test: bool) -> RunSummary:
    """Train in a folder that nobody else trains in."""
    begun = (folder / "recipe.yaml").exists()
    finished = _open_folder(recipe, folder, world)
    if finished is not None:
        return finished
    run: _Run | None = None
    try:
        run = _Run(build_run(recipe, world), folder, shown=progress and world.leads)
        with run.display:
            for line in run.setup.loaded:
                run.display.note(f"{recipe.train.init}: {line}")
            while run.at.step < run.total:
                run.epoch()
    except BaseException:
        if world.leads and not begun and (run is None or run.at.step == 0):
            # Else the put right recipe would be refused as another.
            for name in ("recipe.yaml", "log.jsonl"):
                (folder / name).unlink(missing_ok=True)
        raise
    return run.finish(test=test)


class _Run:
    """A training under way: what the loop counts and writes."""

    def __init__(self, setup: Setup, folder: Path, *, shown: bool) -> None:
        self.setup, self.folder, self.total = setup, folder, setup.total_steps
        self.state: dict[str, Any] = {
            "network": setup.network,
            "optimizer": setup.optimizer,
            "balancer": setup.balancer,
            "gradients": setup.gradients,
            "average": setup.average,
            "fingerprint": setup.recipe.fingerprint(),
        }
        self.at = load_resume(folder / "resume", **self.state) or Progress()
        self.log = RunLog(folder / "log.jsonl", self.at.step, writes=setup.world.leads)
        self.display = Display(self.total, self.at.step, shown=shown)
        self.clip_s = clip_seconds(setup.sources["train"])
        self.fps = frames_per_second(setup.sources["train"])
        self.clock = time.perf_counter()

    def epoch(self) -> None:
        """Train the rest of the epoch under way, then validate and save if it is time."""
        setup, at, options = self.setup, self.at, self.setup.recipe.train
        setup.stages.training_mode()
        for batches in setup.loader.epoch(at.epoch, at.step_in_epoch):
            factor = rate_factor(at.step, self.total, setup.recipe.schedule)
            set_rate(setup.optimizer, setup.recipe.optimizer.lr * factor)
            self._count(train_step(setup, batches, at.step))
            if at.step == self.total:
                break
            if options.checkpoint_every and at.step % options.checkpoint_every == 0:
                self.save()
        if at.step_in_epoch == setup.loader.steps:
            setup.balancer.end_epoch()
            at.epoch, at.step_in_epoch = at.epoch + 1, 0
        done = at.step == self.total
        if done or at.epoch % options.validate_every == 0:
            self.validate()
        if done or options.checkpoint_every is None:
            self.save()

    def validate(self) -> None:
        """Measure the network on the validation split; keep its weights if they are the best.

        Without a validation split the last weights are kept, and no value is called the best.
        """
        setup, at, recipe = self.setup, self.at, self.setup.recipe
        sources, monitor = setup.sources["validation"], recipe.train.monitor
        with self._averaged():
            better = True
            if sources:
                found, value = measure(setup.network, recipe, sources, str(setup.device))
                self.log.write(step=at.step, epoch=at.epoch, monitor=value, validation=found)
                better = is_better(value, at.best, monitor, setup.network.tasks)
                at.best, at.validation = (value, found) if better else (at.best, at.validation)
                missing = [name for name in setup.network.tasks if name not in found]
                mark = f" (no labels of {', '.join(missing)})" if missing else ""
                mark += ", the best so far" if better else ""
                self.display.note(f"epoch {at.epoch}, step {at.step}: {monitor} {value:.4f}{mark}")
            if better:
                at.best_step = at.step
                self._save_network("model")

    def save(self) -> None:
        """Write a checkpoint to go on from."""
        now = time.perf_counter()
        self.at.seconds, self.clock = self.at.seconds + now - self.clock, now
        failures = (*self.at.failures, *self.setup.loader.failures)
        self.at.failures = list(dict.fromkeys(failures))
        if self.setup.world.leads:
            save_resume(self.folder / "resume", progress=self.at, **self.state)

    def finish(self, *, test: bool) -> RunSummary:
        """Write the last weights, test the best ones, and sum up."""
        with self._averaged():
            self._save_network("final")
        if self.setup.world.leads:
            save_summary(self._summary(test=test), self.folder)
        wait(self.setup.world)
        summary = load_summary(self.folder)
        assert summary is not None
        for failure in summary.failures:
            self.display.note(f"not read: {failure}")
        return summary

    def _count(self, report: StepReport) -> None:
        """Count a step, and tell of it when it is time."""
        at = self.at
        at.step, at.step_in_epoch = at.step + 1, at.step_in_epoch + 1
        at.samples += report.samples
        at.empty_steps += not report.losses
        self.log.step(report)
        if at.step % self.setup.recipe.train.log_every == 0 or at.step == self.total:
            rate = self.setup.optimizer.param_groups[0]
            figures = self.log.write_steps(
                step=at.step, epoch=at.epoch, lr=rate["lr"] / rate["rate"]
            )
            self.display.step(at.step, at.epoch, figures["loss"], figures["samples_per_second"])

    def _averaged(self) -> AbstractContextManager[None]:
        """Lend the network its averaged weights, if it has an average."""
        average, network = self.setup.average, self.setup.network
        return nullcontext() if average is None else average.applied(network)

    def _save_network(self, name: str) -> None:
        """Write the network as it is now."""
        setup = self.setup
        if not setup.world.leads:
            return
        replace_folder(
            self.folder / name,
            lambda fresh: save_network(
                fresh,
                setup.network,
                config=setup.recipe.network,
                tasks=setup.resolved,
                input=setup.recipe.input,
                notes={
                    "version": onebody.__version__,
                    "recipe": self.state["fingerprint"],
                    "seed": setup.recipe.train.seed,
                    "step": self.at.step,
                    "averaged": setup.average is not None,
                    "clip_s": self.clip_s,
                    "fps": self.fps,
                },
            ),
        )

    def _learn_from_validation(self, best: Network) -> None:
        """Add to the network that is shipped what the validation rows say of its answers."""
        setup, model = self.setup, self.folder / "model"
        rows, train = setup.sources["validation"], setup.recipe.train
        device = str(setup.device)
        scores = choose_outputs(best, rows, device=device, bf16=train.bf16, workers=train.workers)
        if scores:
            save_choice(model, best, scores)
        found = calibrate(
            best,
            rows,
            setup.recipe.calibrate,
            device=device,
            bf16=train.bf16,
            workers=train.workers,
        )
        if found:
            save_calibration(model, found)

    def _summary(self, *, test: bool) -> RunSummary:
        """Sum up; the test split is measured with the network that is shipped."""
        setup, at, recipe = self.setup, self.at, self.setup.recipe
        best = load_network(self.folder / "model").network.to(setup.device)
        self._learn_from_validation(best)
        tested: Figures = {}
        if test and setup.sources["test"]:
            tested, _ = measure(
                best,
                recipe,
                setup.sources["test"],
                str(setup.device),
                clips=recipe.evaluation.clips,
                views=recipe.evaluation,
            )
        cost = network_cost(best.cpu(), recipe.input, list(best.tasks))
        return RunSummary(
            folder=str(self.folder),
            monitor=recipe.train.monitor,
            best=at.best,
            best_step=at.best_step,
            validation=at.validation,
            test=tested,
            rows=setup.rows,
            steps=at.step,
            epochs=at.epoch,
            empty_steps=at.empty_steps,
            seconds=round(at.seconds, 3),
            samples_per_second=round(at.samples / max(at.seconds, 1e-9), 1),
            parameters=cost.parameters,
            macs=cost.macs,
            seed=recipe.train.seed,
            failures=tuple(at.failures),
            loaded=tuple(setup.loaded),
            version=onebody.__version__,
            recipe=self.state["fingerprint"],
            protocols=protocols_of(best.tasks, setup.sources),
        )


def _open_folder(recipe: Recipe, folder: Path, world: World) -> RunSummary | None:
    """Make a run's folder, or check that it belongs to this recipe.

    Returns:
        The summary, if the run is finished.
    """
    kept = folder / "recipe.yaml"
    if kept.exists():
        other, own = load_recipe(str(kept)).fingerprint(), recipe.fingerprint()
        if other != own:
            raise ValueError(
                f"{folder} holds a run of another recipe ({other}, now {own}). Choose another "
                f"folder, or train with {kept} to go on with that run."
            )
        return _finished(folder, own, recipe)
    if folder.exists() and world.leads and any(f.name != LOCK for f in folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no run. Choose another folder.")
    wait(world)
    if world.leads:
        folder.mkdir(parents=True, exist_ok=True)
        save_recipe(recipe, kept)
    return None


def _finished(folder: Path, fingerprint: str, recipe: Recipe) -> RunSummary | None:
    """Return a finished run's summary, unless its teachers have been trained anew since then."""
    summary = load_summary(folder)
    if summary is not None and recipe.pseudo and summary.recipe != fingerprint:
        raise ValueError(
            f"{folder}: a teacher of 'pseudo' is another network than when this run was trained. "
            "Choose another folder, or delete this one to train it anew."
        )
    return summary
