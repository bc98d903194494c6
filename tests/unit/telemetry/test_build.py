from msgspec import structs

from consumer.telemetry.build import Build


def test_names_the_versions_that_build_info_promises() -> None:
    """The fields are the documented labels of `build_info` and keys of `/version`."""
    assert [field.name for field in structs.fields(Build)] == [
        "version",
        "python",
        "librdkafka",
        "confluent_kafka",
    ]
