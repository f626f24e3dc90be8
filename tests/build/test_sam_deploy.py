"""The build output, deployed by the real ``sam deploy`` to the local AWS, takes a task to its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

from local.clients import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, AwsClients
from local.stack import Options, Stack
from tests.build.tasks import PATIENCE_SECONDS, create, ended

ROOT = Path(__file__).parents[2]


def sam() -> str:
    """The SAM CLI of ``make build``, or one that is on the PATH."""
    own = ROOT / ".venv-sam/bin/sam"
    found = str(own) if own.exists() else shutil.which("sam")
    if found is None:
        pytest.fail("no SAM CLI: run make build first")
    return found


def sam_deploy(
    clients: AwsClients,
    template: Path,
    stack_name: str,
    *,
    defaults: Mapping[str, str],
    overrides: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Does what ``local.deploy.deploy`` does, by the command that a person uses."""
    bucket = "sam-artifacts"
    clients.s3.create_bucket(Bucket=bucket)
    parameters = [f"{name}={value}" for name, value in {**defaults, **(overrides or {})}.items()]
    command = [sam(), "deploy", "--template-file", str(template), "--stack-name", stack_name, "--region", REGION]
    command += ["--s3-bucket", bucket, "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
    command += ["--no-progressbar", "--parameter-overrides", *parameters]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(template.parent),
        "AWS_ENDPOINT_URL": clients.endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "SAM_CLI_TELEMETRY": "0",
    }
    done = subprocess.run(
        command, cwd=template.parent, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3_000:]}\n{done.stderr[-3_000:]}"
    stack = clients.cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="the local AWS runs functions on its own Python")
def test_stack_deployed_by_sam_finishes_a_task(native, tmp_path):
    options = Options(
        tmp_path / "state",
        parameters={"PollAfterSeconds": "2"},
        provider_arguments=["--task-seconds", "0.4", "--pixels", "40000"],
        template=native / "template.yaml",
        deployment=sam_deploy,
    )
    with Stack(options) as stack:
        layers = stack.clients.client("lambda").list_layers()["Layers"]
        assert len(layers) == 1
        task = ended(stack, create(stack, n=2))
        assert task["task_status"] == "succeed", task
        images = task["task_result"]["images"]
        assert len(images) == 2
        for image in images:
            fetched = httpx.get(image["url"], follow_redirects=True, trust_env=False, timeout=PATIENCE_SECONDS)
            assert fetched.headers["Content-Type"].startswith("image/")
