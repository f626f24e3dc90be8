"""The contract's limits of an input image: bytes, sides, ratio and the length of its URL."""

IMAGE_BYTES = 10 * 1024 * 1024
"""An input image: at most 10 MB, read as MiB so that nothing the provider takes is refused here (contract)."""

IMAGE_SIDE_PIXELS = 300
"""An input image: each side at least this many pixels (contract)."""

IMAGE_RATIO = 2.5
"""An input image: width to height from 1:2.5 to 2.5:1 (contract)."""

IMAGE_URL_CHARACTERS = 8_192
"""Image URLs: at most this many characters (Kiln's own bound; signed links are long)."""

IMAGE_PIXELS = 250_000_000
"""An input image: at most this many pixels (Kiln's own bound; the largest cameras of phones make 200 million)."""
