"""Requests through a NATS server to one that answers their bytes, and back: CallBenchmark's limit of a broker.

    nats_calls.py FOLDER SECONDS DEPTH...

The server, the asking side and the answering side are a process each. Nothing is stored anywhere.
"""

import asyncio
import glob
import json
import os
import sys

import load
import nats


async def answer(url):
    client = await nats.connect(url)

    async def echo(message):
        await message.respond(message.data)

    await client.subscribe("bench.echo", cb=echo)
    await client.flush()
    await client.publish("bench.ready", b"")
    await asyncio.Event().wait()  # Until it is ended.


async def main():
    folder, seconds, depths = load.arguments()
    program = os.path.join(os.path.dirname(sys.executable), "nats-server")
    command = [program, "--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", folder]
    with load.server(command, f"{folder}/server.log") as server:
        files = f"{folder}/nats-server_{server.pid}.ports"
        url = (await load.until(lambda: [json.load(open(name)) for name in glob.glob(files)], server))[0]["nats"][0]
        client = await nats.connect(url)
        ready = await client.subscribe("bench.ready")
        await client.flush()
        with load.server([sys.executable, __file__, "answer", url, folder], f"{folder}/answer.log"):
            await ready.next_msg(timeout=load.START_SECONDS)
            await load.series(lambda: client.request("bench.echo", load.PAYLOAD, timeout=30), depths, seconds)
        await client.close()


asyncio.run(answer(sys.argv[2]) if sys.argv[1] == "answer" else main())
