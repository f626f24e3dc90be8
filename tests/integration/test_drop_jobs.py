"""Drops of several jobs, of odd files, and of files that change: each has its own answer, nothing is made twice."""

from __future__ import annotations

import io
import itertools
import json
from urllib.parse import quote_plus

from PIL import Image

from tests.integration.client import NEVER, Client, JsonObject, picture, wait_until
from tests.integration.driver import Deployment
from tests.integration.promise import assert_succeeded
from tests.integration.steps import assert_delivered

LIMIT = 10 * 1024 * 1024


def subject(name: str) -> list[JsonObject]:
    return [{"subject_image": name}]


def rotated(width: int, height: int) -> bytes:
    """A JPEG that is stored as so wide and high and shown turned by 90 degrees."""
    image = Image.new("RGB", (width, height), "teal")
    orientation = Image.Exif()
    orientation[0x0112] = 6
    file = io.BytesIO()
    image.save(file, "JPEG", exif=orientation)
    return file.getvalue()


def combined(kiln: Deployment, folder: str, *, unlike: object = None) -> list[JsonObject]:
    """Waits for the answer to a list of jobs (another than one that was there before)."""

    def is_combined(found: JsonObject) -> bool:
        return isinstance(found.get("data"), list) and found["request_id"] != unlike

    result = wait_until(
        lambda: found if is_combined(found := kiln.result(folder)) else None, f"{folder} has its combined answer"
    )
    jobs: list[JsonObject] = result["data"]
    return jobs


