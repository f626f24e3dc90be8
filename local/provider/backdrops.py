"""What stands behind the subjects: the scene image, framed a little differently each time, or hills under a sky."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageOps

from local.provider.palettes import Palette, mixed

Size = tuple[int, int]


def of_scene(scene: Image.Image, size: Size, chance: random.Random) -> Image.Image:
    """The scene image over the whole picture; how near and from where it is seen varies."""
    near = 1 + chance.uniform(0, 0.16)
    zoomed = (math.ceil(size[0] * near), math.ceil(size[1] * near))
    fitted = ImageOps.fit(scene.convert("RGB"), zoomed, Image.Resampling.BICUBIC)
    left = round((zoomed[0] - size[0]) * chance.random())
    # The ground of a scene is at its bottom: keep it, lose some sky.
    top = round((zoomed[1] - size[1]) * chance.uniform(0.6, 1))
    return fitted.crop((left, top, left + size[0], top + size[1]))


def of_hills(size: Size, palette: Palette, chance: random.Random) -> Image.Image:
    """A generated landscape in the palette's colours."""
    width, height = size
    sky = ImageOps.colorize(
        Image.linear_gradient("L").resize(size),
        black=mixed(palette.middle, palette.light, 0.15),
        white=mixed(palette.light, palette.accent, 0.18),
    )
    large = sky.resize((width * 2, height * 2))
    draw = ImageDraw.Draw(large)
    _set_sun(large, palette, chance)
    layers = 4
    for layer in range(layers):
        depth = (layer + 1) / layers
        colour = mixed(mixed(palette.light, palette.middle, 0.55), palette.dark, depth * 0.85)
        draw.polygon(_ridge(large.size, 0.50 + 0.12 * layer, 0.09 - 0.012 * layer, chance), fill=colour)
    return large.reduce(2)


def vignetted(image: Image.Image, strength: float) -> Image.Image:
    """The image with its corners darkened."""
    light = Image.radial_gradient("L").point(lambda value: round(255 - strength * max(0, value - 110)))
    return ImageChops.multiply(image, light.resize(image.size, Image.Resampling.BILINEAR).convert("RGB"))


def _set_sun(sky: Image.Image, palette: Palette, chance: random.Random) -> None:
    radius = round(min(sky.size) * chance.uniform(0.09, 0.14))
    x, y = round(sky.width * chance.uniform(0.2, 0.8)), round(sky.height * chance.uniform(0.18, 0.34))
    reach = radius * 4
    glow = ImageOps.invert(Image.radial_gradient("L")).point(lambda value: max(0, value - 75))
    sky.paste(mixed(palette.light, (255, 255, 255), 0.5), (x - reach, y - reach), glow.resize((2 * reach, 2 * reach)))
    disc = (x - radius, y - radius, x + radius, y + radius)
    ImageDraw.Draw(sky).ellipse(disc, fill=mixed(palette.accent, palette.light, 0.35))


def _ridge(size: Size, level: float, swing: float, chance: random.Random) -> list[tuple[float, float]]:
    width, height = size
    waves = [(chance.uniform(0.6, 1.4) * (2**k), chance.uniform(0, math.tau), 0.55**k) for k in range(3)]
    ridge = [(0.0, float(height))]
    steps = 120
    for step in range(steps + 1):
        along = step / steps
        wave = sum(share * math.sin(math.tau * often * along + shift) for often, shift, share in waves)
        ridge.append((along * width, height * (level + swing * wave)))
    return [*ridge, (float(width), float(height))]
