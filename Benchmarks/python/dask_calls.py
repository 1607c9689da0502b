"""Tasks submitted to a Dask scheduler, run by its one worker, and their results: CallBenchmark's peer.

    dask_calls.py FOLDER SECONDS DEPTH...

The scheduler, the worker and the asking side are a process each. Nothing is stored: what the scheduler knows ends with
it.
"""

import asyncio
import json
import os
import sys

import load
from distributed import Client


def echo(value, _):
    return value


async def main():
    folder, seconds, depths = load.arguments()
    dask = [os.path.join(os.path.dirname(sys.executable), "dask")]
    file = f"{folder}/scheduler.json"
    settings = {**os.environ, "DASK_TEMPORARY_DIRECTORY": folder, "DASK_CONFIG": f"{folder}/none"}
    listen = ["--scheduler-file", file, "--host", "127.0.0.1", "--no-dashboard"]
    scheduler = dask + ["scheduler", "--port", "0"] + listen
    worker = dask + ["worker", "--no-nanny", "--local-directory", folder] + listen
    with load.server(scheduler, f"{folder}/scheduler.log", env=settings) as process:
        await load.until(lambda: json.load(open(file)), process)
        with load.server(worker, f"{folder}/worker.log", env=settings):
            async with Client(scheduler_file=file, asynchronous=True, timeout=load.START_SECONDS) as client:
                await client.wait_for_workers(1, timeout=load.START_SECONDS)
                made = iter(range(1 << 62))

                async def call():
                    # Each call is one of its own: equal ones would be answered from the first one's result.
                    return await client.submit(echo, load.PAYLOAD, next(made), pure=False)

                await load.series(call, depths, seconds)


asyncio.run(main())
