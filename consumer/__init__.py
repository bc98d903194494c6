"""session-reports: ThingSpace's callbacks in, one report per txid out, exactly once, on Kafka.

The layout, from the outside in. `cli` is the command line, one verb per file. `daemon` wires
the rooms together and starts over after a fault. `settings` is what it can be told.
`pipeline` is the loop: poll, aggregate, commit, and the life of a partition around it; it
sees the world through the Protocols in its `ports`, which `kafka` (the only room that knows
librdkafka) and `telemetry` satisfy. `aggregation` is the pure core: one partition's clock,
txids and windows; records go in, a `Delta` comes out. `wire`, pure as well, turns bytes into
values and back. `embedded` and `simulator` are a real Kafka and a ThingSpace to play with.
`audit`, pure too, weighs what came out against what went in.

`ARCHITECTURE.md` has the picture and what is not obvious.
"""

__version__ = "0.1.0"
