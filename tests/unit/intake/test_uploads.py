"""Uploads: a place for one image of one caller, and a reference that is checked when it is used."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from kiln import clock
from kiln.auth.callers import Caller
from kiln.errors import IdempotencyKeyReused, InvalidRequest
from kiln.images.inputs import S3Image
from kiln.images.inspection import ImageViolation, inspect
from kiln.intake.create import create
from kiln.intake.uploads import SCHEME, Uploads, open_upload
from tests.support.images import picture


def upload(cloud, content: bytes, caller: str = "ada") -> str:
    """Opens a place and uploads to it, as the form would."""
    place = open_upload(caller)
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=content)
    return place.reference


def test_upload_form_allows_one_image_of_10_mb_for_15_minutes(cloud):
    place = open_upload("ada")
    assert re.fullmatch(r"kiln-upload://[0-9a-f]{32}", place.reference)
    assert place.fields["key"] == f"uploads/ada/{place.reference.removeprefix('kiln-upload://')}"
    policy = json.loads(base64.b64decode(place.fields["policy"]))
    assert ["content-length-range", 1, 10_485_760] in policy["conditions"]
    assert place.max_bytes == 10_485_760
    assert place.expires_at == pytest.approx(clock.milliseconds() + 900_000, abs=5_000)
    assert open_upload("ada").reference != place.reference


def test_uploaded_image_is_offered_and_checked_once(cloud):
    reference = upload(cloud, picture())
    uploads = Uploads("ada")
    found = uploads.get(reference)
    key = f"uploads/ada/{reference.removeprefix('kiln-upload://')}"
    assert found == S3Image("kiln-inputs", key, etag=cloud.s3.head_object(Bucket="kiln-inputs", Key=key)["ETag"])
    assert uploads.contents() == {reference: found.etag}
    cloud.s3.delete_object(Bucket="kiln-inputs", Key=found.key)
    assert uploads.get(reference) is found


@pytest.mark.parametrize("text", ["https://images.test/1", "cat.png", "kiln-upload://", f"kiln-upload://{'0' * 33}"])
def test_string_other_than_a_reference_makes_no_request(text):
    assert Uploads("ada").get(text) is None


def test_reference_without_upload_is_refused(cloud):
    reference = open_upload("ada").reference
    with pytest.raises(ImageViolation, match="must have been uploaded first") as violated:
        Uploads("ada").get(reference)
    assert violated.value.got == f"nothing at {reference}"


def test_upload_of_another_caller_is_not_found(cloud):
    reference = upload(cloud, picture(), "bob")
    with pytest.raises(ImageViolation, match="must have been uploaded first"):
        Uploads("ada").get(reference)


def test_uploaded_image_is_checked_against_the_contract(cloud):
    reference = upload(cloud, picture(299, 299))
    with pytest.raises(ImageViolation, match="each side must be at least 300 px"):
        Uploads("ada").get(reference)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "must have been uploaded first, got nothing at kiln-upload://"),
        (b"plain text", "must be a jpg, jpeg or png image by its content, got bytes that are neither"),
        (picture(299, 400), "each side must be at least 300 px, got 299 x 400 px"),
    ],
    ids=["nothing", "no image", "too narrow"],
)
def test_refusal_names_the_field_of_a_wrong_upload(cloud, content, reason):
    reference = open_upload("ada").reference if content is None else upload(cloud, content)
    body = {"subject_image_list": [{"subject_image": upload(cloud, picture())}], "scene_image": reference}
    with pytest.raises(InvalidRequest) as refused:
        create(json.dumps(body), Caller(name="ada"))
    assert refused.value.message.startswith(f"scene_image: {reason}")


def test_later_upload_does_not_change_a_tasks_image(cloud):
    place = open_upload("ada")
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=picture())
    body = json.dumps({"subject_image_list": [{"subject_image": place.reference}]})
    first = create(body, Caller(name="ada"), idempotency_key="first")
    cloud.s3.put_object(Bucket="kiln-inputs", Key=place.fields["key"], Body=picture(400, 400))
    second = create(body, Caller(name="ada"), idempotency_key="second")
    for task, size in ((first, (320, 320)), (second, (400, 400))):
        [kept] = task.inputs
        facts = inspect(cloud.s3.get_object(Bucket=kept.bucket, Key=kept.key)["Body"].read())
        assert (facts.width, facts.height) == size


@pytest.mark.parametrize(("written", "slash"), [("as it is", "/"), ("by PHP", "\\/"), ("by a code", "\\u002f")])
def test_image_uploaded_again_is_the_same_request(cloud, written, slash):
    def submit(content: bytes):
        body = json.dumps({"prompt": written, "subject_image_list": [{"subject_image": upload(cloud, content)}]})
        return create(body.replace("/", slash), Caller(name="ada"), idempotency_key="once")

    first = submit(picture())
    assert submit(picture()).task_id == first.task_id
    with pytest.raises(IdempotencyKeyReused):
        submit(picture(400, 400))


def test_digest_of_the_previous_release_matches(cloud):
    reference = upload(cloud, picture())
    body = json.dumps({"subject_image_list": [{"subject_image": reference}]})
    etag = cloud.s3.head_object(Bucket="kiln-inputs", Key=f"uploads/ada/{reference.removeprefix(SCHEME)}")["ETag"]
    made = create(body, Caller(name="ada"), idempotency_key="once")
    assert made.request_digest == hashlib.sha256(body.replace(reference, etag).encode()).hexdigest()
