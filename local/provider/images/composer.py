"""Composes a result image: the subjects on the scene, in the style's colours, with the prompt and a label."""

from __future__ import annotations

import io
import math
import random
import zlib

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from local.provider.images.colours import Colours, accent_of, colours_of, colours_of_hue, middle_of, mixed, toned
from local.provider.images.subjects import Materials
from local.provider.images.text import Font, legible, wrapped
from local.provider.tasks.task import Order

Size = tuple[int, int]

_WATERMARK = "KLING AI · simulated"
_MOST_LINES = 3


def compose(materials: Materials, order: Order, task_id: str, index: int, pixels: int) -> bytes:
    """One picture of a task, a PNG or a JPEG in turn; the same task and index give the same picture."""
    chance = random.Random(f"{task_id}/{index}")  # noqa: S311 - variety, not secrecy
    size = picture_size(order.aspect_ratio.value, pixels)
    style = materials.style
    if materials.scene:
        picture = _of_scene(materials.scene, size, chance)
    else:
        picture = _of_hills(size, style or colours_of_hue(round(chance.random() * 360)), chance)
    if style:
        picture = toned(picture, style, chance.uniform(0.5, 0.75))
    corners = Image.radial_gradient("L").point(lambda value: round(255 - max(0, value - 110) / 2))
    picture = ImageChops.multiply(picture, corners.resize(size, Image.Resampling.BILINEAR).convert("RGB"))
    letters, margin = max(9, round(math.sqrt(pixels) * 0.026)), round(min(size) * 0.045)
    text, font = legible(order.prompt, letters)
    lines = wrapped(text, font, size[0] - 2.6 * margin, _MOST_LINES)
    height = round(margin * 1.5 + letters * 1.42 * len(lines)) if lines else 0
    _set_subjects(picture, materials, size[1] - height, index, chance)
    if order.is_watermarked:
        _draw_watermark(picture)
    if lines:
        colours = style or colours_of(materials.scene or materials.subjects[0].image)
        _draw_prompt(picture, lines, font, (letters, margin, height), colours)
    label = f"{order.model_name} · {order.aspect_ratio.value} · {index + 1}/{order.n} · simulated"
    _draw_label(picture, label, style or [])
    file = io.BytesIO()
    if (zlib.crc32(task_id.encode()) + index) % 2 == 0:
        picture.save(file, "PNG", compress_level=1)
    else:
        picture.save(file, "JPEG", quality=90)
    return file.getvalue()


