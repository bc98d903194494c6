"""All contenders, in the order of the first round."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.contenders.bare import BARE
from benchmarks.contenders.kafka_streams import STREAMS
from benchmarks.contenders.naive import NAIVE
from benchmarks.contenders.ours import OURS
from benchmarks.contenders.protocol import Contender
from benchmarks.contenders.quix import QUIX
from benchmarks.contenders.tuned import TUNED

CONTENDERS: Sequence[Contender] = (BARE, OURS, TUNED, NAIVE, QUIX, *STREAMS)
