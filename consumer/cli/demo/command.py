"""The verb `demo`: a Kafka, a way to show the play, and an exit code."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from rich.console import Console

from consumer.cli.demo.closing import pronounce
from consumer.cli.demo.lines import Lines
from consumer.cli.demo.play import Play
from consumer.cli.demo.scaled import RATE, REQUESTS, SEED, options_for, overrides_for
from consumer.cli.demo.view import LiveShow
from consumer.embedded import EmbeddedKafka
from consumer.simulator.plan import Plan


def demo(
    *, requests: int = REQUESTS, rate: float = RATE, seed: int = SEED, bootstrap_servers: str = ""
) -> None:
    """See it work on a real Kafka of its own, in a minute.

    Two members share simulated callbacks; one of them is killed half-way. In the end the
    topics are read back and compared with what was sent; exit code 0 only if all agrees.
    The first time, Kafka is downloaded (45 MB) and kept in your cache directory.

    **Examples**
    ```
    session-reports demo
    session-reports demo --requests 10000 --rate 2000
    session-reports demo --bootstrap-servers broker:9092
    ```

    Args:
        requests: Requests to simulate.
        rate: Records per second; 0 sends as fast as they are taken.
        seed: Same seed, same callbacks.
        bootstrap_servers: Use this Kafka instead; topics named `demo.*` are made and left there.
    """
    console = console_for_stdout()
    plan = Plan(options_for(requests=requests, rate=rate, seed=seed))
    with _told_when_interrupted(console), contextlib.ExitStack() as stack:
        if bootstrap_servers:
            console.print(f"Using the Kafka at {bootstrap_servers}; topics are named demo.*")
        else:
            console.print("Starting an Apache Kafka of its own ...")
            kafka = EmbeddedKafka(on_progress=lambda line: console.print(f"  {line}"))
            bootstrap_servers = stack.enter_context(kafka).bootstrap_servers
        overrides = overrides_for(bootstrap_servers)
        with show_for(console) as show:
            play = Play(plan, overrides, show)
            kill = play.perform()
        console.print("Reading the topics back, from the beginning ...")
        pronounce(play.verdict(kill), console)


@contextlib.contextmanager
def _told_when_interrupted(console: Console) -> Iterator[None]:
    """Say that all is cleaned up, when Ctrl-C has ended it."""
    try:
        yield
    except (KeyboardInterrupt, SystemError) as error:  # the latter from within a client's C code
        if isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt):
            console.print("Interrupted: everything that the demo started is gone.")
        raise


def console_for_stdout() -> Console:
    """Plain text unless standard output is a terminal, whatever the environment pretends."""
    if sys.stdout.isatty():
        return Console(highlight=False, emoji=False)
    return Console(highlight=False, emoji=False, force_terminal=False, color_system=None)


def show_for(console: Console) -> LiveShow | Lines:
    """A live view where it can be redrawn, lines elsewhere."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveShow(console)
    return Lines(lambda line: console.print(line, markup=False, soft_wrap=True))
