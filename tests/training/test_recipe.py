import hashlib
import json
import re

import pytest
import yaml
from tiny_training import plain, read

from onebody.balancing import BALANCERS
from onebody.data import InputSpec
from onebody.data.augment import AugmentConfig
from onebody.training.reading import load_recipe, save_recipe
from onebody.training.recipe import DataConfig


@pytest.mark.usefixtures("tiny")
class TestReading:
    def test_parts_are_read_by_kind(self, tmp_path):
        recipe = read(plain(tmp_path))
        assert [task.kind for task in recipe.tasks.values()] == ["pose2d", *["classification"] * 3]
        assert recipe.network.encoder.stem == 8
        assert recipe.balancer.kind == "average"
        assert recipe.optimizer.lr == 0.003

    @pytest.mark.parametrize(
        ("place", "value", "message"),
        [
            ("optimiser", {}, "unknown key 'optimiser'. Did you mean 'optimizer'?"),
            ("train", {"sed": 1}, "unknown key 'train.sed'. Did you mean 'seed'?"),
            ("optimizer", {"kind": "adam"}, "Unknown optimizer 'adam'. Did you mean 'adamw'?"),
            ("optimizer", {"kind": "adamw", "momentum": 1}, "unknown key 'momentum'"),
            ("tasks", {"pose": "pose2"}, "Unknown task 'pose2'. Did you mean 'pose2d'?"),
            ("tasks", {}, "'tasks'"),
            ("tasks", {"pose": {"kind": "pose2d", "name": "b"}}, "calls itself 'b'"),
            (
                "tasks",
                {"action": "classification", "both": {"kind": "union", "of": ["action", "who"]}},
                "task 'both' names the task 'who'. Known: action, both.",
            ),
            ("data", [], "'data'"),
            ("input", {"frames": 0}, "'input.frames'"),
            ("schedule", {"epochs": 1, "steps": 2}, "either 'epochs' or 'steps'"),
            (
                "balancer",
                {"kind": "fixed", "weights": {"poes": 2}},
                "fixed 'weights' names the task 'poes'. Did you mean 'pose'?",
            ),
            (
                "network",
                {"kind": "multitask", "heads": {"actoin": "class"}},
                "multitask 'heads' names the task 'actoin'. Did you mean 'action'?",
            ),
            (
                "train",
                {"monitor": "action"},
                "'train.monitor': expected 'score' or 'task/metric', found 'action'",
            ),
            ("train", {"monitor": "actio/top1"}, "Did you mean 'action'?"),
            ("twins", {"doing": ["action", "gestur"]}, "twin 'doing' names the task 'gestur'."),
        ],
    )
    def test_what_is_impossible_is_refused_with_its_place(self, tmp_path, place, value, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            read({**plain(tmp_path), place: value})

    def test_unknown_key_of_a_source_names_its_neighbors(self, tmp_path):
        values = plain(tmp_path)
        values["data"][0]["batch_sze"] = 3
        with pytest.raises(ValueError, match=r"'data.0.batch_sze'. Did you mean 'batch_size'"):
            read(values)

    def test_sources_may_read_other_inputs(self, tmp_path):
        values = plain(tmp_path)
        values["data"].append({**values["data"][0], "input": {"frames": 1}})
        recipe = read(values)
        assert recipe.input_of(0) == recipe.input
        assert recipe.input_of(1).frames == 1
        assert recipe.input_of(1).size == recipe.input.size
        values["data"][1]["input"] = {"frame": 1}
        with pytest.raises(ValueError, match=r"data.1.input.*Did you mean 'frames'"):
            read(values)


@pytest.mark.usefixtures("tiny")
class TestTwins:
    def test_only_changes_the_tasks(self, tmp_path):
        recipe = read(plain(tmp_path))
        twin = recipe.only(["action"])
        assert list(twin.tasks) == ["action"]
        unchanged = {k: v for k, v in recipe.plain().items() if k != "tasks"}
        assert {k: v for k, v in twin.plain().items() if k != "tasks"} == unchanged
        assert twin.fingerprint() != recipe.fingerprint()

    def test_what_belongs_to_lost_tasks_goes(self, tmp_path):
        values = plain(tmp_path)
        values["tasks"]["both"] = {"kind": "union", "of": ["action", "gesture"]}
        values["balancer"] = {"kind": "fixed", "weights": {"pose": 3.0, "action": 2.0}}
        values["network"]["heads"] = {"pose": "joints", "action": "class"}
        values["train"]["monitor"] = "pose/pck"
        recipe = read(values)
        twin = recipe.only(["action", "both"])
        assert list(twin.tasks) == ["action"]
        assert twin.balancer.weights == {"action": 2.0}
        assert list(twin.network.heads) == ["action"]
        assert twin.train.monitor == "score"
        assert list(recipe.only(["action", "gesture", "both"]).tasks) == [
            "action",
            "gesture",
            "both",
        ]

    def test_a_union_cannot_stand_alone(self, tmp_path):
        values = plain(tmp_path)
        values["tasks"]["both"] = {"kind": "union", "of": ["action", "gesture"]}
        with pytest.raises(ValueError, match="made of tasks that are not selected"):
            read(values).only(["both"])
        with pytest.raises(ValueError, match="names the task 'acton'"):
            read(values).only(["acton"])


@pytest.mark.usefixtures("tiny")
class TestFingerprint:
    def test_is_of_what_the_result_depends_on(self, tmp_path):
        base = plain(tmp_path)
        own = read(base).fingerprint()
        for key, value in {"workers": 2, "log_every": 7, "checkpoint_every": 3}.items():
            assert read({**base, "train": {**base["train"], key: value}}).fingerprint() == own
        assert read({**base, "twins": {"doing": ["action", "gesture"]}}).fingerprint() == own
        for key, value in {"seed": 2, "ema": 0.9, "bf16": True}.items():
            assert read({**base, "train": {**base["train"], key: value}}).fingerprint() != own
        assert read({**base, "schedule": {"epochs": 3}}).fingerprint() != own
        viewed = {"fusion": "product", "flip": True, "crops": 3}
        for key, value in viewed.items():
            assert read({**base, "evaluation": {key: value}}).fingerprint() != own

    def test_of_a_recipe_from_before_there_were_views_is_the_same(self, tmp_path):
        recipe = read(plain(tmp_path))
        values = recipe.plain()
        for key in ("twins", "study", "judged_on"):
            del values[key]
        del values["split"]["seen_share"]
        for key in ("workers", "log_every", "checkpoint_every", "device"):
            del values["train"][key]
        kept = ("batch_size", "clips", "split_seed")
        values["evaluation"] = {key: values["evaluation"][key] for key in kept}
        later = AugmentConfig.LATER
        values["augment"] = {k: v for k, v in values["augment"].items() if k not in later}
        for part in values["data"]:
            for key in DataConfig.LATER:
                del part[key]
        for key in InputSpec.LATER:
            del values["input"][key]
        for task in values["tasks"].values():
            for key in ("per_frame", "nothing"):
                task.pop(key, None)
        values["pseudo"] = []
        before = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        assert recipe.fingerprint() == before

    @pytest.mark.parametrize("kind", [name for name in BALANCERS if name != "fixed"])
    def test_a_saved_recipe_reads_the_same(self, tmp_path, kind):
        recipe = read({**plain(tmp_path), "balancer": kind, "augment": {"flip": 0.5}})
        save_recipe(recipe, tmp_path / "saved.yaml")
        again = load_recipe(str(tmp_path / "saved.yaml"))
        assert again == recipe
        assert again.fingerprint() == recipe.fingerprint()
        assert yaml.safe_load((tmp_path / "saved.yaml").read_text())["balancer"]["kind"] == kind
