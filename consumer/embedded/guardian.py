"""Runs the JVM on behalf of an owner, and sees to it that it ends when the owner does.

A process of its own, in a session of its own: Ctrl-C in the owner's terminal reaches
neither it nor the JVM, so Kafka outlives the owner's orderly end. It takes orders from its
standard input, a pipe whose other end only the owner has, and the closing of that pipe is
an order, too. That is how it learns of an owner that was killed. A child that the owner
forked without exec would hold the pipe open, so it also watches whose child it is itself.

It is run as a script, without site packages, and imports the standard library only.

Orders, one byte each: START, STOP (the data stay). Answers, one line each: `started <pid>`,
`stopped`, and unasked `exited <status>` when the JVM ended by itself. When the owner lets
go or is gone, it kills the JVM and removes the folder with all that is in it.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

START = b"s"
STOP = b"t"

_WATCH_S = 0.2
_SHUTDOWN_S = 20.0


def main(owner: int, folder: Path, command: list[str]) -> None:
    """Serve the owner's orders until it lets go or is gone; then leave nothing behind."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda number, _: sys.exit(128 + number))
    jvm: subprocess.Popen[bytes] | None = None
    try:
        while os.getppid() == owner:
            if select.select([0], [], [], _WATCH_S)[0]:
                order = os.read(0, 1)
                if order == START:
                    jvm = _start(command)
                    _answer(f"started {jvm.pid}")
                elif order == STOP:
                    _stop(jvm)
                    jvm = None
                    _answer("stopped")
                else:
                    return
            elif jvm is not None and jvm.poll() is not None:
                _answer(f"exited {jvm.returncode}")
                jvm = None
    finally:
        if jvm is not None:
            jvm.kill()  # its data go with it: an orderly shutdown would only take longer
            jvm.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    # What the JVM and its Kafka say goes where our own errors go: the owner's log file.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2)  # noqa: S603 - from owner


def _stop(jvm: subprocess.Popen[bytes] | None) -> None:
    if jvm is None:
        return
    jvm.terminate()
    try:
        jvm.wait(_SHUTDOWN_S)
    except subprocess.TimeoutExpired:
        jvm.kill()
        jvm.wait()


def _answer(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
