"""``kiln mcp``: serves the tools for assistants over standard input and output."""

from __future__ import annotations

from kiln_cli.failures import USAGE, CommandFailed
from kiln_cli.pictures.session import Session
from kiln_client import AsyncKiln


def mcp(session: Session) -> None:
    """Serve Kiln to an assistant, as an MCP server on standard input and output.

    An assistant that speaks the Model Context Protocol starts this command itself.
    """
    try:
        from kiln_cli.pictures.mcp_tools import make_server  # noqa: PLC0415 - an optional dependency
    except ImportError:
        raise CommandFailed("kiln mcp needs the extra mcp: pip install 'kiln-client[mcp]'", USAGE) from None
    connection = session.connection
    make_server(lambda: AsyncKiln(connection.url, connection.key)).run()
