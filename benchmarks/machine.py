"""The machine and the versions that a figure belongs to."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

import confluent_kafka

from consumer.embedded.jars import KAFKA_VERSION

_GIB = 1024**3


def described(given_servers: str | None) -> dict[str, str]:
    """What to print beside a figure. To be asked before it is taken: it tells the load."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    own = f"Apache Kafka {KAFKA_VERSION}, one node on the same machine"
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{pages / _GIB:.0f} GiB",
        "system": f"{platform.system()} {_kernel()} {platform.machine()}",
        "python": platform.python_version(),
        "librdkafka": confluent_kafka.libversion()[0],
        "kafka": "a given one" if given_servers else own,
        "load average before": f"{os.getloadavg()[0]:.1f}",
    }


def _kernel() -> str:
    """The numbers of its release, without what its builder has added."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", platform.release())
    return found[0] if found else ""


def _processor() -> str:
    """Its name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
