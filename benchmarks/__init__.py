"""Speed and memory, measured on a real Kafka, side by side in one run.

    workloads    what is sent: named mixes of ThingSpace's traffic
    traffic      their records and the truth about them; the gate that holds records back
    contenders/  who runs: one file each, behind one Protocol
    race         one contender on one workload, measured from outside
    truth        what its reports must hold
    rounds       all contenders in turn
    figures      medians and ratios
    __main__     `python -m benchmarks`: all contenders on any of the workloads
    sweep        the daemon with other settings; `alternatives` has them

Throughput is counted from the opening of the gate to the last report being visible under
read_committed; `race` says how. What else is measured (restore, latency, growth, ...) has a
program of its own each. Results lie in `results/` as JSON; `docs/benchmarks.md` shows them.
"""
