"""A real Apache Kafka on a bundled JRE: no Docker, no Java, nothing to install by hand.

`jars` fetches Kafka from Maven Central once and remembers it, `properties` is the
configuration of its single node, `guardian` ties the JVM's life to its owner's, and
`broker` is the one class that the demo, the tests and the benchmarks use.
"""

from consumer.embedded.broker import EmbeddedKafka

__all__ = ["EmbeddedKafka"]
