"""Uploads: a place for one image of one caller, and a reference that is checked when it is used."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from kiln import clock, s3
from kiln.auth.callers import Caller
from kiln.errors import IdempotencyKeyReused, InvalidRequest, TooManyRequests, TooManyUploads
from kiln.images.inputs import S3Image
from kiln.images.inspection import ImageViolation, inspect
from kiln.intake import create as creating
from kiln.intake.uploads import SCHEME, Uploads, open_upload
from kiln.tasks.task import Task
from tests.support.images import picture

ADA = Caller(name="ada")


def create(body: str, caller: Caller, **options: str) -> Task:
    return creating.create(body, caller, **options).task


def upload(cloud, content: bytes, caller: str = "ada") -> str:
    """Opens a place and uploads to it, as the form would."""
    place = open_upload(Caller(name=caller))
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=content)
    return place.reference


def test_a_place_takes_one_image_of_at_most_10_mb_for_15_minutes(cloud):
    place = open_upload(ADA)
    assert re.fullmatch(r"kiln-upload://[0-9a-f]{32}", place.reference)
    assert place.fields["key"] == f"uploads/ada/{place.reference.removeprefix('kiln-upload://')}"
    policy = json.loads(base64.b64decode(place.fields["policy"]))
    assert ["content-length-range", 1, 10_485_760] in policy["conditions"]
    assert place.max_bytes == 10_485_760
    assert place.expires_at == pytest.approx(clock.milliseconds() + 900_000, abs=5_000)
    assert open_upload(ADA).reference != place.reference


def test_upload_is_offered_and_read_once(cloud):
    reference = upload(cloud, picture())
    uploads = Uploads("ada")
    found = uploads.get(reference)
    key = f"uploads/ada/{reference.removeprefix('kiln-upload://')}"
    assert found == S3Image("kiln-inputs", key, etag=cloud.s3.head_object(Bucket="kiln-inputs", Key=key)["ETag"])
    assert uploads.contents() == {reference: found.etag}
    cloud.s3.delete_object(Bucket="kiln-inputs", Key=found.key)
    assert uploads.get(reference) == found


@pytest.mark.parametrize("text", ["https://images.test/1", "cat.png", "kiln-upload://", f"kiln-upload://{'0' * 33}"])
def test_string_that_is_no_reference_reads_nothing(text):
    assert Uploads("ada").get(text) is None


def test_reference_without_an_upload_is_refused(cloud):
    reference = open_upload(ADA).reference
    with pytest.raises(ImageViolation, match="must have been uploaded first") as violated:
        Uploads("ada").get(reference)
    assert violated.value.got == f"nothing at {reference}"


def test_another_callers_upload_is_not_there(cloud):
    reference = upload(cloud, picture(), "bob")
    with pytest.raises(ImageViolation, match="must have been uploaded first"):
        Uploads("ada").get(reference)


def test_upload_is_not_read_before_the_rest_of_the_request_is_right(cloud):
    reference = upload(cloud, picture(299, 299))
    assert Uploads("ada").get(reference) is not None
    with pytest.raises(InvalidRequest, match="n: must be at most 9"):
        create(json.dumps({"subject_image_list": [reference], "n": 10}), ADA)


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The keys of the uploads whose content is read."""
    made: list[str] = []
    beginning = s3.beginning

    def read(found: s3.S3Object, amount: int) -> bytes:
        made.append(found.key)
        return beginning(found, amount)

    monkeypatch.setattr(s3, "beginning", read)
    return made


def test_reading_stops_at_the_first_wrong_upload(cloud, reads):
    good, bad, other = (upload(cloud, picture(size, size)) for size in (320, 299, 400))
    with pytest.raises(InvalidRequest, match=r"^subject_image_list\[1\].subject_image: each side"):
        create(json.dumps({"subject_image_list": [good, bad, good, other], "scene_image": other}), ADA)
    assert reads == [f"uploads/ada/{reference.removeprefix(SCHEME)}" for reference in (good, bad)]


