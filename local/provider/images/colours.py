"""Finds the main colours of an image, and tones another image with them."""

from __future__ import annotations

from PIL import Image, ImageColor, ImageOps

Colour = tuple[int, ...]
Colours = list[Colour]
"""Some colours, darkest first."""


def colours_of(image: Image.Image) -> Colours:
    """The six main colours of an image, or fewer."""
    sample = image.convert("RGB").resize((96, 96), Image.Resampling.BOX)
    flat = sample.quantize(6, method=Image.Quantize.MAXCOVERAGE).getpalette() or [128, 128, 128]
    return sorted(set(zip(flat[:18:3], flat[1:18:3], flat[2:18:3], strict=True)), key=_lightness)


def colours_of_hue(hue: float) -> Colours:
    """Colours for a landscape where no image offers any; the hue is in degrees."""
    parts = ((hue, 55, 20), (hue + 10, 42, 58), (32, 62, 99), (hue + 30, 14, 97))
    return [ImageColor.getrgb(f"hsv({degrees},{saturation}%,{value}%)") for degrees, saturation, value in parts]


def accent_of(colours: Colours) -> Colour:
    """The most vivid of the colours."""
    return max(colours, key=lambda colour: (max(colour) - min(colour)) * (255 + max(colour)))


def middle_of(colours: Colours) -> Colour:
    """The colour that is neither dark nor light."""
    return min(colours[1:-1] or colours, key=lambda colour: abs(_lightness(colour) - 128))


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that lies ``share`` of the way from one to the other."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def toned(image: Image.Image, colours: Colours, strength: float) -> Image.Image:
    """The image with its lights and darks moved towards the colours, ``strength`` of the way (0 to 1)."""
    rgb = image.convert("RGB")
    grey = ImageOps.autocontrast(rgb.convert("L"), cutoff=1)
    black, white = mixed(colours[0], (0, 0, 0), 0.15), mixed(colours[-1], (255, 255, 255), 0.1)
    blended = Image.blend(rgb, ImageOps.colorize(grey, black, white, middle_of(colours), midpoint=110), strength)
    if "A" in image.getbands():
        blended.putalpha(image.getchannel("A"))
    return blended


def _lightness(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
