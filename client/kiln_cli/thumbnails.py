"""Thumbnails in the terminal: by the protocol of kitty or iTerm2, or else as coloured half blocks."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.console import Console
    from rich.text import Text

CHOICE = "KILN_THUMBNAILS"
"""The environment variable that overrides the detection of the terminal."""

_COLUMNS = 40
_GAP = 2
_NARROWEST = 12
_KITTY_CHUNK = 4_096
_UPPER_HALF = "▀"


class Way(StrEnum):
    """A way to show pictures."""

    KITTY = "kitty"
    ITERM2 = "iterm2"
    BLOCKS = "blocks"
    OFF = "off"


def find_way(console: Console, environment: Mapping[str, str] | None = None) -> Way:
    """Finds the way that a terminal supports, from its environment."""
    environment = os.environ if environment is None else environment
    chosen = environment.get(CHOICE, "")
    if chosen in set(Way):
        return Way(chosen)
    if not console.is_terminal or console.is_dumb_terminal:
        return Way.OFF
    # tmux and screen drop the protocols, but show the blocks.
    if not environment.get("TMUX") and not environment.get("STY"):
        program = environment.get("TERM_PROGRAM", "")
        if environment.get("KITTY_WINDOW_ID") or environment.get("TERM") == "xterm-kitty" or program == "ghostty":
            return Way.KITTY
        if program in {"iTerm.app", "WezTerm"} or environment.get("LC_TERMINAL") == "iTerm2":
            return Way.ITERM2
    return Way.BLOCKS if console.color_system in {"truecolor", "256"} and not console.no_color else Way.OFF


def show(console: Console, paths: Sequence[Path], environment: Mapping[str, str] | None = None) -> bool:
    """Shows image files if the terminal supports it. Returns whether it does."""
    way = find_way(console, environment)
    if way is Way.OFF or not paths:
        return False
    try:
        return _shown(console, paths, way)
    except (OSError, ValueError):
        # The file is damaged, or the terminal lacks the characters. The files matter, not the thumbnails.
        return False


def _shown(console: Console, paths: Sequence[Path], way: Way) -> bool:
    if way is Way.ITERM2:
        for path in paths:
            console.file.write(_iterm2(path.read_bytes()) + "\n")
        return True
    try:
        from PIL import Image as pillow  # noqa: N813, PLC0415 - an extra, and slow to load
    except ImportError:
        return False
    pictures = []
    for path in paths:
        with pillow.open(path) as image:
            pictures.append(image.convert("RGB"))
    if way is Way.KITTY:
        for picture in pictures:
            console.file.write("".join(_kitty(picture)) + "\n")
    else:
        for line in _blocks(pictures, console.width):
            console.print(line, soft_wrap=True)
    return True


def _iterm2(content: bytes) -> str:
    body = base64.b64encode(content).decode()
    return f"\x1b]1337;File=inline=1;size={len(content)};width={_COLUMNS};preserveAspectRatio=1:{body}\x07"


def _kitty(picture: Image) -> Iterator[str]:
    picture.thumbnail((_COLUMNS * 16, _COLUMNS * 16))
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    body = base64.b64encode(encoded.getvalue()).decode()
    for start in range(0, len(body), _KITTY_CHUNK):
        # f=100: a PNG; a=T: show it; q=2: no reply; m=1: more data follows.
        about = f"f=100,a=T,q=2,c={_COLUMNS}," if start == 0 else ""
        more = int(start + _KITTY_CHUNK < len(body))
        yield f"\x1b_G{about}m={more};{body[start : start + _KITTY_CHUNK]}\x1b\\"


def _blocks(pictures: Sequence[Image], width: int) -> Iterator[Text]:
    """Rows of pictures side by side; a character is two pixels: its colour the upper, its background the lower."""
    in_a_row = max(1, min(len(pictures), (width + _GAP) // (_NARROWEST * 2 + _GAP)))
    columns = max(_NARROWEST, min(_COLUMNS, (width - 2 - _GAP * (in_a_row - 1)) // in_a_row))
    for start in range(0, len(pictures), in_a_row):
        row = [_shrunk(picture, columns) for picture in pictures[start : start + in_a_row]]
        height = max(picture.height for picture in row)
        for upper in range(0, height, 2):
            yield _line(row, upper)
        yield _line([], 0)


def _shrunk(picture: Image, columns: int) -> Image:
    # The limit of the width is also the limit of the height.
    scale = min(columns / picture.width, columns / picture.height)
    rows = max(2, round(picture.height * scale / 2) * 2)
    return picture.resize((max(1, round(picture.width * scale)), rows))


def _line(row: Sequence[Image], upper: int) -> Text:
    from rich.text import Text  # noqa: PLC0415 - as rich in kiln_cli.terminal

    line = Text("  ")
    for number, picture in enumerate(row):
        if number:
            line.append(" " * _GAP)
        for x in range(picture.width):
            if upper < picture.height:
                line.append(_UPPER_HALF, f"{_color(picture, x, upper)} on {_color(picture, x, upper + 1)}")
            else:
                line.append(" ")
    return line


def _color(picture: Image, x: int, y: int) -> str:
    pixel = picture.getpixel((x, y))
    red, green, blue = pixel if isinstance(pixel, tuple) else (0, 0, 0)
    return f"#{red:02x}{green:02x}{blue:02x}"
