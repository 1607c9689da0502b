"""How long one DBOS worker needs to take empty workflows from a queue and finish them: ClaimBenchmark's peer.

    dbos_claims.py CONNINFO JOBS AT_A_TIME

As many run at a time as is said, all at once for 0: then one claim takes whatever is there. It looks for work every
millisecond; by default it would every second, for as many as may run at a time.
"""

import json
import logging
import sys
import threading
import time

import psycopg
import sqlalchemy
from dbos import DBOS, DBOSClient
from psycopg.conninfo import conninfo_to_dict

logging.disable(logging.CRITICAL)
server, jobs, at_a_time = conninfo_to_dict(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
url = sqlalchemy.URL.create(
    "postgresql+psycopg",
    username=server["user"],
    database=server["dbname"],
    query={"host": server["host"], "port": str(server["port"])},
).render_as_string(hide_password=False)
DBOS(config={"name": "bench", "system_database_url": url, "application_version": "1", "log_level": "CRITICAL"})


@DBOS.workflow(name="nothing")
def nothing():
    pass


def defer():
    """All jobs in one transaction: none is there before all are."""
    client = DBOSClient(system_database_url=url)
    options = {"workflow_name": "nothing", "queue_name": "bench", "app_version": "1"}
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for _ in range(jobs):
            client.enqueue_in_transaction(connection, options)
    engine.dispose()
    client.destroy()


def listen():
    """Returns when the worker looks for jobs."""
    DBOS.launch()
    DBOS.register_queue("bench", worker_concurrency=at_a_time or None, polling_interval_sec=0.001)
    while not any(thread.name == "queue-worker-bench" for thread in threading.enumerate()):
        time.sleep(0.01)


def finish():
    """Returns when the last job's end is stored."""
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        while True:
            done = connection.execute("SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'").fetchone()
            if done[0] >= jobs:
                return
            time.sleep(0.02)


listen()
defer()
begun = time.perf_counter()
finish()
json.dump({"seconds": time.perf_counter() - begun}, sys.stdout)
sys.stdout.flush()
DBOS.destroy()
