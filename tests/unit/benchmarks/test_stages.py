"""The budget of the stages."""

from __future__ import annotations

import re

from benchmarks.sampled import STAGES
from benchmarks.stages import Measured, budget

PLAIN = Measured(wall_s=3.0, thread_s=2.0, process_s=2.5, samples=0, worked_ns={})
WORKED_NS = {"wire/callback.py:decode": 600_000_000, "aggregation/txid.py:add": 1_200_000_000}
WATCHED = Measured(wall_s=4.0, thread_s=2.2, process_s=2.7, samples=360, worked_ns=WORKED_NS)


def numbers(text: str) -> list[float]:
    """All in a figure."""
    return [float(one.replace(",", "")) for one in re.findall(r"[0-9.,]*[0-9]", text)]


def test_stages_add_up_to_the_loops_thread() -> None:
    """Of the run without the sampler."""
    figures = budget(PLAIN, WATCHED, 1_000_000)
    stages = [numbers(text)[0] for text in list(figures.values())[: len(STAGES)]]
    assert figures["decode (JSON to values)"] == "667 (33%)"
    assert sum(stages) == numbers(figures["the loop's thread in all"])[0] == 2_000
    assert figures["other threads, beside it (librdkafka)"] == "500"
    assert figures["the process in all"] == "2,500"
    assert figures["the loop waiting for Kafka or a core"] == "1,000"


def test_it_says_whether_it_can_be_trusted() -> None:
    """How much of the sampled run the samples saw, and what sampling costs."""
    figures = budget(PLAIN, WATCHED, 1_000_000)
    assert figures["check: samples over processor time"] == "0.82 (360 samples)"
    assert figures["check: with the sampler over without"] == "1.10"
