"""Members by name, and the moment in which a fault is to hit one of them."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Mapping

from tests.faults.evidence import Evidence
from tests.faults.load import RULES, Requests
from tests.harness.member import Member
from tests.harness.membership import CLASSIC, Membership
from tests.harness.stage import Stage
from tests.waiting import until

PARTITIONS = 4
SETTINGS = {"completion.idle": "1h"}  # time is the records' alone

TORN_DOWN = "torn_down"
"""Event in the log of a member that starts over."""

_TRIES = 100
_OPEN_S = 5.0
_OWNERS_S = 60.0
_DEEPER_S = 0.012
"""At most so long after a transaction was seen open: its records go first, then its offsets."""
_SETTLED_S = 0.3
_DONE_S = 120.0


class Crew:
    """The members of a stage. One that has ended comes back under the same name."""

    def __init__(
        self,
        stage: Stage,
        requests: Requests,
        *,
        size: int = 2,
        partitions: int = PARTITIONS,
        membership: Membership = CLASSIC,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Make the topics; nobody is started yet."""
        self.stage = stage
        self.requests = requests
        self.partitions = partitions
        self.names = [f"member-{number}" for number in range(size)]
        self.members: dict[str, Member] = {}
        self.evidence = Evidence(stage)
        self._settings = {**SETTINGS, **membership.settings, **(settings or {})}
        membership.prepare(stage.cluster, stage.app)
        stage.create(partitions, device_limit=requests.each, **RULES)
        topics = (stage.callbacks, stage.reports, stage.metrics, stage.dead_letters)
        until(lambda: all(map(stage.cluster.partitions, topics)), "the topics in sight", _OWNERS_S)

    def start(self, name: str) -> Member:
        """Start one, for the first time or once more."""
        identity = {"app.instance": name, "kafka.client.id": name}
        self.members[name] = self.stage.member({**self._settings, **identity})
        return self.members[name]

    def start_all(self) -> None:
        """Start all, and wait until each one has partitions."""
        for name in self.names:
            self.start(name)
        self.await_owners()

    def await_owners(self, *, evenly: bool = False) -> None:
        """Wait until each running member has partitions, and all of them are restored.

        That can be so for a moment in which a third member still has to get its share; evenly
        dealt, nothing more is on the way.
        """

        def all_work() -> bool:
            held = [len(self.held(name)) for name in self.members]
            least = max(held) - 1 if evenly else 0
            return min(held) > 0 and min(held) >= least and sum(held) == self.partitions

        until(all_work, f"partitions for each of {[*self.members]}", _OWNERS_S)

    def held(self, name: str) -> list[int]:
        """Partitions that a member has and has restored, or had when killed, by its own log."""
        member = self.members[name]
        ended_by_itself = member.exit_code not in (None, -signal.SIGKILL)
        assert not ended_by_itself, f"{name} has ended with {member.exit_code}"
        held: set[int] = set()
        for line in member.log():
            match line["event"]:
                case "restored":
                    held.add(line["partition"])
                case "revoked" | "lost":
                    held.difference_update(line["partitions"])
                case event if event == TORN_DOWN:
                    held.clear()
        return sorted(held)

    def await_opening(self, name: str) -> dict[int, int]:
        """Where a transaction of a member begins that has just been opened, if one was."""
        held = self.held(name)
        # What is open already, somebody else may have left behind.
        before = self.evidence.open_transactions(held)
        return self.evidence.await_open(held, _OPEN_S, before)

    def freeze(self, name: str, *, offsets: bool) -> Mapping[int, int]:
        """Stop a member (SIGSTOP) in an open transaction; where that begins.

        In one that holds offsets already, so is about to be committed, or in one that does
        not. Proves that the member had partitions, and records to read in them.
        """
        member = self.members[name]
        draw = random.Random(self.requests.seed)  # noqa: S311 - any will do
        for _ in range(_TRIES):
            begins = self.await_opening(name)
            if not begins:
                continue
            time.sleep(draw.uniform(0, _DEEPER_S))
            member.pause()
            time.sleep(_SETTLED_S)  # what was under way to Kafka has arrived by then
            still = self.evidence.open_transactions(begins).items() & begins.items()
            owned = self.evidence.owned().get(name, [])
            if (
                still
                and offsets == self.evidence.is_offset_pending()
                and still == self.evidence.open_transactions(begins).items() & begins.items()
                and owned
                and self.evidence.unread(owned)
            ):
                return dict(still)
            member.resume()
        raise AssertionError(f"did not meet {name} in such a transaction in {_TRIES} tries")

    def conclude(self) -> None:
        """Wait until all is consumed and closed, and demand that it is exactly right."""
        stage = self.stage
        stage.send(self.requests.ticks(self.partitions))
        stage.await_exact(_DONE_S)
        assert len(stage.read(stage.reports)) == self.requests.txids
        assert not stage.read(stage.dead_letters)
