"""Draws `docs/demo.svg`, the picture in the README: `make picture`.

It plays the demo and keeps the last scene before the killed member's partitions were taken
over in which a partial report is among the latest. That scene and the closing table are
what the picture shows, as a terminal would.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from consumer.cli.demo.closing import pronounce
from consumer.cli.demo.lines import Lines
from consumer.cli.demo.play import Play
from consumer.cli.demo.scaled import RATE, REQUESTS, SEED, options_for, overrides_for
from consumer.cli.demo.scene import Scene
from consumer.cli.demo.view import view
from consumer.embedded import EmbeddedKafka
from consumer.simulator.plan import Plan
from consumer.wire.report import Outcome

WIDTH, HEIGHT = 100, 26
REPORTS = 6
"""As many as a view of that height shows."""


class Camera(Lines):
    """Prints lines, and keeps the scene that the picture is to show."""

    def __init__(self) -> None:
        super().__init__(lambda line: print(line, file=sys.stderr))
        self.scene: Scene | None = None

    def update(self, scene: Scene) -> None:
        """Keep it while partitions are a dead member's: the last one is the picture."""
        super().update(scene)
        is_partial = [report.summary.outcome is Outcome.PARTIAL for report in scene.latest]
        if any(one.is_orphaned for one in scene.partitions) and any(is_partial[:REPORTS]):
            self.scene = scene


def main(path: Path) -> None:
    """Play, and write the picture to `path`."""
    camera = Camera()
    plan = Plan(options_for(requests=REQUESTS, rate=RATE, seed=SEED))
    with EmbeddedKafka() as kafka:
        play = Play(plan, overrides_for(kafka.bootstrap_servers), camera)
        verdict = play.verdict(play.perform())
    paper = Console(
        width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, highlight=False
    )
    if camera.scene is not None:
        paper.print(view(camera.scene, WIDTH, HEIGHT))
    paper.print("[dim]...")
    pronounce(verdict, paper)
    path.write_text(paper.export_svg(title="session-reports demo", theme=DIMMED_MONOKAI))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
