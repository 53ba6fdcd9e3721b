"""`python -m benchmarks`: every benchmark in turn, a line of JSON each. Nothing else should run on the machine meanwhile."""

from __future__ import annotations

import json

from benchmarks import compare, end_to_end, http_client, queue_rate, rules


def main() -> None:
    """Measure and print, one after the other."""
    for measure in (rules.measure, compare.measure, http_client.measure, queue_rate.measure, end_to_end.measure):
        print(json.dumps(measure()), flush=True)


if __name__ == "__main__":
    main()
