"""`docker-compose.yml` and the Prometheus configuration that it mounts.

No engine runs here. What can go wrong without one is checked: the file against the schema
of the compose specification, and its settings and command lines against what reads them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from consumer.cli.app import app
from consumer.embedded.jars import KAFKA_VERSION
from consumer.settings.load import load
from consumer.settings.model import Settings
from consumer.settings.units import parse_duration

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
OURS = ("topics", "daemon", "simulator")
ONE_SHOT = ("topics", "simulator")


def read(path: Path) -> dict[str, Any]:
    """A YAML file; merge keys are resolved."""
    found: dict[str, Any] = YAML(typ="safe").load(path)
    return found


COMPOSE = read(FILE)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DAEMON = SERVICES["daemon"]
KAFKA: Mapping[str, str] = SERVICES["kafka"]["environment"]


def against_the_schema(file: Path) -> subprocess.CompletedProcess[str]:
    """The file, compared with the schema of the compose specification."""
    checker = (sys.executable, "-m", "check_jsonschema")
    return subprocess.run(
        [*checker, "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def settings(service: str) -> Settings:
    """What the container of a service would run with."""
    return load(None, (), SERVICES[service]["environment"])


def addresses(listeners: str) -> dict[str, tuple[str, int]]:
    """Host and port by the name of the listener."""
    named = (one.split("://") for one in listeners.split(","))
    return {name: (at.rpartition(":")[0], int(at.rpartition(":")[2])) for name, at in named}


def test_it_keeps_to_the_compose_specification() -> None:
    """No key is misspelt, no value has a wrong type."""
    ended = against_the_schema(FILE)

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_schema_would_find_a_mistake(tmp_path: Path) -> None:
    """Otherwise the test above would mean nothing."""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(FILE.read_text("utf-8").replace("start_interval:", "start_intervall:"))

    ended = against_the_schema(wrong)

    assert ended.returncode == 1
    assert "start_intervall" in ended.stdout


def test_compose_itself_takes_it() -> None:
    """With all profiles; this needs the client and its plugin, but no engine."""
    docker = shutil.which("docker")
    plugin = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False
    )
    if not docker or not plugin or plugin.returncode:
        pytest.skip("docker compose is not installed")
    ended = subprocess.run(
        [docker, "compose", "-f", str(FILE), "--profile", "*", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr


def test_images_are_pinned() -> None:
    """Foreign ones to a whole version; our own is the one built here, and never pulled."""
    for name, service in SERVICES.items():
        if name in OURS:
            assert (service["image"], service["pull_policy"]) == ("session-reports:local", "never")
        else:
            assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"]), name
    assert [name for name, service in SERVICES.items() if "build" in service] == ["topics"]


def test_kafka_is_the_one_that_the_tests_run_on() -> None:
    """The image and the embedded Kafka are of one version."""
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"


def test_the_start_is_in_order() -> None:
    """Kafka works, then there are topics, then whoever uses them starts."""
    healthy, done = (
        {"condition": "service_healthy"},
        {"condition": "service_completed_successfully"},
    )

    assert SERVICES["topics"]["depends_on"] == {"kafka": healthy}
    assert DAEMON["depends_on"] == {"kafka": healthy, "topics": done}
    assert SERVICES["simulator"]["depends_on"] == {"kafka": healthy, "topics": done}


def test_what_stays_up_has_a_health_check_and_is_started_again() -> None:
    """The daemon's check is in its image; what ends by itself is neither."""
    for name, service in SERVICES.items():
        check = service.get("healthcheck", {})
        if name in ONE_SHOT:
            assert check == {"disable": True}
            assert "restart" not in service
        else:
            assert service["restart"] == "on-failure"
            assert "test" in check or name == "daemon"
            assert not check.get("disable")


def test_extras_are_asked_for() -> None:
    """Without a profile there are Kafka, its topics and the daemon."""
    profiles = {name: service.get("profiles", []) for name, service in SERVICES.items()}

    assert profiles == {
        "kafka": [],
        "topics": [],
        "daemon": [],
        "simulator": ["demo"],
        "prometheus": ["observability"],
    }


def test_the_daemon_can_be_scaled() -> None:
    """Nothing in it can be had by one container only, and each is a member of its own."""
    assert DAEMON.keys().isdisjoint({"container_name", "hostname", "ports", "network_mode"})
    assert settings("daemon").app.instance == ""
    assert settings("daemon").http.port != 0


def test_a_stop_is_not_cut_short() -> None:
    """The daemon may take its `shutdown.timeout` before it is killed."""
    assert parse_duration(DAEMON["stop_grace_period"]) > settings("daemon").shutdown.timeout_ms


def test_ports_are_for_this_machine_only() -> None:
    """Neither Kafka nor Prometheus asks for a password here."""
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]

    assert published == ["127.0.0.1:9092:9092", "127.0.0.1:9090:9090"]


@pytest.mark.parametrize("name", [*OURS, "prometheus"])
def test_containers_may_do_little(name: str) -> None:
    """They write nothing but volumes, gain no rights, and none is made root."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.keys().isdisjoint({"user", "privileged", "cap_add"})


@pytest.mark.parametrize("name", OURS)
def test_our_services_go_to_the_listener_for_containers(name: str) -> None:
    """Their settings are right, and name the address that Kafka sends its clients to."""
    host, port = addresses(KAFKA["KAFKA_ADVERTISED_LISTENERS"])["CONTAINERS"]

    assert host == "kafka"
    assert settings(name).kafka.common["bootstrap.servers"] == f"{host}:{port}"


@pytest.mark.parametrize("name", OURS)
def test_commands_are_of_our_command_line(name: str) -> None:
    """With options that exist; a service without a command runs the image's, the daemon."""
    command = SERVICES[name].get("command", [])
    assert bool(command) == (name != "daemon")
    app.parse_args(command or ["run"], exit_on_error=False, print_error=False)


def test_kafka_advertises_what_it_listens_to() -> None:
    """A listener for containers, one for this machine at the published port, and the controller."""
    listening = addresses(KAFKA["KAFKA_LISTENERS"])
    advertised = addresses(KAFKA["KAFKA_ADVERTISED_LISTENERS"])
    protocols = dict(
        one.split(":") for one in KAFKA["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
    )

    assert advertised["HOST"] == ("localhost", 9092)
    assert {name: port for name, (_, port) in advertised.items()} == {
        name: port for name, (_, port) in listening.items() if name != "CONTROLLER"
    }
    assert protocols.keys() == listening.keys()
    assert KAFKA["KAFKA_CONTROLLER_QUORUM_VOTERS"] == "1@{}:{}".format(*listening["CONTROLLER"])


def test_kafka_s_data_outlives_its_container() -> None:
    """State, offsets and reports are in there."""
    volume, _, path = SERVICES["kafka"]["volumes"][0].partition(":")

    assert volume in COMPOSE["volumes"]
    assert path == KAFKA["KAFKA_LOG_DIRS"]


def test_prometheus_finds_every_member() -> None:
    """By the name of the daemon's service, at the port that it listens on, on all addresses."""
    mounted = SERVICES["prometheus"]["volumes"][0].split(":")
    (job,) = read(ROOT / mounted[0])["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    http = settings("daemon").http

    assert mounted[1] == "/etc/prometheus/prometheus.yml"
    assert (discovery["names"], discovery["type"]) == (["daemon"], "A")
    assert discovery["port"] == http.port
    assert DAEMON["expose"] == [str(http.port)]
    assert http.host == "0.0.0.0"  # noqa: S104 - in a container's own network
    assert "metrics_path" not in job
