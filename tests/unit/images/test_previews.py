"""The preview of a generated image: its size, its format, and the images that get none."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from kiln.images import previews
from tests.support.images import picture


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(previews.make_preview(content)))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize(
    ("shape", "small"), [((1600, 900), (512, 288)), ((900, 1600), (288, 512)), ((300, 400), (300, 400))]
)
def test_preview_is_a_webp_of_at_most_512_pixels(form, shape, small):
    made = opened(picture(*shape, form))
    assert made.format == "WEBP"
    # A JPEG that is decoded at a smaller scale may be rounded by a pixel.
    assert [abs(got - wanted) <= 1 for got, wanted in zip(made.size, small, strict=True)] == [True, True]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "CMYK", "I;16"])
def test_every_colour_mode_has_a_preview(mode):
    file = io.BytesIO()
    form = "TIFF" if mode == "CMYK" else "PNG"
    image = Image.new("RGBA", (600, 600), (0, 128, 128, 0)) if mode in ("RGBA", "LA") else Image.new("L", (600, 600))
    (image if mode == "I;16" else image.convert(mode)).save(file, form)
    assert opened(file.getvalue()).mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")


def test_preview_is_upright():
    assert opened(picture(800, 400, "JPEG", orientation=6)).size == (256, 512)


def test_image_of_too_many_pixels_has_no_preview():
    file = io.BytesIO()
    Image.new("1", (6000, 6000)).save(file, "PNG")
    with pytest.raises(ValueError, match="6000 x 6000 pixels"):
        previews.make_preview(file.getvalue())


def test_image_that_cannot_be_read_has_no_preview():
    with pytest.raises(OSError, match="cannot identify"):
        previews.make_preview(b"no image")
