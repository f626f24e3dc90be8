"""``kiln mcp``, called by the official SDK's own client in the same process."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from kiln_client import AsyncKiln
from tests.support.fake_api import KEY, URL, FakeApi
from tests.support.images import picture

if TYPE_CHECKING:
    from mcp import Client


def call(api: FakeApi, name: str, **arguments: Any) -> Any:
    async def do(client: Client) -> Any:
        return await client.call_tool(name, arguments)

    return connected(api, do)


def connected(api: FakeApi, do: Callable[[Client], Awaitable[Any]]) -> Any:
    # The SDK takes a second to import, which only the worker that needs it pays.
    from mcp import Client

    from kiln_cli.pictures import mcp_tools

    async def no_pause(_seconds: float) -> None:
        """The fake moves on at each look."""

    def connect() -> AsyncKiln:
        return AsyncKiln(URL, KEY, transport=api.transport(), sleep=no_pause)

    async def run() -> Any:
        async with Client(mcp_tools.make_server(connect)) as client:
            return await do(client)

    return asyncio.run(run())


def test_tools_are_listed_with_what_they_cost(api: FakeApi) -> None:
    tools = {tool.name: tool for tool in connected(api, lambda client: client.list_tools()).tools}
    assert set(tools) == {"generate_pictures", "look_at_task", "list_tasks", "cancel_task"}
    assert tools["generate_pictures"].annotations.read_only_hint is False
    assert tools["look_at_task"].annotations.read_only_hint is True
    assert set(tools["generate_pictures"].input_schema["required"]) == {"subjects", "prompt"}


def test_generated_pictures_are_returned_as_content(api: FakeApi, folder: Any) -> None:
    answer = call(api, "generate_pictures", subjects=["cat.png"], prompt="A cat", n=2, aspect_ratio="1:1")
    assert not answer.is_error
    kinds = [content.type for content in answer.content]
    assert kinds == ["text", "text", "image", "text", "image"]
    assert base64.b64decode(answer.content[2].data) == picture()
    assert [answer.content[number].mime_type for number in (2, 4)] == ["image/png", "image/jpeg"]
    body = api.created()[0]
    assert (body["prompt"], body["n"], body["aspect_ratio"]) == ("A cat", 2, "1:1")


def test_large_picture_is_returned_as_its_link(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiln_cli.pictures.mcp_tools.LARGEST_PICTURE_BYTES", 10)
    api.add("one")
    answer = call(api, "look_at_task", task_id="one")
    assert [content.type for content in answer.content] == ["text", "text"]
    assert answer.content[1].text == f"picture 0: {URL}/v1/results/one/0"


def test_refusal_of_the_api_is_readable(api: FakeApi) -> None:
    answer = call(api, "look_at_task", task_id="gone")
    assert answer.is_error
    assert "Task not found" in answer.content[0].text


def test_missing_file_creates_no_task(api: FakeApi, folder: Any) -> None:
    answer = call(api, "generate_pictures", subjects=["gone.png"], prompt="A cat")
    assert answer.is_error
    assert "gone.png: no such file" in answer.content[0].text
    assert api.created() == []


def test_tasks_are_listed_up_to_the_limit(api: FakeApi) -> None:
    api.add("one", "two", "three")
    lines = [content.text for content in call(api, "list_tasks", limit=2).content]
    assert [line.split()[0] for line in lines] == ["three", "two"]
    assert call(api, "list_tasks", status="failed").content[0].text == "No tasks match."


def test_waiting_task_is_cancelled_and_a_running_one_is_not(api: FakeApi) -> None:
    api.add("waiting", stages=("waiting",))
    api.add("running", stages=("generating",))
    assert "failed" in call(api, "cancel_task", task_id="waiting").content[0].text
    refused = call(api, "cancel_task", task_id="running")
    assert refused.is_error
    assert "cannot be cancelled" in refused.content[0].text
