"""An update of a running stack: tasks that wait or run under the earlier release finish under this one."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest

from local.stack import TEMPLATE, Options, Stack
from tests.build.tasks import create, ended, told

ROOT = Path(__file__).parents[2]
WAITING = 3

BEFORE_RELEASES = "61dc803ee317ee920be520e3520efca343193747"
"""The commit that stands for the earlier release until there is a tag."""


def git(*arguments: str) -> bytes:
    return subprocess.check_output(["git", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)


def earlier_release() -> str:
    """The last release before what is checked out."""
    tags = git("tag", "--no-contains", "HEAD", "--sort=-creatordate").decode().split()
    return tags[0] if tags else BEFORE_RELEASES


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The earlier release's files."""
    try:
        archive = git("archive", earlier_release(), "template.yaml", "functions", "layers")
    except subprocess.CalledProcessError:
        pytest.skip("the history does not reach back to the earlier release (a shallow clone)")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tmp_path / "earlier", filter="data")
    return tmp_path / "earlier"


def test_tasks_of_the_earlier_release_finish_under_this_one(earlier, tmp_path):
    options = Options(
        tmp_path / "state",
        parameters={"PollAfterSeconds": "2", "ProviderSlots": "1"},
        provider_arguments=["--task-seconds", "4", "--pixels", "40000"],
        template=earlier / "template.yaml",
    )
    with Stack(options) as stack:
        tasks = [create(stack) for _ in range(1 + WAITING)]
        before = [told(stack, task)["task_status"] for task in tasks]
        assert not {"succeed", "failed"} & set(before)

        stack.update(TEMPLATE)

        late = create(stack)
        assert [ended(stack, task)["task_status"] for task in (*tasks, late)] == ["succeed"] * (WAITING + 2)
        made = httpx.get(f"{stack.description['provider_control_url']}/stats", trust_env=False).json()["by_external_id"]
        # The provider knows a task by its id and, since this release, by when it was accepted.
        assert set(made.values()) == {1}
        assert sorted(name.partition("_")[0] for name in made) == sorted((*tasks, late))
