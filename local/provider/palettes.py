"""Finds the colours of an image and tones another with them."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

from PIL import Image, ImageOps

Colour = tuple[int, int, int]

_SAMPLE_SIDE = 96
_COLOURS = 6


@dataclass(frozen=True)
class Palette:
    """The colours of an image, by what they are good for.

    Attributes:
        dark: The darkest.
        middle: Between them in light.
        light: The lightest.
        accent: The most vivid.
        colours: All of them, darkest first.
    """

    dark: Colour
    middle: Colour
    light: Colour
    accent: Colour
    colours: tuple[Colour, ...]


def palette_of(image: Image.Image) -> Palette:
    """The palette of an image; transparent pixels do not count."""
    sample = image.convert("RGB").resize((_SAMPLE_SIDE, _SAMPLE_SIDE), Image.Resampling.BOX)
    quantized = sample.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
    flat = quantized.getpalette() or [128, 128, 128]
    found = {(flat[i], flat[i + 1], flat[i + 2]) for i in range(0, min(len(flat), 3 * _COLOURS), 3)}
    ordered = sorted(found, key=lightness)
    accent = max(ordered, key=_vividness)
    between = ordered[1:-1] or ordered
    middle = min(between, key=lambda colour: abs(lightness(colour) - 128))
    return Palette(ordered[0], middle, ordered[-1], accent, tuple(ordered))


def of_hue(hue: float) -> Palette:
    """A palette made around a hue, for when no image offers one."""
    dark, middle = _rgb(hue, 0.55, 0.20), _rgb(hue + 0.03, 0.42, 0.58)
    light, accent = _rgb(hue + 0.08, 0.14, 0.97), _rgb(0.09, 0.62, 0.99)
    return Palette(dark, middle, light, accent, (dark, middle, accent, light))


def toned(image: Image.Image, palette: Palette, strength: float) -> Image.Image:
    """The image with its lights and darks moved towards the palette's, ``strength`` of the way (0 to 1)."""
    rgb = image.convert("RGB")
    mapped = ImageOps.colorize(
        ImageOps.autocontrast(rgb.convert("L"), cutoff=1),
        black=mixed(palette.dark, (0, 0, 0), 0.15),
        white=mixed(palette.light, (255, 255, 255), 0.1),
        mid=palette.middle,
        midpoint=110,
    )
    blended = Image.blend(rgb, mapped, strength)
    if "A" in image.getbands():
        blended.putalpha(image.getchannel("A"))
    return blended


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the way from one colour to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def lightness(colour: Colour) -> float:
    """How light a colour looks, 0 to 255."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def _vividness(colour: Colour) -> float:
    return (max(colour) - min(colour)) * (0.5 + max(colour) / 510)


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)
