"""The program of the contender `quix`. Imports nothing that its environment does not have.

The clients are tuned as those of the loop `tuned` are, and it looks for something to commit
every 50 ms where its default is a second: that would count against it at the end of a run.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from quixstreams import Application, State

from benchmarks.contenders.session import is_complete, merged, report_of

KEY = "session"


def main() -> None:
    """Work until killed."""
    job = json.loads(sys.argv[1])
    app = Application(
        broker_address=job["servers"],
        consumer_group=job["name"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=job["commit_interval_ms"] / 1_000,
        consumer_poll_timeout=0.05,
        consumer_extra_config={"fetch.queue.backoff.ms": 5},
        producer_extra_config={"linger.ms": 5, "compression.type": "lz4"},
        state_dir=job["folder"],
        loglevel="WARNING",
    )

    def step(record: dict[str, Any], state: State) -> dict[str, Any] | None:
        """A report, when this record completes one."""
        session = merged(state.get(KEY), record)
        if not is_complete(session, job["device_limit"]):
            state.set(KEY, session)
            return None
        state.delete(KEY)
        return report_of(record["txid"], session)

    callbacks = app.topic(f"{job['name']}.callbacks")
    reports = app.dataframe(callbacks).apply(step, stateful=True)
    reports = reports.filter(lambda report: report is not None)
    reports.to_topic(app.topic(f"{job['name']}.reports"))
    app.run()


if __name__ == "__main__":
    main()
