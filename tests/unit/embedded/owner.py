"""An owner of a guarded process, for tests to end in all manners: `owner.py MANNER FOLDER`.

Says `<pid of the guarded process>` on standard output once it runs, then ends as told.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from consumer.embedded.guarded import GuardedProcess

NEVER_S = 600
SLEEPER = [sys.executable, "-I", "-S", "-c", f"import time; time.sleep({NEVER_S})"]


def main(manner: str, folder: Path) -> None:
    """Start a sleeper in `folder`, then end in that manner."""
    guarded = GuardedProcess(SLEEPER, folder, folder / "log")
    guarded.start()
    if manner == "forks" and os.fork() == 0:
        time.sleep(NEVER_S)  # a child with a copy of every file descriptor
    try:
        say(str(guarded.pid))
        if manner == "raises":
            raise RuntimeError("as told")
        if manner != "returns":
            signal.pause()
    except KeyboardInterrupt:
        # Still there although the terminal's whole foreground group was interrupted?
        say("alive" if guarded.ended(0.5) is None else "gone")
        guarded.close()


def say(what: str) -> None:
    """One line to the test, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
