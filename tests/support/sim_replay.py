"""Runs one mix of the simulator again and tells its story, or many, to look for a broken promise.

Example: python tests/support/sim_replay.py 164 --trace
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import closing

from sim_robot import simulated
from sim_run import run_mix
from sim_store import Store


def main() -> int:
    """Run the mixes that were asked for; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int, help="the first seed")
    parser.add_argument("--mixes", type=int, default=1, help="so many seeds from there on")
    parser.add_argument("--trace", action="store_true", help="tell all that happened, in order")
    asked = parser.parse_args()
    broken = 0
    begun = time.process_time()
    with simulated(), closing(Store()) as store:
        for seed in range(asked.seed, asked.seed + asked.mixes):
            ran = run_mix(seed, store, tracing=asked.trace)
            broken += bool(ran.problems)
            if asked.trace or asked.mixes == 1:
                _say(str(ran.mix), *(f"  {fault}" for fault in ran.mix.faults), *ran.story)
            if ran.problems:
                _say(ran.told())
    _say(f"{asked.mixes} mixes, {broken} with a broken promise, {(time.process_time() - begun) / asked.mixes * 1000:.1f} ms of CPU each")
    return 1 if broken else 0


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
