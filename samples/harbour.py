"""The scene of the sample job: a harbour at night, with a jetty in front to stand on."""

from __future__ import annotations

import math
import random

from PIL import Image

from samples.sheet import FINE, Colour, Sheet, bezier, mixed

DEEP = (22, 32, 66)
WIDTH, HEIGHT, HORIZON = 1500, 1000, 560
MOON_X, MOON_Y = 1130, 190


def scene() -> Image.Image:
    """A harbour at night: moon, mountains, boats with lights, their reflections, and a jetty to stand on."""
    chance = random.Random(7)  # noqa: S311 - the same stars every time
    sheet = Sheet(WIDTH, HEIGHT, DEEP)
    _sky(sheet, chance)
    _mountains(sheet)
    _water(sheet, chance)
    for x, y, size in ((270, 610, 0.9), (560, 588, 0.55), (820, 628, 1.0)):
        _boat(sheet, x, y, size)
    _jetty(sheet)
    return sheet.finished()


def _sky(sheet: Sheet, chance: random.Random) -> None:
    for line in range(HORIZON):
        share = line / HORIZON
        sky = mixed((20, 28, 66), (92, 84, 140), min(1, share * 1.3))
        _line(sheet, line, mixed(sky, (246, 164, 124), max(0, share - 0.55) * 1.7))
    for _ in range(130):
        x, y, size = chance.uniform(0, WIDTH), chance.uniform(0, 330), chance.uniform(0.8, 2.4)
        sheet.blob(x, y, size, size, mixed((120, 124, 180), (255, 250, 230), chance.random()))
    sheet.glow(MOON_X, MOON_Y, 420, (255, 226, 190), 170)
    sheet.blob(MOON_X, MOON_Y, 92, 92, (255, 244, 214))
    for dx, dy, crater in ((-30, -20, 18), (24, 28, 24), (34, -34, 11), (-14, 42, 10)):
        sheet.blob(MOON_X + dx, MOON_Y + dy, crater, crater, (244, 226, 188))


def _water(sheet: Sheet, chance: random.Random) -> None:
    for line in range(HORIZON, HEIGHT):
        share = (line - HORIZON) / (HEIGHT - HORIZON)
        _line(sheet, line, mixed((176, 124, 134), (18, 34, 74), min(1, share * 2.3) ** 0.6))
    for row in range(30):
        y = HORIZON + 6 + row * row * 0.18
        reach = 14 + row * 5.4 + chance.uniform(-12, 12)
        glint = (MOON_X - reach + chance.uniform(-18, 18), y, MOON_X + reach, y + 2 + row * 0.12)
        sheet.box(glint, 2, mixed((255, 236, 190), (70, 82, 126), row / 34))
    for _ in range(70):
        y = chance.uniform(HORIZON + 12, 730)
        x, reach = chance.uniform(0, WIDTH), (y - HORIZON) * chance.uniform(0.1, 0.4) + 8
        sheet.box((x - reach, y, x + reach, y + 2.4), 1.2, mixed((150, 138, 172), (44, 62, 110), (y - HORIZON) / 200))


def _line(sheet: Sheet, y: int, fill: Colour) -> None:
    sheet.draw.rectangle([0, FINE * y, FINE * WIDTH, FINE * (y + 1)], fill=fill)


