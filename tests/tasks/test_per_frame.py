"""Answers per frame: learned at every frame, one mean for the clip, composed as those per clip."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_task_contract import CONFIGS, TABLE, make_context

from onebody.config import build, without_later
from onebody.data import Target
from onebody.tasks import (
    TASKS,
    ClassificationConfig,
    ConsistencyConfig,
    RoutedConfig,
    TaskConfig,
    TreeConfig,
    UnionConfig,
    WhichConfig,
    build_tasks,
    resolve_tasks,
)
from onebody.tasks.classes import frame_weights

CLASSES = ("classification", "union", "which", "routed", "tree", "consistency")
OWN = (ClassificationConfig, WhichConfig, TreeConfig)
"""Kinds with a head, which are told; the others take over what their parts do."""

N, T = 5, 6


def framed(configs):
    """Return configurations whose plain tasks answer per frame."""
    return {
        name: config.model_copy(update={"per_frame": True}) if isinstance(config, OWN) else config
        for name, config in configs.items()
    }


def build_all(configs):
    return build_tasks(resolve_tasks(configs, [TABLE]))


@pytest.fixture(params=CLASSES)
def pair(request):
    """The task that answers per frame, and its like that answers per clip."""
    configs = CONFIGS[request.param]
    return build_all(framed(configs))["it"], build_all(configs)["it"]


def logits_for(task, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(N, T, task.num_outputs, generator=generator)


def target_for(task, **given):
    possible = torch.as_tensor(getattr(task, "possible", range(task.num_outputs)))
    value = possible[torch.arange(N) % len(possible)]
    return Target(value=value, present=torch.ones(N, dtype=torch.bool), **given)


def test_the_form_is_of_frames(pair):
    task, clip = pair
    assert (task.form, clip.form) == ("frames", "vector")
    assert task.num_outputs == clip.num_outputs


def test_a_saved_configuration_rebuilds_the_task(pair):
    config = resolve_tasks(framed(CONFIGS[pair[0].kind]), [TABLE])["it"]
    again = type(config).model_validate_json(config.model_dump_json())
    assert build(TASKS, again, "task") == pair[0]


def test_the_loss_is_the_mean_over_frames(pair):
    task, clip = pair
    output, target = logits_for(task), target_for(task)
    each = torch.stack([clip.loss(output[:, t], target) for t in range(T)], 1)
    weight = torch.tensor([0.25, 0.5, 0.75, 1.0, 1.0, 1.0])
    torch.testing.assert_close(task.loss(output, target), (each * weight).sum(1) / weight.sum())


def test_a_still_costs_what_it_costs_per_clip(pair):
    task, clip = pair
    output, target = logits_for(task)[:, :1], target_for(task)
    torch.testing.assert_close(task.loss(output, target), clip.loss(output[:, 0], target))


def test_soft_labels_serve_every_frame(pair):
    task, _ = pair
    output, target = logits_for(task), target_for(task)
    value = torch.nn.functional.one_hot(target.value, task.num_outputs).double()
    soft = Target(value=value, present=target.present)
    torch.testing.assert_close(task.loss(output, soft), task.loss(output, target))


def test_frames_may_have_labels_of_their_own(pair):
    task, clip = pair
    output, classes = logits_for(task), clip.num_outputs
    value = torch.arange(N * T).view(N, T) % classes
    mask = value != 1
    value = torch.where(mask, value, -1)  # undefined where masked
    present = torch.ones(N, dtype=torch.bool)
    each = torch.stack(
        [
            clip.loss(output[:, t], Target(value=value[:, t].clamp(min=0), present=present))
            for t in range(T)
        ],
        1,
    )
    weight = torch.tensor([0.25, 0.5, 0.75, 1.0, 1.0, 1.0]) * mask
    found = task.loss(output, Target(value=value, present=present, mask=mask))
    torch.testing.assert_close(found, (each * weight).sum(1) / weight.sum(1))


def test_frames_that_do_not_count_change_nothing(pair):
    task, _ = pair
    output = logits_for(task)
    mask = torch.ones(N, T, dtype=torch.bool)
    mask[:, 4:] = False
    mask[3] = False
    disturbed = output.clone()
    disturbed[~mask] = math.nan
    disturbed.requires_grad_()
    loss = task.loss(disturbed, target_for(task, mask=mask))
    torch.testing.assert_close(loss[:3].detach(), task.loss(output[:, :4], target_for(task))[:3])
    assert loss[3] == 0


def test_the_answer_for_a_clip_is_the_mean_of_its_frames(pair):
    task, clip = pair
    output = logits_for(task).bfloat16()
    scores = task.frame_scores(output)
    assert (scores.shape, scores.dtype) == (output.shape, torch.float32)
    torch.testing.assert_close(scores.sum(-1), torch.ones(N, T))
    torch.testing.assert_close(scores[:, 2], clip.decode(output[:, 2], make_context()))
    context = replace(make_context(), times_s=torch.arange(float(T)).repeat(N, 1))
    torch.testing.assert_close(task.decode(output, context), scores.mean(1))
    results = task.collect(output, target_for(task), context)
    assert results.prediction.shape == (N, task.num_outputs)
    assert results.target.dtype == np.int64


def test_frames_that_repeat_the_last_one_say_nothing_of_a_clip(pair):
    task, _ = pair
    output, context = logits_for(task), make_context()
    times = torch.arange(float(T)).repeat(N, 1)
    times[1, 3:] = 3.0  # a medium of four frames
    times[2, :] = 0.0  # a still
    times[3, 1] = times[3, 0]  # a slow beginning is none
    times[4, :] = math.nan
    scores = task.frame_scores(output)
    found = task.decode(output, replace(context, times_s=times))
    torch.testing.assert_close(found[1], scores[1, :4].mean(0))
    for row in (0, 2, 3, 4):
        torch.testing.assert_close(found[row], scores[row].mean(0))


def test_an_answer_per_clip_is_one_frame(pair):
    _, clip = pair
    output = logits_for(clip)[:, 0]
    torch.testing.assert_close(clip.frame_scores(output)[:, 0], clip.decode(output, make_context()))


def test_an_absent_label_never_gets_a_loss(pair):
    task, _ = pair
    target = target_for(task)
    target.value[0] = -1
    with pytest.raises(IndexError):
        task.loss(logits_for(task), target)


def test_composites_compose_each_frame_as_a_clip():
    for kind in ("union", "routed", "consistency"):
        configs = CONFIGS[kind]
        many, one = build_all(framed(configs)), build_all(configs)
        parts = {name: logits_for(many[name], seed) for seed, name in enumerate(many["it"].reads)}
        whole = many["it"].compose(parts)
        assert whole.shape == (N, T, many["it"].num_outputs)
        single = one["it"].compose({name: part[:, 3] for name, part in parts.items()})
        torch.testing.assert_close(whole[:, 3], single)
        with pytest.raises(ValueError, match=r"expects logits \[N, T, \d+\] of .*, found \("):
            many["it"].compose({name: part[:, 0] for name, part in parts.items()})


@pytest.mark.parametrize(
    ("kind", "odd"), [("union", "gesture"), ("routed", "kind"), ("consistency", "pace")]
)
def test_parts_of_two_forms_are_refused(kind, odd):
    configs = framed(CONFIGS[kind])
    configs[odd] = CONFIGS[kind][odd]
    with pytest.raises(ValueError, match=rf"answer per frame, {odd} per clip\. Set 'per_frame'"):
        resolve_tasks(configs, [TABLE])


def test_a_composite_cannot_answer_otherwise_than_its_parts():
    configs = {**CONFIGS["union"], "it": UnionConfig(of=("action", "gesture"), per_frame=True)}
    with pytest.raises(ValueError, match="'it' shall answer per frame, but what it reads answers"):
        resolve_tasks(configs, [TABLE])


@pytest.mark.parametrize(
    "config",
    [
        ClassificationConfig(),
        WhichConfig(of=("a", "b")),
        TreeConfig(tree={"a": ["b", "c"]}),
        UnionConfig(of=("a", "b")),
        RoutedConfig(of=("a", "b"), router="c"),
        ConsistencyConfig(coarse="a", fine="b", tree={}),
    ],
)
def test_recipes_of_before_keep_their_fingerprint(config: TaskConfig):
    assert "per_frame" not in without_later(config, config.model_dump(mode="json"))


def test_weights_of_frames_grow_to_one():
    assert frame_weights(1).tolist() == [0.25]
    assert frame_weights(6).tolist() == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
