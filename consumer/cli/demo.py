"""`session-reports demo`: see it work, on a real Kafka of its own."""


def demo() -> None:
    """See it work."""
