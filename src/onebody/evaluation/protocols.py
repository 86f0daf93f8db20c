"""Who is trained on and who is tested: splits and folds, refused where they leak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from onebody.config import Config, lookup, nearest
from onebody.data import ClassColumn, SampleTable
from onebody.evaluation.judged import with_seen
from onebody.evaluation.leakage import Split, check_leakage
from onebody.evaluation.units import chosen_share, chosen_share_by_label, units
from onebody.types import Array, Bools

Values = dict[str, tuple[str, ...]]
By = Literal["group", "subject"]

_TEXTS = ("subject", "camera", "source", "group", "split")
_SPLIT_NAMES = {
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "dev": 1,
    "test": 2,
    "testing": 2,
}


class ValidationConfig(Config):
    """How validation rows are taken out of what is not tested.

    Attributes:
        validation: rows with these values (``{subject: ["7"]}``; all columns must agree).
        validation_share: share of the training groups (or subjects, or rows of each label).
        validation_by: what is drawn: whole groups, whole subjects, or groups of each label
            (stratified; then training subjects occur in validation).
        label: class column to stratify by; empty: the table's only one.
        subjects_apart: refuse a split in which a tested subject occurs elsewhere.
        seen_share: share of the groups of every person in training that are tested as well (and as
            many validated, where anything is), for tasks that are judged on people whom training
            has seen; see ``judged_on`` of the recipe. ``subjects_apart`` does not concern them.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    LATER: ClassVar[frozenset[str]] = frozenset({"seen_share"})

    validation: Values = Field(default_factory=dict)
    validation_share: float = Field(0.0, ge=0.0, lt=1.0)
    validation_by: Literal["group", "subject", "label"] = "group"
    label: str = ""
    subjects_apart: bool = False
    seen_share: float = Field(0.0, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _one_validation(self) -> Self:
        if self.validation and self.validation_share:
            raise ValueError("state 'validation' or 'validation_share', not both")
        return self


class SplitConfig(ValidationConfig):
    """One division into training, validation and test; at most one way to choose the test.

    Attributes:
        test: rows with these values (``{subject: ["2", "4"]}``; all columns must agree).
        test_share: share of the groups or subjects, drawn by the seed.
        test_by: what ``test_share`` draws.
        own_split: take the table's ``split`` column (train, validation, test).
    """

    test: Values = Field(default_factory=dict)
    test_share: float = Field(0.0, ge=0.0, lt=1.0)
    test_by: By = "group"
    own_split: bool = False

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if bool(self.test) + bool(self.test_share) + self.own_split > 1:
            raise ValueError("state one of 'test', 'test_share' and 'own_split'")
        return self


class FoldConfig(ValidationConfig):
    """Several divisions that test every row once; exactly one way.

    Attributes:
        leave_out: column each of whose values is tested once (``subject``: leave one subject out).
        k: number of folds of whole groups or subjects, drawn by the seed.
        by: what the k folds are made of.
    """

    leave_out: str = ""
    k: int = Field(0, ge=0)
    by: By = "group"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.leave_out) == bool(self.k) or self.k == 1:
            raise ValueError("state either 'leave_out' (a column) or 'k' (2 folds or more)")
        return self


def split(table: SampleTable, config: SplitConfig, seed: int = 0) -> Split:
    """Divide a table once.

    Args:
        table: the rows.
        config: how.
        seed: of whatever is drawn.

    Raises:
        LeakageError: if something stands on both sides (see `check_leakage`).
        ValueError: if a column or value does not exist, or a part that was asked for is empty.
    """
    nobody = np.zeros(len(table), np.bool_)
    if config.own_split:
        return _finish(table, config, seed, *_own_split(table))
    test = nobody
    if config.test:
        test = matching(table, config.test)
    elif config.test_share:
        drawn = units(table, np.flatnonzero(~nobody), config.test_by)
        test = chosen_share(len(table), drawn, config.test_share, (seed, 0), "test")
    return _finish(table, config, seed, test, nobody)


def split_several(tables: Sequence[SampleTable], config: SplitConfig, seed: int = 0) -> list[Split]:
    """Divide several tables by one configuration.

    A table takes what concerns it: a column none of whose stated values it has says nothing about
    it, if another table has them and another column speaks of it. A table may be tested as a
    whole, where the others are left for training.

    Raises:
        LeakageError: as of `split`.
        ValueError: as of `split`; a value that no table has is refused.
    """
    divided: list[Split] = []
    for table in tables:
        own = _split_of(config, table, tables)
        if len(tables) > 1 and own.test and matching(table, own.test).all():
            nobody = np.zeros(len(table), np.bool_)
            divided.append(Split(train=nobody, validation=nobody, test=~nobody))
        else:
            divided.append(split(table, own, seed))
    return divided


def folds(table: SampleTable, config: FoldConfig, seed: int = 0) -> tuple[Split, ...]:
    """Divide a table several times, so that every row is tested once.

    Raises:
        LeakageError: if something stands on both sides of a fold.
        ValueError: if a row has no value in the column, or there are too few groups.
    """
    nobody = np.zeros(len(table), np.bool_)
    tests: dict[str, Bools] = {}
    if config.leave_out:
        values = _texts(table, config.leave_out)
        _require_all(table, config.leave_out, values)
        for value in sorted(set(values.tolist()), key=_natural):
            tests[f"{config.leave_out}={value}"] = values == value
    else:
        every = units(table, np.arange(len(table), dtype=np.int64), config.by)
        if len(every) < config.k:
            raise ValueError(
                f"Table {table.name!r} has {len(every)} {config.by}s, too few for {config.k} folds."
            )
        order = np.random.default_rng((seed, 0)).permutation(len(every))
        for number, part in enumerate(np.array_split(order, config.k), start=1):
            test = nobody.copy()
            test[np.concatenate([every[i] for i in part])] = True
            tests[f"{number}/{config.k}"] = test
    return tuple(
        replace(_finish(table, config, seed, test, nobody, name), name=name)
        for name, test in tests.items()
    )


