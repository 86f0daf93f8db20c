import pytest
from model_helpers import INPUTS, TINY, all_forms, by_name, joints, make_network, union, vector

from onebody.config import read_config
from onebody.models import NETWORKS, MultiTaskConfig, build_network
from onebody.models.class_head import ClassHead, FrameHead
from onebody.models.joint_head import JointHead


def _config(**values: object) -> MultiTaskConfig:
    return read_config(MultiTaskConfig, values, "recipe")


def test_a_config_is_read_from_plain_values() -> None:
    config = _config(encoder={"kind": "light", "width": 0.5}, heads={"pose": "joints"})
    assert config.encoder.width == 0.5
    assert config.sharing.kind == "hard"
    assert config.heads["pose"].kind == "joints"
    dumped = config.model_dump(mode="json")
    assert dumped["encoder"]["width"] == 0.5
    assert _config(**dumped) == config
    assert _config(encoder="resnet3d").encoder.depth == 18


def test_mistakes_name_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Unknown encoder 'lihgt'\. Did you mean 'light'"):
        _config(encoder="lihgt")
    with pytest.raises(ValueError, match=r"unknown key 'widht'\. Did you mean 'width'"):
        _config(encoder={"kind": "light", "widht": 2})
    with pytest.raises(ValueError, match="Unknown sharing 'soft'"):
        _config(sharing="soft")


def test_every_form_has_a_head() -> None:
    network = make_network("light", all_forms())
    assert {name: type(head) for name, head in network.heads.items()} == {
        "action": ClassHead,
        "phase": FrameHead,
        "pose": JointHead,
        "body": JointHead,
    }
    assert list(network.tasks) == ["action", "phase", "pose", "body"]


def test_heads_of_no_task_are_refused() -> None:
    tasks = by_name(vector("action"), union("any", "action"))
    with pytest.raises(ValueError, match=r"'actoin', which is not a task\. Did you mean 'action'"):
        make_network("light", tasks, heads={"actoin": "class"})
    with pytest.raises(ValueError, match="'any', which is composite"):
        make_network("light", tasks, heads={"any": "class"})
    with pytest.raises(ValueError, match="at least one task"):
        make_network("light", {})


@pytest.mark.parametrize("name", ["a.b", "keys", "train"])
def test_names_that_a_module_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Rename it"):
        make_network("light", by_name(vector(name)))


def test_a_joints_task_needs_a_map() -> None:
    heads = {"pose": {"kind": "joints", "stages": [-1]}}
    with pytest.raises(ValueError, match="'pose' needs a stage with a map"):
        make_network("light", by_name(joints("pose")), heads=heads)


def test_networks_are_built_by_kind() -> None:
    assert "multitask" in NETWORKS
    tasks = by_name(vector("action"))
    network = build_network(_config(encoder=TINY["light"]), tasks, INPUTS)
    assert type(network).__name__ == "MultiTask"
    with pytest.raises(ValueError, match="Unknown network 'light'"):
        build_network(_config(encoder=TINY["light"]).encoder, tasks, INPUTS)
