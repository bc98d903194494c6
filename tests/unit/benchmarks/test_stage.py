"""What the programs of the benchmarks have in common."""

from __future__ import annotations

import argparse

import pytest

from benchmarks import stage


@pytest.mark.parametrize(
    ("arguments", "whole"),
    [
        ([], True),
        (["--rounds=4"], True),
        (["--rounds=2"], False),
        (["--callbacks=7"], False),
        (["--open=1,2"], False),
        (["--workload=wide"], False),
        (["--bootstrap-servers=host:1"], True),
    ],
)
def test_a_run_is_whole_that_does_as_much_as_by_default(arguments: list[str], whole: bool) -> None:
    """Or more, and wherever its Kafka is."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--callbacks", type=int)
    parser.add_argument("--open", default="1,2,3")
    parser.add_argument("--workload", default="steady")
    stage.add_option(parser)
    assert stage.is_whole(parser, parser.parse_args(arguments)) is whole


def test_an_option_may_not_matter() -> None:
    """One that says what is done, not how much."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", default="steady")
    assert stage.is_whole(parser, parser.parse_args(["--workload=wide"]), "workload")
