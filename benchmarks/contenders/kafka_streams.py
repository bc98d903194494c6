"""Kafka Streams with exactly_once_v2: the usual choice for such a job on the JVM.

Its source lies in `benchmarks/kafka_streams`; Maven builds it into a folder beside the cache of
the embedded Kafka, anew whenever a source file is newer. There are four of it, for what is
fastest depends on the workload: the store in memory or in RocksDB, with and without Streams'
own record cache. The best one counts. Each has a thread per core.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.job import Job
from consumer.embedded.jars import cache_directory

SOURCE = Path(__file__).parents[1] / "kafka_streams"
_DONE = ".built"


class KafkaStreams(msgspec.Struct, frozen=True):
    """One way to keep the state."""

    store: Literal["memory", "rocksdb"]
    cached: bool
    guarantee: str = "exactly once"
    reports: bool = True

    @property
    def name(self) -> str:
        """Such as `streams-memory-cached`."""
        return f"streams-{self.store}{'-cached' if self.cached else ''}"

    def missing(self) -> str | None:
        """Maven and a JDK may be; where they are, it is built now."""
        absent = [name for name in ("mvn", "javac", "java") if shutil.which(name) is None]
        return f"there is no {' and no '.join(absent)} to build it with" if absent else _build()

    def command(self, job: Job) -> list[str]:
        """What `missing` has built."""
        arguments = {
            "servers": job.servers,
            "name": job.name,
            "callbacks": job.callbacks,
            "reports": job.reports,
            "device-limit": job.device_limit,
            "commit-interval-ms": job.commit_interval_ms,
            "threads": os.cpu_count(),
            "folder": job.folder,
            "store": self.store,
            "cached": str(self.cached).lower(),
        }
        given = [f"{name}={value}" for name, value in arguments.items()]
        options = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        classes = os.pathsep.join((str(_home() / "classes"), str(_home() / "lib" / "*")))
        return ["java", *options, "-cp", classes, "reports.Main", *given]


STREAMS = [
    KafkaStreams(store, cached) for store in ("memory", "rocksdb") for cached in (False, True)
]


def _home() -> Path:
    """Where classes and jars lie."""
    return cache_directory().parent / "kafka-streams-contender"


def _build() -> str | None:
    """Build it, unless that was done since the source changed; why that failed, in a line."""
    home = _home()
    done = home / _DONE
    newest = max(path.stat().st_mtime for path in SOURCE.rglob("*") if path.is_file())
    if done.exists() and done.stat().st_mtime > newest:
        return None
    print("building the contender on Kafka Streams", flush=True)
    pom = str(SOURCE / "pom.xml")
    maven = ["mvn", "--quiet", "--batch-mode", "-Dstyle.color=never", "-f", pom, f"-Dto={home}"]
    built = subprocess.run([*maven, "clean", "compile"], capture_output=True, check=False)
    if built.returncode != 0:
        said = built.stdout.decode(errors="replace").strip() or "nothing"
        return f"Maven could not build it and said: {said.splitlines()[0]}"
    done.touch()
    return None
