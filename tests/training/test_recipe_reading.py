import pytest

from onebody.training import reading
from onebody.training.reading import (
    find_recipe,
    load_recipe,
    override,
    recipe_data,
    recipe_heading,
    recipe_names,
    recipe_result,
)


class TestOverride:
    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("train.seed=3", {"train": {"seed": 3}}),
            ("train.ema=null", {"train": {"ema": None}}),
            ("optimizer.lr=1e-3", {"optimizer": {"lr": "1e-3"}}),  # pydantic reads the number
            ("data.0.batch_size=4", {"data": [{"batch_size": 4}, {}]}),
            ("data.1={batch_size: 2}", {"data": [{}, {"batch_size": 2}]}),
            ("balancer=dwa", {"balancer": "dwa"}),
            ("balancer.temperature=2", {"balancer": {"kind": "average", "temperature": 2}}),
            ("tasks.pose=null", {"tasks": {}}),
            ("balancer=null", {"balancer": ...}),
            ("pseudo=null", {"pseudo": ...}),
            ("input.size=[1, 2]", {"input": {"size": [1, 2]}}),
        ],
    )
    def test_changes_one_place(self, change, expected):
        before = {
            "train": {},
            "optimizer": {},
            "data": [{}, {}],
            "balancer": "average",
            "pseudo": [{}],
            "tasks": {"pose": {"kind": "pose2d"}},
        }
        values = dict(before)
        values["data"] = [{}, {}]
        values["tasks"] = {"pose": {"kind": "pose2d"}}
        override(values, change)
        whole = {**before, **expected}
        assert values == {key: value for key, value in whole.items() if value is not ...}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("train.seed", "Expected key=value"),
            ("=3", "Expected key=value"),
            ("data.2.batch_size=4", "a place from 0 to 1, found '2'"),
            ("data.first.batch_size=4", "found 'first'"),
            ("steps.more=4", "'steps' is 5, which has no keys"),
            ("tasks={a: [}", "is not a YAML value"),
        ],
    )
    def test_refuses_what_it_cannot_do(self, change, message):
        with pytest.raises(ValueError, match=message):
            override({"data": [{}, {}], "steps": 5}, change)


class TestFinding:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.setattr(reading, "recipes_folder", lambda: tmp_path)
        (tmp_path / "first.yaml").write_text("# What it is.\n#\n# Command: x\ndata: []\n# no\n")
        (tmp_path / "second.yaml").write_text("data: []\n")
        return tmp_path

    def test_by_name_by_path_and_by_run(self, folder):
        assert recipe_names() == ["first", "second"]
        assert find_recipe("first") == folder / "first.yaml"
        assert find_recipe(str(folder / "second.yaml")) == folder / "second.yaml"
        run = folder / "run"
        run.mkdir()
        (run / "recipe.yaml").write_text("data: []\n")
        assert find_recipe(str(run)) == run / "recipe.yaml"

    def test_heading_is_the_comment_at_the_top(self, folder):
        assert recipe_heading("first") == ["What it is.", "", "Command: x"]
        assert recipe_heading("second") == []

    @pytest.mark.parametrize(
        ("heading", "said"),
        [
            (
                "# What.\n#\n# Time: 3 s.\n#   Result: 80 %.\n#\n# More.\n",
                "Time: 3 s. Result: 80 %.",
            ),
            ("# What.\n#\n# Notes. Time and result:\n# unknown.\n", "Time and result: unknown."),
            ("# What.\n#\n# Short. Measured with less: 9 %.\n", "Measured with less: 9 %."),
            ("# In time.\n", ""),
        ],
    )
    def test_time_and_result_are_found_in_the_heading(self, folder, heading, said):
        (folder / "first.yaml").write_text(heading + "data: []\n")
        assert recipe_result("first") == said

    def test_what_a_recipe_reads(self, folder):
        (folder / "first.yaml").write_text(
            "data:\n  - dataset: {kind: ntu, folder: data/n}\n  - dataset: simulated\n"
        )
        assert recipe_data("first") == ["ntu in data/n", "simulated"]
        (folder / "second.yaml").write_text("dataset: {kind: own, manifest: c.csv}\n")
        assert recipe_data("second") == ["own in c.csv"]

    def test_wrong_names_and_paths_give_the_nearest(self, folder):
        with pytest.raises(ValueError, match=r"no recipe 'frist'. Did you mean 'first'"):
            find_recipe("frist")
        with pytest.raises(ValueError, match=r"secnd.yaml'. Did you mean '.*second.yaml'"):
            find_recipe(str(folder / "secnd.yaml"))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: 1\nb: [\n", "not readable as YAML"),
            ("- 1\n- 2\n", "expected keys and values, found list"),
            ("train:\n  seed: 1\n  seed: 2\n", "line 2: 'seed' is written twice"),
        ],
    )
    def test_files_that_are_no_recipe(self, folder, text, message):
        (folder / "bad.yaml").write_text(text)
        with pytest.raises(ValueError, match=f"bad.yaml: .*{message}"):
            load_recipe(str(folder / "bad.yaml"))

    def test_overrides_are_checked_like_the_file(self, tiny):
        assert tiny(["train.seed=4", "optimizer.lr=1e-2"]).optimizer.lr == 0.01
        with pytest.raises(ValueError, match=r"'train.sede'. Did you mean 'seed'"):
            tiny(["train.sede=4"])

    def test_debug_changes_come_before_those_of_the_command(self, tiny):
        debug = ["schedule.epochs=1", "train.seed=5"]
        assert tiny(debug=debug) == tiny()
        shrunk = tiny(["train.seed=6"], shrunk=True, debug=debug)
        assert (shrunk.schedule.epochs, shrunk.train.seed) == (1, 6)

    def test_debug_changes_are_asked_for_where_there_are_none(self, tiny):
        with pytest.raises(ValueError, match="has no 'debug' changes"):
            tiny(shrunk=True)
        with pytest.raises(ValueError, match="'debug': expected a list of changes"):
            tiny(debug={"schedule": 1})


def test_the_packages_own_recipes_are_found():
    assert reading.recipes_folder().is_dir()
