"""Buckets, tables and queues are private and encrypted, use TLS only, and accept named senders alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.account import template
from tests.support.transformed import expanded, of_type

TEMPLATE = template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]


def properties_of(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, as the template writes them."""
    return {name: each.get("Properties", {}) for name, each in RESOURCES.items() if each["Type"] == kind}


BUCKETS = properties_of("AWS::S3::Bucket")


def test_resources_are_found():
    assert len(BUCKETS) >= 3
    assert properties_of("AWS::DynamoDB::Table")
    assert properties_of("AWS::SQS::Queue")


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_is_private_and_encrypted(name):
    assert all(BUCKETS[name]["PublicAccessBlockConfiguration"].values())
    assert len(BUCKETS[name]["PublicAccessBlockConfiguration"]) == 4
    assert BUCKETS[name]["BucketEncryption"]["ServerSideEncryptionConfiguration"]


@pytest.mark.parametrize("name", BUCKETS)
def test_bucket_accepts_tls_only(name):
    [policy] = [each for each in properties_of("AWS::S3::BucketPolicy").values() if each["Bucket"] == {"Ref": name}]
    assert TEMPLATE["Parameters"]["RequireTls"]["Default"] == "true"
    [deny] = policy["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert deny["Resource"] == [{"Fn::GetAtt": [name, "Arn"]}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


def test_inbox_bucket_keeps_versions():
    assert BUCKETS["InboxBucket"]["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("name", ["Table", "OutboxBucket", "InboxBucket"])
def test_stateful_resources_are_retained(name):
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"
    # Retain would also keep the resource of a create that failed.
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"


@pytest.mark.parametrize(("name", "table"), properties_of("AWS::DynamoDB::Table").items())
def test_table_is_encrypted_and_can_be_restored(name, table):
    # The default encryption is free; SSEEnabled pays KMS for a key that needs no management.
    assert "SSESpecification" not in table
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True


@pytest.mark.parametrize(("name", "queue"), properties_of("AWS::SQS::Queue").items())
def test_queue_is_encrypted(name, queue):
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize(("name", "policy"), properties_of("AWS::SQS::QueuePolicy").items())
def test_queue_accepts_messages_from_named_senders_alone(name, policy):
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Action"] == "sqs:SendMessage"
        assert set(statement["Principal"]) == {"Service"}
        assert statement["Condition"], "a service alone could act for any account"


def test_inbox_queue_accepts_messages_from_the_inbox_bucket_alone():
    [policy] = [
        each for each in properties_of("AWS::SQS::QueuePolicy").values() if each["Queues"] == [{"Ref": "InboxQueue"}]
    ]
    [by_s3] = [
        each for each in policy["PolicyDocument"]["Statement"] if each["Principal"]["Service"] == "s3.amazonaws.com"
    ]
    arn = by_s3["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::Join"]
    assert arn == ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", BUCKETS["InboxBucket"]["BucketName"]]]
    # An ARN of S3 names no account, and the name of a deleted bucket is free for everybody.
    assert by_s3["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_rule_that_rescues_tasks_has_a_dead_letter_queue_that_accepts_its_events():
    resources = expanded()
    [(name, rule)] = [
        (name, each["Properties"])
        for name, each in of_type(resources, "AWS::Events::Rule").items()
        if each["Properties"].get("EventPattern", {}).get("source") == ["aws.states"]
    ]
    [target] = rule["Targets"]
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["UnstartedTasks", "Arn"]}}
    statements = resources["UnstartedTasksPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert [each["Condition"] for each in statements] == [
        {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [name, "Arn"]}}}
    ]


def test_no_secret_that_people_fill_in_has_a_value_in_the_template():
    # CloudFormation writes a secret's value when its property changes. Without the property, no update can replace
    # a key (docs/adr/0085-secrets-that-people-fill-in-have-no-value-in-the-template.md).
    secrets = {name: each["Properties"] for name, each in of_type(expanded(), "AWS::SecretsManager::Secret").items()}
    assert set(secrets) == {"ProviderSecret", "CallersSecret", "SigningSecret"}
    assert {name: set(each) for name, each in secrets.items() if name != "SigningSecret"} == {
        "ProviderSecret": {"Description"},
        "CallersSecret": {"Description"},
    }


def test_generated_signing_secret_never_changes_its_rule():
    # Another rule would generate another key, and end every result link.
    secret = expanded()["SigningSecret"]["Properties"]
    assert "SecretString" not in secret
    assert secret["GenerateSecretString"] == {
        "SecretStringTemplate": "{}",
        "GenerateStringKey": "key",
        "PasswordLength": 64,
        "ExcludePunctuation": True,
    }
