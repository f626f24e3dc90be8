"""Thumbnails in a terminal."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.console import Console

from kiln_cli.thumbnails import Way, find_way, show
from tests.support.images import picture


def terminal(**more: Any) -> Console:
    settings: dict[str, Any] = {"force_terminal": True, "color_system": "truecolor", "width": 100, "_environ": {}}
    return Console(**({"file": io.StringIO()} | settings | more))


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    wide, tall = tmp_path / "wide.png", tmp_path / "tall.jpg"
    wide.write_bytes(picture(640, 320))
    tall.write_bytes(picture(320, 640, "JPEG"))
    return [wide, tall]


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"KITTY_WINDOW_ID": "1"}, Way.KITTY),
        ({"TERM_PROGRAM": "ghostty"}, Way.KITTY),
        ({"TERM_PROGRAM": "iTerm.app"}, Way.ITERM2),
        ({"TERM_PROGRAM": "iTerm.app", "TMUX": "/tmp/tmux"}, Way.BLOCKS),
        ({"TERM_PROGRAM": "Apple_Terminal"}, Way.BLOCKS),
        ({"KITTY_WINDOW_ID": "1", "KILN_THUMBNAILS": "off"}, Way.OFF),
        ({"KILN_THUMBNAILS": "nonsense"}, Way.BLOCKS),
    ],
)
def test_protocol_is_found_from_the_environment(environment: dict[str, str], way: Way) -> None:
    assert find_way(terminal(), environment) is way


def test_pipe_or_colourless_terminal_gets_no_thumbnails(paths: list[Path]) -> None:
    for console in (terminal(force_terminal=False), terminal(color_system=None), terminal(no_color=True)):
        assert not show(console, paths, {})
        assert written(console) == ""


def test_unreadable_picture_is_left_out(paths: list[Path]) -> None:
    paths[1].write_bytes(paths[1].read_bytes()[:300])
    assert not show(terminal(), paths, {})
    latin = io.TextIOWrapper(io.BytesIO(), "latin-1")
    assert not show(terminal(file=latin), paths[:1], {})


def test_blocks_fit_side_by_side(paths: list[Path]) -> None:
    console = terminal()
    assert show(console, [*paths, *paths], {})
    lines = re.sub(r"\x1b\[[0-9;]*m", "", written(console)).splitlines()
    assert max(len(line) for line in lines) <= 100
    assert max(line.count("▀") for line in lines) > 40, "there are several in a row"
    assert "38;2;0;128;128" in written(console), "teal, as the pictures are"


def test_iterm2_gets_the_whole_file(paths: list[Path]) -> None:
    console = terminal()
    assert show(console, paths[:1], {"TERM_PROGRAM": "iTerm.app"})
    sequence = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);[^:]*:([^\x07]*)\x07\n", written(console))
    assert sequence is not None
    content = base64.b64decode(sequence[2])
    assert content == paths[0].read_bytes()
    assert int(sequence[1]) == len(content)


def test_kitty_gets_a_png_in_chunks(tmp_path: Path) -> None:
    noise = tmp_path / "noise.jpg"
    Image.effect_noise((640, 640), 90).convert("RGB").save(noise)
    console = terminal()
    assert show(console, [noise], {"KITTY_WINDOW_ID": "1"})
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", written(console))
    assert len(parts) > 1
    assert all(len(body) <= 4096 for _, body in parts)
    assert [settings.endswith("m=1") for settings, _ in parts] == [True] * (len(parts) - 1) + [False]
    with Image.open(io.BytesIO(base64.b64decode("".join(body for _, body in parts)))) as image:
        image.load()
        assert image.format == "PNG"
