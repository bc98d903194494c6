"""The command line: many seeds, or one with its trace.

python -m tests.simulation --seeds 2000
python -m tests.simulation --seed 17 --trace
python -m tests.simulation --seed 17 --shrink
python -m tests.simulation --scenario failing.json --trace
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.simulation import scenario as scenarios
from tests.simulation.many import verdicts
from tests.simulation.planted import BUGS, RARE, planted
from tests.simulation.run import Result, execute
from tests.simulation.scenario import Scenario
from tests.simulation.shrink import shrunk

WIDTH = 240


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 with any violation."""
    options = _parser().parse_args(arguments)
    if options.seed is None and options.scenario is None:
        return _many(options)
    if options.scenario is not None:
        scenario = scenarios.load(options.scenario.read_bytes())
    else:
        scenario = scenarios.draw(options.seed)
    with planted(options.plant):
        if options.shrink:
            kinds = _kinds(execute(scenario))
            scenario = shrunk(scenario, lambda smaller: bool(kinds & _kinds(execute(smaller))))
            path = Path(f"seed-{scenario.seed}.json")
            path.write_bytes(scenarios.dump(scenario))
            _say(f"{len(scenario.blows)} faults, {len(scenario.arrivals)} records: {path}")
        result = execute(scenario)
    if options.digest:
        _say(result.digest())
    else:
        _show(scenario, result, trace=options.trace or options.shrink)
    return bool(result.violations)


def _many(options: argparse.Namespace) -> int:
    seeds = range(options.start, options.start + options.seeds)
    began_s, failed, spoiled, virtual_s = time.monotonic(), 0, 0, 0.0
    paths: Counter[str] = Counter()
    for verdict in verdicts(seeds, options.jobs, options.plant):
        virtual_s += verdict.virtual_s
        spoiled += bool(verdict.spoiled)
        paths.update(verdict.reached)
        if verdict.violations:
            failed += 1
            _say(f"seed {verdict.seed}: {len(verdict.violations)} violations")
            _say(f"  {verdict.violations[0][:WIDTH]}")
            _say(f"  python -m tests.simulation --seed {verdict.seed} --trace")
    took_s = time.monotonic() - began_s
    _say(
        f"{len(seeds)} seeds, {failed} with violations; {len(seeds) / took_s:.0f} seeds/s on "
        f"{options.jobs} cores, {virtual_s / 3600:.1f} h of virtual time in {took_s:.0f} s"
    )
    _say(f"{spoiled} of them without a verdict: Kafka itself mixed up two transactions")
    for path, count in sorted(paths.items()):
        _say(f"{count:6} in which a member {path}")
    return bool(failed)


def _kinds(result: Result) -> set[str]:
    """What went wrong, without whose and when: a smaller scenario must go wrong likewise."""
    return {" ".join(violation.split()[:2]) for violation in result.violations}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _show(scenario: Scenario, result: Result, *, trace: bool) -> None:
    if trace:
        _say(str(scenario.setup))
        for line in result.lines():
            _say(line[:WIDTH])
    if result.spoiled:
        _say(f"no verdict: {result.spoiled}")
    for violation in result.violations:
        _say(f"VIOLATION {violation}")
    _say(f"seed {scenario.seed}: {len(result.violations)} violations, {result.digest()}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--scenario", type=Path, help="a scenario from a file")
    parser.add_argument("--trace", action="store_true", help="all that happened")
    parser.add_argument("--digest", action="store_true", help="of the trace, and nothing else")
    parser.add_argument("--shrink", action="store_true", help="make it small; writes a file")
    parser.add_argument(
        "--plant", choices=sorted({**BUGS, **RARE}), default="", help="with this bug"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
