"""A server over streamable HTTP that means no good: mcp_hostile.py PORT MODE. Its port is printed once it listens.

MODE is `tools`, or what is wrong with it from the beginning: `version`, `session`, `pages`, `toolless`.
Each of its tools misbehaves as its name says; `log` tells what was asked of it.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

port, mode = int(sys.argv[1]), sys.argv[2]
TOOLS = [
    "log", "endless_line", "flood", "twice", "html", "broken", "redirect", "forgetful", "huge", "asks", "cut_off",
    "unwell", "locked", "silent",
]
asked = {}
told = []
sessions = 0
lock = threading.Lock()


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def count(self, what):
        with lock:
            asked[what] = asked.get(what, 0) + 1

    def reply(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def result(self, message, result, **headers):
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        self.reply(200, json.dumps(answer).encode(), **headers)

    def stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, message):
        self.wfile.write(f"data: {json.dumps(message)}\r\n\r\n".encode())
        self.wfile.flush()

    def do_GET(self):
        self.count("GET " + self.path)
        self.reply(405)

    def do_DELETE(self):
        self.count("DELETE")
        self.reply(200)

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/mcp":
            self.count("elsewhere")
            return self.reply(200)
        method = message.get("method", "answer")
        self.count(method)
        if "id" not in message or "method" not in message:
            with lock:
                told.append(message)
            return self.reply(202)
        try:
            getattr(self, method.replace("/", "_"))(message)
        except (BrokenPipeError, ConnectionResetError):
            self.count("hung up")

    def initialize(self, message):
        global sessions
        sessions += 1
        self.result(
            message,
            {
                "protocolVersion": "1999-01-01" if mode == "version" else "2025-06-18",
                "capabilities": {} if mode == "toolless" else {"tools": {}},
            },
            mcp_session_id="two words" if mode == "session" else f"s{sessions}",
        )

    def tools_list(self, message):
        if mode == "pages":
            return self.result(message, {"tools": [], "nextCursor": str(asked["tools/list"])})
        schema = {"type": "object"}
        tools = [{"name": name, "inputSchema": schema} for name in TOOLS]
        self.result(message, {"tools": tools + [{"name": ""}, {"name": "bad", "inputSchema": {"type": 7}}, 7]})

    def tools_call(self, message):
        getattr(self, "tool_" + message["params"]["name"])(message)

    def tool_log(self, message):
        with lock:
            self.result(message, {"content": [], "structuredContent": {"asked": asked, "told": told[-20:]}})

    def tool_endless_line(self, message):
        self.stream()
        while True:
            self.wfile.write(b"data: " + b"x" * 65536)

    def tool_flood(self, message):
        self.stream()
        other = {"progressToken": message["id"] + 1, "progress": 1}
        while True:
            self.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
            self.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": other})
            time.sleep(0.002)

    def tool_twice(self, message):
        self.stream()
        self.event({"jsonrpc": "2.0", "id": message["id"] + 1000, "result": {"structuredContent": {"no": 1}}})
        self.event("nonsense")
        self.wfile.write(b": comment\r\nevent: other\r\ndata: {}\r\n\r\ndata: not JSON\r\n\r\n")
        for number in (1, 2):
            self.event({"jsonrpc": "2.0", "id": message["id"], "result": {"structuredContent": {"n": number}}})

    def tool_html(self, message):
        self.reply(200, b"<html>Welcome</html>", "text/html")

    def tool_broken(self, message):
        self.reply(200, b'{"jsonrpc": "2.0", "id"')

    def tool_redirect(self, message):
        self.reply(307, location=f"http://127.0.0.1:{port}/elsewhere")

    def tool_forgetful(self, message):
        self.reply(404)

    def tool_huge(self, message):
        self.result(message, {"content": [{"type": "text", "text": "x" * (5 << 20)}]})

    def tool_asks(self, message):
        self.stream()
        self.event({"jsonrpc": "2.0", "id": "a", "method": "sampling/createMessage", "params": {}})
        self.event({"jsonrpc": "2.0", "id": "b", "method": "ping"})
        while len([one for one in told if one.get("id") in ("a", "b")]) < 2:
            time.sleep(0.01)
        answers = {one["id"]: one for one in told if "id" in one}
        self.event({"jsonrpc": "2.0", "id": message["id"], "result": {"structuredContent": answers}})

    def tool_cut_off(self, message):
        self.stream()
        self.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})

    def tool_unwell(self, message):
        error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "out of order"}}
        self.reply(503, json.dumps(error).encode())

    def tool_locked(self, message):
        self.reply(401, b"who are you")

    def tool_silent(self, message):
        while True:
            time.sleep(1)


class Threads(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


server = Threads(("127.0.0.1", port), Server)
port = server.server_address[1]
print(port, flush=True)
server.serve_forever()
