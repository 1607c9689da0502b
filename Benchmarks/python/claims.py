"""Jobs per second that procrastinate takes and finishes with eight at a time: ClaimBenchmark's peer."""

import asyncio
import json
import logging
import sys
import time

import procrastinate

logging.disable(logging.CRITICAL)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1], min_size=8, max_size=10))
jobs = int(sys.argv[2])


@app.task(queue="bench")
async def nothing():
    pass


async def main():
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await nothing.batch_defer_async(*[{} for _ in range(jobs)])
        begun = time.perf_counter()
        await app.run_worker_async(
            queues=["bench"], concurrency=8, wait=False, listen_notify=False, install_signal_handlers=False
        )
        json.dump({"seconds": time.perf_counter() - begun}, sys.stdout)


asyncio.run(main())
