"""A run: laying out its folder, starting it, resuming it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from attunement.agents.models.base import ChatBackend
from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import RunFolderError
from attunement.simulator.backends import backends_for, graph_for, prices_for, with_servers
from attunement.simulator.casting import Cast
from attunement.simulator.config import RunConfig
from attunement.simulator.cost import check_priced
from attunement.simulator.forking import backends_of_open
from attunement.simulator.frame import (
    CONFIG,
    JOURNAL,
    LOCK,
    Watch,
    by_spec,
    carry_out,
    locked,
    open_run,
    purse_for,
    write_config,
)
from attunement.simulator.journal import Journal
from attunement.simulator.recorder import Desk, Tally
from attunement.simulator.scheduler import run_open_dialogues

__all__ = ["CONFIG", "JOURNAL", "LOCK", "create_run", "open_run", "refuse_existing", "run"]


def create_run(folder: Path, config: RunConfig, cast: Cast, check_models: bool = True) -> None:
    """Lay out a new run folder. `RunFolderError` if it exists; it is whole or not there.

    `check_models=False` leaves specs unchecked, for backends that only the caller has.
    """
    graph_for(config)
    if check_models:
        backends_for(config)
        check_priced(config.budget, prices_for(config))
    refuse_existing(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".run-") as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        write_config(part, with_servers(config))
        prompts = packaged_prompts()
        Journal.create(part / JOURNAL, cast.personas, cast.rows(), prompts).close()
        refuse_existing(folder)
        part.rename(folder)


def refuse_existing(folder: Path) -> None:
    """`RunFolderError` where a run folder cannot be laid out, because something is there."""
    if folder.is_dir():
        raise RunFolderError(
            f"run folder {str(folder)!r} exists; choose another with --out, "
            f"or go on with it: attune resume {folder}"
        )
    if folder.exists():
        raise RunFolderError(f"{str(folder)!r} is a file; choose another run folder with --out")


def run(
    folder: Path,
    watch: Watch | None = None,
    backends: Iterable[ChatBackend] | None = None,
    retry_failed: bool = False,
    tally: Tally | None = None,
    on_stop: Callable[[], None] = lambda: None,
    bounds: Mapping[str, float | None] | None = None,
    only: Sequence[int] | None = None,
) -> bool:
    """Run what is open in a run folder; True if it ran to its end, False if it was stopped.

    `watch` is entered around the run, to display its `tally`. `backends` replace those that the
    configuration names (they answer to their own `spec`). `on_stop` is called when a signal asks
    the run to stop: calls in flight then finish first. `bounds` replace those of the
    configuration's budget; `tally.stopped_by` says which one ended the run. `only` runs these
    dialogues alone.
    """
    config, journal = open_run(folder)
    with locked(folder), closing(journal):
        chosen = by_spec(backends) if backends else backends_of_open(config, journal, only)
        purse = purse_for(config, journal, bounds)
        if retry_failed:
            journal.reopen_failed()

        async def work(desk: Desk) -> None:
            await run_open_dialogues(desk, only)

        whole = carry_out(folder, config, journal, chosen, purse, work, watch, tally, on_stop)
        return whole or not journal.counts(branches=True)["open"]
