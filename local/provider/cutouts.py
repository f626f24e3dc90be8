"""Makes something that can be set on a scene of a subject image: its shape where the ground is plain, else a card."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFilter

LONGEST_SIDE = 1_000
_SMALL_SIDE = 150
_PLAIN_SHARE = 0.8
_PLAIN_DISTANCE = 22
_NEAR, _FAR = 10, 34
_CARD_CORNER = 0.035
_CARD_BORDER = 0.028


@dataclass(frozen=True)
class Cutout:
    """A subject ready to be set on a scene.

    Attributes:
        image: With transparency around it.
        is_shaped: Whether it has the subject's own outline, so that it can stand on the ground.
    """

    image: Image.Image
    is_shaped: bool


def cut_out(image: Image.Image) -> Cutout:
    """Takes the subject out of a plain or transparent ground, or frames the image as it is."""
    whole = image.convert("RGBA")
    alpha = whole.getchannel("A")
    if _covers_part(alpha):
        return _shaped(whole, alpha)
    rgb = whole.convert("RGB")
    mask = _mask_on_plain_ground(rgb)
    if mask is not None and _covers_part(mask):
        return _shaped(rgb, mask)
    return Cutout(_card(rgb), is_shaped=False)


def _shaped(image: Image.Image, alpha: Image.Image) -> Cutout:
    shaped = image.convert("RGBA")
    shaped.putalpha(alpha)
    return Cutout(shaped.crop(alpha.point(lambda value: 255 if value > 24 else 0).getbbox()), is_shaped=True)


def _covers_part(alpha: Image.Image) -> bool:
    histogram = alpha.histogram()
    share = sum(histogram[128:]) / (alpha.width * alpha.height)
    return 0.04 < share < 0.93


def _mask_on_plain_ground(image: Image.Image) -> Image.Image | None:
    """Opaque where the subject is; ``None`` if the image's edge is not one colour."""
    small = image.copy()
    small.thumbnail((_SMALL_SIDE, _SMALL_SIDE), Image.Resampling.BOX)
    edge = _edge_pixels(small)
    ground = sorted(edge, key=sum)[len(edge) // 2]
    plain = sum(1 for pixel in edge if max(abs(a - b) for a, b in zip(pixel, ground, strict=True)) < _PLAIN_DISTANCE)
    if plain < len(edge) * _PLAIN_SHARE:
        return None
    # Only ground that touches the edge is taken away: a white eye on white ground stays.
    reach = _reached_from_edge(_distance(small, ground).point(lambda value: 0 if value < _FAR else 255))
    reach = reach.filter(ImageFilter.MaxFilter(5)).resize(image.size, Image.Resampling.BILINEAR)
    soft = _distance(image, ground).point(lambda value: min(255, max(0, (value - _NEAR) * 255 // (_FAR - _NEAR))))
    mask = Image.composite(soft, Image.new("L", image.size, 255), reach.point(lambda value: 255 if value > 64 else 0))
    # A pixel of the ground's colour is left along the outline: it goes.
    return mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.7))


def _distance(image: Image.Image, colour: tuple[int, ...]) -> Image.Image:
    red, green, blue = ImageChops.difference(image, Image.new("RGB", image.size, colour)).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _edge_pixels(image: Image.Image) -> list[tuple[int, ...]]:
    points = [(x, y) for x in range(image.width) for y in (0, image.height - 1)]
    points += [(x, y) for y in range(image.height) for x in (0, image.width - 1)]
    pixels = (image.getpixel(point) for point in points)
    return [pixel for pixel in pixels if isinstance(pixel, tuple)]


def _reached_from_edge(walls: Image.Image) -> Image.Image:
    """White where ground (0) is connected to the edge."""
    framed = Image.new("L", (walls.width + 2, walls.height + 2), 0)
    framed.paste(walls, (1, 1))
    ImageDraw.floodfill(framed, (0, 0), 128)
    return framed.crop((1, 1, walls.width + 1, walls.height + 1)).point(lambda value: 255 if value == 128 else 0)


def _card(image: Image.Image) -> Image.Image:
    border = round(max(image.size) * _CARD_BORDER)
    size = (image.width + 2 * border, image.height + 2 * border)
    card = Image.new("RGBA", size, (250, 248, 244, 255))
    card.paste(image, (border, border))
    corners = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    radius = max(size) * _CARD_CORNER * 2
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, size[0] * 2 - 1, size[1] * 2 - 1), radius, fill=255)
    card.putalpha(corners.reduce(2))
    return card
