"""The command `session-reports` and its verbs.

Errors meant for a user end the process with one line on standard error and the exit code
that the error's class names; anything else is a bug and shows its traceback.
"""

from __future__ import annotations

import errno
import logging
import re
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from consumer import __version__
from consumer.cli import config
from consumer.cli.audit.command import audit
from consumer.cli.check import check
from consumer.cli.completion import completion
from consumer.cli.demo.command import demo
from consumer.cli.health import health
from consumer.cli.run import run
from consumer.cli.schema import schema
from consumer.cli.simulate import simulate
from consumer.cli.topics import create
from consumer.errors import SessionReportsError
from consumer.telemetry import logs

HELP = """Puts ThingSpace's per-device usage callbacks back together:
one report per txid, exactly once, on Kafka.

Try it on a real Kafka, with nothing installed: `session-reports demo`

Exit codes: 0 clean; 78 bad configuration (topics that do not fit and a busy port included);
69 Kafka unreachable at start; 1 otherwise.
"""

_VALUES = re.compile(r"=.*")
"""What stands behind a `=` on a command line may be a secret, forgotten `--set` or not, with
blanks and quotes in it: nobody can tell where it ends."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""What ends a command whose output goes to a full disk."""

USAGE_ERROR = 1
INTERRUPTED = 130

app = App(name="session-reports", help=HELP, version=__version__, help_format="markdown")
app.command(run)
app.command(demo)
app.command(check)
app.command(health)
app.command(audit)
settings = App(name="config", help="The settings that are in force.")
settings.command(config.show)
app.command(settings)
topics = App(name="topics", help="The topics that the daemon works with.")
topics.command(create)
app.command(topics)
app.command(simulate)
app.command(schema)
app.command(completion)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command line and exit with its code."""
    # What librdkafka says belongs to the daemon's log. Other verbs have none, and learn of
    # failures from their calls; without a handler Python would print it all the same.
    logging.getLogger("librdkafka").addHandler(logging.NullHandler())
    logs.configure_plain()
    try:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        _complain(_VALUES.sub("=...", " ".join(str(error).split())))
        sys.exit(USAGE_ERROR)
    except SessionReportsError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        _complain(f"cannot write: {error.strerror}")
        sys.exit(1)
    except SystemError as error:  # a signal came while a C function of a client returned
        if isinstance(error.__cause__, KeyboardInterrupt):
            sys.exit(INTERRUPTED)
        if isinstance(error.__cause__, SystemExit):
            raise error.__cause__ from None
        raise


def _complain(message: str) -> None:
    """In one line, or as a list with a line for each problem."""
    count = message.count("\n") + 1
    listed = message if count == 1 else f"{count} problems\n{message}"
    print(f"session-reports: {listed}", file=sys.stderr)  # noqa: T201 - the error line
