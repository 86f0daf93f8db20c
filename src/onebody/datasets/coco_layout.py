"""The joint layout of a COCO file, from the names in its ``categories``.

Names are believed only where they say what a known layout says, joint by joint. Published files
exist whose names stand in another order than their joints (left and right exchanged), so joints are
never rearranged by them: such a file is refused until someone states the layout.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from onebody.datasets.pose_clip import refuse
from onebody.skeletons import SKELETONS, get_skeleton


def person_categories(
    file: Path, categories: object
) -> tuple[frozenset[object] | None, tuple[str, ...]]:
    """Return the ids of the categories that are people, and the names of their joints.

    People are the categories called ``person``, or the only one that has joints.

    Returns:
        Ids (None: the file has no categories) and names (empty: it states none).

    Raises:
        ValueError: if nobody can tell which category is people.
    """
    if categories is None or categories == []:
        return None, ()
    if not isinstance(categories, list) or not all(isinstance(c, dict) for c in categories):
        refuse(file, "a list 'categories'", repr(categories), "Is it a COCO annotation file?")
    people = [c for c in categories if str(c.get("name", "")).lower() == "person"]
    people = people or [c for c in categories if c.get("keypoints")]
    if len(people) != 1:
        found = [c.get("name") for c in categories]
        refuse(file, "one category 'person'", found, "Keep the people's category alone.")
    names = people[0].get("keypoints") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        refuse(file, "names as the category's 'keypoints'", repr(names), "Write a list of names.")
    own = people[0].get("id")
    if not isinstance(own, int | str):
        refuse(file, "a number as the category's 'id'", repr(own), "Write one.")
    return frozenset([own]), tuple(names)


def layout_of(file: Path, names: Sequence[str], stated: str) -> str:
    """Return the layout that a file's joints are in.

    Args:
        file: for messages.
        names: of the joints as the file has them; empty: it states none.
        stated: what the configuration says; goes before the names.

    Raises:
        ValueError: if the names are those of no layout, or in another order.
    """
    if stated:
        count = len(get_skeleton(stated))
        if names and len(names) != count:
            found = f"{len(names)} names of joints"
            refuse(file, f"the {count} joints of {stated}", found, "Correct 'skeleton'.")
        return get_skeleton(stated).name
    own = tuple(plain(name) for name in names)
    equal = [skeleton.name for skeleton in SKELETONS.values() if skeleton.joints == own]
    if not equal:
        _refuse_names(file, names, own)
    return equal[0]


def _refuse_names(file: Path, names: Sequence[str], own: Sequence[str]) -> NoReturn:
    """Say why names (and as layouts spell them) are those of no layout."""
    for skeleton in SKELETONS.values():
        if sorted(skeleton.joints) == sorted(own):
            at = next(i for i, joint in enumerate(skeleton.joints) if joint != own[i])
            refuse(
                file,
                f"{skeleton.joints[at]!r} as joint {at}, as {skeleton.name} has it",
                repr(names[at]),
                f"Some published files name joints in an order that theirs is not. Look at a few, "
                f"and state 'skeleton: {skeleton.name}' if they are in its order.",
            )
    alike = [name for name, skeleton in SKELETONS.items() if len(skeleton) == len(own)]
    hint = f"Layouts of {len(own)} joints: {', '.join(alike) or 'none'}." if names else ""
    refuse(
        file,
        "categories that name the joints of a known layout",
        ", ".join(names) or "no names",
        f"State 'skeleton'. {hint}".strip(),
    )


def plain(name: str) -> str:
    """Spell a joint as layouts do: ``Left Ankle`` is ``l_ankle``, ``root (pelvis)`` is ``root``."""
    words = re.sub(r"\(.*?\)", "", name).strip().lower()
    words = re.sub(r"[\s-]+", "_", words)
    return re.sub(r"^(left|right)_", lambda side: f"{side[1][0]}_", words)
