"""What pages say: commands as short JSON texts, and pictures as numbered JPEGs."""

from __future__ import annotations

import struct
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from onebody.config import Config

_NUMBER = struct.Struct("<I")


class Start(Config):
    """The page will send pictures of its camera."""

    do: Literal["start"]


class Stop(Config):
    """The page sends no more pictures."""

    do: Literal["stop"]


class Again(Config):
    """Play the file again."""

    do: Literal["again"]


class Seen(Config):
    """The page has shown a result and can take another."""

    do: Literal["seen"]


Command = Start | Stop | Again | Seen

_COMMANDS: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="do")])


def read_command(text: str, most_bytes: int) -> Command:
    """Read a command.

    Raises:
        ValueError: if it is none.
    """
    if len(text) > most_bytes:
        raise ValueError(f"a command of {len(text)} letters; at most {most_bytes} are read")
    try:
        return _COMMANDS.validate_json(text)
    except ValidationError:
        raise ValueError("a text that is no command") from None


def split_picture(message: bytes) -> tuple[int, bytes]:
    """Return a picture's number and its JPEG: four bytes, low first, before the picture.

    Raises:
        ValueError: if there are not even four bytes.
    """
    if len(message) <= _NUMBER.size:
        raise ValueError(f"{len(message)} bytes, too few for a numbered picture")
    return _NUMBER.unpack_from(message)[0], message[_NUMBER.size :]


def join_result(text: str, jpeg: bytes) -> bytes:
    """Return one message of a JSON text and the picture that it is of (which may be empty).

    Four bytes, low first, say how long the text is. Sent as one, they cannot be of two frames.
    """
    words = text.encode()
    return _NUMBER.pack(len(words)) + words + jpeg


def split_result(message: bytes) -> tuple[str, bytes]:
    """Return the text and the picture of `join_result`; what the page does, for tests and tools."""
    end = _NUMBER.size + _NUMBER.unpack_from(message)[0]
    return message[_NUMBER.size : end].decode(), message[end:]
