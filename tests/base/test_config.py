"""Strict configuration: what is refused, and what the message says."""

from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, PositiveInt

from onebody.config import (
    Config,
    Factory,
    build,
    choice,
    lookup,
    nearest,
    read_config,
    without_later,
)


class Wheel(Config):
    """A part with options."""

    kind: Literal["wheel"] = "wheel"
    spokes: int = Field(default=12, ge=1)


class Sail(Config):
    """Another part."""

    kind: Literal["sail"] = "sail"
    area: float = 1.0
    corners: tuple[tuple[float, float], ...] = ()
    ropes: dict[str, PositiveInt] | None = None


PARTS = {
    "wheel": Factory(config=Wheel, build=lambda config: f"{config.spokes} spokes", summary="rolls"),
    "sail": Factory(config=Sail, build=lambda config, wind=0: config.area * wind, summary="drives"),
}
Part = choice(PARTS, "part")


class Vehicle(Config):
    """A config with a replaceable part, a nested one and a list."""

    name: str
    part: Part = Wheel()
    spare: Wheel = Wheel()
    more: tuple[Wheel, ...] = ()
    most: tuple[Part, ...] = Field(default=(Wheel(),), min_length=1)


def test_parts_are_named_by_kind_or_mapping():
    assert Vehicle(name="a", part="sail").part == Sail()
    assert Vehicle(name="a", part={"kind": "wheel", "spokes": 3}).part == Wheel(spokes=3)
    assert Vehicle(name="a", part=Sail(area=2)).part.area == 2


def test_a_config_survives_its_plain_values():
    vehicle = Vehicle(name="a", part={"kind": "sail", "area": 4}, more=[{"spokes": 5}])
    assert read_config(Vehicle, vehicle.model_dump(mode="json"), "x") == vehicle


def test_building_passes_what_is_given():
    assert build(PARTS, Wheel(spokes=7), "part") == "7 spokes"
    assert build(PARTS, Sail(area=3), "part", wind=2) == 6


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "a", "prat": "sail"}, r"file\.yaml: unknown key 'prat'. Did you mean 'part'\?"),
        (
            {"name": "a", "spare": {"spoke": 1}},
            r"unknown key 'spare\.spoke'. Did you mean 'spokes'",
        ),
        ({"name": "a", "more": [{"spoke": 1}]}, r"Did you mean 'spokes'"),
        ({"name": "a", "part": {"kind": "weel"}}, r"Unknown part 'weel'. Did you mean 'wheel'\?"),
        (
            {"name": "a", "part": {"kind": "wheel", "spoke": 1}},
            r"part 'wheel': unknown key 'spoke'",
        ),
        ({"name": "a", "part": {"spokes": 1}}, r"a mapping with 'kind'"),
        ({"name": "a", "part": 3}, r"a kind of part \(wheel, sail\) or a mapping"),
        ({"name": "a", "most": ["oar"]}, r"'most.0': Unknown part 'oar'. Known: sail, wheel.$"),
        ({"name": "a", "most": []}, r"'most': .*at least 1 item"),
        ({"name": "a", "more": "x"}, r"'more': expected a list, such as \[a, b\], found 'x'$"),
        (
            {"name": "a", "spare": {"zzz": 1, "qqq": 2, "spok": 3}},
            r"key 'spare\.zzz'; unknown key 'spare\.qqq'\. Known: kind, spokes\.; unknown key 's",
        ),
        (
            {"name": "a", "spare": {"spokes": 0}},
            r"'spare\.spokes': .*greater than or equal to 1, found 0",
        ),
        (
            {"name": "a", "spare": {"spokes": True}},
            r"'spare': expected a number for 'spokes', found true$",
        ),
        (
            {"name": "a", "part": {"kind": "sail", "area": False}},
            r"expected a number for 'area', found false",
        ),
        (
            {"name": "a", "part": {"kind": "sail", "area": 1, "corners": [[0, True]]}},
            r"expected a number for 'corners', found true",
        ),
        (
            {"name": "a", "part": {"kind": "sail", "area": 1, "ropes": {"jib": True}}},
            r"expected a number for 'ropes', found true",
        ),
        ({}, r"'name' is missing"),
        ({None: 1, "name": "a"}, r"expected texts as keys, found None"),
    ],
)
def test_faults_are_named_with_their_remedy(values, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_config(Vehicle, values, "file.yaml")
    assert "\n" not in str(caught.value)


def test_yes_is_taken_where_it_is_meant():
    class Switched(Config):
        """Options that may be switched off."""

        plain: bool = True
        limit: float | bool = False
        off: float | Literal[False] = False
        free: Any = 1
        text: str | None = None

    values = {"plain": False, "limit": True, "off": False, "free": True}
    assert read_config(Switched, values, "test").model_dump() == {**values, "text": None}


def test_configs_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Wheel().spokes = 3  # type: ignore[misc]


def test_nearest_names_one_or_all():
    assert nearest("whel", PARTS) == "Did you mean 'wheel'?"
    assert nearest("zzz", PARTS) == "Known: sail, wheel."
    assert nearest("zzz", ()) == "Known: none."
    with pytest.raises(ValueError, match=r"Unknown part .zzz.\. Known: sail, wheel"):
        lookup(PARTS, "zzz", "part")


class Kept(Config):
    LATER: ClassVar[frozenset[str]] = frozenset({"speed", "names"})

    size: int = 1
    speed: float = 2.0
    names: tuple[str, ...] = Field(default_factory=tuple)


class Whole(Config):
    parts: dict[str, Kept]
    rows: tuple[Kept, ...] = ()
    note: str = ""


def test_keys_that_came_later_are_left_out_at_their_defaults_at_any_depth():
    whole = Whole(parts={"a": Kept(), "b": Kept(speed=3.0)}, rows=(Kept(size=2, names=("x",)),))
    assert without_later(whole, whole.model_dump(mode="json")) == {
        "parts": {"a": {"size": 1}, "b": {"size": 1, "speed": 3.0}},
        "rows": [{"size": 2, "names": ["x"]}],
        "note": "",
    }
