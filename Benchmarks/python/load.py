"""What the programs that play CallBenchmark's peers share: servers as children, and calls in a closed loop."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time

PAYLOAD = b'{"path":"src/main.swift","lines":[1,20]}'  # What the product's own calls carry.
START_SECONDS = 60  # A server that is not there by then will not come.
_libc = ctypes.CDLL(None)


def arguments():
    """The scratch folder, the seconds of one slice and the depths; from here on the program has a latest end."""
    folder, seconds, depths = sys.argv[1], float(sys.argv[2]), [int(depth) for depth in sys.argv[3:]]
    os.makedirs(folder, exist_ok=True)
    _end_with_parent()
    signal.alarm(int(600 + 4 * seconds * len(depths)))
    signal.signal(signal.SIGALRM, _leave)
    signal.signal(signal.SIGTERM, _leave)
    return folder, seconds, depths


def _leave(number, _):
    sys.exit(128 + number)  # By way of every `finally`: no server stays behind.


def _end_with_parent():
    _libc.prctl(1, signal.SIGTERM)


@contextlib.contextmanager
def server(command, log, **options):
    """A child in a group of its own, that ends with the block, or with this process if that is killed."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            **options,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


async def until(find, process):
    """What `find` finds, as soon as it finds something; a server that ended instead is an error."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}.")
        with contextlib.suppress(OSError, ValueError):
            if found := find():
                return found
        await asyncio.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} was not ready in {START_SECONDS} s.")


async def measure(call, depth, seconds):
    """`depth` callers, each asking anew when it is answered: calls per second and the quantiles in milliseconds."""

    async def caller(end, taken):
        while (begun := time.perf_counter()) < end:
            await call()
            taken.append(time.perf_counter() - begun)

    taken = []
    begun = time.perf_counter()
    await asyncio.gather(*(caller(begun + seconds, taken) for _ in range(depth)))
    lasted = time.perf_counter() - begun
    taken.sort()
    at = lambda share: taken[min(len(taken) - 1, int(len(taken) * share))] * 1000  # noqa: E731
    return {"depth": depth, "rate": len(taken) / lasted, "p50": at(0.5), "p99": at(0.99)}


async def series(call, depths, seconds):
    """Prints one slice of each depth as JSON; what is only done once is done before."""
    await measure(call, depths[0], seconds / 4)
    json.dump({"slices": [await measure(call, depth, seconds) for depth in depths]}, sys.stdout)
