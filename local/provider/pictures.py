"""Draws a result image: the subjects on the scene, in the style's colours, captioned, in the asked shape."""

from __future__ import annotations

import io
import math
import random
import zlib
from dataclasses import dataclass

from PIL import Image, ImageFilter, ImageOps

from kiln.errors import InvalidRequest
from local.provider import backdrops, captions
from local.provider.cutouts import LONGEST_SIDE, Cutout, cut_out
from local.provider.palettes import Palette, of_hue, palette_of, toned
from local.provider.tasks import Order

_LONGEST_SCENE_SIDE = 2_200
_DECODED_PIXELS = 48_000_000
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class Materials:
    """The inputs of a task, opened and made ready once for all its pictures."""

    subjects: list[Cutout]
    scene: Image.Image | None
    style: Palette | None


def gather_materials(contents: dict[str, bytes]) -> Materials:
    """Opens a task's images, given by the path of their field.

    Raises:
        InvalidRequest: The bytes are no image after all; the message names the field.
    """
    subjects = [
        cut_out(_opened(field, content, LONGEST_SIDE))
        for field, content in contents.items()
        if field.startswith("subject_image_list")
    ]
    scene = _opened("scene_image", contents["scene_image"], _LONGEST_SCENE_SIDE) if "scene_image" in contents else None
    style = _opened("style_image", contents["style_image"], 400) if "style_image" in contents else None
    return Materials(subjects, scene, palette_of(style) if style else None)


def draw(materials: Materials, order: Order, task_id: str, index: int, pixels: int) -> bytes:
    """One picture of a task as a file, PNG or JPEG by turns; the same task and index give the same picture."""
    chance = random.Random(f"{task_id}/{index}")  # noqa: S311 - variety, not secrecy
    size = picture_size(order.aspect_ratio.value, pixels)
    style = materials.style
    palette = style or palette_of(materials.scene or materials.subjects[0].image)
    if materials.scene:
        picture = backdrops.of_scene(materials.scene, size, chance)
    else:
        picture = backdrops.of_hills(size, style or of_hue(chance.random()), chance)
    if style:
        picture = toned(picture, style, chance.uniform(0.5, 0.75))
    picture = backdrops.vignetted(picture, 0.5)
    band = captions.lay_out(order.prompt, size)
    _set_subjects(picture, materials, size[1] - band.height, index, chance)
    if order.is_watermarked:
        captions.draw_watermark(picture)
    captions.draw_band(picture, band, palette)
    captions.draw_mark(
        picture, f"{order.model_name} · {order.aspect_ratio.value} · {index + 1}/{order.n} · simulated", style
    )
    return _encoded(picture, as_png=(zlib.crc32(task_id.encode()) + index) % 2 == 0)


def picture_size(aspect_ratio: str, pixels: int) -> tuple[int, int]:
    """The size nearest to so many pixels that has exactly this ratio, in even sides."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    unit = max(2, 2 * round(math.sqrt(pixels / (across * down)) / 2))
    return across * unit, down * unit


def _opened(field: str, content: bytes, longest: int) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as image:
            if image.format == "JPEG":
                # A JPEG can be decoded small; other large images are shown as a tile rather than fill the memory.
                image.draft("RGB", (longest, longest))
            if image.width * image.height > _DECODED_PIXELS:
                return Image.new("RGB", (600, 600), (120, 124, 138))
            upright = ImageOps.exif_transpose(image)
            coloured = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            coloured.thumbnail((longest, longest), Image.Resampling.BICUBIC)
            return coloured
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidRequest(f"{field}: must be a readable image, got one that breaks off or is damaged") from error


def _set_subjects(picture: Image.Image, materials: Materials, floor: int, index: int, chance: random.Random) -> None:
    count = len(materials.subjects)
    columns = count if count <= 2 or picture.width >= picture.height * 1.1 else math.ceil(count / 2)
    rows = math.ceil(count / columns)
    # Who stands where changes from picture to picture, so that no two are alike.
    order = [materials.subjects[(place + index) % count] for place in range(count)]
    for place, subject in enumerate(order):
        row, column = divmod(place, columns)
        in_row = min(columns, count - row * columns)
        cell = picture.width * 0.94 / in_row
        room = (cell * (0.98 if in_row > 1 else 0.8), floor * (0.76 if rows == 1 else 0.5) * chance.uniform(0.86, 1))
        figure = _figure(subject, room, materials.style, chance)
        middle = picture.width * 0.03 + cell * (column + 0.5) + cell * chance.uniform(-0.06, 0.06)
        foot = floor - floor * (0.035 + chance.uniform(0, 0.05)) - (rows - 1 - row) * floor * 0.43
        if not subject.is_shaped:
            foot -= floor * 0.04
        _set(picture, figure, (round(middle), round(foot)), stands=subject.is_shaped and row == rows - 1)


def _figure(subject: Cutout, room: tuple[float, float], style: Palette | None, chance: random.Random) -> Image.Image:
    image = subject.image
    scale = min(room[0] / image.width, room[1] / image.height)
    figure = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    if style:
        figure = toned(figure, style, chance.uniform(0.12, 0.3))
    tilt = chance.uniform(-2, 2) if subject.is_shaped else chance.uniform(-5, 5)
    return figure.rotate(tilt, expand=True, resample=Image.Resampling.BICUBIC)


def _set(picture: Image.Image, figure: Image.Image, foot: tuple[int, int], *, stands: bool) -> None:
    left, top = foot[0] - figure.width // 2, foot[1] - figure.height
    blur = max(2, figure.height // 40)
    # A shadow is all blur: at a quarter of the size it costs a sixteenth.
    small = (max(1, (figure.width + 8 * blur) // 4), max(1, (figure.height + 8 * blur) // 4))
    shadow = Image.new("L", small, 0)
    outline = figure.getchannel("A").resize((max(1, figure.width // 4), max(1, figure.height // 4)))
    shadow.paste(outline.point(lambda value: value * 150 // 255), (blur, blur))
    shadow = shadow.filter(ImageFilter.GaussianBlur(blur / 3)).resize((small[0] * 4, small[1] * 4))
    drop = round(blur * 0.9)
    picture.paste((6, 8, 20), (left - 4 * blur + drop // 2, top - 4 * blur + drop), shadow)
    if stands:
        _shade_ground(picture, figure.width, foot)
    picture.paste(figure.convert("RGB"), (left, top), figure.getchannel("A"))


def _shade_ground(picture: Image.Image, width: int, foot: tuple[int, int]) -> None:
    size = (max(4, round(width * 0.95)), max(4, round(width * 0.16)))
    pool = Image.radial_gradient("L").point(lambda value: max(0, 170 - round(value * 1.33))).resize(size)
    picture.paste((4, 6, 16), (foot[0] - size[0] // 2, foot[1] - round(size[1] * 0.62)), pool)


def _encoded(picture: Image.Image, *, as_png: bool) -> bytes:
    file = io.BytesIO()
    if as_png:
        picture.save(file, "PNG", compress_level=1)
    else:
        picture.save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()
