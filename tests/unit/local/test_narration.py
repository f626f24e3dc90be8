"""What the tour says: every state that it may come across has its sentence, and what it proposes is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from local.narration import STATES, console_address, next_things, what_was_dropped

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "samples" / "lantern-cat"


def test_every_state_of_the_workflow_is_told_of() -> None:
    text = (ROOT / "functions" / "workflow" / "task.asl.json").read_text(encoding="utf-8")
    # Substitutions that stand for numbers would not be JSON.
    states = json.loads(re.sub(r"(?<=: )\$\{\w+\}", "1", text))["States"]
    told = {name for name, state in states.items() if state["Type"] != "Choice"}
    assert told == set(STATES)


def test_every_file_of_the_sample_is_told_of() -> None:
    job = json.loads((SAMPLE / "job.json").read_text(encoding="utf-8"))
    told = {path.name: what_was_dropped(job, path.name) for path in SAMPLE.iterdir()}
    assert told == {
        "job.json": "the job: 2 × 3:2",
        "cat.png": "subject 1 of 2",
        "lantern.png": "subject 2 of 2",
        "scene.jpg": "the scene",
        "style.png": "the style",
    }


def test_the_next_things_name_what_is_there() -> None:
    here = {"api_url": "http://127.0.0.1:8080", "api_key": "local-key"}
    things = dict(next_things(here, Path(".kiln"), SAMPLE))
    assert console_address(here) == "http://127.0.0.1:8080/#key=local-key"
    assert console_address(here) in things.values()
    command = next(how for how in things.values() if " submit " in how)
    picture = Path(command.split(" submit ")[1].split(" --prompt")[0])
    assert picture.exists()