def _mountains(sheet: Sheet) -> None:
    ranges = ((0.0, 150, (112, 96, 150)), (1.9, 104, (78, 74, 128)), (4.1, 60, (46, 52, 98)))
    for shift, tall, colour in ranges:
        ridge = [
            (x, HORIZON - tall * (0.55 + 0.32 * math.sin(x / 190 + shift) + 0.2 * math.sin(x / 71 + shift * 2)))
            for x in range(0, WIDTH + 10, 10)
        ]
        sheet.shape([(0, HORIZON), *ridge, (WIDTH, HORIZON)], colour)
    peak = [(300, HORIZON - 20), (470, 322), (500, 306), (540, 306), (572, 324), (760, HORIZON - 20)]
    sheet.shape(peak, (92, 84, 142))
    sheet.shape(
        [
            (436, 362),
            (470, 322),
            (500, 306),
            (540, 306),
            (572, 324),
            (612, 362),
            (580, 352),
            (556, 376),
            (528, 350),
            (500, 380),
            (474, 352),
        ],
        (236, 226, 230),
    )
    ridge = [(x, HORIZON - 34 * (0.7 + 0.4 * math.sin(x / 120 + 1))) for x in range(0, WIDTH + 10, 10)]
    sheet.shape([(0, HORIZON + 2), *ridge, (WIDTH, HORIZON + 2)], (40, 46, 88))
    for x in range(60, 1460, 62):
        y = HORIZON - 10 + 5 * math.sin(x)
        sheet.glow(x, y, 16, (255, 206, 120), 190)
        sheet.blob(x, y, 2.6, 2.6, (255, 226, 160))


def _boat(sheet: Sheet, x: float, y: float, size: float) -> None:
    hull, wood = (30, 28, 52), (88, 60, 62)
    for ring in range(9):
        reach = (34 - ring * 3) * size
        sheet.box(
            (x + 8 * size - reach, y + (30 + ring * 9) * size, x + 8 * size + reach, y + (33 + ring * 9) * size),
            2,
            mixed((255, 190, 104), (52, 62, 106), ring / 9),
        )
    sheet.shape(
        bezier(
            [
                (x - 120 * size, y - 18 * size),
                (x - 70 * size, y + 44 * size),
                (x + 70 * size, y + 44 * size),
                (x + 130 * size, y - 26 * size),
            ]
        ),
        hull,
    )
    sheet.curve([(x - 118 * size, y - 16 * size), (x, y + 14 * size), (x + 128 * size, y - 24 * size)], 5 * size, wood)
    sheet.shape(
        bezier(
            [
                (x - 50 * size, y + 2 * size),
                (x - 50 * size, y - 72 * size),
                (x + 62 * size, y - 72 * size),
                (x + 62 * size, y + 2 * size),
            ]
        ),
        (124, 88, 74),
    )
    sheet.curve([(x + 8 * size, y - 48 * size), (x + 8 * size, y - 118 * size)], 4 * size, hull)
    sheet.glow(x + 8 * size, y - 30 * size, 70 * size, (255, 208, 120), 200)
    sheet.blob(x + 8 * size, y - 28 * size, 13 * size, 16 * size, (255, 226, 150))


def _jetty(sheet: Sheet) -> None:
    for row, top in enumerate((718, 766, 826, 902)):
        bottom = (766, 826, 902, HEIGHT)[row]
        wood = mixed((108, 78, 76), (74, 52, 60), row / 3)
        sheet.draw.rectangle([0, FINE * top, FINE * WIDTH, FINE * bottom], fill=wood)
        sheet.draw.rectangle([0, FINE * top, FINE * WIDTH, FINE * (top + 4)], fill=mixed(wood, (236, 190, 160), 0.35))
        sheet.draw.rectangle([0, FINE * (bottom - 5), FINE * WIDTH, FINE * bottom], fill=mixed(wood, (10, 10, 30), 0.5))
        for x in range(90 + row * 130, WIDTH, 460):
            sheet.draw.rectangle(
                [FINE * x, FINE * top, FINE * (x + 4), FINE * bottom], fill=mixed(wood, (10, 10, 30), 0.45)
            )
            sheet.blob(x + 18, (top + bottom) / 2, 4, 4, mixed(wood, (10, 10, 30), 0.55))
    for x in (70, 1430):
        sheet.box((x - 26, 622, x + 26, 770), 8, (66, 46, 56))
        sheet.box((x - 32, 612, x + 32, 638), 8, (96, 68, 70))
        sheet.curve([(x - 22, 688), (x, 696), (x + 22, 688)], 9, (214, 186, 144))
