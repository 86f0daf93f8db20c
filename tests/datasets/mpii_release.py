"""MPII's official struct, written as Matlab has it: single elements, empty and missing fields."""

import numpy as np

EMPTY = np.zeros((0, 0))


def structs(records):
    """Make a Matlab struct array; fields that a record lacks are empty."""
    names = list(dict.fromkeys(name for record in records for name in record))
    made = np.empty((1, len(records)), [(name, object) for name in names])
    for i, record in enumerate(records):
        for name in names:
            made[0, i][name] = record.get(name, EMPTY)
    return made


def cells(values):
    """Make a Matlab cell array of one column."""
    made = np.empty((len(values), 1), object)
    for i, value in enumerate(values):
        made[i, 0] = value
    return made


def points(count=16, x=101.0, y=51.0, **visible):
    """Joint k at (x + k, y + 2 k), counted from 1; ``v3=0``: visibility of joint 3."""
    made = []
    for k in range(count):
        point = {"x": x + k, "y": y + 2 * k, "id": k}
        if f"v{k}" in visible:
            point["is_visible"] = visible[f"v{k}"]
        made.append(point)
    return structs(made)


def rect(joints=None, scale=2.0, position=(201.0, 101.0), head=(11.0, 21.0, 41.0, 61.0)):
    """Make a person."""
    made = dict(zip(("x1", "y1", "x2", "y2"), head, strict=True)) if head else {}
    if joints is not None:
        made["annopoints"] = structs([{"point": joints}])
    if position is not None:
        made["objpos"] = structs([dict(zip(("x", "y"), position, strict=True))])
    if scale is not None:
        made["scale"] = scale
    return made


def picture(name, rects, video=None):
    """Make a picture."""
    return {
        "image": structs([{"name": name}]),
        "annorect": structs(rects) if rects else EMPTY,
        "frame_sec": 3.0 if video else EMPTY,
        "vididx": EMPTY if video is None else video,
    }


def act(number=-1, name="", category=""):
    """Make an activity."""
    return {
        "cat_name": category or EMPTY,
        "act_name": name or EMPTY,
        "act_id": number,
    }


def release(pictures, train, apart, acts, videos=("vidA", "vidB")):
    """Make the content of the .mat file."""
    fields = {
        "annolist": structs(pictures),
        "img_train": np.array([train], np.uint8),
        "version": "12",
        "single_person": cells([np.array(a, np.uint8).reshape(-1, 1) for a in apart]),
        "act": structs(acts).reshape(-1, 1),
        "video_list": cells(list(videos)),
    }
    return {"RELEASE": structs([fields])}
