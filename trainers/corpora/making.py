"""Making a corpus from runs: settings, splits, rows, card."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from attunement.agents.reading import explain
from attunement.core.errors import ConfigError, RunFolderError, unknown
from attunement.core.records import Dialogue, Record
from attunement.simulator.config import RunConfig
from attunement.simulator.journal import Journal
from attunement.simulator.run import open_run
from attunement.trainers.corpora.filters import Filters
from attunement.trainers.corpora.from_run import Chosen, Harvest, choose_sets, harvest
from attunement.trainers.corpora.mined import mine_rows
from attunement.trainers.corpora.mining import check_mined
from attunement.trainers.corpora.origin import Seen, origin_of
from attunement.trainers.corpora.report import CorpusReport, FileFormat, Layout
from attunement.trainers.corpora.rows import PAIR_SETS
from attunement.trainers.corpora.splits import SPLITS, families, parse_split, split_by
from attunement.trainers.corpora.writing import CorpusWriter, refuse_existing_corpus

USUAL = "9:1"
LENGTH = 2.0
"""How much longer than its draft a refinement may be (recipe A)."""
_REALISTIC = (
    "`realistic` looks at simulated seekers, but {} replays recorded people; leave out --realistic"
)
Watch = Callable[[Iterable[Dialogue], int], Iterable[Dialogue]]
"""Handed a run's dialogues and how many they are; hands them on, and shows how far it is."""


class CorpusConfig(Record):
    """What to make of runs."""

    sets: tuple[str, ...] | None = None
    """None for every set of pairs that the run gives."""
    chosen: Chosen = "refined"
    split: str | None = None
    """Shares of train, validation and, if there are three, test; by persona. None: 9:1 as far as
    the personas go, so that a small corpus may have no validation."""
    seed: int = 0
    iteration: int = Field(default=0, ge=0)
    """t of the model M_t that wrote the drafts."""
    format: FileFormat = "jsonl"
    layout: Layout = "trl"
    filters: Filters = Filters()


def corpus_config(**settings: Any) -> CorpusConfig:
    """The settings, checked; `ConfigError` with one sentence where they do not hold."""
    try:
        return CorpusConfig.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def make_corpus(
    runs: Sequence[Path],
    out: Path,
    config: CorpusConfig,
    watch: Watch = lambda dialogues, _: dialogues,
) -> CorpusReport:
    """Write the corpus of one or several runs to `out`; returns its figures.

    Raises `UserError` and its children before anything is written, or with nothing left behind.
    """
    refuse_existing_corpus(out)
    shares = parse_split(config.split or USUAL)
    check_runs(runs)
    with ExitStack() as stack:
        plans: list[tuple[Journal, Harvest]] = []
        for run in runs:
            run_config, journal = open_run(run)
            stack.enter_context(closing(journal))
            plans.append((journal, _plan(run, run_config, journal, config)))
        if len({plan.config.mines for _, plan in plans}) > 1:
            raise ConfigError("mined runs and others give different pairs; make a corpus of each")
        seen = Seen()
        for journal, plan in plans:
            seen.look_at(journal, plan.config)
        if config.split is None and len(set(families(seen.personas).values())) < sum(shares):
            shares = shares[:1]
        split_of = split_by(seen.personas, shares, config.seed)
        splits, strict = SPLITS[: len(shares)], config.split is not None
        writer = CorpusWriter(out, config.layout, config.format, splits, strict)
        with writer as corpus:
            for journal, plan in plans:
                dialogues = watch(journal.dialogues(), sum(journal.counts().values()))
                take = mine_rows if plan.config.mines else harvest
                take(dialogues, plan, split_of, corpus)
            return corpus.finish(origin_of([p for _, p in plans], seen, shares, config.seed))


def check_for_mining(config: CorpusConfig) -> None:
    """What can be refused before a run is mined, so that nothing is paid for in vain."""
    parse_split(config.split or USUAL)
    if config.filters.realistic:
        raise ConfigError(_REALISTIC.format("`--mine`"))
    for name in config.sets or ():
        if name not in PAIR_SETS:
            raise ConfigError(unknown("set of mined pairs", name, PAIR_SETS))


def check_runs(runs: Sequence[Path]) -> None:
    """`UserError` for what is no run folder, and for runs that rows could not tell apart."""
    for run in runs:
        if run.is_file():
            raise RunFolderError(
                f"{str(run)!r} is a file; mine it with --mine ipm, or see `attune corpus import`"
            )
    names = [run.resolve().name for run in runs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"two runs are named {twice!r}; rows could not tell them apart")


def _plan(folder: Path, run: RunConfig, journal: Journal, config: CorpusConfig) -> Harvest:
    chosen: Chosen = "recorded" if run.mines else config.chosen
    sets, filters = choose_sets(run, chosen, config.sets), config.filters
    if filters.realistic and run.replay is not None:
        raise ConfigError(_REALISTIC.format(f"run {str(folder)!r}"))
    if filters.max_length_ratio is None:
        ratio = 0.0 if run.mines else LENGTH
        filters = filters.model_copy(update={"max_length_ratio": ratio})
    if run.mines:
        check_mined(folder, run, journal, sets)
        filters = filters.model_copy(update={"errors": True})
    elif filters.errors and not run.judges:
        raise ConfigError(
            f"run {str(folder)!r} has no labels to filter by; first: attune label-errors {folder}"
        )
    name = folder.resolve().name
    return Harvest(name, run, journal.prompts(), sets, chosen, filters, config.iteration)
