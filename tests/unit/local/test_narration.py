"""The words of ``make run``: comments of states, roles of files, next steps."""

from __future__ import annotations

import json
from pathlib import Path

from local.narration import comments, console_address, job_of, next_steps, role_of

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "samples" / "lantern-cat"


def test_comments_are_those_of_the_states_by_name() -> None:
    definition = {
        "Comment": "The whole machine.",
        "States": {
            "AnyName": {"Type": "Task", "Comment": "Does something. The rest is for developers."},
            "IsItDone?": {"Type": "Choice"},
        },
    }
    assert comments(definition) == {"AnyName": "Does something"}


def test_every_file_of_the_sample_has_its_role() -> None:
    job = json.loads((SAMPLE / "job.json").read_text(encoding="utf-8"))
    roles = {path.name: role_of(path.name, job) for path in SAMPLE.iterdir()}
    assert roles == {
        "job.json": "the job: 2 images, 3:2",
        "cat.png": "subject 1 of 2",
        "lantern.png": "subject 2 of 2",
        "scene.jpg": "the scene",
        "style.png": "the style",
    }


def test_next_steps_name_existing_files_and_addresses() -> None:
    here = {"api_url": "http://127.0.0.1:8080", "api_key": "local-key"}
    things = dict(next_steps(here, Path(".kiln"), SAMPLE))
    assert console_address(here) == "http://127.0.0.1:8080/#key=local-key"
    assert console_address(here) in things.values()
    command = next(how for how in things.values() if " submit " in how)
    picture = Path(command.split(" submit ")[1].split(" --prompt")[0])
    assert picture.exists()


def test_job_of_a_sample_is_read_from_its_prompt() -> None:
    sample = ROOT / "samples" / "moon-cat"
    job = job_of(sample)
    assert (job["n"], job["aspect_ratio"], job["prompt"].startswith("The cat sits")) == ("2", "3:2", True)
    assert [role_of(name, job) for name in ("prompt.txt", "cat.png", "style.png")] == [
        "the job: 2 images, 3:2",
        "subject 1 of 1",
        "the style",
    ]


def test_steps_of_a_run_name_no_page_of_the_developers() -> None:
    definition = (ROOT / "functions" / "workflow" / "task.asl.json").read_text(encoding="utf-8")
    assert [line for line in definition.splitlines() if '"Comment"' in line and "docs/" in line] == []
