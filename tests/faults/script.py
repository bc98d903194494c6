"""A producer that fails as a test wants it, and otherwise is the real one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from consumer.errors import Action, Fault
from consumer.kafka.transactions import Output, Transactions
from consumer.pipeline.ports import Position

Step = Literal["flush", "send_offsets"]


@dataclass
class Script:
    """Which transaction is to fail, once, and what is known of it.

    It fails when `step` is done: what was to reach Kafka in it has done so. `when` looks at
    what the transaction holds.
    """

    step: Step = "flush"
    when: Callable[[Script], bool] = lambda _: True
    outputs: Counter[str] = field(default_factory=Counter)
    """Records queued in the present transaction by topic, those of the state log aside."""
    begins: Mapping[int, int] = field(default_factory=dict)
    """Where the present transaction begins on the state topic."""
    failed: Mapping[int, int] | None = None
    """The same of the one that has failed."""
    aborts: int = 0

    def transactions(self) -> type[Transactions]:
        """The class that follows it."""
        script = self

        class Scripted(Transactions):
            def begin(self) -> None:
                script.outputs, script.begins = Counter(), {}
                super().begin()

            def produce(self, outputs: Sequence[Output]) -> None:
                super().produce(outputs)
                script.outputs.update(output.topic for output in outputs)

            def produce_keyed(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> None:
                super().produce_keyed(topic, records)
                script.outputs[topic] += len(records)

            def flush(self) -> Mapping[int, int]:
                return script.delivered(super().flush())

            def delivered(self) -> Mapping[int, int] | None:
                begins = super().delivered()
                return None if begins is None else script.delivered(begins)

            def send_offsets(self, positions: Sequence[Position], group_metadata: Any) -> None:
                super().send_offsets(positions, group_metadata)
                script.done("send_offsets")

            def abort(self) -> None:
                script.aborts += self._open
                super().abort()

        return Scripted

    def delivered(self, begins: Mapping[int, int]) -> Mapping[int, int]:
        """Told when everything is."""
        self.begins = dict(begins)
        self.done("flush")
        return begins

    def done(self, step: Step) -> None:
        """Told after each step."""
        if self.failed is None and step == self.step and self.begins and self.when(self):
            self.failed = self.begins
            raise Fault(Action.TEAR_DOWN, "commit_failed", f"failed by the test after {step}")
