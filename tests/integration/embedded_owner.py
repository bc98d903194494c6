"""An owner of an embedded Kafka, for tests to end in all manners: `embedded_owner.py MANNER`.

Says `<bootstrap servers> <pid of the JVM> <folder>` once Kafka is up, then ends as told.
"""

from __future__ import annotations

import signal
import sys

from confluent_kafka.admin import AdminClient

from consumer.embedded import EmbeddedKafka


def main(manner: str) -> None:
    """Own a Kafka until told otherwise."""
    with EmbeddedKafka() as kafka:
        try:
            say(f"{kafka.bootstrap_servers} {kafka.pid} {kafka.log_path.parent}")
            if manner == "raises":
                raise RuntimeError("as told")
            signal.pause()
        except KeyboardInterrupt:
            # An owner has work to finish on its way out: Kafka has to be there for it still.
            admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
            say(f"{len(admin.list_topics(timeout=10).brokers)} broker")


def say(what: str) -> None:
    """One line to the test, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
