"""Draws the images of the sample job `lantern-cat` into its folder: ``python -m samples.draw``, which needs Pillow."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from samples.harbour import scene
from samples.sheet import CREAM, GOLD, VERMILION, Sheet, mixed
from samples.subjects import cat, lantern

FOLDER = Path(__file__).parent / "lantern-cat"
INDIGO, DEEP = (38, 62, 110), (22, 32, 66)


def style() -> Image.Image:
    """A woodblock-like print: a red sun over rows of waves, indigo, cream, vermilion and gold."""
    width, height = 900, 900
    sheet = Sheet(width, height, CREAM)
    for band in range(5):
        y = 70 + band * 76
        sheet.curve(
            [(60 + band * 50, y), (330, y - 26), (560, y + 26), (860 - band * 30, y)], 8, mixed(CREAM, GOLD, 0.75)
        )
    sheet.blob(620, 270, 168, 168, VERMILION)
    for x, y, reach in ((250, 190, 130), (300, 226, 170), (640, 330, 190), (560, 366, 150)):
        sheet.box((x - reach, y - 17, x + reach, y + 17), 17, mixed(CREAM, (255, 255, 255), 0.45))
    radius = 78
    for row in range(9):
        y = 470 + row * 56
        for column in range(-1, 8):
            x = column * radius * 2 + (radius if row % 2 else 0)
            rings = (
                (1.0, CREAM),
                (0.93, DEEP if row % 3 else INDIGO),
                (0.70, CREAM),
                (0.62, INDIGO),
                (0.40, CREAM),
                (0.31, GOLD if (row + column) % 4 == 0 else INDIGO),
            )
            for ring, colour in rings:
                sheet.blob(x, y + radius * 0.5, radius * ring, radius * ring, colour)
    return sheet.finished()


def main() -> None:
    """Draws all four into the job's folder."""
    FOLDER.mkdir(exist_ok=True)
    cat().save(FOLDER / "cat.png", optimize=True)
    lantern().save(FOLDER / "lantern.png", optimize=True)
    scene().save(FOLDER / "scene.jpg", quality=88)
    style().save(FOLDER / "style.png", optimize=True)


if __name__ == "__main__":
    main()