def test_refused_uploads_count_against_the_minute_and_then_are_not_read(cloud, reads, one_minute):
    ada = Caller(name="ada", tasks_per_minute=2)
    body = json.dumps({"subject_image_list": [upload(cloud, picture(299, 299))]})
    for _ in range(2):
        with pytest.raises(InvalidRequest):
            create(body, ada)
    with pytest.raises(TooManyRequests):
        create(body, ada)
    assert len(reads) == 2


def test_accepted_uploads_count_once(cloud, one_minute):
    ada = Caller(name="ada", tasks_per_minute=2)
    body = json.dumps({"subject_image_list": [upload(cloud, picture())]})
    create(body, ada)
    create(body, ada)
    with pytest.raises(TooManyRequests):
        create(body, ada)


def test_repeated_request_does_not_read_its_uploads_again(cloud, reads):
    body = json.dumps({"subject_image_list": [upload(cloud, picture())]})
    first = create(body, ADA, idempotency_key="once")
    assert create(body, ADA, idempotency_key="once") == first
    assert len(reads) == 1


def test_uploads_of_a_minute_are_as_many_as_its_tasks_can_name(one_minute, cloud):
    ada = Caller(name="ada", tasks_per_minute=2)
    for _ in range(12):
        open_upload(ada)
    with pytest.raises(TooManyUploads, match="too many requests: at most 12 uploads may be created a minute"):
        open_upload(ada)
    open_upload(Caller(name="bob", tasks_per_minute=2))
    create(json.dumps({"subject_image_list": ["https://images.test/1"]}), ada)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_damaged_upload_is_refused(cloud, form):
    content = picture(form=form)
    reference = upload(cloud, content[: len(content) * 6 // 10])
    with pytest.raises(InvalidRequest, match="style_image: must be a whole, undamaged image"):
        create(json.dumps({"subject_image_list": ["https://images.test/1"], "style_image": reference}), ADA)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "must have been uploaded first, got nothing at kiln-upload://"),
        (b"plain text", "must be a jpg, jpeg or png image by its content, got plain text: send the image itself"),
        (picture(299, 400), "each side must be at least 300 px, got 299 x 400 px"),
    ],
    ids=["nothing", "no image", "too narrow"],
)
def test_field_of_a_wrong_upload_is_named(cloud, content, reason):
    reference = open_upload(ADA).reference if content is None else upload(cloud, content)
    body = {"subject_image_list": [{"subject_image": upload(cloud, picture())}], "scene_image": reference}
    with pytest.raises(InvalidRequest) as refused:
        create(json.dumps(body), ADA)
    assert refused.value.message.startswith(f"scene_image: {reason}")


def test_later_uploads_do_not_change_a_tasks_images(cloud):
    place = open_upload(ADA)
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=picture())
    body = json.dumps({"subject_image_list": [{"subject_image": place.reference}]})
    first = create(body, ADA, idempotency_key="first")
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=picture(400, 400))
    second = create(body, ADA, idempotency_key="second")
    for task, size in ((first, (320, 320)), (second, (400, 400))):
        [kept] = task.inputs
        facts = inspect(cloud.s3.get_object(Bucket=kept.bucket, Key=kept.key)["Body"].read())
        assert (facts.width, facts.height) == size


@pytest.mark.parametrize(("written", "slash"), [("as it is", "/"), ("by PHP", "\\/"), ("by a code", "\\u002f")])
def test_image_that_is_uploaded_again_is_the_same_request(cloud, written, slash):
    def submit(content: bytes):
        body = json.dumps({"prompt": written, "subject_image_list": [{"subject_image": upload(cloud, content)}]})
        return create(body.replace("/", slash), ADA, idempotency_key="once")

    first = submit(picture())
    assert submit(picture()).task_id == first.task_id
    with pytest.raises(IdempotencyKeyReused):
        submit(picture(400, 400))


def test_a_digest_of_the_release_before_is_still_the_requests(cloud):
    reference = upload(cloud, picture())
    body = json.dumps({"subject_image_list": [{"subject_image": reference}]})
    etag = cloud.s3.head_object(Bucket="kiln-inputs", Key=f"uploads/ada/{reference.removeprefix(SCHEME)}")["ETag"]
    made = create(body, ADA, idempotency_key="once")
    assert made.request_digest == hashlib.sha256(body.replace(reference, etag).encode()).hexdigest()
