"""What both MCP doors are asked with the official SDK. Each check says what it saw; the first that fails ends it."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

from mcp import ClientSession
from mcp.shared.exceptions import MCPError

checks = 0


def check(truth, what):
    global checks
    if not truth:
        sys.exit(f"FAILED: {what}")
    checks += 1


def done():
    print(f"ok {checks} checks")


async def refused(awaitable):
    """The JSON-RPC error that this is answered with; ends the program if there is none."""
    try:
        answer = await awaitable
    except MCPError as error:
        return error.error
    sys.exit(f"FAILED: an error was expected, not {answer}")


async def opened(session):
    hello = await session.initialize()
    check(hello.server_info.name == "nave", "the server says who it is")
    check(hello.protocol_version == "2025-11-25", f"the newest version that both speak: {hello.protocol_version}")
    check(hello.capabilities.tools is not None, "there are tools")
    check(hello.capabilities.resources is not None, "there are resources")
    await session.send_ping()
    return hello


async def the_four_tools(session):
    tools = (await session.list_tools()).tools
    check([tool.name for tool in tools] == ["list", "search", "schema", "call"], f"four tools: {tools}")
    check(all(tool.description for tool in tools), "each tool says what it does")

    listed = await session.call_tool("list", {"namespace": "session"})
    check(not listed.is_error, f"list answers: {listed}")
    names = [one["id"] for one in listed.structured_content["operations"]]
    check("session.get" in names, f"session.get is listed: {names}")
    check(json.loads(listed.content[0].text) == listed.structured_content, "text and structure say the same")

    found = await session.call_tool("search", {"query": "session output", "limit": 3})
    check(found.structured_content["operations"][0]["id"] == "session.output", f"search finds it: {found}")

    schema = await session.call_tool("schema", {"operation": "session.output"})
    check(schema.structured_content["type"] == "subscription", f"schema tells the type: {schema}")
    check("sessionId" in schema.structured_content["inputSchema"]["properties"], "schema tells the input")


async def an_answer_and_errors(session):
    answered = await session.call_tool("call", {"operation": "session.list", "input": {"limit": 5}})
    check(not answered.is_error, f"call answers: {answered}")
    check(answered.structured_content["data"]["sessions"], f"there is a session: {answered}")

    missing = await session.call_tool("call", {"operation": "session.get", "input": {"sessionId": "nope"}})
    check(missing.is_error, "an operation's error is an error result")
    check(missing.structured_content["error"]["code"] == "NOT_FOUND", f"with the contract's code: {missing}")
    check("NOT_FOUND" in missing.content[0].text, "which the model reads as well")

    wrong = await session.call_tool("call", {"operation": "session.list", "input": {"surprise": 1}})
    check(wrong.structured_content["error"]["code"] == "VALIDATION_ERROR", f"a wrong input: {wrong}")
    check(wrong.structured_content["error"]["details"][0]["path"] == "surprise", f"names the field: {wrong}")

    unknown = await session.call_tool("call", {"operation": "no.such"})
    check(unknown.structured_content["error"]["code"] == "OPERATION_NOT_FOUND", f"an unknown operation: {unknown}")

    check((await refused(session.call_tool("shell", {}))).code == -32602, "an unknown tool")
    check((await refused(session.get_prompt("x"))).code == -32601, "there are no prompts")


async def resources(session, session_id, expected):
    listed = (await session.list_resources()).resources
    uri = f"nave://session/{session_id}/output"
    check(uri in [str(one.uri) for one in listed], f"the session is a resource: {listed}")
    templates = (await session.list_resource_templates()).resource_templates
    check(templates[0].uri_template.startswith("nave://session/{sessionId}/output"), f"a template: {templates}")
    contents = (await session.read_resource(uri)).contents
    check(contents[0].text.startswith(expected), f"its output: {contents}")
    part = (await session.read_resource(uri + "?from=2")).contents
    check(part[0].text == contents[0].text[2:], f"its output from an offset: {part}")
    check((await refused(session.read_resource("nave://session/nope/output"))).code == -32002, "an unknown session")
    check((await refused(session.read_resource("file:///etc/passwd"))).code == -32002, "another scheme")


async def progress(session, session_id, expected):
    told = []

    async def tell(done, total, message):
        told.append((done, message))

    ask = {"operation": "session.output", "input": {"sessionId": session_id, "stream": "stdout", "follow": True}}
    answer = await session.call_tool("call", ask, progress_callback=tell)
    check(not answer.is_error, f"a subscription answers at its end: {answer}")
    values = answer.structured_content["values"]
    check("".join(value.get("text", "") for value in values).startswith(expected), f"with its values: {values}")
    check(answer.structured_content["complete"], f"and that is all: {answer}")
    check(len(told) >= 1, "values were told as progress")
    check([done for done, _ in told] == sorted(done for done, _ in told), f"in order: {told}")

    brief = await session.call_tool("call", ask | {"valuesMax": 1})
    check(brief.structured_content["stopped"] == "values", f"it ends where it is told to: {brief}")


@asynccontextmanager
async def session_over(streams):
    async with streams as (read, write):
        async with ClientSession(read, write) as session:
            yield session


def run(main):
    asyncio.run(asyncio.wait_for(main, timeout=90))
    done()
