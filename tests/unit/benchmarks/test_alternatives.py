"""Settings to try, and the table of what came of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from benchmarks import page, results, sweep, table
from benchmarks.alternatives import AGAIN, DEFAULT, TRIED, contenders, otherwise, read
from benchmarks.contenders.ours import OURS
from benchmarks.job import Job
from benchmarks.race import Run
from benchmarks.results import Sweep
from benchmarks.workloads import workload
from consumer.daemon import client_options
from consumer.errors import ConfigError
from consumer.kafka import properties
from consumer.settings.load import load

STEADY = workload("steady")
LINGER = "kafka.producer.linger.ms"
MINIMUM = "kafka.consumer.fetch.min.bytes"


def found(runs: list[Run], **more: Any) -> Sweep:
    """A sweep over two settings."""
    values = {LINGER: "5", MINIMUM: ""}
    facts = {"date": "2026-01-02"}
    return Sweep(workload="steady", machine=facts, runs=runs, otherwise=values, **more)


def run(contender: str, seconds: float, number: int = 1, problems: tuple[str, ...] = ()) -> Run:
    """A run of a million."""
    return Run(
        contender=contender,
        round=number,
        callbacks=1_000_000,
        seconds=seconds,
        cpu_s=2.0,
        peak_bytes=100_000_000,
        problems=list(problems),
    )


@pytest.mark.parametrize("text", TRIED)
def test_what_is_tried_is_another_value_that_the_clients_take(text: str) -> None:
    """Each differs from the default, and librdkafka makes clients of it."""
    for one in read(text):
        assert one.value != otherwise([one], STEADY)[one.setting]
        settings = load(None, [one.name, "kafka.bootstrap.servers=localhost:1"])
        options = client_options(settings)
        properties.create(Consumer, properties.source(options)).close()
        sizes = {"message_max_bytes": 1_000_000, "batch_max_bytes": 1_000_000}
        properties.create(Producer, properties.producer(options, **sizes))


def test_the_default_of_a_setting_is_what_the_daemon_has() -> None:
    """Ours or nothing for a property, with its unit for a setting; or as the workload has it."""
    names = {LINGER: "1", MINIMUM: "1", "kafka.compression.type": "none", "commit.interval": "1s"}
    tried = [one for name, value in names.items() for one in read(f"{name}={value}")]
    assert list(otherwise(tried, STEADY).values()) == ["5", "", "lz4", "200ms"]
    often = workload("small-commits")
    assert list(otherwise(tried, often).values()) == ["5", "", "lz4", "50ms"]


def test_the_defaults_run_twice_half_a_round_apart() -> None:
    """And all others between them."""
    tried = contenders([*read(f"{LINGER}=0,50"), *read(f"{MINIMUM}=7,8")])
    assert [one.name for one in tried] == [
        DEFAULT,
        f"{LINGER}=0",
        f"{LINGER}=50",
        AGAIN,
        f"{MINIMUM}=7",
        f"{MINIMUM}=8",
    ]


def test_an_alternative_differs_from_the_default_in_its_setting_only() -> None:
    """Even where the workload asks for another value of it."""
    job = Job(servers="host:1", name="n", settings={"commit.interval": "50ms"})
    default, _, tried = contenders(read("commit.interval=1s"))
    assert default.command(job) == OURS.command(job)
    changed = {"--set=commit.interval=50ms", "--set=commit.interval=1s"}
    assert set(default.command(job)) ^ set(tried.command(job)) == changed


def test_ratios_are_to_the_default_of_the_same_round() -> None:
    """The defaults stand first; what librdkafka decides is told; wrong reports, too."""
    runs = [
        run(DEFAULT, 2.0),
        run(f"{LINGER}=0", 4.0),
        run(AGAIN, 2.0),
        run(f"{MINIMUM}=7", 1.0, problems=("a txid is lost",)),
        run(f"{LINGER}=0", 8.0, number=2),
        run(DEFAULT, 4.0, number=2),
    ]
    text = table.sweep(found(runs, failed={"x=1": "round 1, why"}))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    assert [row[:3] for row in rows[2:6]] == [
        [DEFAULT, "", ""],
        [AGAIN, "", ""],
        [LINGER, "0", "5"],
        [MINIMUM, "7", "librdkafka's"],
    ]
    assert [row[5] for row in rows[2:6]] == ["1.000", "1.000", "0.500", "2.000"]
    assert [row[8] for row in rows[2:6]] == ["correct", "correct", "correct", "wrong"]
    assert text.endswith("\nx=1 failed: round 1, why.")


def test_a_sweep_that_was_saved_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With how much it was."""
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert page.sweep() == "Not measured yet."
    results.save("sweep", found([run(DEFAULT, 2.0), run(f"{LINGER}=0", 4.0)]))
    assert page.sweep().startswith("1 round of 1,000,000 records, 2026-01-02; medians.\n\n| sett")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("commit.intervall=1s", "did you mean commit.interval?"),
        ("commit.interval=1s,soon", "soon"),
        ("commit.interval", "commit.interval"),
        ("kafka.consumer.isolation.level=x", "only committed records may be read"),
    ],
)
def test_what_the_daemon_would_refuse_cannot_be_tried(text: str, why: str) -> None:
    """Whichever of the values it is."""
    with pytest.raises(ConfigError, match=re.escape(why)):
        read(text)


def test_it_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a mistake in the command line, with the reason."""
    monkeypatch.setattr("sys.argv", ["sweep", "--try", f"{LINGER}=1", "commit.intervall=1s"])
    with pytest.raises(SystemExit, match="2"):
        sweep.main()
    assert "did you mean commit.interval?" in capsys.readouterr().err
