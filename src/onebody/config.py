"""Strict configuration: unknown keys are refused with the nearest known name.

Every replaceable part has a config class (a subclass of `Config` with a literal ``kind``) and a
builder; a room lists its parts in a typed dictionary of `Factory`. A recipe names a part by its
kind: ``encoder: {kind: light, width: 32}``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializeAsAny,
    ValidationError,
    model_validator,
)

T_co = TypeVar("T_co", covariant=True)
ConfigT = TypeVar("ConfigT", bound="Config")


class Config(BaseModel):
    """Base of all configuration: frozen, and no key passes unread."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    LATER: ClassVar[frozenset[str]] = frozenset()
    """Keys that came after runs had been kept; see `without_later`."""

    @model_validator(mode="before")
    @classmethod
    def _no_yes_for_a_number(cls, values: object) -> object:
        """Refuse true and false where numbers are meant: ``epochs: yes`` is not 1."""
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if name in cls.model_fields:
                _check_numbers(name, value, _kinds(cls.model_fields[name].annotation))
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory(Generic[T_co]):
    """One entry of a registry: how a part is configured and built.

    Attributes:
        config: the part's own config class; its ``kind`` default is the registry key.
        build: makes the part from its config (and what the registry's docstring names besides).
        summary: one line for ``onebody list``.
    """

    config: type[Config]
    build: Callable[..., T_co]
    summary: str


def without_later(config: object, values: Any) -> Any:
    """Leave out what was not there when earlier runs were kept, where it changes nothing.

    Args:
        config: a config, or a list or mapping that holds some.
        values: what ``config.model_dump(mode="json")`` gives.

    Returns:
        The values without `Config.LATER` keys at their defaults, at any depth.
    """
    if isinstance(config, Config):
        fields = type(config).model_fields
        told = {}
        for name, value in values.items():
            own = getattr(config, name)
            default = fields[name].get_default(call_default_factory=True)
            if name not in config.LATER or own != default:
                told[name] = without_later(own, value)
        return told
    if isinstance(config, Mapping):
        return {key: without_later(config[key], value) for key, value in values.items()}
    if isinstance(config, (list, tuple)):
        return [without_later(own, value) for own, value in zip(config, values, strict=True)]
    return values


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name is meant, for the end of an error message.

    Returns:
        ``"Did you mean 'x'?"`` where one is close, else ``"Known: a, b, c."``.
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known) or 'none'}."


def lookup(registry: Mapping[str, T_co], name: str, what: str) -> T_co:
    """Take an entry by name.

    Raises:
        ValueError: if there is none; names the nearest.
    """
    if name not in registry:
        raise ValueError(f"Unknown {what} {name!r}. {nearest(name, registry)}")
    return registry[name]


def read_config(config: type[ConfigT], values: Mapping[str, Any], where: str) -> ConfigT:
    """Validate plain values into a config.

    Args:
        config: the class to make.
        values: plain values, as read from YAML or JSON.
        where: what is read, for messages (a file name, usually).

    Raises:
        ValueError: one line per fault: place, what was expected, what was found, the nearest key.
    """
    try:
        return config.model_validate(values)
    except ValidationError as error:
        faults = error.errors()
        lines = [_explain(config, fault) for fault in faults if not _follows(fault, faults)]
        raise ValueError(f"{where}: " + "; ".join(_brief(lines))) from None


def choice(registry: Mapping[str, Factory[Any]], what: str) -> Any:
    """Make the field type of a replaceable part: a mapping with ``kind``, or the kind alone.

    Example:
        ``choice(ENCODERS, "encoder")`` accepts ``light`` and ``{kind: light, width: 8}``.
    """

    def pick(value: object) -> Config:
        if isinstance(value, Config):
            return value
        if isinstance(value, str):
            value = {"kind": value}
        if not isinstance(value, Mapping) or "kind" not in value:
            raise ValueError(
                f"expected a kind of {what} ({', '.join(registry)}) or a mapping with 'kind', "
                f"found {value!r}"
            )
        factory = lookup(registry, str(value["kind"]), what)
        return read_config(factory.config, value, f"{what} {value['kind']!r}")

    return Annotated[SerializeAsAny[Config], BeforeValidator(pick)]


def build(registry: Mapping[str, Factory[T_co]], config: Config, what: str, **given: Any) -> T_co:
    """Build the part that a config describes; ``given`` is passed on to its builder."""
    return lookup(registry, str(getattr(config, "kind", "")), what).build(config, **given)


def _explain(config: type[BaseModel], fault: Mapping[str, Any]) -> str:
    """Turn one pydantic fault into a sentence."""
    place = ".".join(str(part) for part in fault["loc"]) or "(top)"
    if fault["type"] == "extra_forbidden":
        owner: Any = config
        for part in fault["loc"][:-1]:  # walk down to the class that refused the key
            owner = owner if isinstance(part, int) else _field_class(owner, part)
        known = owner.model_fields if owner is not None else {}
        return f"unknown key {place!r}. {nearest(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"{place!r} is missing"
    if fault["type"] == "invalid_key":
        return f"expected texts as keys, found {fault.get('input')!r}. Put the key in quotes"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] in ("tuple_type", "list_type"):
        message = "expected a list, such as [a, b]"
    found = fault.get("input")
    return f"{place!r}: {message}" + (
        "" if fault["type"] == "value_error" else f", found {found!r}"
    )


def _brief(lines: Iterable[str]) -> list[str]:
    """Say every fault once, and known keys (``. Known: ..``) only behind the last that has them."""
    said = list(dict.fromkeys(lines))
    hints = [line.partition(". Known: ")[2] for line in said]
    return [
        line.removesuffix(f". Known: {hint}") if hint and hint in hints[n + 1 :] else line
        for n, (line, hint) in enumerate(zip(said, hints, strict=True))
    ]


def _follows(fault: Mapping[str, Any], faults: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a list is too short only because its faulty entries were not counted."""
    place = fault["loc"]
    return fault["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in faults
    )


def _kinds(annotation: Any) -> set[Any]:
    """Return the types that a field takes: itself, or the parts of a union."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return set().union(*map(_kinds, get_args(annotation)))
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)} & {bool}
    return {annotation}


def _check_numbers(name: str, value: object, kinds: set[Any]) -> None:
    """Refuse true and false, at any depth of lists and mappings, where only numbers may stand.

    Raises:
        ValueError: names the field.
    """
    if isinstance(value, bool):
        if kinds & {int, float} and not kinds & {bool, Any, object}:
            raise ValueError(f"expected a number for {name!r}, found {str(value).lower()}")
    elif isinstance(value, Mapping):
        inner = _inner(kinds, of_mapping=True)
        for part in value.values():
            _check_numbers(name, part, inner)
    elif isinstance(value, (list, tuple)):
        inner = _inner(kinds, of_mapping=False)
        for part in value:
            _check_numbers(name, part, inner)


def _inner(kinds: set[Any], *, of_mapping: bool) -> set[Any]:
    """Return the types of what lists, or the values of mappings, may hold."""
    found: set[Any] = set()
    for kind in kinds:
        arguments = [part for part in get_args(kind) if part is not Ellipsis]
        found = found.union(*map(_kinds, arguments[1:] if of_mapping else arguments))
    return found


def _field_class(owner: Any, part: object) -> Any:
    """Return the config class of a field, where it is one."""
    field = getattr(owner, "model_fields", {}).get(part)
    annotation = getattr(field, "annotation", None)
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
