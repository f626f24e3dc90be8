"""Sets words on a picture: chooses a font that has the letters, wraps, and says so honestly where no font has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# Fonts known to have many letters, Chinese ones among them; the first that has what is needed is taken.
_WIDE_FONTS = re.compile(
    r"(notosanscjk.*regular|notosanssc.*regular|sourcehansans.*regular|wqy-|pingfang|hiragino sans gb|stheiti|"
    r"droidsansfallback|msyh|simhei|arial unicode|dejavusans(?=\.)|notosans-regular).*\.(ttf|ttc|otf)$",
    re.IGNORECASE,
)
_TOKENS = re.compile(
    r"\s+|[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+"
)
_NOWHERE = "\uffff"
_SHOWN_CHARACTERS = 600


def font_for(text: str, size: int) -> Font | None:
    """A font that has the letters of the text, or ``None`` if none on this machine does."""
    letters = frozenset(character for character in text[:_SHOWN_CHARACTERS] if character.isalnum())
    usual = ImageFont.load_default(size)
    if _missing(usual, letters) <= len(letters) * 0.05:
        return usual
    for path in _wide_fonts():
        try:
            font = ImageFont.truetype(path, size)
        except OSError:
            continue
        if _missing(font, letters) <= len(letters) * 0.05:
            return font
    return None


def legible(text: str, size: int) -> tuple[str, Font]:
    """The text and a font to set it in; where no font has its letters, a sentence that says which they are."""
    text = " ".join(text[:_SHOWN_CHARACTERS].split()) if text else ""
    font = font_for(text, size)
    if font is not None:
        return text, font
    points = " ".join(f"U+{ord(character):04X}" for character in text if not character.isspace())
    return f"Prompt of {len(text)} characters that no font here can draw: {points}", ImageFont.load_default(size)


def wrapped(text: str, font: Font, width: float, most_lines: int) -> list[str]:
    """The text in lines no wider than ``width``; what does not fit into the lines ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    for token in _tokens(text, font, width):
        if font.getlength(line + token) <= width or not line.strip():
            line += token
            continue
        lines.append(line.strip())
        line = token.lstrip()
        if len(lines) == most_lines:
            lines[-1] = _with_ellipsis(lines[-1], font, width)
            return lines
    return [*lines, line.strip()] if line.strip() else lines


def _tokens(text: str, font: Font, width: float) -> Iterator[str]:
    """Words, spaces and single Chinese characters; a word wider than a line comes in pieces."""
    for token in _TOKENS.findall(text[:_SHOWN_CHARACTERS]):
        piece = token
        while font.getlength(piece) > width and len(piece) > 1:
            fits = max(1, int(len(piece) * width / font.getlength(piece)))
            yield piece[:fits]
            piece = piece[fits:]
        yield piece


def _with_ellipsis(line: str, font: Font, width: float) -> str:
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip(" ,.;:") + "…"


@lru_cache(maxsize=1)
def _wide_fonts() -> tuple[str, ...]:
    folders = [folder for name in _FONT_FOLDERS if (folder := Path(name).expanduser()).is_dir()]
    found = [path for folder in folders for path in folder.rglob("*") if _WIDE_FONTS.match(path.name)]
    return (*_shipped_font(), *(str(path) for path in sorted(found, key=lambda path: path.name.lower())))


def _shipped_font() -> tuple[str, ...]:
    """Noto Sans SC, as the package zhplot ships it; looked up without importing it, as that would load matplotlib."""
    package = find_spec("zhplot")
    if package is None or package.origin is None:
        return ()
    font = Path(package.origin).parent / "fonts" / "NotoSansSC-Regular.ttf"
    return (str(font),) if font.is_file() else ()


def _missing(font: Font, letters: frozenset[str]) -> int:
    nothing = _drawn(font, _NOWHERE)
    return sum(1 for letter in letters if _drawn(font, letter) == nothing)


def _drawn(font: Font, letter: str) -> bytes:
    tile = Image.new("L", (24, 24))
    small = font.font_variant(size=16) if isinstance(font, ImageFont.FreeTypeFont) else font
    ImageDraw.Draw(tile).text((2, 2), letter, font=small, fill=255)
    return tile.tobytes()
