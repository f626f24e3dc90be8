"""Opens a task's input images, and cuts the subjects out of a plain background."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from kiln.errors import InvalidRequest
from local.provider.images.colours import Colours, colours_of

_SUBJECT_SIDE, _SCENE_SIDE, _STYLE_SIDE = 1_000, 2_200, 400
_DECODED_PIXELS = 48_000_000
_NEAR, _FAR = 10, 34
"""A pixel this near to the background's colour is background; one this far from it belongs to the subject."""


@dataclass(frozen=True)
class Subject:
    """A subject with transparency around it: in its own outline (``is_cut_out``) or in a frame."""

    image: Image.Image
    is_cut_out: bool


@dataclass(frozen=True)
class Materials:
    """The inputs of a task, opened once for all its pictures; only the colours of the style are used."""

    subjects: list[Subject]
    scene: Image.Image | None
    style: Colours | None


def open_materials(contents: dict[str, bytes]) -> Materials:
    """Opens a task's images, given by the path of their field.

    Raises:
        InvalidRequest: The bytes are no whole image; the message names the field.
    """
    names = [name for name in contents if name.startswith("subject_image_list")]
    subjects = [_opened_subject(name, contents[name]) for name in names]
    scene = _opened("scene_image", contents["scene_image"], _SCENE_SIDE) if "scene_image" in contents else None
    style = _opened("style_image", contents["style_image"], _STYLE_SIDE) if "style_image" in contents else None
    return Materials(subjects, scene, colours_of(style) if style else None)


def cut_out(image: Image.Image) -> Subject:
    """Takes the subject out of a plain or transparent background; frames the image if it has neither."""
    rgb = image.convert("RGB")
    for mask in (image.convert("RGBA").getchannel("A"), _mask_on_plain_background(rgb)):
        if mask and 0.04 < sum(mask.histogram()[128:]) / (mask.width * mask.height) < 0.93:
            rgb.putalpha(mask)
            return Subject(rgb.crop(mask.point(lambda value: 255 if value > 24 else 0).getbbox()), is_cut_out=True)
    longest = max(image.size)
    framed = ImageOps.expand(rgb, round(longest * 0.028), (250, 248, 244))
    corners = Image.new("L", (framed.width * 2, framed.height * 2), 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, corners.width - 1, corners.height - 1), longest * 0.074, 255)
    framed.putalpha(corners.reduce(2))
    return Subject(framed, is_cut_out=False)


@lru_cache(maxsize=4)
def _opened_subject(field: str, content: bytes) -> Subject:
    """Opens a subject. The last few are kept, as a client often sends the same image for many tasks."""
    return cut_out(_opened(field, content, _SUBJECT_SIDE))


def _opened(field: str, content: bytes, longest: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            # A JPEG is decoded small; another image that would fill the memory is shown as a plain tile.
            image.draft("RGB", (longest, longest))
            if image.width * image.height > _DECODED_PIXELS:
                return Image.new("RGB", (600, 600), (120, 124, 138))
            upright = ImageOps.exif_transpose(image)
            coloured = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            coloured.thumbnail((longest, longest), Image.Resampling.BICUBIC)
            return coloured
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidRequest(f"{field}: must be a readable image, got one that is truncated or damaged") from error


def _mask_on_plain_background(image: Image.Image) -> Image.Image | None:
    """Opaque where the subject is; ``None`` if less than four fifths of the image's edge have one colour."""
    small = image.copy()
    small.thumbnail((150, 150), Image.Resampling.BOX)
    background = Image.new("RGB", (1, 1), small.getpixel((1, 1)))
    walls = _distance(small, background).point(lambda value: 0 if value < _FAR else 255)
    edge = walls.copy()
    edge.paste(0, (1, 1, edge.width - 1, edge.height - 1))
    if edge.histogram()[255] > 0.2 * 2 * (edge.width + edge.height):
        return None
    # Only background that touches the edge goes: a white eye on a white background stays.
    walls = ImageOps.expand(walls, 1, 0)
    ImageDraw.floodfill(walls, (0, 0), 128)
    reached = ImageOps.crop(walls, 1).point(lambda value: 255 if value == 128 else 0).filter(ImageFilter.MaxFilter(5))
    reached = reached.resize(image.size, Image.Resampling.BILINEAR).point(lambda value: 255 if value > 64 else 0)
    soft = _distance(image, background).point(lambda value: min(255, max(0, (value - _NEAR) * 255 // (_FAR - _NEAR))))
    mask = Image.composite(soft, Image.new("L", image.size, 255), reached)
    return mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.7))


def _distance(image: Image.Image, colour: Image.Image) -> Image.Image:
    red, green, blue = ImageChops.difference(image, colour.resize(image.size)).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)
