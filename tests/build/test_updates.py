"""An update of a running stack: tasks that wait or run under the earlier release finish under this one."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest

from local.stack import TEMPLATE, Options, Stack
from tests.build.tasks import PATIENCE_SECONDS, create, ended, query

ROOT = Path(__file__).parents[2]
WAITING = 3

PARTS = ("template.yaml", "monitoring.yaml", "functions", "layers")
CHANGED = {"LogLevel": "DEBUG"}
"""The parameter that an update changes while there is no earlier release: every function gets a new version."""


def git(*arguments: str) -> bytes:
    return subprocess.check_output(["git", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)


def earlier_release() -> str:
    """The newest version's tag before the checked out commit; empty if there is none."""
    before = ("--merged", "HEAD", "--no-contains", "HEAD")
    tags = git("tag", "--list", "v*", *before, "--sort=-version:refname").decode().split()
    return tags[0] if tags else ""


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The template of the earlier release; the present one while there is no release."""
    release = earlier_release()
    if not release:
        return TEMPLATE
    # The commit may be older than a part.
    parts = [part for part in PARTS if git("ls-tree", "--name-only", release, part)]
    with tarfile.open(fileobj=io.BytesIO(git("archive", release, *parts))) as files:
        files.extractall(tmp_path / "earlier", filter="data")
    return tmp_path / "earlier/template.yaml"


def control(stack: Stack, what: str, content: object) -> None:
    """Tells the simulated provider what to do from now on."""
    url = f"{stack.description['provider_control_url']}/{what}"
    httpx.post(url, json=content, trust_env=False, timeout=PATIENCE_SECONDS).raise_for_status()


def test_tasks_of_the_earlier_release_finish_after_an_update(earlier, tmp_path):
    options = Options(
        tmp_path / "state",
        parameters={"PollAfterSeconds": "2", "ProviderSlots": "1"},
        # No task ends before the update, however long its creation takes here.
        provider_arguments=["--task-seconds", "3600", "--pixels", "40000"],
        template=earlier,
    )
    with Stack(options) as stack:
        tasks = [create(stack) for _ in range(1 + WAITING)]
        before = [query(stack, task)["task_status"] for task in tasks]
        assert not {"succeed", "failed"} & set(before)

        stack.update(TEMPLATE, CHANGED)

        control(stack, "faults", {"task_seconds": 0.4})
        control(stack, "finish", {})
        late = create(stack)
        assert [ended(stack, task)["task_status"] for task in (*tasks, late)] == ["succeed"] * (WAITING + 2)
        url = f"{stack.description['provider_control_url']}/stats"
        made = httpx.get(url, trust_env=False, timeout=PATIENCE_SECONDS).json()["by_external_id"]
        # The provider knows a task by its run: the task's id, and perhaps when it was accepted.
        assert set(made.values()) == {1}
        assert sorted(name.partition("_")[0] for name in made) == sorted((*tasks, late))
