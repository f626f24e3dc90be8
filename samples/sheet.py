"""A sheet to draw on with smooth edges, and the colours that the sample job's images share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

Colour = tuple[int, int, int]
Point = tuple[float, float]

CREAM, VERMILION, GOLD = (244, 228, 196), (206, 72, 48), (228, 168, 72)
FINE = 3


class Sheet:
    """A drawing in the final pixels' coordinates, drawn larger and reduced at the end, so that edges are smooth."""

    def __init__(self, width: int, height: int, ground: Colour) -> None:
        self.size = (width, height)
        self.image = Image.new("RGB", (width * FINE, height * FINE), ground)
        self.draw = ImageDraw.Draw(self.image)

    def blob(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """An ellipse around a point."""
        self.draw.ellipse([FINE * v for v in (x - rx, y - ry, x + rx, y + ry)], fill=fill)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        """A polygon."""
        self.draw.polygon([(FINE * x, FINE * y) for x, y in points], fill=fill)

    def curve(self, points: Sequence[Point], width: float, fill: Colour) -> None:
        """A smooth line through quadratic Bézier points, with round ends."""
        line = bezier(points)
        radius = width / 2
        for x, y in line:
            self.blob(x, y, radius, radius, fill)
        self.draw.line([(FINE * x, FINE * y) for x, y in line], fill=fill, width=round(FINE * width))

    def box(self, sides: tuple[float, float, float, float], radius: float, fill: Colour) -> None:
        """A rectangle with round corners, given as left, top, right and bottom."""
        self.draw.rounded_rectangle([FINE * v for v in sides], FINE * radius, fill=fill)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: int) -> None:
        """Light that fades with distance."""
        side = round(FINE * radius * 2)
        light = ImageOps.invert(Image.radial_gradient("L")).point(
            lambda v: round(strength * (max(0, v - 75) / 180) ** 1.6)
        )
        at = (round(FINE * (x - radius)), round(FINE * (y - radius)))
        self.image.paste(colour, at, light.resize((side, side)))

    def finished(self) -> Image.Image:
        """The drawing at its final size."""
        return self.image.reduce(FINE)


def bezier(points: Sequence[Point], steps: int = 60) -> list[Point]:
    """Points along the Bézier curve of any degree that the given points control."""
    degree = len(points) - 1
    along = []
    for step in range(steps + 1):
        t = step / steps
        weights = [math.comb(degree, k) * t**k * (1 - t) ** (degree - k) for k in range(degree + 1)]
        along.append(
            (
                sum(w * p[0] for w, p in zip(weights, points, strict=True)),
                sum(w * p[1] for w, p in zip(weights, points, strict=True)),
            )
        )
    return along


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the way from one colour to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
