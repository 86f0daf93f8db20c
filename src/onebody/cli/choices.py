"""Values of options that typer does not read itself."""

from __future__ import annotations

from typing import TypeVar

ValueT = TypeVar("ValueT", bound=str)


def parse_choice(option: str, text: str, choices: tuple[ValueT, ...]) -> ValueT:
    """Return one of some texts.

    Raises:
        ValueError: if it is none of them; names them.
    """
    for value in choices:
        if text == value:
            return value
    known = ", ".join(value for value in choices if value)
    raise ValueError(f"{option}: expected one of {known}, found {text!r}.")


def parse_size(text: str) -> tuple[int, int] | None:
    """Read ``1920x1080`` as width and height; nothing as None.

    Raises:
        ValueError: if it is no size.
    """
    if not text:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f"--size: expected a width and height as 1920x1080, found {text!r}.")
    return int(width), int(height)


def parse_numbers(option: str, text: str) -> tuple[float, ...]:
    """Read numbers between commas.

    Raises:
        ValueError: if one is none.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"{option}: expected numbers as 0.5,0.5,0.5, found {text!r}.") from None
