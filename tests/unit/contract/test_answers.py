"""What goes out has exactly the fields of the contract, with its names and its types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from kiln.contract import CallbackBody, CreatedTask, Envelope, FoundTask, ResultImage, TaskStatus
from kiln.contract.answers import Refusal

TIMES = {"created_at": 1_722_769_557_708, "updated_at": 1_722_769_557_709}


def test_answer_to_create_has_the_contracts_fields():
    created = CreatedTask(task_id="1", task_status=TaskStatus.SUBMITTED, **TIMES)
    envelope = Envelope[Any](request_id="r", data=created)
    assert json.loads(envelope.model_dump_json()) == {
        "code": 0,
        "message": "SUCCEED",
        "request_id": "r",
        "data": {"task_id": "1", "task_info": {"external_task_id": ""}, "task_status": "submitted", **TIMES},
    }


def test_answer_to_query_has_the_contracts_fields():
    found = FoundTask(task_id="1", task_status=TaskStatus.PROCESSING, **TIMES)
    assert json.loads(found.model_dump_json(exclude_none=True)) == {
        "task_id": "1",
        "task_info": {"external_task_id": ""},
        "task_status": "processing",
        "task_status_msg": "",
        "final_unit_deduction": "",
        "watermark_info": {"enabled": False},
        "task_result": {"images": []},
        **TIMES,
    }


def test_callback_body_has_no_envelope():
    body = CallbackBody(task_id="1", task_status=TaskStatus.FAILED, task_status_msg="why", **TIMES)
    assert set(json.loads(body.model_dump_json())) == {
        "task_id",
        "task_status",
        "task_status_msg",
        "task_info",
        "final_unit_deduction",
        "task_result",
        "created_at",
        "updated_at",
    }


def test_refusal_has_no_data():
    assert set(Refusal(code=1201, message="no", request_id="r").model_dump()) == {"code", "message", "request_id"}


def test_negative_image_index_is_refused():
    with pytest.raises(ValidationError):
        ResultImage(index=-1, url="https://kiln.test")
