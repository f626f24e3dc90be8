"""What the template promises of everything that keeps something: private, encrypted, over TLS only, and narrow."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.account import template

TEMPLATE = template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each.get("Properties", {}) for name, each in RESOURCES.items() if each["Type"] == kind}


BUCKETS = of_type("AWS::S3::Bucket")


def test_there_is_something_to_look_at():
    assert len(BUCKETS) >= 3
    assert of_type("AWS::DynamoDB::Table")
    assert of_type("AWS::SQS::Queue")


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_private_and_encrypted(name):
    assert all(BUCKETS[name]["PublicAccessBlockConfiguration"].values())
    assert len(BUCKETS[name]["PublicAccessBlockConfiguration"]) == 4
    assert BUCKETS[name]["BucketEncryption"]["ServerSideEncryptionConfiguration"]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_speaks_tls_only(name):
    [policy] = [each for each in of_type("AWS::S3::BucketPolicy").values() if each["Bucket"] == {"Ref": name}]
    assert TEMPLATE["Parameters"]["RequireTls"]["Default"] == "true"
    [deny] = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_what_is_dropped_keeps_its_versions():
    assert BUCKETS["InboxBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("name", ["Table", "OutboxBucket", "InboxBucket"])
def test_what_people_own_outlives_the_stack(name):
    assert RESOURCES[name]["DeletionPolicy"] == RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize(("name", "table"), of_type("AWS::DynamoDB::Table").items())
def test_a_table_is_encrypted_and_can_be_put_back(name, table):
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


@pytest.mark.parametrize(("name", "queue"), of_type("AWS::SQS::Queue").items())
def test_a_queue_is_encrypted(name, queue):
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(("name", "policy"), of_type("AWS::SQS::QueuePolicy").items())
def test_a_queue_takes_messages_from_named_senders_alone(name, policy):
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Action"] == "sqs:SendMessage"
        assert set(statement["Principal"]) == {"Service"}
        assert statement["Condition"], "a service alone could be anybody's"


FUNCTIONS = of_type("AWS::Serverless::Function")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_is_named_and_nothing_else(name):
    for policy in FUNCTIONS[name].get("Policies", []):
        for statement in policy["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in actions if "*" in action]
            if statement["Resource"] == "*":
                assert set(actions) <= {"states:SendTaskSuccess"}, "the token is the permission there"


@pytest.mark.parametrize("name", ["SubmitFunction", "OperateFunction"])
def test_a_function_that_copies_inputs_can_tell_that_one_is_gone(name):
    """S3 answers 403 for what is not there to those who may not list the bucket, and that is no answer."""
    statements = [each for policy in FUNCTIONS[name]["Policies"] for each in policy["Statement"]]
    [listed] = [each["Resource"] for each in statements if each["Action"] == "s3:ListBucket"]
    assert {bucket for bucket in ("InboxBucket", "InputsBucket") if bucket in str(listed)} == {
        "InboxBucket",
        "InputsBucket",
    }
