"""A reset of the simulated provider's connection: the caller cannot know whether the task was created."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from starlette.types import Message

from local.provider.faults.connection import ConnectionReset, with_transport
from tests.support.provider_rig import make_job, provider


def test_reset_create_has_created_its_task_or_not():
    with provider(max_slots=100) as rig:
        rig.set_faults(reset_rate=1)
        for _ in range(20):
            rig.create(make_job())
        assert 0 < rig.stats()["generated"] < 20


def test_reset_answer_resets_the_tcp_connection():
    here, there = socket.socketpair()
    line = Line(here)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect" if line.is_cut else "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    with here, there:
        asyncio.run(ConnectionReset()({"type": "http", "simulated-provider.transport": line}, receive, send))
        linger = struct.unpack("ii", here.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    assert (line.is_cut, linger, sent) == (True, (1, 0), [])


def test_reset_without_a_transport_raises():
    with pytest.raises(ConnectionResetError):
        asyncio.run(ConnectionReset()({"type": "http"}, _unused, _unused))


def test_transport_reaches_the_application():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["simulated-provider.transport"])

    class Cycle:
        transport = "the transport"

        async def send(self, message):
            raise AssertionError(message)

    asyncio.run(with_transport(app)({"type": "http"}, _unused, Cycle().send))
    asyncio.run(with_transport(app)({"type": "http"}, _unused, _unused))
    assert seen == ["the transport", None]


async def _unused(*_):
    raise AssertionError("nothing is to be received or sent")


class Line:
    """A server's transport, as much of it as is used."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.is_cut = False

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._end

    def abort(self) -> None:
        self.is_cut = True
