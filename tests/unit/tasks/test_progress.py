"""A task's progress as its caller sees it: the stage, the steps, and the request with links to its images."""

from __future__ import annotations

from kiln.contract.progress import Stage, StepName
from kiln.images.stored import StoredInput
from kiln.tasks.progress import progress, stored_request
from kiln.tasks.store import TaskStore
from tests.support.samples import add_task, stored_image


def test_paused_dispatch_is_said_while_the_task_waits(cloud, slots):
    add_task()
    store = TaskStore()
    assert "is_paused" not in progress(store.get("task-1"), store).model_dump()
    slots.pause()
    assert progress(store.get("task-1"), store).is_paused
    store.begin_dispatch("task-1")
    assert not progress(store.get("task-1"), store).is_paused


def test_each_step_is_recorded_when_reached(cloud):
    store = TaskStore()
    add_task("first")
    add_task()

    def seen(either_id: str = "task-1"):
        return progress(store.get(either_id), store)

    waiting = seen()
    assert (waiting.stage, waiting.queue_position) == (Stage.WAITING, 2)
    store.begin_dispatch("task-1")
    assert (seen().stage, seen().queue_position, seen().dispatch_attempts) == (Stage.DISPATCHING, None, 1)
    store.refused(store.get("task-1"), "1303 full")
    assert seen().refusal == "1303 full"
    store.dispatched(store.get("task-1"), "theirs")
    assert (seen().stage, seen().refusal) == (Stage.GENERATING, "")
    store.request_wake_up("task-1")
    store.begin_poll("task-1")
    assert (seen().polls, seen().wake_ups) == (1, 1)
    store.begin_collect("task-1")
    begun = seen()
    assert begun.stage is Stage.COLLECTING
    store.begin_collect("task-1")
    assert seen() == begun
    store.succeed(store.get("task-1"), [stored_image()], "16")
    ended = seen()
    assert ended.stage is Stage.SUCCEED
    assert [step.step for step in ended.steps] == [
        StepName.ACCEPTED,
        StepName.SLOTS_ACQUIRED,
        StepName.DISPATCHED,
        StepName.COLLECTING,
        StepName.SUCCEED,
    ]
    assert [step.at for step in ended.steps] == sorted(step.at for step in ended.steps)


def test_task_that_fails_while_waiting_has_no_later_steps(cloud):
    store = TaskStore()
    store.fail(add_task(), "why")
    assert [step.step for step in progress(store.get("task-1"), store).steps] == [StepName.ACCEPTED, StepName.FAILED]


def test_stored_request_has_links_that_open(cloud):
    task = add_task(
        prompt="A cat",
        external_task_id="mine",
        inputs=[
            StoredInput(
                field="subject_image_list[0].subject_image", bucket="kiln-inbox", key="f/c.png", version_id="v1"
            ),
            StoredInput(field="subject_image_list[1].subject_image", url="https://example.com/two.png"),
            StoredInput(field="style_image", bucket="kiln-inputs", key="task-1/style.png"),
        ],
    )
    shown = stored_request(task)
    first, second = (each.subject_image for each in shown.subject_image_list)
    assert "kiln-inbox" in first
    assert "versionId=v1" in first
    assert second == "https://example.com/two.png"
    assert shown.scene_image is None
    assert "task-1/style.png" in (shown.style_image or "")
    assert (shown.prompt, shown.task_info.external_task_id) == ("A cat", "mine")
