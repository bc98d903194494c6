"""`session-reports run`: the daemon."""

from __future__ import annotations

import sys

import structlog

from consumer.cli.options import NOWHERE_ELSE, SettingsFrom
from consumer.daemon import Daemon
from consumer.errors import SessionReportsError
from consumer.settings.secrets import secret_values
from consumer.telemetry import logs

log = structlog.get_logger(__name__)


def run(*, source: SettingsFrom = NOWHERE_ELSE) -> None:
    """Run the daemon until it is told to stop.

    SIGTERM and SIGINT finish, commit and leave the group; a second signal forces. Members
    with the same `app.id` share the partitions of the input topic.

    **Examples**
    ```
    session-reports run --config config/consumer.toml
    session-reports run --set kafka.bootstrap.servers=broker:9092
    SESSION_REPORTS__COMPLETION__INACTIVITY=5m session-reports run
    ```
    """
    settings = source.load().settings
    logs.configure(
        level=settings.log.level, form=settings.log.format, secrets=secret_values(settings)
    )
    try:
        Daemon(settings).run()
    except SessionReportsError as error:  # from here on the log is where one looks for it
        for problem in str(error).splitlines():
            log.error("failed", exit_code=error.exit_code, reason=problem)  # noqa: TRY400 - no bug
        sys.exit(error.exit_code)
