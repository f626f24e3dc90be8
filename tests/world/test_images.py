"""The table of image files, at every way in: in a request, as an upload, and dropped."""

from __future__ import annotations

import json

import pytest

from kiln import s3
from kiln.auth.callers import Caller
from kiln.drops.dropped_image import checked_image
from kiln.errors import InvalidRequest
from kiln.intake.create import create
from kiln.intake.uploads import open_upload
from tests.support.functions import call, sample
from tests.support.images import in_base64
from tests.world.images import ROWS, Row
from tests.world.in_process import _environment, _furnished, _no_sockets, cloud, measured  # noqa: F401 - fixtures

ADA = Caller(name="ada")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_image_in_a_request_has_its_outcome(cloud, row: Row):  # noqa: F811
    body = {"subject_image_list": [{"subject_image": in_base64(row.content)}]}
    status, answer, _ = call("submit", sample("api-create", body=json.dumps(body)))
    assert (status, answer["code"]) == ((400, 1201) if row.says else (200, 0)), answer["message"]
    assert row.says in answer["message"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_uploaded_image_has_its_outcome(cloud, row: Row):  # noqa: F811
    upload = open_upload(ADA)
    cloud.s3.put_object(Bucket="kiln-inputs", Key=upload.fields["key"], Body=row.content)
    body = json.dumps({"subject_image_list": [{"subject_image": upload.reference}]})
    if not row.says:
        assert create(body, ADA).task.inputs
        return
    with pytest.raises(InvalidRequest) as refused:
        create(body, ADA)
    assert row.says in refused.value.message


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_dropped_image_has_its_outcome(cloud, row: Row):  # noqa: F811
    cloud.s3.put_object(Bucket="kiln-inbox", Key="cat.jpg", Body=row.content)
    file = s3.head("kiln-inbox", "cat.jpg")
    assert file is not None
    if not row.says:
        assert checked_image(file, "cat.jpg").key == "cat.jpg"
        return
    with pytest.raises(InvalidRequest) as refused:
        checked_image(file, "cat.jpg")
    assert row.says in refused.value.message
