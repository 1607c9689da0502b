"""`test.ping` through a Salt master and its one minion, and back: CallBenchmark's peer.

    salt_calls.py FOLDER SECONDS DEPTH...

Each call is a job of its own, published and answered as salt-api does it: one process that publishes jobs and hears
their answers on the master's event bus. The master keeps every job and answer as files of its job cache, for a day.
"""

import asyncio
import contextlib
import os
import pwd
import socket
import sys

import load
import salt.client
import salt.utils.event
import tornado.ioloop
import yaml


def free_ports(count):
    """Ports that nobody listens on; held together, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def configure(folder):
    publish, answer = free_ports(2)
    for name in "master", "minion":
        settings = {
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "root_dir": folder,
            "pki_dir": f"{folder}/{name}.keys",
            "cachedir": f"{folder}/{name}.cache",
            "sock_dir": f"{folder}/sockets",
            "pidfile": f"{folder}/{name}.pid",
            "log_file": f"{folder}/{name}.log",
            "publish_port": publish,
        }
        if name == "master":
            settings |= {"interface": "127.0.0.1", "ret_port": answer, "auto_accept": True}
        else:
            settings |= {"master": "127.0.0.1", "master_port": answer, "id": "echo", "enable_fqdns_grains": False}
            settings["multiprocessing"] = False  # Threads instead of a process for each job: several times as fast.
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            yaml.safe_dump(settings, file)


class Jobs:
    """Publishes jobs and hands each answer to who waits for it."""

    def __init__(self, folder):
        self.loop = tornado.ioloop.IOLoop.current()
        self.client = salt.client.LocalClient(f"{folder}/master", io_loop=self.loop, keep_loop=True)
        self.answers = {}
        self.client.event.set_event_handler(self.hear)

    async def hear(self, raw):
        tag, data = salt.utils.event.SaltEvent.unpack(raw)
        if tag.startswith("salt/job/") and "/ret/" in tag:
            answer = self.answer(data["jid"])
            if not answer.done():
                answer.set_result(data["return"])

    def answer(self, job):
        """What will be answered; made by whichever of publisher and event comes first."""
        return self.answers.setdefault(job, asyncio.get_running_loop().create_future())

    async def ping(self, wait=240):
        job = await self.client.run_job_async("echo", "test.ping", tgt_type="list", listen=False, io_loop=self.loop)
        if "jid" not in job:
            return None
        try:
            return await asyncio.wait_for(self.answer(job["jid"]), wait)
        finally:
            del self.answers[job["jid"]]


async def main():
    folder, seconds, depths = load.arguments()
    configure(folder)
    programs = os.path.dirname(sys.executable)

    def start(name):
        return load.server([f"{programs}/salt-{name}", "-c", folder], f"{folder}/{name}.log")

    with start("master") as master, start("minion") as minion:
        await load.until(lambda: os.path.exists(f"{folder}/sockets/master_event_pub.ipc"), master)
        await load.until(lambda: os.path.exists(f"{folder}/master.keys/minions/echo"), minion)
        jobs = Jobs(folder)

        async def answered():
            with contextlib.suppress(Exception):  # Until the minion listens, a job is refused or nobody answers it.
                return await jobs.ping(wait=2)

        while not await answered():
            await asyncio.sleep(0.1)

        async def call():
            if await jobs.ping() is not True:
                raise RuntimeError("The minion did not answer.")

        await load.series(call, depths, seconds)


asyncio.run(main())