def matching(table: SampleTable, wanted: Mapping[str, tuple[str, ...]]) -> Bools:
    """Return ``[N]``: which rows have one of the wanted values in every named column.

    Raises:
        ValueError: if a column does not exist, or no row has a wanted value (a misspelling would
            otherwise test on fewer rows than was meant).
    """
    rows = np.ones(len(table), np.bool_)
    for column, values in wanted.items():
        found = _texts(table, column)
        for value in values:
            if not (found == value).any():
                known = {str(name) for name in np.unique(found)} - {""}
                raise ValueError(
                    f"Table {table.name!r}: no row has {column} {value!r}. {nearest(value, known)}"
                )
        rows &= np.isin(found, list(values))
    return rows


def _split_of(
    config: SplitConfig, table: SampleTable, tables: Sequence[SampleTable]
) -> SplitConfig:
    """Return a split as one of several tables takes it: without values that only others have.

    A column of which no value is left says nothing about this table, if another one does. A value
    that no table has stays, so that `split` refuses it.
    """

    def own(wanted: Values) -> Values:
        left = {
            column: tuple(
                value
                for value in values
                if _has(table, column, value)
                or not any(_has(other, column, value) for other in tables)
            )
            for column, values in wanted.items()
        }
        return {column: values for column, values in left.items() if values} or left

    test, validation = own(config.test), own(config.validation)
    if not all(validation.values()):  # none of its rows is meant
        validation = {}
    return config.model_copy(update={"test": test, "validation": validation})


def _finish(
    table: SampleTable,
    config: ValidationConfig,
    seed: int,
    test: Bools,
    validation: Bools,
    name: str = "",
) -> Split:
    """Take validation out of the rest, and check the whole."""
    rest = ~test & ~validation
    if validation.any() and (config.validation or config.validation_share):
        raise ValueError(
            f"Table {table.name!r} has validation rows of its own: leave 'validation' and "
            "'validation_share' out."
        )
    if config.validation:
        validation = matching(table, config.validation) & rest
    elif config.validation_share:
        validation = _drawn_validation(table, config, rest, seed)
    made = Split(train=rest & ~validation, validation=validation, test=test, name=name)
    asked = {"training": (True, made.train), "validation": (bool(config.validation), validation)}
    for part, (wanted, rows) in asked.items():
        if wanted and not rows.any():
            raise ValueError(
                f"Split {name + ' ' if name else ''}of table {table.name!r}: no row is left for "
                f"{part} ({int(test.sum())} of {len(table)} are tested)."
            )
    check_leakage(table, made, subjects=config.subjects_apart)
    if config.seen_share:
        made = with_seen(table, made, config.seen_share, (seed, 2))
        check_leakage(table, made)
    return made


def _drawn_validation(
    table: SampleTable, config: ValidationConfig, rest: Bools, seed: int
) -> Bools:
    """Draw the validation share of the rows that are left."""
    rows, share = np.flatnonzero(rest), config.validation_share
    if config.validation_by != "label":
        drawn = units(table, rows, config.validation_by)
        return chosen_share(len(table), drawn, share, (seed, 1), "validation")
    classed = {n: c for n, c in table.columns.items() if isinstance(c, ClassColumn)}
    if not config.label and len(classed) != 1:
        raise ValueError(
            f"Table {table.name!r} has {len(classed)} class columns ({', '.join(classed)}): state "
            "by which 'label' validation is stratified."
        )
    column = lookup(classed, config.label or next(iter(classed)), "class column")
    drawn = units(table, rows, "group")
    return chosen_share_by_label(len(table), drawn, column.values, share, (seed, 1))


def _own_split(table: SampleTable) -> tuple[Bools, Bools]:
    """Return the test and validation rows that the table itself names."""
    _require_all(table, "split", table.split)
    parts = [_SPLIT_NAMES.get(str(value).lower(), -1) for value in table.split]
    part = np.array(parts, np.int64)
    bad = np.flatnonzero(part < 0)
    if len(bad):
        raise ValueError(
            f"{table.row_names[bad[0]]}: expected split train, validation or test, found "
            f"{str(table.split[bad[0]])!r} ({len(bad)} rows of other names). Say which values are "
            "tested: 'split.test={split: [NAME]}' in place of own_split."
        )
    return part == 2, part == 1


def _texts(table: SampleTable, column: str) -> Array:
    """Return a column as ``[N]`` texts; class columns by class name, empty where unlabeled."""
    texts: dict[str, Array] = {name: getattr(table, name) for name in _TEXTS}
    for name, labels in table.columns.items():
        if isinstance(labels, ClassColumn):
            names = np.array([*labels.space.classes, ""], np.str_)  # -1 picks the last
            texts.setdefault(name, names[labels.values])
    return lookup(texts, column, f"column of table {table.name!r}:")


def _has(table: SampleTable, column: str, value: str) -> bool:
    """Whether some row has a value in a column."""
    return bool((_texts(table, column) == value).any())


def _require_all(table: SampleTable, column: str, values: Array) -> None:
    """Refuse rows without a value."""
    unknown = np.flatnonzero(values == "")
    if len(unknown):
        raise ValueError(
            f"{table.row_names[unknown[0]]}: no {column} ({len(unknown)} of {len(table)} rows of "
            f"table {table.name!r}). Fill it in, or select the rows that have it."
        )


def _natural(value: str) -> tuple[int, int, str]:
    """Sort numbers as numbers, before texts."""
    return (0, int(value), value) if value.isdecimal() else (1, 0, value)
