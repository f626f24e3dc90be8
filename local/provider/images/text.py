"""Chooses a font that has the letters of a string, and wraps the string into lines."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
_WIDE = re.compile(r"noto ?sans|sourcehan|wqy|pingfang|hiragino|stheiti|droidsansf|msyh|arial uni|dejavusans\.")
# A line may end after a Chinese, Japanese or Korean character, after a space, and within a very long word.
_TOKENS = re.compile(r"\s|[\u2e80-\u9fff\uac00-\ud7af\uf900-\uffef]|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\uffef]{1,20}")
_UNASSIGNED = "\uffff"


def legible(text: str, size: int) -> tuple[str, Font]:
    """The string and a font for it; where no font has its letters, a sentence that names them replaces the string."""
    text = " ".join(text[:600].split())
    letters = {character for character in text if character.isalnum()}
    default = ImageFont.load_default(size)
    for font in (default, *(ImageFont.truetype(path, size) for path in _wide_fonts())):
        missing = _drawn(font, _UNASSIGNED)
        if sum(_drawn(font, letter) == missing for letter in letters) <= len(letters) * 0.05:
            return text, font
    points = " ".join(f"U+{ord(character):04X}" for character in text if not character.isspace())
    return f"Prompt of {len(text)} characters that no font here can draw: {points}", default


def wrapped(text: str, font: Font, width: float, most_lines: int) -> list[str]:
    """The string in lines no wider than ``width``; an ellipsis ends a string that does not fit."""
    lines = [""]
    for token in _TOKENS.findall(text):
        if lines[-1] and font.getlength(lines[-1] + token) > width:
            lines.append("")
        lines[-1] = (lines[-1] + token).lstrip()
    if len(lines) > most_lines:
        last = lines[most_lines - 1]
        while font.getlength(last + "…") > width:
            last = last[:-1]
        lines[most_lines - 1 :] = [last.rstrip(" ,.;:") + "…"]
    return [line.rstrip() for line in lines if line]


def _drawn(font: Font, letter: str) -> bytes:
    tile = Image.new("L", (24, 24))
    small = font.font_variant(size=16) if isinstance(font, ImageFont.FreeTypeFont) else font
    ImageDraw.Draw(tile).text((2, 2), letter, font=small, fill=255)
    return tile.tobytes()


@lru_cache(maxsize=1)
def _wide_fonts() -> list[str]:
    """Fonts with many letters: Noto Sans SC of the package zhplot first, then those of this computer."""
    # The package is located but not imported, as it would load matplotlib.
    package = find_spec("zhplot")
    shipped = Path(package.origin).parent.glob("fonts/NotoSansSC-Regular.ttf") if package and package.origin else ()
    found = (path for name in _FOLDERS for path in Path(name).expanduser().rglob("*.[to]t[fc]"))
    return [str(path) for path in (*shipped, *sorted(path for path in found if _WIDE.match(path.name.lower())))]
