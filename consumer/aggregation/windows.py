"""The metrics windows of one partition (DESIGN 2.5).

There is only ever one window open, since everything counts at the clock or, what fires by
time, at its deadline, and both only go forward. It closes when the clock has passed its
end; one in which nothing happened says nothing.
"""

from __future__ import annotations

from consumer.aggregation.txid import Txid
from consumer.wire import metrics
from consumer.wire.report import Outcome
from consumer.wire.state_entry import Window
from consumer.wire.timestamps import iso


class Windows:
    """The open window, and the records of those that closed since they were last taken."""

    __slots__ = ("_app", "_codes_room", "_length_ms", "_partition", "closed", "open")

    def __init__(self, app: str, partition: int, length_ms: int) -> None:
        self._app = app
        self._partition = partition
        self._length_ms = length_ms
        self.open = Window(0, end_ms=length_ms)
        self.closed: list[tuple[bytes, bytes]] = []
        """Key and value of metrics records, in time order."""
        self._codes_room = metrics.CODES_BYTES

    def load(self, window: Window) -> None:
        """Go on with a restored window, which keeps its end if the length has changed."""
        self.open = window
        self._codes_room = metrics.CODES_BYTES - sum(map(metrics.most_bytes, window.error_codes))

    @property
    def end_ms(self) -> int:
        """Exclusive; the clock closes the window when it gets here."""
        return self.open.end_ms

    def move(self, now_ms: int) -> None:
        """Close the window if it ended, and open the one that `now_ms` lies in."""
        if now_ms < self.end_ms:
            return
        if self.is_touched():
            self.closed.append(self._record())
        start_ms = now_ms // self._length_ms * self._length_ms
        # After a change of length the aligned window may have begun inside of the last one.
        self.open = Window(max(start_ms, self.end_ms), end_ms=start_ms + self._length_ms)
        self._codes_room = metrics.CODES_BYTES

    def is_touched(self) -> bool:
        """Whether anything has been counted in the open window."""
        return self.open != Window(self.open.start_ms, end_ms=self.open.end_ms)

    def add_report(self, state: Txid, outcome: Outcome, closed_ms: int) -> None:
        """Count the emission of `state`; a revision as the difference to the one before."""
        window = self.open
        if outcome is Outcome.COMPLETE:
            window.complete += 1
        elif outcome is Outcome.PARTIAL:
            window.partial += 1
        else:
            window.unconfirmed += 1
        window.reported += state.usage.devices()
        window.sessions += state.sessions
        window.transferred += state.transferred
        if state.missing:
            window.missing += state.missing
        if state.errors is not None:
            window.failed += state.errors.devices()
        before = state.previous
        if before is not None:
            window.reported -= before.reported
            window.failed -= before.failed
            window.missing -= before.missing
            window.sessions -= before.sessions
            window.transferred -= before.transferred
        if state.error_codes:
            self._add_codes(state.error_codes, {} if before is None else before.error_codes)
        if state.revision:
            window.revised += 1
        else:
            self._add_time(closed_ms - state.opened_ms)

    def _add_time(self, took_ms: int) -> None:
        window = self.open
        window.first_emissions += 1
        window.to_complete_sum_ms += took_ms
        if window.to_complete_min_ms is None or took_ms < window.to_complete_min_ms:
            window.to_complete_min_ms = took_ms
        if window.to_complete_max_ms is None or took_ms > window.to_complete_max_ms:
            window.to_complete_max_ms = took_ms

    def _add_codes(self, codes: dict[str, int], before: dict[str, int]) -> None:
        known = self.open.error_codes
        for code, total in codes.items():
            count = total - before.get(code, 0)
            if not count:
                continue
            name = code
            if name not in known and metrics.most_bytes(name) > self._codes_room:
                name = metrics.OTHER_CODES
            if name not in known:
                self._codes_room -= metrics.most_bytes(name)
            known[name] = known.get(name, 0) + count

    def _record(self) -> tuple[bytes, bytes]:
        window = self.open
        record = metrics.MetricsRecord(
            window=metrics.Window(iso(window.start_ms), iso(self.end_ms)),
            app=self._app,
            partition=self._partition,
            records=metrics.Records(
                callbacks=window.callbacks,
                expectations=window.expectations,
                acknowledgements=window.acknowledgements,
                dead_letters=window.dead_letters,
            ),
            items=metrics.Items(
                usage=window.usage,
                errors=window.errors,
                duplicates=window.duplicates,
                late=window.late,
            ),
            reports=metrics.Reports(
                complete=window.complete,
                partial=window.partial,
                unconfirmed=window.unconfirmed,
                revised=window.revised,
            ),
            devices=metrics.Devices(
                reported=window.reported, failed=window.failed, missing=window.missing
            ),
            number_of_sessions=window.sessions,
            bytes_transferred=window.transferred,
            error_codes=window.error_codes,
            time_to_complete_ms=metrics.TimeToComplete(
                count=window.first_emissions,
                sum=window.to_complete_sum_ms,
                min=window.to_complete_min_ms,
                max=window.to_complete_max_ms,
            ),
        )
        return metrics.key(window.start_ms, self._partition), metrics.encode(record)
