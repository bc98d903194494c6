"""What the settings of the clients are worth: the daemon, with one of them changed each time.

    python -m benchmarks.sweep [--callbacks N] [--rounds 3] [--workload steady]
                               [--try NAME=VALUE[,VALUE...] ...] [--bootstrap-servers HOST:PORT]

    python -m benchmarks.sweep --try kafka.producer.linger.ms=0,50 commit.interval=1s

Each alternative is a contender as in `race`, in rounds as those of `python -m benchmarks`; so is
the daemon with default settings, by which all are measured, each in its own round. It runs twice
in each round, half a round apart: the ratio of the two would be 1 on a machine without noise, and a
difference that is not larger than theirs means nothing. Without `--try` the values of
`alternatives` are tried. What was found is kept after each round. Exits 1 if any of them failed
or its reports were wrong.
"""

from __future__ import annotations

import argparse
import itertools
import sys

from benchmarks import machine, results, stage, table
from benchmarks.alternatives import TRIED, Alternative, contenders, otherwise, read
from benchmarks.rounds import rounds
from benchmarks.workloads import WORKLOADS, workload
from consumer.errors import ConfigError


def main() -> None:
    """Run, print, save."""
    parser = _parser()
    given = parser.parse_args()
    mix = workload(given.workload)
    named = itertools.chain.from_iterable(given.tried or map(read, TRIED))
    alternatives = list(dict.fromkeys(named))
    found = results.Sweep(
        workload=mix.name,
        machine=machine.described(given.bootstrap_servers),
        runs=[],
        otherwise=otherwise(alternatives, mix),
    )
    whole = stage.is_whole(parser, given)
    with stage.kafka(given.bootstrap_servers) as cluster:
        done = rounds(
            cluster,
            mix,
            contenders(alternatives),
            found,
            callbacks=given.callbacks,
            count=given.rounds,
        )
        for _ in done:
            path = results.save("sweep", found, whole=whole)
    print(f"\n{table.sweep(found)}\n\nsaved as {path}")
    sys.exit(found.is_wrong)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__)
    parser.add_argument("--callbacks", type=int, help="by default 1,000,000; heavy: 100,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workload", choices=[one.name for one in WORKLOADS], default="steady")
    parser.add_argument(
        "--try",
        dest="tried",
        type=_alternatives,
        action="extend",
        nargs="+",
        metavar="NAME=VALUE,VALUE",
        help="settings as `--set` takes them; each value is an alternative of its own",
    )
    stage.add_option(parser)
    return parser


def _alternatives(text: str) -> list[Alternative]:
    try:
        return read(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    main()
