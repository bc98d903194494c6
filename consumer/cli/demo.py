"""`session-reports demo`: see it work, on a real Kafka, with nothing installed.

Starts an embedded Kafka, one member as a process of its own, and the simulator; prints the
reports as they come; then reads the output topics itself and compares them with what was
sent. It passes only if every request that got an answer has exactly one report with exactly
its items, and the metrics records add up to the same sums.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from consumer.cli.demo_member import MemberProcess
from consumer.cli.demo_outputs import Outputs
from consumer.cli.demo_verdict import Verdict, judge
from consumer.cli.simulate import send
from consumer.daemon import client_options, topics_of
from consumer.embedded import EmbeddedKafka
from consumer.errors import SessionReportsError
from consumer.kafka import properties
from consumer.settings.load import load
from consumer.simulator.options import Options
from consumer.simulator.plan import Plan
from consumer.wire.report import Report

SCALED = (
    "completion.inactivity=4s",
    "completion.idle=1s",
    "metrics.window=5s",
    "http.port=0",
)
"""Settings of the demo: times scaled down, so that it takes seconds."""

PATIENCE_S = 90.0
"""Longest wait for outputs after everything was sent."""
MOST_PROBLEMS = 10
"""Differences that are printed."""


def demo(
    *, requests: int = 200, rate: float = 150.0, seed: int = 7, bootstrap_servers: str = ""
) -> None:
    """See it work on a real Kafka of its own, in half a minute.

    The first time, Kafka is downloaded (45 MB) and kept in your cache directory.

    **Examples**
    ```
    session-reports demo
    session-reports demo --requests 2000 --rate 1000
    ```

    Args:
        requests: Requests to simulate.
        rate: Callbacks per second; 0 sends as fast as they are taken.
        seed: Same seed, same callbacks.
        bootstrap_servers: Use this Kafka instead; topics named `demo.*` are made there.
    """
    console = Console(highlight=False)
    plan = Plan(Options(requests=requests, rate=rate, seed=seed, silent=0.05, retries=0.05))
    with contextlib.ExitStack() as stack:
        if not bootstrap_servers:
            console.print("Starting an Apache Kafka of its own ...")
            kafka = EmbeddedKafka(on_progress=lambda line: console.print(f"  {line}"))
            bootstrap_servers = stack.enter_context(kafka).bootstrap_servers
        run = Demo(console, plan, overrides_for(bootstrap_servers))
        verdict = run.play(Path(stack.enter_context(tempfile.TemporaryDirectory())))
    pronounce(verdict, console)


def overrides_for(bootstrap_servers: str) -> list[str]:
    """The settings of the demo, on topics of its own."""
    mark = f"demo.{time.time_ns() // 1_000_000}"
    topics = ("callbacks", "reports", "metrics", "dead_letters")
    return [
        *SCALED,
        f"kafka.bootstrap.servers={bootstrap_servers}",
        f"app.id={mark}",
        *(f"topics.{topic}={mark}.{topic.replace('_', '-')}" for topic in topics),
    ]


class Demo:
    """One run: topics, a member, traffic, and what came of it."""

    def __init__(self, console: Console, plan: Plan, overrides: Sequence[str]) -> None:
        self._console = console
        self._plan = plan
        self._overrides = overrides
        self._settings = settings = load(None, overrides, {})
        self._options = client_options(settings)

    def play(self, folder: Path) -> Verdict:
        """Everything up to the verdict; `folder` takes the member's log."""
        topics_of(self._settings, self._options).create()
        totals = self._plan.totals()
        self._console.print(
            f"Simulating ThingSpace: {totals.requests} requests for {totals.devices} devices, "
            f"{totals.callbacks} callbacks"
        )
        outputs = Outputs(self._settings, self._options)
        with MemberProcess(self._overrides, folder / "member.log") as member, outputs:
            member.wait_until_ready()
            with self._traffic():
                self._print_reports(outputs, member, totals.reports)
            outputs.read_metrics(totals, PATIENCE_S)
        return judge(self._plan.requests(), totals, outputs.seen)

    @contextlib.contextmanager
    def _traffic(self) -> Iterator[None]:
        """Callbacks flow in the background."""
        producer = properties.create(Producer, properties.simulator(self._options))
        failures: list[SessionReportsError] = []

        def work() -> None:
            try:
                topic = self._settings.topics.callbacks
                paced = self._plan.options.rate > 0
                send(self._plan.records(), producer, topic, paced=paced)
            except SessionReportsError as error:
                failures.append(error)

        thread = threading.Thread(target=work, name="simulator", daemon=True)
        thread.start()
        yield
        thread.join(PATIENCE_S)
        if failures:
            raise failures[0]

    def _print_reports(self, outputs: Outputs, member: MemberProcess, expected: int) -> None:
        """Print each report as it becomes visible, until all are there or nothing comes."""
        last_s = time.monotonic()
        while len(outputs.seen.reports) < expected and time.monotonic() - last_s < PATIENCE_S:
            member.check()
            for report in outputs.poll():
                last_s = time.monotonic()
                self._console.print(report_line(report), markup=False, soft_wrap=True)


def report_line(report: Report) -> str:
    """One report in a line."""
    summary = report.summary
    devices = summary.devices
    return (
        f"{summary.closed_at[11:19]} {report.txid[:8]} {summary.outcome:<11} "
        f"{devices.reported:>2} reported {devices.failed} failed "
        f"{summary.bytes_transferred:>10,} bytes {summary.completed_by}"
    )


def pronounce(verdict: Verdict, console: Console) -> None:
    """Print the verdict. Raises `SessionReportsError` for one that found a difference."""
    console.print(closing_table(verdict))
    for problem in verdict.problems[:MOST_PROBLEMS]:
        console.print(problem, style="red", markup=False)
    if verdict.problems:
        raise SessionReportsError(
            f"the outputs are not what was sent: {len(verdict.problems)} differences"
        )
    console.print("Every request has exactly one report, and the metrics add up.", style="green")


def closing_table(verdict: Verdict) -> Table:
    """What was sent beside what came out."""
    table = Table(title="Sent, and what came of it", title_justify="left")
    table.add_column("")
    for name in ("sent", "reports", "metrics"):
        table.add_column(name, justify="right")
    for row in verdict.rows:
        table.add_row(row.name, *(f"{cell:,}" for cell in row.cells), style="" if row.ok else "red")
    return table
