"""What docs/scaling.md says around its figures."""

from __future__ import annotations

HEAD = """# How far it scales

For those who run the robot: how fast it is, what it takes, what to set, and where it ends. The page and its drawings are made from
[the figures](scaling/figures.json) that `python -m benchmarks.scaling` keeps; change nothing here by hand.

All neighbours of the robot are simulated on the same machine and use the same cores. So the paces are lower than with neighbours of their
own, and higher than with neighbours that take time to answer: real ones decide (see "Slow registers").
"""

BUSY = """**The machine was {percent} % busy with other work when this began: the figures are worse than they need be**"""

EXPECT = """
`in flight` and `pool` are what that pace takes when each register answer takes a second. `as fast as here` is one worker at the pace
measured below, with neighbours that answer at once and share its cores. How many applications Stockholm has is an assumption; the
country's fall due in a few days around the 26th, here taken as one night's work.
"""

SETTINGS = """
## What to set

One robot with one worker, its database in a file, is enough for a municipality. Take PostgreSQL when there shall be two machines, so
that one may fail, or when the municipality's own backup and monitoring are made for it.

- `work.cases_in_flight` = cases a second that you want, times the seconds that a case takes. A case takes about {seconds} s when each
  register answer takes one second; `bistandsrobot_step_seconds` among the metrics tells what yours take. {enough}
- `registers.ssbtek.transport.pool_size` = twice that, for both adults of a couple are asked about at once;
  `case_system.transport.pool_size` = as many as cases in flight.
- `work.workers` = 1, until one worker uses more than half a core for hours; then as many as there are cores free.
- Ask the neighbours first: what they bear is often less than what the robot can ask. The pools are the most requests that they have
  from one worker at any time; two workers have twice as many.
- `schedule.pull_every_s` = 60 is the most that a new application waits before anything happens; less gains little.
"""

TOWN = """
The pace is from the first finished case to the last. CPU is the whole run's, each process's start with it: with few cases it is mostly
that. `of bare HTTP` is the robot's CPU against that of the same client only asking as often. The registers and the case system run on
the same cores, so more workers than there are cores free gain nothing here.
"""

QUEUE = """
All rows but some hundreds are cases that have ended, put in by SQL. Each figure is the median of one call, which waits for the disk when
it changes something. A claim looks only at what waits, by an index; a list of all cases and a
count look at every row.
"""

LATENCY = """
With too few in flight the robot waits; with enough the CPU is the limit, as without latency. Connections to the registers were twice the
cases in flight.
"""

TWO_ROBOTS = """Two robots on one PostgreSQL did {ratio} times what one did ({two} against {one} cases/s), each with
{in_flight} cases in flight and registers that take {latency:g} s: so that waiting, and not the shared cores, is what holds one up.
"""

MEMORY = """Memory of a process over {cases} cases, in MB at each tenth: {seen}; at most {peak:.0f}. After the first tenth it
grew by {drift:.1f} %. A worker is a process of its own: count so much for each.
"""

RATE = """
Claimed and finished in batches by two processes: {ratios}; their jobs do nothing and carry nothing.
"""

LIMITS = """## Where the limit is

In this order:

1. **The neighbours.** A case is about {requests} requests, most of them to the case system: at ten cases a second ten times as many.
   SSBTEK's answers take seconds when agencies are slow; that costs cases in flight, not CPU.
2. **CPU.** A case takes {cpu} ms of the robot's; 1 000 divided by that is what one core does in a second. One worker uses little more
   than one core. [benchmarks/README.md](../benchmarks/README.md) says where the time goes.
3. **The database's commits.** Each waits for the disk, and cases in flight at the same time share one. A file has one writer at a time,
   with any number of workers; a disk that takes 10 ms to sync does a hundred commits a second, each for all that wait.
4. **Size.** Among {rows} ended cases a claim takes {claim} ms. `audit verify` and `backup` read all there is: their time grows with it.
   Retention takes away drafts and details; the audit's lines stay.
"""

REPEAT = """## To repeat a figure

| figures | command |
| --- | --- |
| all, in twelve minutes; then this page is new | `python -m benchmarks.scaling --quick` |
| all points, and a country's month | `python -m benchmarks.scaling --full` |
| one section, such as the town | `python -m benchmarks.scaling --quick --only town` |
| a country's month alone | `python -m benchmarks.country` |
| claims among a million rows | `python -m benchmarks.claim_among_many` |
| slow registers | `python -m benchmarks.latency --cases 600 --in-flight 16 64 160` |
| two robots | `python -m benchmarks.two_robots` |
| nothing to do, and the start | `python -m benchmarks.idle` |
| the queue alone | `python -m benchmarks.queue_rate` |
| backup and restore | `python -m benchmarks.backup` |

Let nothing else run meanwhile: on shared cores the same code varies by a quarter and more.
"""

FOOT = """The figures are kept by section; a section that was measured alone has a date of its own.
"""
