"""Mining a file of recorded dialogues, in four steps that can be called one by one.

    folder = create(Path("ESConv.json"), Path("runs/mined"))   # or a folder that was begun
    run(folder)
    label(folder, judge="openai:judge")
    write(folder, Path("corpora/mined"))

Each goes on where it was stopped.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError, RunFolderError, unknown
from attunement.core.records import Side
from attunement.simulator.casting import cast_for
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.journal import Journal
from attunement.simulator.labelling import Labelling, left
from attunement.simulator.labelling import label as label_run
from attunement.simulator.run import create_run, open_run, run
from attunement.trainers.corpora.from_run import Harvest
from attunement.trainers.corpora.making import USUAL, CorpusConfig, Watch
from attunement.trainers.corpora.mined import MinedCounts, mine_rows, mined_sets
from attunement.trainers.corpora.origin import Seen, origin_of
from attunement.trainers.corpora.report import CorpusReport
from attunement.trainers.corpora.rows import PairSet
from attunement.trainers.corpora.splits import SPLITS, parse_split, split_by
from attunement.trainers.corpora.writing import CorpusWriter, refuse_existing_corpus

JUDGED: tuple[Side, ...] = ("draft", "recorded")
"""The sides of response pairs."""


@dataclass(frozen=True, slots=True)
class MinedCorpus:
    """A corpus that was mined, in figures."""

    report: CorpusReport
    strategies: dict[str, dict[str, MinedCounts]]
    """By set and recorded strategy."""


def create(source: Path, folder: Path, **settings: Any) -> Path:
    """The run folder that mines `source`: a new one for a file, with these settings of `RunConfig`;
    a folder is one that was begun already. `UserError` where neither can be."""
    if source.is_dir():
        _open(source)[1].close()
        return source
    if folder.is_dir():
        raise RunFolderError(
            f"run folder {str(folder)!r} exists; go on with it by naming it instead of the file: "
            f"attune pairs {folder} --mine ipm, or choose another"
        )
    config = read_config(None, **settings, graph="ipm", replay=str(source))
    create_run(folder, config, cast_for(config))
    return folder


def _open(folder: Path) -> tuple[RunConfig, Journal]:
    config, journal = open_run(folder)
    if config.graph != "ipm":
        journal.close()
        raise ConfigError(
            f"run {str(folder)!r} was made with graph {config.graph!r}, which mines nothing; "
            "name a file of recorded dialogues, or a run of graph 'ipm'"
        )
    return config, journal


def label(folder: Path, judge: str | None = None, **settings: Any) -> bool:
    """Label the replies of response pairs, where there are any; False if it was stopped.

    `settings` are those of `simulator.labelling.label`.
    """
    config, journal = _open(folder)
    journal.close()
    if "response" not in config.mining:
        return True
    return label_run(folder, judge, sides=JUDGED, **settings)


def write(
    folder: Path,
    out: Path,
    corpus: CorpusConfig | None = None,
    watch: Watch = lambda dialogues, _: dialogues,
) -> MinedCorpus:
    """Write the pairs of a mined run to `out`. `UserError` where there are none, or it is not
    finished: a corpus of a part could not be told from the whole one."""
    wanted = corpus or CorpusConfig()
    refuse_existing_corpus(out)
    shares = parse_split(wanted.split or USUAL)
    config, journal = _open(folder)
    with closing(journal):
        plan = _plan(folder, config, journal, wanted)
        seen = Seen()
        seen.look_at(journal, config)
        if wanted.split is None and len(seen.personas) < sum(shares):
            shares = shares[:1]
        split_of = split_by(seen.personas, shares, wanted.seed)
        splits, strict = SPLITS[: len(shares)], wanted.split is not None
        with CorpusWriter(out, wanted.layout, wanted.format, splits, strict) as writer:
            dialogues = watch(journal.dialogues(), sum(journal.counts().values()))
            strategies = mine_rows(dialogues, plan, split_of, writer)
            report = writer.finish(origin_of([plan], seen, shares, wanted.seed))
    return MinedCorpus(report, strategies)


def _plan(folder: Path, config: RunConfig, journal: Journal, wanted: CorpusConfig) -> Harvest:
    sets = _sets(config, wanted)
    _check_finished(folder, config, journal, sets)
    prompts = journal.prompts()
    return Harvest(folder.name, config, prompts, sets, "recorded", wanted.filters, wanted.iteration)


def _sets(config: RunConfig, wanted: CorpusConfig) -> tuple[PairSet, ...]:
    mined = mined_sets(config)
    for name in wanted.sets or ():
        if name not in mined:
            raise ConfigError(unknown("set of this mined run", name, mined))
    return tuple(name for name in mined if name in (wanted.sets or mined))


def _check_finished(
    folder: Path, config: RunConfig, journal: Journal, sets: tuple[PairSet, ...]
) -> None:
    if count := journal.counts()["open"]:
        raise ConfigError(
            f"{count} dialogues of {str(folder)!r} are not mined yet: attune resume {folder}"
        )
    if "response" not in sets:
        return
    judge = config.models.get("judge", config.model)
    if unlabelled := left(journal, Labelling(judge, JUDGED, mined=True)):
        raise ConfigError(
            f"{unlabelled} replies of {str(folder)!r} are not labelled yet: "
            f"attune label-errors {folder} --sides {','.join(JUDGED)}"
        )


def mine(
    source: Path,
    out: Path,
    folder: Path,
    judge: str | None = None,
    corpus: CorpusConfig | None = None,
    settings: Mapping[str, Any] | None = None,
) -> MinedCorpus | None:
    """Mine a file, or go on with a run folder that was begun; None if a signal stopped it."""
    refuse_existing_corpus(out)
    begun = create(source, folder, **(settings or {}))
    if not run(begun) or not label(begun, judge):
        return None
    return write(begun, out, corpus)