def test_list_of_jobs_with_defaults_makes_tasks(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    defaults = {"subject_image_list": subject("cat.png"), "aspect_ratio": "1:1", "prompt": "By default"}
    jobs: JsonObject = {"jobs": [{"prompt": "One"}, {"n": 2, "scene_image": "harbour.jpg"}, {"n": 10}]}
    kiln.drop(f"{folder}/defaults.json", defaults)
    kiln.drop(f"{folder}/cat.png", picture())
    kiln.drop(f"{folder}/harbour.jpg", picture(kind="JPEG"))
    kiln.drop(f"{folder}/job.json", jobs)

    one = assert_delivered(kiln, inbox_client, f"{folder}/1", n=1)
    two = assert_delivered(kiln, inbox_client, f"{folder}/2", n=2)
    wrong = kiln.result(f"{folder}/3")
    assert (wrong["code"], wrong["message"]) == (1201, "n: must be at most 9, got 10")
    together = combined(kiln, folder)
    assert together == [kiln.result(f"{folder}/{part}") for part in (1, 2, 3)]
    kept = [kiln.item(task["task_id"]) for task in (one, two)]
    assert [(item["prompt"], item["aspect_ratio"]) for item in kept] == [("One", "1:1"), ("By default", "1:1")]

    # Other defaults are other jobs, and the folder's answer becomes theirs.
    before = kiln.result(folder)["request_id"]
    kiln.drop(f"{folder}/defaults.json", defaults | {"aspect_ratio": "3:4"})
    kiln.drop(f"{folder}/job.json", jobs)
    after = combined(kiln, folder, unlike=before)
    for old, new in zip((one, two), after[:2], strict=True):
        assert new["data"]["task_id"] != old["task_id"]
        assert kiln.item(new["data"]["task_id"])["aspect_ratio"] == "3:4"
    assert after[2]["code"] == 1201
    for task, n in ((after[0]["data"], 1), (after[1]["data"], 2)):
        assert_succeeded(kiln, inbox_client, task["task_id"], n=n)


def test_plain_list_of_jobs_makes_tasks(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop(f"{folder}/cat.png", picture())
    jobs = [{"prompt": prompt, "subject_image_list": subject("cat.png")} for prompt in ("One", "Two")]
    kiln.drop(f"{folder}/job.json", json.dumps(jobs).encode())
    tasks = [each["data"]["task_id"] for each in combined(kiln, folder)]
    assert len(set(tasks)) == 2
    for task_id in tasks:
        assert_succeeded(kiln, inbox_client, task_id)


def test_wrong_defaults_are_refused(kiln: Deployment, folder: str) -> None:
    kiln.drop(f"{folder}/defaults.json", b"[]")
    kiln.drop(f"{folder}/job.json", {"subject_image_list": subject("cat.png")})
    result = kiln.result(folder, code=1200)
    assert result["message"] == "defaults.json: must be a JSON object, got a list of 0"


def test_rotated_photograph_is_checked_as_displayed(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop(f"{folder}-right.jpg", rotated(750, 300))
    kiln.drop(f"{folder}-narrow.jpg", rotated(700, 299))
    assert_delivered(kiln, inbox_client, f"{folder}-right.jpg", n=1)
    refused = kiln.result(f"{folder}-narrow.jpg", code=1201)
    assert refused["message"] == f"{folder}-narrow.jpg: each side must be at least 300 px, got 299 x 700 px"


def test_upper_case_extensions_are_accepted(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop(f"{folder}.PNG", picture())
    kiln.drop(f"{folder}/CAT.PNG", picture())
    kiln.drop(f"{folder}/Harbour.JPG", picture(kind="JPEG"))
    # Neither does an extension that lies about the content matter.
    kiln.drop(f"{folder}/style.jpeg", picture())
    job = {"subject_image_list": subject("CAT.PNG"), "scene_image": "Harbour.JPG", "style_image": "style.jpeg"}
    kiln.drop(f"{folder}/job.json", job)
    assert_delivered(kiln, inbox_client, f"{folder}.PNG", n=1)
    assert_delivered(kiln, inbox_client, folder, n=1)


def test_unusual_names_in_a_list_make_tasks(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    odd = f"{folder} a+b 100% %2F 猫"
    for name in ("灯 笼+1%.png", "b/c d.png"):
        kiln.drop(f"{odd}/{name}", picture())
    jobs: JsonObject = {"jobs": [{"subject_image_list": subject(name)} for name in ("灯 笼+1%.png", "b/c d.png")]}
    kiln.drop(f"{odd}/job.json", jobs)
    for part in (1, 2):
        assert_delivered(kiln, inbox_client, f"{odd}/{part}", n=1)
    assert len(combined(kiln, odd)) == 2


ODD_FILES = {
    "empty.png": (b"", "must be a jpg, jpeg or png image by its content, got an empty file"),
    "text.png": (
        b"plain text",
        "must be a jpg, jpeg or png image by its content, got plain text: send the image itself",
    ),
    "large.png": (
        picture() + bytes(LIMIT + 1 - len(picture())),
        "must be at most 10 MB (10485760 bytes), got 10485761 bytes",
    ),
    "small.png": (picture(299, 299), "each side must be at least 300 px, got 299 x 299 px"),
    "gif.png": (picture(kind="GIF"), "must be a jpg, jpeg or png image by its content, got a GIF: export it as JPEG"),
    "wide.jpg": (picture(753, 300, kind="JPEG"), "width to height must be from 1:2.5 to 2.5:1, got 753 x 300 px"),
}


def test_each_wrong_file_has_its_own_refusal(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    count = len(inbox_client.list(pageSize=500))
    for name, (content, _) in ODD_FILES.items():
        kiln.drop(f"{folder}-{name}", content)
        kiln.drop(f"{folder}-{name}-job/{name}", content)
        kiln.drop(f"{folder}-{name}-job/job.json", {"subject_image_list": subject(name)})
    for name, (_, reason) in ODD_FILES.items():
        single, in_folder = f"{folder}-{name}", f"{folder}-{name}-job"
        assert kiln.result(single) == {"code": 1201, "message": f"{single}: {reason}", "request_id": single}
        assert kiln.result(in_folder) == {"code": 1201, "message": f"{name}: {reason}", "request_id": in_folder}
    assert len(inbox_client.list(pageSize=500)) == count


def test_largest_image_is_accepted(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    kiln.drop(f"{folder}.png", picture() + bytes(LIMIT - len(picture())))
    assert_delivered(kiln, inbox_client, f"{folder}.png", n=1)


def test_same_content_again_is_generated_once(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    jobs: JsonObject = {"jobs": [{"prompt": prompt, "subject_image_list": subject("cat.png")} for prompt in "ab"]}
    files: dict[str, bytes | JsonObject] = {f"{folder}/cat.png": picture(), f"{folder}/job.json": jobs}
    files[f"{folder}.png"] = picture(colour="navy")
    for name, body in files.items():
        kiln.drop(name, body)
    tasks = [
        assert_delivered(kiln, inbox_client, each, n=1) for each in (f"{folder}/1", f"{folder}/2", f"{folder}.png")
    ]
    generated = kiln.stats()["generated"]
    answer = kiln.result(folder)
    for name, body in itertools.chain(files.items(), reversed(files.items())):
        kiln.drop(name, body)
    kiln.settle()
    assert kiln.stats()["generated"] == generated
    assert [kiln.generations(task["task_id"]) for task in tasks] == [1, 1, 1]
    assert kiln.result(folder) == answer


def notify_again(kiln: Deployment, task_id: str) -> None:
    """Repeats the notification of a task's end, and waits for it: the first one may still be on its way."""
    [detail] = [each["detail"] for each in kiln.events(task_id) if each["detail-type"] == "Image Task Succeeded"]
    workflow = kiln.resource("NotificationWorkflow")
    kiln.invoke("NotifyFunction", {"notification_workflow": workflow, "detail": detail})


def test_newest_content_keeps_the_result_file(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    """Although the older content's tasks end last."""
    body: JsonObject = {"subject_image_list": subject("cat.png")}

    def drop(colour: str) -> None:
        kiln.drop(f"{folder}/cat.png", picture(colour=colour))
        kiln.drop(f"{folder}/job.json", body)
        kiln.drop(f"{folder}.png", picture(colour=colour))

    count = len(inbox_client.list(pageSize=500))
    kiln.set_faults(task_seconds=NEVER)
    drop("teal")

    def begun() -> list[str] | None:
        new = inbox_client.list(pageSize=500)[:-count] if count else inbox_client.list(pageSize=500)
        task_ids = [task["task_id"] for task in new]
        return task_ids if len(task_ids) == 2 and all(kiln.generations(each) for each in task_ids) else None

    older = wait_until(begun, "the older content is being generated")
    kiln.set_faults(task_seconds=0.1)
    drop("navy")
    newer = [assert_delivered(kiln, inbox_client, name, n=1)["task_id"] for name in (folder, f"{folder}.png")]
    kiln.finish()
    assert not set(newer) & set(older)
    for task_id in older:
        assert_succeeded(kiln, inbox_client, task_id)
        notify_again(kiln, task_id)
    for name, task_id in zip((folder, f"{folder}.png"), newer, strict=True):
        assert kiln.result(name)["data"]["task_id"] == task_id

    # Going back to what was there before is no new task, and its answer is put back.
    generated = kiln.stats()["generated"]
    drop("teal")
    for name in (folder, f"{folder}.png"):
        wait_until(lambda each=name: kiln.result(each)["data"]["task_id"] in older, "the older answer is back")
    assert kiln.stats()["generated"] == generated


def notification(kiln: Deployment, key: str, *, sequencer: str, version_id: str) -> JsonObject:
    """S3's event for a new object."""
    dropped = {"key": quote_plus(key, safe="/"), "sequencer": sequencer, "versionId": version_id}
    bucket = {"name": kiln.here["inbox_bucket"]}
    return {"eventName": "ObjectCreated:Put", "eventSource": "aws:s3", "s3": {"bucket": bucket, "object": dropped}}


def test_repeated_and_reordered_events_make_one_task(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    """The inbox itself is looked at: an old version's notification, however late, is one of the new content."""
    key = f"{folder}/cat.png"
    body = {"subject_image_list": subject("cat.png")}
    count = len(inbox_client.list(pageSize=500))
    kiln.drop(key, picture(colour="teal"))
    kiln.drop(f"{folder}/job.json", body)
    first = assert_delivered(kiln, inbox_client, folder, n=1)
    kiln.drop(key, picture(colour="navy"))
    wait_until(lambda: kiln.result(folder)["data"]["task_id"] != first["task_id"], "the new content is done")
    second = assert_delivered(kiln, inbox_client, folder, n=1)

    versions = kiln.aws.s3.list_object_versions(Bucket=kiln.here["inbox_bucket"], Prefix=key)["Versions"]
    new, old = [
        notification(kiln, key, sequencer=f"{9 - rank:018X}", version_id=each["VersionId"])
        for rank, each in enumerate(versions)
    ]
    job = notification(kiln, f"{folder}/job.json", sequencer=f"{1:018X}", version_id="null")
    for records in ([new, old], [old], [old, new, old], [job, old], [new, job]):
        kiln.send_to_inbox_queue({"Records": records})
    kiln.settle()
    assert len(inbox_client.list(pageSize=500)) == count + 2
    assert assert_delivered(kiln, inbox_client, folder, n=1) == second
    assert kiln.generations(first["task_id"]) == 1


def test_event_of_a_deleted_object_is_ignored(kiln: Deployment, inbox_client: Client, folder: str) -> None:
    count = len(inbox_client.list(pageSize=500))
    gone = [notification(kiln, key, sequencer="1", version_id="x") for key in (f"{folder}.png", f"{folder}/job.json")]
    kiln.send_to_inbox_queue({"Records": gone})
    kiln.settle()
    assert len(inbox_client.list(pageSize=500)) == count
    assert kiln.read(f"{folder}.png/result.json") is None
