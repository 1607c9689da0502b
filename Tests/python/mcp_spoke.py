"""Drives `spoke mcp` from inside a session: mcp_spoke.py SPOKE EXPECTED-OUTPUT."""

import os
import sys

from mcp import StdioServerParameters
from mcp.client.stdio import stdio_client

import mcp_checks as checks

spoke, expected = sys.argv[1:3]
session_id = os.environ["NAVE_SESSION_ID"]
inherited = {name: value for name, value in os.environ.items() if name.startswith("NAVE_")}
# What this program printed so far is what the session's own output begins with.
print(expected, flush=True)


async def main():
    server = StdioServerParameters(command=spoke, args=["mcp"], env=inherited)
    async with checks.session_over(stdio_client(server)) as session:
        await checks.opened(session)
        await checks.the_four_tools(session)
        await checks.an_answer_and_errors(session)
        denied = await session.call_tool("call", {"operation": "project.create", "input": {"name": "x"}})
        checks.check(denied.structured_content["error"]["code"] == "ACCESS_DENIED", f"not granted: {denied}")
        await own_output(session)


async def own_output(session):
    """The session reads its own output, as a resource and as a subscription that it does not wait for the end of."""
    ask = {"operation": "session.output", "input": {"sessionId": session_id, "follow": True}, "valuesMax": 1}
    told = []

    async def tell(done, total, message):
        told.append(message)

    answer = await session.call_tool("call", ask, progress_callback=tell)
    checks.check(answer.structured_content["values"][0]["text"].startswith(expected), f"its values: {answer}")
    checks.check(len(told) == 1, f"told as progress: {told}")
    # It goes on where it was left, with what was printed since.
    print("said later", flush=True)
    last = answer.structured_content["lastEventId"]
    further = await session.call_tool("call", ask | {"lastEventId": last})
    values = further.structured_content["values"]
    checks.check([value["text"] for value in values] == ["said later\n"], f"behind {last}: {further}")
    checks.check(further.structured_content["lastEventId"] != last, f"further on: {further}")
    broken = await session.call_tool("call", ask | {"lastEventId": "a b"})
    checks.check(broken.structured_content["error"]["code"] == "VALIDATION_ERROR", f"not an id: {broken}")
    await checks.resources(session, session_id, expected)


checks.run(main())
