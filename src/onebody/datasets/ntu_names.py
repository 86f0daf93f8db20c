"""Names, classes and protocols of NTU RGB+D 60 and 120.

A recording is named ``SsssCcccPpppRrrrAaaa``: setup, camera, subject (performer), replication,
class. Cross-subject and cross-setup are the protocols of 120, cross-subject and cross-view of 60.

Sources: Shahroudy, Liu, Ng, Wang, "NTU RGB+D: A Large Scale Dataset for 3D Human Activity
Analysis", CVPR 2016; Liu, Shahroudy, Perez, Wang, Duan, Kot, "NTU RGB+D 120: A Large-Scale
Benchmark for 3D Human Activity Understanding", TPAMI 2020.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple

from onebody.datasets.defects import shown
from onebody.datasets.listed import read_list

CLASSES = (
    "drink water", "eat meal/snack", "brushing teeth", "brushing hair", "drop", "pickup", "throw",
    "sitting down", "standing up (from sitting position)", "clapping", "reading", "writing",
    "tear up paper", "wear jacket", "take off jacket", "wear a shoe", "take off a shoe",
    "wear on glasses", "take off glasses", "put on a hat/cap", "take off a hat/cap", "cheer up",
    "hand waving", "kicking something", "reach into pocket", "hopping (one foot jumping)",
    "jump up", "make a phone call/answer phone", "playing with phone/tablet",
    "typing on a keyboard", "pointing to something with finger", "taking a selfie",
    "check time (from watch)", "rub two hands together", "nod head/bow", "shake head",
    "wipe face", "salute", "put the palms together", "cross hands in front (say stop)",
    "sneeze/cough", "staggering", "falling", "touch head (headache)",
    "touch chest (stomachache/heart pain)", "touch back (backache)", "touch neck (neckache)",
    "nausea or vomiting condition", "use a fan (with hand or paper)/feeling warm",
    "punching/slapping other person", "kicking other person", "pushing other person",
    "pat on back of other person", "point finger at the other person", "hugging other person",
    "giving something to other person", "touch other person's pocket", "handshaking",
    "walking towards each other", "walking apart from each other",
    "put on headphone", "take off headphone", "shoot at the basket", "bounce ball",
    "tennis bat swing", "juggling table tennis balls", "hush (quite)", "flick hair", "thumb up",
    "thumb down", "make ok sign", "make victory sign", "staple book", "counting money",
    "cutting nails", "cutting paper (using scissors)", "snapping fingers", "open bottle",
    "sniff (smell)", "squat down", "toss a coin", "fold paper", "ball up paper",
    "play magic cube", "apply cream on face", "apply cream on hand back", "put on bag",
    "take off bag", "put something into a bag", "take something out of a bag", "open a box",
    "move heavy objects", "shake fist", "throw up cap/hat", "hands up (both hands)",
    "cross arms", "arm circles", "arm swings", "running on the spot",
    "butt kicks (kick backward)", "cross toe touch", "side kick", "yawn", "stretch oneself",
    "blow nose", "hit other person with something", "wield knife towards other person",
    "knock over other person (hit with body)", "grab other person's stuff",
    "shoot at other person with a gun", "step on foot", "high-five", "cheers and drink",
    "carry something with other person", "take a photo of other person", "follow other person",
    "whisper in other person's ear", "exchange things with other person",
    "support somebody with hand", "finger-guessing game (playing rock-paper-scissors)",
)  # fmt: skip
"""Class names in official order (id 1 first); the first 60 make up NTU RGB+D 60."""

Protocol = Literal["xsub", "xview", "xset"]

TRAIN_SUBJECTS = (
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38,
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86,
    89, 91, 92, 93, 94, 95, 97, 98, 100, 103,
)  # fmt: skip
"""Performers of the training part, cross-subject: the first 20 of them (to 40) are those of 60."""

TRAIN_CAMERAS = (2, 3)

SETUPS_60 = 17
MISSING_LISTS = {
    60: "NTU_RGBD_samples_with_missing_skeletons.txt",
    120: "NTU_RGBD120_samples_with_missing_skeletons.txt",
}
"""Official lists of recordings whose skeletons are missing or incomplete, by number of classes."""

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})", re.ASCII)
_MOST = (32, 3, 106, 2, 120)


class Name(NamedTuple):
    """What a recording's name says; all numbers count from 1."""

    setup: int
    camera: int
    subject: int
    replication: int
    action: int

    @property
    def performance(self) -> str:
        """Name without the camera: three cameras saw the same performance."""
        return f"S{self.setup:03}P{self.subject:03}R{self.replication:03}A{self.action:03}"

    def split(self, protocol: Protocol) -> str:
        """Return ``train`` or ``test``."""
        train = {
            "xsub": self.subject in TRAIN_SUBJECTS,
            "xview": self.camera in TRAIN_CAMERAS,
            "xset": self.setup % 2 == 0,
        }
        return "train" if train[protocol] else "test"

    def is_of(self, classes: int) -> bool:
        """Say whether the recording belongs to the set of 60 or 120 classes."""
        return classes == len(CLASSES) or (self.setup <= SETUPS_60 and self.action <= classes)


def parse_name(text: str) -> Name | None:
    """Read a name; None: it is none of the set's."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    numbers = [int(part) for part in found.groups()]
    inside = all(1 <= n <= most for n, most in zip(numbers, _MOST, strict=True))
    return Name(*numbers) if inside else None


def read_missing(file: Path) -> set[str]:
    """Read an official list of recordings with missing skeletons.

    Its first line begins with how many there are; names begin after the text.

    Raises:
        ManifestError: names the line that is no name, or says that the list is not whole.
    """
    lines = read_list(file)
    names: dict[str, int] = {}
    stated = re.match(r"(\d+) of the captured samples", lines[0].text)
    for line in lines:
        if parse_name(line.text) is None:
            if names:
                raise line.fault("a name SsssCcccPpppRrrrAaaa", shown(line.text), "Fetch it again.")
            continue
        if line.text in names:
            found = f"{line.text} at line {names[line.text]} as well"
            raise line.fault("every name once", found, "Fetch it again.")
        names[line.text] = line.number
    if stated is None or int(stated[1]) != len(names):
        expected = f"{stated[1] if stated else 'a number of'} names, as the first line says"
        raise lines[0].fault(expected, str(len(names)), "Fetch the list again.")
    return set(names)
