"""Answers have exactly the fields of the contract, with its names and its types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from kiln.contract import CallbackBody, CreatedTask, Envelope, FoundTask, ResultImage, TaskStatus
from kiln.contract.envelope import Refusal

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
        "task_result",
        "created_at",
        "updated_at",
    }


@pytest.mark.parametrize("model", [FoundTask, CallbackBody])
def test_a_charge_is_absent_until_it_is_known(model):
    """Typed clients read it as a number that may be absent; an empty string breaks them."""
    task = {"task_id": "1", "task_status": TaskStatus.SUCCEED, **TIMES}
    assert not {"final_unit_deduction", "final_balance_deduction"} & set(json.loads(model(**task).model_dump_json()))
    balance = {"quota": "1", "list_price": 0.5}
    charged = json.loads(
        model(**task, final_unit_deduction="16", final_balance_deduction=balance).model_dump_json(exclude_none=True)
    )
    assert (charged["final_unit_deduction"], charged["final_balance_deduction"]) == ("16", balance)


def test_a_watermarked_image_is_named_beside_its_image_or_absent():
    image = {"index": 0, "url": "https://kiln.test/0.png"}
    assert ResultImage(**image).model_dump() == image
    both = {**image, "watermark_url": "https://kiln.test/0-watermark.png"}
    assert ResultImage(**both).model_dump() == both


def test_a_refusal_has_no_data():
    assert set(Refusal(code=1201, message="no", request_id="r").model_dump()) == {"code", "message", "request_id"}


def test_negative_image_index_is_refused():
    with pytest.raises(ValidationError):
        ResultImage(index=-1, url="https://kiln.test")
