"""The peers of `queue_rate` on PostgreSQL, each with a job that does nothing. Run by the environment of `requirements/bench.txt`.

    queue_peers.py PEER HOST DATABASE add NUMBER     install its tables, and put so many jobs in
    queue_peers.py PEER HOST DATABASE work           wait for a line on the standard input, then take jobs until none is left

PEER is `pgqueuer` or `procrastinate`. Prints a line when it is ready to begin, and one of JSON when done.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import timedelta
from typing import Any

BATCH = 10
USER = "postgres"
PROCRASTINATE_CONCURRENCY = 10


async def _go() -> tuple[float, float]:
    """Say that we are ready, wait for the word, and return both clocks."""
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    return time.perf_counter(), time.process_time()


def _print(began: tuple[float, float], done: int) -> None:
    print(json.dumps({"done": done, "wall_s": time.perf_counter() - began[0], "cpu_s": time.process_time() - began[1]}), flush=True)


async def _add_pgqueuer(host: str, database: str, jobs: int) -> None:
    import asyncpg
    from pgqueuer import AsyncpgDriver, Queries

    connection = await asyncpg.connect(host=host, user=USER, database=database)
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    for start in range(0, jobs, 1000):
        number = min(1000, jobs - start)
        await queries.enqueue(["noop"] * number, [None] * number, [0] * number)
    await connection.close()


async def _work_pgqueuer(host: str, database: str) -> None:
    import asyncpg
    from pgqueuer import AsyncpgDriver, PgQueuer
    from pgqueuer.types import QueueExecutionMode

    connection = await asyncpg.connect(host=host, user=USER, database=database)
    manager = PgQueuer(AsyncpgDriver(connection))
    done = 0

    async def noop(_job: object) -> None:
        nonlocal done
        done += 1

    manager.entrypoint("noop")(noop)
    began = await _go()
    await manager.qm.run(dequeue_timeout=timedelta(seconds=1), batch_size=BATCH, mode=QueueExecutionMode.drain)
    _print(began, done)


def _procrastinate(host: str, database: str) -> tuple[Any, Any, list[int]]:
    import procrastinate

    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=f"host={host} user={USER} dbname={database}"))
    done = [0]

    async def noop() -> None:
        done[0] += 1

    return app, app.task(name="noop")(noop), done


async def _add_procrastinate(host: str, database: str, jobs: int) -> None:
    app, noop, _ = _procrastinate(host, database)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await noop.batch_defer_async(*({} for _ in range(jobs)))


async def _work_procrastinate(host: str, database: str) -> None:
    app, _, done = _procrastinate(host, database)
    async with app.open_async():
        began = await _go()
        await app.run_worker_async(wait=False, concurrency=PROCRASTINATE_CONCURRENCY, install_signal_handlers=False, listen_notify=False)
        _print(began, done[0])


def main() -> None:
    """Add jobs, or take them."""
    peer, host, database, what, *number = sys.argv[1:]
    if what == "add":
        asyncio.run({"pgqueuer": _add_pgqueuer, "procrastinate": _add_procrastinate}[peer](host, database, int(number[0])))
    else:
        asyncio.run({"pgqueuer": _work_pgqueuer, "procrastinate": _work_procrastinate}[peer](host, database))


if __name__ == "__main__":
    main()
