"""A server of tools over streamable HTTP, by the official SDK: mcp_server.py PORT TOKEN stream|json.

Its port is printed once it listens. Without `Authorization: Bearer TOKEN` everything is a 401.
"""

import asyncio
import socket
import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.streamable_http import EventMessage, EventStore
from mcp_types import ToolAnnotations

port, token, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
server = MCPServer("sample", log_level="WARNING")
cancelled = 0


class Events(EventStore):
    """Keeps everything, in order."""

    def __init__(self):
        self.events = []

    async def store_event(self, stream_id, message):
        self.events.append((stream_id, message))
        return str(len(self.events))

    async def replay_events_after(self, last_event_id, send_callback):
        last = int(last_event_id)
        stream = self.events[last - 1][0]
        for number, (stream_id, message) in enumerate(self.events[last:], start=last + 1):
            if stream_id == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Never works."""
    raise ToolError("no luck today")


@server.tool()
async def slow(steps: int, context: Context) -> int:
    """Takes a while and says so."""
    for step in range(steps):
        await context.report_progress(step, steps)
        await asyncio.sleep(0.25)
    return steps


@server.tool()
async def hang() -> int:
    """Takes for ever."""
    global cancelled
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        cancelled += 1
        raise
    return 0


@server.tool()
def calls_off() -> int:
    """How many calls were called off."""
    return cancelled


@server.tool()
async def more(context: Context) -> str:
    """Brings another tool."""

    def extra() -> str:
        """Came later."""
        return "extra"

    server.add_tool(extra)
    await context.session.send_tool_list_changed()
    return "there"


@server.tool()
def big(size: int) -> str:
    """Answers much."""
    return "x" * size


@server.tool()
async def cut(context: Context) -> str:
    """Hangs up before it answers; the answer waits for whoever comes back."""
    await context.close_sse_stream()
    return "after all"


@server.tool()
def asked(context: Context) -> dict[str, str]:
    """What the request said of itself."""
    headers = context.request_context.request.headers
    names = ["traceparent", "x-plain", "mcp-protocol-version", "authorization"]
    return {name: headers.get(name, "") for name in names}


class Guard:
    """Lets nobody in without the token."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http" and dict(scope["headers"]).get(b"authorization") != f"Bearer {token}".encode():
            await send({"type": "http.response.start", "status": 401, "headers": []})
            return await send({"type": "http.response.body", "body": b"no"})
        await self.app(scope, receive, send)


class Announced(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print(port, flush=True)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
port = listener.getsockname()[1]
application = Guard(
    server.streamable_http_app(
        json_response=mode == "json", event_store=Events() if mode == "stream" else None, retry_interval=100
    )
)
configuration = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=1)
asyncio.run(Announced(configuration).serve(sockets=[listener]))