def picture_size(aspect_ratio: str, pixels: int) -> Size:
    """The size nearest to so many pixels that has exactly this ratio, in even sides."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    unit = max(2, 2 * round(math.sqrt(pixels / (across * down)) / 2))
    return across * unit, down * unit


def _of_scene(scene: Image.Image, size: Size, chance: random.Random) -> Image.Image:
    """The scene over the whole picture, from a little nearer or farther; more of its top is lost than of its ground."""
    near = 1 + chance.uniform(0, 0.16)
    zoomed = ImageOps.fit(scene.convert("RGB"), (math.ceil(size[0] * near), math.ceil(size[1] * near)))
    left, top = ((zoomed.width - size[0]) * chance.random(), (zoomed.height - size[1]) * chance.uniform(0.6, 1))
    return zoomed.crop((round(left), round(top), round(left) + size[0], round(top) + size[1]))


def _of_hills(size: Size, colours: Colours, chance: random.Random) -> Image.Image:
    """A landscape of hills under a sun."""
    dark, middle, light, accent = colours[0], middle_of(colours), colours[-1], accent_of(colours)
    sky = ImageOps.colorize(
        Image.linear_gradient("L"), black=mixed(middle, light, 0.15), white=mixed(light, accent, 0.18)
    )
    # Drawn at twice the size and reduced: the edges are smooth.
    large = sky.resize((size[0] * 2, size[1] * 2))
    width, height = large.size
    radius = round(min(large.size) * chance.uniform(0.09, 0.14))
    x, y = round(width * chance.uniform(0.2, 0.8)), round(height * chance.uniform(0.18, 0.34))
    glow = ImageOps.invert(Image.radial_gradient("L")).point(lambda value: max(0, value - 75))
    glow = glow.resize((8 * radius, 8 * radius))
    large.paste(mixed(light, (255, 255, 255), 0.5), (x - 4 * radius, y - 4 * radius), glow)
    draw = ImageDraw.Draw(large)
    draw.circle((x, y), radius, fill=mixed(accent, light, 0.35))
    for layer in range(4):
        waves = [(chance.uniform(0.6, 1.4) * 2**k * math.tau, chance.uniform(0, math.tau), 0.55**k) for k in range(3)]
        level, swing = 0.50 + 0.12 * layer, 0.09 - 0.012 * layer
        ridge = [
            (
                width * at / 120,
                height * (level + swing * sum(s * math.sin(often * at / 120 + shift) for often, shift, s in waves)),
            )
            for at in range(121)
        ]
        colour = mixed(mixed(light, middle, 0.55), dark, (layer + 1) / 4 * 0.85)
        draw.polygon([(0, height), *ridge, (width, height)], fill=colour)
    return large.reduce(2)


def _set_subjects(picture: Image.Image, materials: Materials, floor: int, index: int, chance: random.Random) -> None:
    """Puts the subjects side by side, in two rows if the picture is narrow; their order changes by picture."""
    count = len(materials.subjects)
    columns = count if count <= 2 or picture.width >= picture.height * 1.1 else math.ceil(count / 2)
    rows = math.ceil(count / columns)
    for place in range(count):
        subject = materials.subjects[(place + index) % count]
        row, column = divmod(place, columns)
        in_row = min(columns, count - row * columns)
        cell = picture.width * 0.94 / in_row
        tallest = floor * (0.76 if rows == 1 else 0.5) * chance.uniform(0.86, 1)
        widest = cell * (0.98 if in_row > 1 else 0.8)
        figure = ImageOps.scale(subject.image, min(widest / subject.image.width, tallest / subject.image.height))
        if materials.style:
            figure = toned(figure, materials.style, chance.uniform(0.12, 0.3))
        tilt = chance.uniform(-1, 1) * (2 if subject.is_cut_out else 5)
        figure = figure.rotate(tilt, expand=True, resample=Image.Resampling.BICUBIC)
        x = picture.width * 0.03 + cell * (column + 0.5 + chance.uniform(-0.06, 0.06))
        above = 0.035 + chance.uniform(0, 0.05) + (rows - 1 - row) * 0.43 + (0 if subject.is_cut_out else 0.04)
        _paste(
            picture, figure, (round(x), round(floor * (1 - above))), is_grounded=subject.is_cut_out and row == rows - 1
        )


def _paste(picture: Image.Image, figure: Image.Image, foot: Size, *, is_grounded: bool) -> None:
    """Pastes a figure with its shadow behind it and, if it is on the ground, another below it."""
    left, top = foot[0] - figure.width // 2, foot[1] - figure.height
    blur = max(2, figure.height // 40)
    # A shadow is all blur: at a quarter of the size it costs a sixteenth.
    outline = figure.getchannel("A").reduce(4).point(lambda value: value * 150 // 255)
    shadow = ImageOps.expand(outline, blur).filter(ImageFilter.GaussianBlur(blur / 3))
    at = (left - 4 * blur + blur // 2, top - 4 * blur + blur)
    picture.paste((6, 8, 20), at, shadow.resize((shadow.width * 4, shadow.height * 4)))
    if is_grounded:
        size = (max(4, round(figure.width * 0.95)), max(4, round(figure.width * 0.16)))
        pool = Image.radial_gradient("L").point(lambda value: max(0, 170 - round(value * 1.33))).resize(size)
        picture.paste((4, 6, 16), (foot[0] - size[0] // 2, foot[1] - round(size[1] * 0.62)), pool)
    picture.paste(figure, (left, top), figure)


def _draw_prompt(
    picture: Image.Image, lines: list[str], font: Font, measures: tuple[int, int, int], colours: Colours
) -> None:
    """Darkens the foot of the picture and writes the prompt there, beside a bar in the accent colour."""
    letters, margin, height = measures
    fade = round(height * 0.45)
    shade = Image.linear_gradient("L").point(lambda value: min(205, round(value * 2.4)))
    shade = shade.resize((picture.width, height + fade))
    ink = mixed(colours[0], (8, 8, 14), 0.65)
    picture.paste(ink, (0, picture.height - height - fade), shade)
    draw = ImageDraw.Draw(picture)
    top, line, bar = picture.height - height + round(margin * 0.75), round(letters * 1.42), max(2, margin // 10)
    draw.rectangle((margin, top, margin + bar, top + line * len(lines)), fill=accent_of(colours))
    for number, words in enumerate(lines):
        draw.text((margin * 1.4 + bar, top + number * line), words, font=font, fill=(252, 250, 245))


def _draw_label(picture: Image.Image, text: str, colours: Colours) -> None:
    """Says at the top left what the picture was made with, and shows the style's colours."""
    letters = max(8, round(math.sqrt(picture.width * picture.height) * 0.0175))
    font = ImageFont.load_default(letters)
    margin, pad, dot = round(min(picture.size) * 0.03), round(letters * 0.6), round(letters * 1.2)
    text_end = round(font.getlength(text)) + 2 * pad
    width, height = text_end + (dot * len(colours) + pad if colours else 0), letters + round(1.3 * pad)
    label = Image.new("RGBA", (width * 2, height * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(label)
    draw.rounded_rectangle((0, 0, *label.size), height, fill=(12, 12, 20, 170))
    for number, colour in enumerate(colours):
        centre = (2 * (text_end + number * dot) + dot, height)
        draw.circle(centre, dot * 0.8, fill=colour, outline=(255, 255, 255, 210), width=2)
    label = label.reduce(2)
    ImageDraw.Draw(label).text((pad, height / 2), text, font=font, fill=(255, 255, 255, 240), anchor="lm")
    picture.paste(label, (margin, margin), label)


def _draw_watermark(picture: Image.Image) -> None:
    """Writes the provider's name across the picture, twice, easy to see and to see through."""
    letters = max(10, round(min(picture.size) * 0.05))
    font = ImageFont.load_default(letters)
    strip = Image.new("RGBA", (round(font.getlength(_WATERMARK)) + letters, letters * 2), (0, 0, 0, 0))
    draw = ImageDraw.Draw(strip)
    for offset, ink in ((2, (0, 0, 0, 90)), (0, (255, 255, 255, 125))):
        draw.text((letters / 2 + offset, letters + offset), _WATERMARK, font=font, fill=ink, anchor="lm")
    strip = strip.rotate(24, expand=True, resample=Image.Resampling.BICUBIC)
    for across, down in ((0.28, 0.30), (0.72, 0.62)):
        at = (round(picture.width * across - strip.width / 2), round(picture.height * down - strip.height / 2))
        picture.paste(strip, at, strip)
