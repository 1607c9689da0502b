"""A scripted agent program: one JSON object a line in both directions, as common agent programs speak.

What it does follows from what it is told: `permission` asks for one and waits, `quota` ends at a limit, `bye` ends in
order, `work` changes a file and commits it; anything else is answered with what was heard.
"""

import json
import subprocess
import sys
import uuid


def say(**line):
    print(json.dumps(line), flush=True)


def assistant(session, *content, usage=None):
    message = {"id": "m-" + uuid.uuid4().hex[:8], "role": "assistant", "model": "scripted-1", "content": list(content)}
    message["usage"] = usage or {"input_tokens": 3, "output_tokens": 2}
    say(type="assistant", message=message, session_id=session)


def result(session, text, **more):
    line = {"type": "result", "subtype": "success", "is_error": False, "result": text, "num_turns": 1}
    line |= {"usage": {"input_tokens": 3, "output_tokens": 2}, "total_cost_usd": 0.01, "session_id": session}
    say(**(line | more))


def work(session):
    call = {"type": "tool_use", "id": "t1", "name": "write", "input": {"path": "work.txt"}}
    assistant(session, {"type": "thinking", "thinking": "I should write it down."}, call)
    with open("work.txt", "a", encoding="utf-8") as file:
        file.write("done\n")
    identity = ["-c", "user.name=agent", "-c", "user.email=agent@localhost"]
    subprocess.run(["git", "add", "work.txt"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", "Write it down"], check=True)
    done = {"type": "tool_result", "tool_use_id": "t1", "content": "written", "is_error": False}
    say(type="user", message={"role": "user", "content": [done]}, session_id=session)


def main():
    arguments = sys.argv[1:]
    resumed = arguments[arguments.index("--resume") + 1] if "--resume" in arguments else None
    session = resumed or "conversation-" + uuid.uuid4().hex[:8]
    say(type="system", subtype="init", session_id=session, model="scripted-1", tools=["write"], resumed=bool(resumed))
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("type") == "interrupt":
            result(session, "interrupted", is_error=True, subtype="interrupted")
            return 3
        text = "".join(part.get("text", "") for part in message["message"]["content"])
        if text == "permission":
            say(type="control_request", request={"subtype": "can_use_tool", "tool_name": "write"}, session_id=session)
            continue
        if text == "quota":
            result(session, "Usage limit reached|1999999999", is_error=True, subtype="error")
            return 1
        if text == "work":
            work(session)
        assistant(session, {"type": "text", "text": "heard: " + text})
        result(session, "heard: " + text)
        if text == "bye":
            return 0
    return 0


sys.exit(main())
