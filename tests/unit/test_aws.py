"""The error code of whatever a client raises."""

from __future__ import annotations

import pytest

from kiln import aws
from tests.unit.fakes import client_error


@pytest.mark.parametrize(
    ("error", "code"), [(client_error("NoSuchKey"), "NoSuchKey"), (ValueError("x"), ""), (KeyError("response"), "")]
)
def test_the_code_of_an_error(error, code):
    assert aws.error_code(error) == code


def test_clients_are_made_once(cloud):
    assert aws.dynamodb() is aws.dynamodb()
    assert aws.s3() is aws.s3()
    assert aws.s3().meta.config.signature_version == "s3v4"
    assert aws.sqs() is aws.sqs()
    assert aws.step_functions() is aws.step_functions()
