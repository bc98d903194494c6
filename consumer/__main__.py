"""`python -m consumer` is `session-reports`."""

import signal
import sys


def main() -> None:
    """Run this process's command line, and exit with its code."""
    try:
        from consumer.cli.app import main as run  # noqa: PLC0415 - takes as long as a Ctrl-C needs
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    run()


if __name__ == "__main__":
    main()
