"""What has been dropped before: told of again it is the same task, dropped anew after a failure it is tried again."""

from __future__ import annotations

import json

from kiln.contract import TaskStatus
from kiln.results import write_result
from kiln.tasks.store import TaskStore
from tests.unit.intake.dropping import arrived
from tests.unit.pictures import picture
from tests.unit.specimens import kept_image

JOB = {"prompt": "A cat", "subject_image_list": [{"subject_image": "cat.png"}]}
FILES = {"job.json": json.dumps(JOB).encode(), "cat.png": picture()}


def test_a_failed_drop_is_tried_again_when_its_job_is_dropped_anew(inbox, accepted):
    made = [inbox.drop(f"f/{name}", content) for name, content in FILES.items()]
    [first] = [each for each in made if each]
    TaskStore().fail(first, "The provider was not amused")
    assert {arrived(f"f/{name}").task_id for name in FILES} == {first.task_id}, "told of the same version again"
    assert inbox.drop("f/cat.png", FILES["cat.png"]).task_id == first.task_id, "its job is still the old one"
    again = inbox.drop("f/job.json", FILES["job.json"])
    assert again.task_id != first.task_id
    assert {arrived(f"f/{name}").task_id for name in FILES} == {again.task_id}
    assert len(accepted) == 2


def test_what_has_succeeded_is_not_made_twice_however_often_it_is_dropped(inbox, accepted):
    made = [inbox.drop(f"f/{name}", content) for name, content in FILES.items()]
    [first] = [each for each in made if each]
    TaskStore().succeed(first, [kept_image()], "16")
    assert inbox.drop("f/job.json", FILES["job.json"]).task_id == first.task_id
    assert len(accepted) == 1


def test_a_finished_task_is_not_run_again_by_a_late_announcement(inbox, accepted):
    task = inbox.drop("cat.png", picture())
    assert task is not None
    TaskStore().fail(task, "why")
    again = arrived("cat.png")
    assert again is not None
    assert again.task_status is TaskStatus.FAILED
    assert len(accepted) == 1
    assert inbox.told("cat.png") is None


def test_content_that_comes_back_has_its_answer_put_back(inbox, accepted):
    """Links and all as they were written: whoever puts it back does not know the API's address."""
    older = inbox.drop("cat.png", picture(400, 400))
    TaskStore().succeed(older, [kept_image()], "8")
    write_result(TaskStore().get(older.task_id), "https://kiln.test")
    written = inbox.told("cat.png")
    newer = inbox.drop("cat.png", picture(500, 500))
    TaskStore().succeed(newer, [kept_image()], "16")
    write_result(TaskStore().get(newer.task_id), "https://kiln.test")
    assert inbox.told("cat.png")["data"]["final_unit_deduction"] == "16"
    inbox.drop("cat.png", picture(400, 400))
    assert inbox.told("cat.png") == written
    assert len(accepted) == 2
