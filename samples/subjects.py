"""The subjects of the sample job: a cat and a paper lantern, each on plain ground so that it can be cut out."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageOps

from samples.sheet import CREAM, FINE, GOLD, VERMILION, Sheet, bezier, mixed

PLAIN = (196, 220, 226)
INK = (43, 38, 58)
FUR, STRIPE, BELLY = (236, 158, 82), (203, 116, 52), (255, 236, 208)


def cat() -> Image.Image:
    """A sitting cat with a red scarf and a bell, on plain ground."""
    sheet = Sheet(840, 960, PLAIN)
    _tail(sheet)
    _body(sheet)
    _head(sheet)
    _face(sheet)
    _scarf(sheet)
    return sheet.finished()


def lantern() -> Image.Image:
    """A round paper lantern with a painted wave, lit from within, on plain ground."""
    paper, rib, wood = (226, 70, 52), (178, 42, 38), (62, 44, 50)
    sheet = Sheet(720, 900, PLAIN)
    sheet.curve([(360, 26), (330, 60), (360, 96)], 9, wood)
    sheet.curve([(360, 26), (390, 60), (360, 96)], 9, wood)
    sheet.box((262, 92, 458, 142), 14, wood)
    sheet.blob(360, 388, 292, 268, paper)
    shine = Image.new("L", sheet.image.size, 0)
    ImageDraw.Draw(shine).ellipse([FINE * v for v in (68, 120, 652, 656)], fill=255)
    light = ImageOps.invert(Image.radial_gradient("L")).point(lambda v: max(0, v - 70))
    warm = Image.new("L", sheet.image.size, 0)
    warm.paste(light.resize((FINE * 600, FINE * 640)), (FINE * 60, FINE * 90))
    sheet.image.paste((255, 206, 110), (0, 0), Image.composite(warm, Image.new("L", warm.size, 0), shine))
    for share in (-0.72, -0.44, -0.15, 0.15, 0.44, 0.72):
        bulge = 292 * share
        sheet.curve([(360 + bulge * 0.34, 132), (360 + bulge * 1.5, 388), (360 + bulge * 0.34, 648)], 5, rib)
    sheet.blob(360, 388, 128, 128, CREAM)
    crest = (46, 84, 140)
    for dx, dy, radius in ((-52, 44, 50), (52, 44, 50), (0, 10, 56)):
        for ring, colour in ((1.0, crest), (0.78, CREAM), (0.56, crest), (0.34, CREAM)):
            sheet.draw.pieslice(
                [
                    FINE * v
                    for v in (
                        360 + dx - radius * ring,
                        400 + dy - radius * ring,
                        360 + dx + radius * ring,
                        400 + dy + radius * ring,
                    )
                ],
                180,
                360,
                fill=colour,
            )
    sheet.blob(360, 318, 26, 26, VERMILION)
    sheet.box((262, 632, 458, 684), 14, wood)
    sheet.curve([(360, 684), (360, 716)], 9, wood)
    sheet.blob(360, 728, 22, 18, GOLD)
    for strand in range(-4, 5):
        sheet.curve([(360 + strand * 4, 742), (360 + strand * 6, 800), (360 + strand * 5.4, 866)], 5, (186, 52, 44))
    sheet.box((330, 742, 390, 758), 6, GOLD)
    return sheet.finished()


def _tail(sheet: Sheet) -> None:
    tail = bezier([(600, 850), (830, 890), (800, 640), (700, 600), (762, 520)])
    sheet.curve([(600, 850), (830, 890), (800, 640), (700, 600), (762, 520)], 62, FUR)
    for x, y in tail[49:]:
        sheet.blob(x, y, 31, 31, BELLY)
    for step in (20, 28, 36, 44):
        (x, y), (back_x, back_y) = tail[step], tail[step - 1]
        long = math.hypot(x - back_x, y - back_y)
        across, down = (y - back_y) / long * 25, -(x - back_x) / long * 25
        sheet.curve([(x - across, y - down), (x + across, y + down)], 13, STRIPE)


def _body(sheet: Sheet) -> None:
    body = [
        *bezier([(420, 430), (190, 480), (170, 800), (205, 890)]),
        *bezier([(635, 890), (670, 800), (650, 480), (420, 430)]),
    ]
    sheet.shape(body, FUR)
    sheet.blob(300, 850, 118, 62, FUR)
    sheet.blob(540, 850, 118, 62, FUR)
    sheet.shape(
        [
            *bezier([(420, 470), (300, 560), (300, 800), (360, 880)]),
            *bezier([(480, 880), (540, 800), (540, 560), (420, 470)]),
        ],
        BELLY,
    )
    for y, reach in ((600, 66), (665, 74), (730, 80)):
        for side in (-1, 1):
            edge = 420 + side * (186 + (y - 600) * 0.22)
            sheet.curve([(edge, y), (edge - side * reach / 2, y + 16), (edge - side * reach, y + 4)], 15, STRIPE)
    for side in (-1, 1):
        sheet.curve([(420 + side * 62, 640), (420 + side * 58, 760), (420 + side * 60, 870)], 84, FUR)
        sheet.blob(420 + side * 66, 884, 64, 34, BELLY)
        for toe in (-18, 6):
            sheet.curve([(420 + side * 66 + toe + 6, 876), (420 + side * 66 + toe + 6, 902)], 4, STRIPE)


def _head(sheet: Sheet) -> None:
    for side in (-1, 1):
        sheet.shape([(420 + side * 210, 250), (420 + side * 222, 40), (420 + side * 60, 130)], FUR)
        sheet.shape([(420 + side * 190, 210), (420 + side * 198, 86), (420 + side * 98, 140)], (240, 150, 140))
    sheet.blob(420, 280, 246, 202, FUR)
    for dx, length in ((-46, 62), (0, 82), (46, 62)):
        sheet.curve([(420 + dx, 92), (420 + dx * 0.9, 92 + length / 2), (420 + dx * 0.8, 92 + length)], 18, STRIPE)
    for side in (-1, 1):
        for y in (300, 345):
            sheet.curve([(420 + side * 238, y), (420 + side * 205, y + 8), (420 + side * 178, y + 2)], 14, STRIPE)
    sheet.blob(362, 376, 76, 62, BELLY)
    sheet.blob(478, 376, 76, 62, BELLY)


def _face(sheet: Sheet) -> None:
    for side in (-1, 1):
        x = 420 + side * 104
        sheet.blob(x, 276, 52, 58, (255, 252, 240))
        sheet.blob(x, 280, 42, 50, (92, 150, 96))
        sheet.blob(x, 282, 24, 44, INK)
        sheet.blob(x - 12, 258, 13, 15, (255, 255, 255))
        sheet.blob(420 + side * 176, 352, 36, 20, (244, 140, 112))
        for y in (360, 384):
            sheet.curve(
                [(420 + side * 120, y), (420 + side * 220, y - 14), (420 + side * 290, y + (y - 372) * 2)], 4, INK
            )
    sheet.shape(bezier([(392, 336), (420, 326), (448, 336), (420, 372), (392, 336)]), (214, 92, 92))
    sheet.curve([(420, 362), (416, 398), (378, 396)], 6, INK)
    sheet.curve([(420, 362), (424, 398), (462, 396)], 6, INK)


def _scarf(sheet: Sheet) -> None:
    sheet.curve([(232, 450), (420, 560), (608, 450)], 50, VERMILION)
    sheet.curve([(236, 438), (420, 540), (604, 438)], 8, mixed(VERMILION, (255, 255, 255), 0.35))
    sheet.blob(420, 536, 34, 34, GOLD)
    sheet.blob(410, 524, 11, 9, mixed(GOLD, (255, 255, 255), 0.6))
    sheet.curve([(392, 540), (420, 548), (448, 540)], 5, mixed(GOLD, INK, 0.6))
    sheet.blob(420, 554, 6, 6, mixed(GOLD, INK, 0.7))
