"""The words on a picture: the prompt in a band, what it was made with, the style's colours, and the watermark."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from local.provider.lettering import Font, legible, wrapped
from local.provider.palettes import Colour, Palette, mixed

_WATERMARK = "KLING AI · simulated"


@dataclass(frozen=True)
class Band:
    """The caption at the foot of a picture, laid out but not yet drawn."""

    lines: list[str]
    font: Font
    line_height: int
    height: int
    margin: int


def lay_out(prompt: str, size: tuple[int, int]) -> Band:
    """Measures the caption first: the subjects stand above it."""
    letters = max(9, round(math.sqrt(size[0] * size[1]) * 0.026))
    margin = round(min(size) * 0.045)
    text, font = legible(prompt, letters)
    lines = wrapped(text, font, size[0] - 2.6 * margin, most_lines=3) if text else []
    line_height = round(letters * 1.42)
    height = round(margin * 1.5) + line_height * len(lines) if lines else 0
    return Band(lines, font, line_height, height, margin)


def draw_band(picture: Image.Image, band: Band, palette: Palette) -> None:
    """Darkens the foot of the picture softly and sets the prompt on it."""
    if not band.lines:
        return
    width, height = picture.size
    fade = round(band.height * 0.45)
    shade = Image.new("L", (1, band.height + fade), 205)
    for y in range(fade):
        shade.putpixel((0, y), round(205 * (y / fade) ** 1.4))
    ink = Image.new("RGB", (width, band.height + fade), mixed(palette.dark, (8, 8, 14), 0.65))
    picture.paste(ink, (0, height - band.height - fade), shade.resize((width, band.height + fade)))
    draw = ImageDraw.Draw(picture)
    top = height - round(band.margin * 0.75) - band.line_height * len(band.lines)
    bar = max(2, round(band.margin * 0.1))
    draw.rectangle((band.margin, top, band.margin + bar, top + band.line_height * len(band.lines)), fill=palette.accent)
    for number, line in enumerate(band.lines):
        at = (band.margin + bar + round(band.margin * 0.4), top + number * band.line_height)
        draw.text(at, line, font=band.font, fill=(252, 250, 245))


def draw_mark(picture: Image.Image, text: str, palette: Palette | None) -> None:
    """A small label at the top left: what the picture was made with; the style's colours beside it, if there is one."""
    letters = max(8, round(math.sqrt(picture.width * picture.height) * 0.0175))
    font = ImageFont.load_default(letters)
    margin, pad = round(min(picture.size) * 0.03), round(letters * 0.6)
    dot = round(letters * 0.95)
    colours: tuple[Colour, ...] = palette.colours if palette else ()
    swatches = round(dot * 1.25) * len(colours) + (pad if colours else 0)
    width, height = round(font.getlength(text)) + 2 * pad + swatches, letters + round(1.3 * pad)
    label = Image.new("RGBA", (width * 2, height * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(label)
    draw.rounded_rectangle((0, 0, width * 2 - 1, height * 2 - 1), height, fill=(12, 12, 20, 170))
    for number, colour in enumerate(colours):
        x = 2 * (round(font.getlength(text)) + 2 * pad + number * round(dot * 1.25))
        y = height - dot
        draw.ellipse((x, y, x + 2 * dot, y + 2 * dot), fill=(*colour, 255), outline=(255, 255, 255, 210), width=2)
    label = label.reduce(2)
    ImageDraw.Draw(label).text((pad, height / 2), text, font=font, fill=(255, 255, 255, 240), anchor="lm")
    picture.paste(label, (margin, margin), label)


def draw_watermark(picture: Image.Image) -> None:
    """The provider's name across the picture, twice, easy to see and to see through."""
    letters = max(10, round(min(picture.size) * 0.05))
    font = ImageFont.load_default(letters)
    strip = Image.new("RGBA", (round(font.getlength(_WATERMARK)) + letters, letters * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(strip)
    draw.text((letters / 2 + 2, letters + 2), _WATERMARK, font=font, fill=(0, 0, 0, 90), anchor="lm")
    draw.text((letters / 2, letters), _WATERMARK, font=font, fill=(255, 255, 255, 125), anchor="lm")
    strip = strip.rotate(24, expand=True, resample=Image.Resampling.BICUBIC)
    for across, down in ((0.28, 0.30), (0.72, 0.62)):
        at = (round(picture.width * across - strip.width / 2), round(picture.height * down - strip.height / 2))
        picture.paste(strip, at, strip)
