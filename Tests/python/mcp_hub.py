"""Drives a hub's /mcp with the official SDK: mcp_hub.py URL KEY SESSION EXPECTED-OUTPUT LONG-SESSION."""

import asyncio
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

import mcp_checks as checks

url, key, session_id, expected, endless = sys.argv[1:6]


def client(token=key):
    return httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30)


async def the_session():
    async with client() as http, checks.session_over(streamable_http_client(url, http_client=http)) as session:
        await checks.opened(session)
        await checks.the_four_tools(session)
        await checks.an_answer_and_errors(session)
        await checks.resources(session, session_id, expected)
        await checks.progress(session, session_id, expected)
        await a_cancelled_call_ends(session)


async def a_cancelled_call_ends(session):
    """A follower of a session that goes on for ever is called off, and the session answers others meanwhile."""
    heard = asyncio.Event()

    async def tell(done, total, message):
        heard.set()

    ask = {"operation": "session.output", "input": {"sessionId": endless, "follow": True}}
    follower = asyncio.create_task(session.call_tool("call", ask, progress_callback=tell))
    await asyncio.wait_for(heard.wait(), 30)
    await session.send_ping()
    follower.cancel()
    try:
        await follower
    except asyncio.CancelledError:
        pass
    bounded = await session.call_tool("call", ask | {"deadlineSeconds": 1})
    checks.check((bounded.structured_content or {}).get("stopped") == "deadline", f"a deadline ends it: {bounded}")


async def the_client_that_probes():
    """What the SDK does by itself today: ask for a later revision first, then fall back to initialize."""
    async with client() as http, Client(streamable_http_client(url, http_client=http)) as session:
        tools = await session.list_tools()
        checks.check(len(tools.tools) == 4, "a client of a later revision falls back")


async def raw():
    """What the transport says of what is no message of a session."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-03-26"}}
    async with client() as http:
        check = checks.check
        check((await http.post(url, json=message)).status_code == 400, "no session")
        lost = await http.post(url, json=message, headers={"mcp-session-id": "lost"})
        check(lost.status_code == 404 and lost.json()["error"]["code"] == "NOT_FOUND", "a session that is gone")
        broken = await http.post(url, content=b"{", headers={"content-type": "application/json"})
        check(broken.status_code == 400 and broken.json()["error"]["code"] == -32700, "what is not JSON")
        batch = [message, {"jsonrpc": "2.0", "method": "notifications/initialized"}, message | {"id": 2}]
        opened = await http.post(url, json=begin)
        own = {"mcp-session-id": opened.headers["mcp-session-id"]}
        check(opened.json()["result"]["protocolVersion"] == "2025-03-26", "the first revision")
        answers = (await http.post(url, json=batch, headers=own)).json()
        check([one["id"] for one in answers] == [1, 2], f"the first revision has lists: {answers}")
        told = await http.post(url, json=batch[1], headers=own)
        check(told.status_code == 202 and not told.content, "a notification is accepted")
        later = await http.post(url, json=message, headers=own | {"mcp-protocol-version": "1999-01-01"})
        check(later.status_code == 400 and later.json()["error"]["code"] == -32022, "a version nobody speaks")
        async with http.stream("GET", url, headers=own) as standing:
            check(standing.headers["content-type"] == "text/event-stream", "the stream of the server")
            check((await http.delete(url, headers=own)).status_code == 204, "a session ends when told to")
            async for _ in standing.aiter_bytes():
                pass
        check((await http.post(url, json=message, headers=own)).status_code == 404, "and is gone then")
        check((await http.put(url, json=message)).status_code == 404, "no other method")
        check((await http.get(url)).status_code == 400, "a stream needs a session")
    async with client("nave_wrong") as http:
        stranger = await http.post(url, json=begin)
        check(stranger.status_code == 401, "no key, no session")
        check(stranger.json()["error"]["code"] == "UNAUTHENTICATED", "in the contract's words")


async def main():
    await the_session()
    await the_client_that_probes()
    await raw()


checks.run(main())
