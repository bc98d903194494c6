"""One application on one Kafka: its topics, its members, and the verdict on its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from tests.harness.cluster import Cluster, Offsets, Sending
from tests.harness.member import Member, Process
from tests.oracle import verify
from tests.oracle.model import Settings
from tests.oracle.outputs import Outputs
from tests.oracle.record import Record
from tests.oracle.topics import read_topic
from tests.waiting import until

_TAIL = 60

QUICK: Mapping[str, str] = {
    "commit.interval": "50ms",
    "kafka.connect_timeout": "20s",
    "http.port": "0",
    "log.format": "json",
}
"""Settings of every member that have no part in what comes out."""


class Stage:
    """Topics of a prefix of their own, and the members that work on them.

    Leaving it kills what still runs, shows the ends of the logs (pytest does so when the test
    has failed), and fails a test whose members met a bug.
    """

    def __init__(self, bootstrap_servers: str, prefix: str) -> None:
        self.cluster = Cluster(bootstrap_servers)
        self.app = prefix
        self.callbacks = f"{prefix}.callbacks"
        self.reports = f"{prefix}.reports"
        self.metrics = f"{prefix}.metrics"
        self.dead_letters = f"{prefix}.dead-letters"
        self.state = f"{prefix}.state"
        self.rules = Settings(app=prefix)
        self.settings: dict[str, str] = {}
        """Further settings of all members to come."""
        self._processes: list[Process] = []
        self._since: dict[str, Offsets] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.close()
            print(f"--- process {process.pid}, exit code {process.exit_code}")  # noqa: T201
            print("\n".join(process.stderr()[-_TAIL:]))  # noqa: T201
        if error is None:
            bugs = [line for one in self._processes for line in one.stderr() if "Traceback" in line]
            assert not bugs, "\n".join(bugs)

    # Setting up

    def create(self, partitions: int = 1, **rules: Any) -> None:
        """Make the topics but the state topic. `rules` are those of the oracle's `Settings`."""
        self.rules = Settings(app=self.app, **rules)
        self.cluster.create(self.callbacks, partitions)
        self.cluster.create(self.reports, partitions)
        self.cluster.create(self.metrics, partitions)
        self.cluster.create(self.dead_letters, partitions, max_message_bytes="1200000")

    def options(self, settings: Mapping[str, str] | None = None) -> dict[str, str]:
        """All settings of a member, by dotted name."""
        rules = self.rules
        return {
            **QUICK,
            "kafka.bootstrap.servers": self.cluster.bootstrap_servers,
            "app.id": self.app,
            "topics.callbacks": self.callbacks,
            "topics.reports": self.reports,
            "topics.metrics": self.metrics,
            "topics.dead_letters": self.dead_letters,
            "completion.device_limit": str(rules.device_limit),
            "completion.inactivity": f"{rules.inactivity_ms}ms",
            "completion.max_age": f"{rules.max_age_ms}ms",
            "late.policy": rules.late_policy,
            "late.remember": f"{rules.remember_ms}ms",
            "metrics.window": f"{rules.window_ms}ms",
            **self.settings,
            **(settings or {}),
        }

    def member(
        self, settings: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None
    ) -> Member:
        """Start one more member; `settings` go over those of the stage."""
        member = Member(self.options(settings), env)
        self._processes.append(member)
        return member

    def command(
        self,
        *verb: str,
        settings: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start another verb of the command line with the settings of a member."""
        options = [f"--set={name}={value}" for name, value in self.options(settings).items()]
        process = Process([*verb, *options], env)
        self._processes.append(process)
        return process

    # Input

    def send(self, sendings: Iterable[Sending]) -> int:
        """Send records to the input topic and wait until Kafka has them."""
        return self.cluster.send(self.callbacks, sendings)

    def committed(self) -> dict[int, int]:
        """The group's committed offsets."""
        found = self.cluster.committed(self.app, self.callbacks)
        return {number: at.offset for number, at in found.items()}

    def is_consumed(self) -> bool:
        """Whether the group has committed everything that is in the input topic.

        Not for an input with transactions: their last marker is no record to commit.
        """
        committed = self.committed()
        ends = self.cluster.ends(self.callbacks)
        return all(committed.get(number, 0) == end for number, end in ends.items())

    def await_consumed(self, timeout_s: float = 30) -> None:
        """Wait until the whole input is consumed and committed."""
        until(self.is_consumed, f"all of {self.callbacks} consumed", timeout_s)

    # Output

    def judge_from(self, inputs: Offsets) -> None:
        """From now on look only at outputs to come, and at inputs from these offsets on."""
        outputs = (self.reports, self.dead_letters, self.metrics)
        self._since = {topic: self.cluster.ends(topic) for topic in outputs}
        self._since[self.callbacks] = inputs

    def outputs(self) -> Outputs:
        """All committed records of the output topics."""
        return Outputs(*map(self.read, (self.reports, self.dead_letters, self.metrics)))

    def read(self, topic: str) -> list[Record]:
        """All committed records of a topic (see `judge_from`)."""
        since = self._since.get(topic, {})
        records = read_topic(self.cluster.bootstrap_servers, topic)
        return [record for record in records if record.offset >= since.get(record.partition, 0)]

    def txids(self) -> list[str]:
        """Keys of all reports, sorted; one that comes twice was doubled."""
        return sorted((record.key or b"").decode() for record in self.read(self.reports))

    def exact_problems(self) -> list[str]:
        """Differences to what the timestamps alone make of the input that is consumed."""
        committed = self.committed()
        consumed = [
            record
            for record in self.read(self.callbacks)
            if record.offset < committed.get(record.partition, 0)
        ]
        return verify.exact(consumed, self.outputs(), self.rules)

    def live_problems(self) -> list[str]:
        """Differences to what the input must give once everything is closed."""
        return verify.live(self.read(self.callbacks), self.outputs(), self.rules)

    def await_live(self, reports: int, timeout_s: float = 30) -> None:
        """Wait until that many reports are out, and all metrics windows with them.

        What comes after the last report is only seen by asking again; what is left to be
        said when the time is up is the failure.
        """
        until(lambda: len(self.read(self.reports)) >= reports, f"{reports} reports", timeout_s)
        self._await_none(self.live_problems, timeout_s)

    def await_exact(self, timeout_s: float = 30) -> None:
        """Wait until the outputs are exactly what the timestamps make of the input."""
        self.await_consumed(timeout_s)
        self._await_none(self.exact_problems, timeout_s)

    def _await_none(self, problems: Callable[[], list[str]], timeout_s: float) -> None:
        last: list[str] = []

        def none() -> bool:
            last[:] = problems()
            return not last

        try:
            until(none, "no differences", timeout_s)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *last[:20]])) from None
