"""The tools of ``kiln mcp``: an MCP server over the client, for assistants that call tools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from kiln_client import AsyncKiln, KilnError, Task
from kiln_client.images import suffix
from kiln_client.version import VERSION

LARGEST_PICTURE_BYTES = 1024 * 1024
"""A larger picture is given as its link alone: assistants refuse messages of more than a few megabytes."""

_WAIT_SECONDS = 600
_INSTRUCTIONS = (
    "Kiln generates pictures from one to four reference pictures and a prompt. Every generated picture costs money. "
    "A task takes about half a minute, or longer while others wait. Look at a task again instead of generating again."
)
_READS = ToolAnnotations(read_only_hint=True)
_PAYS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False)
_CANCELS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)

Ratio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]
Status = Literal["submitted", "processing", "succeed", "failed"]
Subjects = Annotated[
    list[str], Field(min_length=1, max_length=4, description="Paths of JPEG or PNG files on this computer, or URLs")
]
TaskId = Annotated[str, Field(description="Kiln's id of the task, or your own external id")]
Shown = list[str | Image]


def make_server(connect: Callable[[], AsyncKiln]) -> MCPServer:
    """A server with tools that generate, look, list and cancel.

    Args:
        connect: Makes a client of the Kiln to use; called once for each call of a tool.
    """
    server = MCPServer("kiln", title="Kiln", version=VERSION, instructions=_INSTRUCTIONS)

    @server.tool(annotations=_PAYS, structured_output=False)
    async def generate_pictures(
        context: Context,
        subjects: Subjects,
        prompt: Annotated[str, Field(max_length=2_500, description="What the new pictures show")],
        scene: Annotated[str | None, Field(description="Path or URL of a picture of the scene")] = None,
        style: Annotated[str | None, Field(description="Path or URL of a picture whose style to use")] = None,
        n: Annotated[int, Field(ge=1, le=9, description="How many pictures; each costs money")] = 1,
        aspect_ratio: Ratio = "16:9",
    ) -> Shown:
        """Generate new pictures from reference pictures, wait for them, and return them."""
        async with _opened(connect) as kiln:
            task = await kiln.create(
                *subjects, prompt=prompt, scene_image=scene, style_image=style, n=n, aspect_ratio=aspect_ratio
            )
            reports = 0
            async for progress in kiln.follow(task.task_id, timeout=_WAIT_SECONDS):
                reports += 1
                await context.report_progress(reports, message=f"{task.task_id}: {progress.stage}")
            return await _shown(kiln, await kiln.get(task.task_id))

    @server.tool(annotations=_READS, structured_output=False)
    async def look_at_task(task_id: TaskId) -> Shown:
        """Return a task's status, and its pictures if it has succeeded."""
        async with _opened(connect) as kiln:
            return await _shown(kiln, await kiln.get(task_id))

    @server.tool(annotations=_READS, structured_output=False)
    async def list_tasks(limit: Annotated[int, Field(ge=1, le=100)] = 10, status: Status | None = None) -> list[str]:
        """Return the newest tasks, one line each: id, time, status."""
        lines: list[str] = []
        async with _opened(connect) as kiln:
            async for task in kiln.list(status=status, page_size=limit):
                lines.append(_line(task))
                if len(lines) == limit:
                    break
        return lines or ["No tasks match."]

    @server.tool(annotations=_CANCELS, structured_output=False)
    async def cancel_task(task_id: TaskId) -> str:
        """Cancel a task that still waits in the queue. A task that was sent to the provider cannot be cancelled."""
        async with _opened(connect) as kiln:
            return _line(await kiln.cancel(task_id))

    return server


@asynccontextmanager
async def _opened(connect: Callable[[], AsyncKiln]) -> AsyncIterator[AsyncKiln]:
    """A client whose errors become messages that the assistant can read."""
    try:
        async with connect() as kiln:
            yield kiln
    except KilnError as error:
        raise ToolError(str(error)) from error


async def _shown(kiln: AsyncKiln, task: Task) -> Shown:
    shown: Shown = [_line(task)]
    for image in task.images:
        shown.append(f"picture {image.index}: {image.url}")
        content = await kiln.download(image.url)
        if len(content) <= LARGEST_PICTURE_BYTES:
            shown.append(Image(data=content, format=suffix(content).removeprefix(".").replace("jpg", "jpeg")))
    return shown


def _line(task: Task) -> str:
    position = f", number {task.queue_position} in the queue" if task.queue_position else ""
    reason = f": {task.task_status_msg}" if task.task_status_msg else ""
    return f"{task.task_id}  {task.created:%Y-%m-%d %H:%M:%S} UTC  {task.task_status}{position}{reason}"
