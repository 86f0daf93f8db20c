"""What a manifest cannot say: classes, mirror images, joint layouts.

Written beside the manifest (``clips.csv``: ``clips.yaml``)::

    name: gym
    labels:
      action:
        classes: [walk, wave left, wave right]
        mirror: {walk: walk, wave left: wave right, wave right: wave left}
      pose:
        skeleton: coco-17
        unit: px
    layouts:
      skeleton: coco-17
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, model_validator

from onebody.config import Config, read_config
from onebody.labels import LabelSpace
from onebody.skeletons import get_skeleton


def _to_class(value: object) -> object:
    """Take numbers as class names; YAML's yes and no are no texts and must be quoted."""
    if isinstance(value, bool):
        raise ValueError(f"YAML reads this class as {str(value).lower()}: put it in quotes")
    return str(value) if isinstance(value, int | float) else value


ClassName = Annotated[str, BeforeValidator(_to_class)]


class LabelConfig(Config):
    """One label column.

    Attributes:
        classes: all classes in order; empty: whatever occurs, in natural order.
        mirror: what each class becomes in a mirror (itself, another class, null: nothing that has
            a name); ``same``: every class stays what it is. Empty: unknown, so training with
            mirrored pictures is refused.
        skeleton: the joint layout, for columns of joints.
        unit: ``px`` (2D, source pixels) or ``mm`` (3D, in the camera's frame), for joints.
    """

    classes: tuple[ClassName, ...] = ()
    mirror: Literal["same"] | dict[ClassName, ClassName | None] = Field(default_factory=dict)
    skeleton: str = ""
    unit: Literal["", "px", "mm"] = ""

    @model_validator(mode="after")
    def _one_kind(self) -> LabelConfig:
        if self.skeleton:
            get_skeleton(self.skeleton)
            if self.classes or self.mirror:
                raise ValueError("a column of joints has no 'classes' and no 'mirror'")
            if not self.unit:
                raise ValueError("a column of joints needs a 'unit': px (2D) or mm (3D)")
        elif self.unit:
            raise ValueError("'unit' is for joints: state their 'skeleton' as well")
        if self.classes:
            self.space("", self.classes)  # says what is wrong with the classes or the mirror
        return self

    @property
    def joints(self) -> bool:
        """Does the column hold joints?"""
        return bool(self.skeleton)

    def space(self, name: str, classes: tuple[str, ...]) -> LabelSpace:
        """Return the label space, with the stated mirror.

        Raises:
            ValueError: if the mirror does not fit the classes.
        """
        mirror = {c: c for c in classes} if self.mirror == "same" else dict(self.mirror)
        return LabelSpace(name, classes, mirror)


def _to_label(value: object) -> object:
    """Read a label column by itself, so that a misspelled key is answered with the nearest."""
    if isinstance(value, Mapping):
        return read_config(LabelConfig, value, "label column")
    return value


class Sidecar(Config):
    """Everything a sidecar file may say.

    Attributes:
        name: name of the dataset; empty: the manifest's.
        labels: label columns by name. If any is stated, all have to be.
        layouts: joint layout of each skeleton medium, by its column (``skeleton``).
    """

    name: str = ""
    labels: dict[str, Annotated[LabelConfig, BeforeValidator(_to_label)]] = Field(
        default_factory=dict
    )
    layouts: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Sidecar:
        for modality, layout in self.layouts.items():
            get_skeleton(layout)
            if modality.partition("/")[0] != "skeleton":
                raise ValueError(
                    f"'layouts' is for skeleton media, not for {modality!r}; the layout of a label "
                    "column stands in 'labels'"
                )
        return self


def sidecar_path(manifest: Path) -> Path:
    """Return where the sidecar of a manifest lies."""
    return manifest.parent / f"{manifest.stem}.yaml"


def load_sidecar(manifest: Path) -> Sidecar:
    """Read what stands beside a manifest; nothing beside it: nothing stated.

    Raises:
        ValueError: if the file is no YAML or says something that is not known.
    """
    path = sidecar_path(manifest)
    if path == manifest or not path.exists():
        return Sidecar()
    try:
        values = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path}{line}: expected YAML, found: {error.problem}.") from None
    except (yaml.YAMLError, UnicodeDecodeError, OSError, RecursionError, ValueError) as error:
        raise ValueError(f"{path}: expected a YAML file, found: {error}.") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected 'name' and 'labels', found {type(values).__name__}.")
    return read_config(Sidecar, values, str(path))


class _Loader(yaml.SafeLoader):
    """Safe YAML that refuses a key said twice (the plain loader silently takes the last)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)
