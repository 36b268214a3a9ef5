"""Mining a file of recorded dialogues, in four steps; each goes on where it was stopped.

config = mining_config(Path("ESConv.json"))
create_run(folder, config, cast_for(config))    # simulator/run.py
run(folder)
label(folder, judge="openai:judge")
make_corpus([folder], Path("corpora/mined"), corpus_config())
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError
from attunement.core.records import MINING, Side
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.journal import Journal
from attunement.simulator.judging import left
from attunement.simulator.labelling import Labelling
from attunement.simulator.labelling import label as label_run
from attunement.simulator.run import open_run
from attunement.trainers.corpora.rows import SetName

JUDGED: tuple[Side, ...] = ("draft", "recorded")
"""The sides of response pairs."""


def mining_config(source: Path, file: Path | None = None, **flags: Any) -> RunConfig:
    """The configuration of a run that mines `source`: a file's, with the flags on top of it."""
    return read_config(file, **flags, graph=MINING, replay=str(source))


def check_mining(folder: Path) -> RunConfig:
    """The configuration of a run that was begun; `ConfigError` where it mines nothing."""
    config, journal = open_run(folder)
    journal.close()
    if not config.mines:
        raise ConfigError(
            f"run {str(folder)!r} was made with graph {config.graph!r}, which mines nothing; "
            f"name a file of recorded dialogues, or a run of graph {MINING!r}"
        )
    return config


def label(folder: Path, judge: str | None = None, **settings: Any) -> bool:
    """Label the replies of response pairs, where there are any; False if it was stopped.

    `settings` are those of `simulator.labelling.label`.
    """
    if "response" not in check_mining(folder).mining:
        return True
    return label_run(folder, judge, sides=JUDGED, **settings)


def check_mined(folder: Path, config: RunConfig, journal: Journal, sets: Sequence[SetName]) -> None:
    """`ConfigError` for a run that is not mined or labelled to its end: a corpus of a part could
    not be told from the whole one."""
    if count := journal.counts()["open"]:
        raise ConfigError(
            f"{count} dialogues of {str(folder)!r} are not mined yet; go on with --mine ipm"
        )
    if "response" not in sets:
        return
    judge = config.models.get("judge", config.model)
    if unlabelled := left(journal, Labelling(judge, JUDGED, mined=True)):
        raise ConfigError(
            f"{unlabelled} replies of {str(folder)!r} are not labelled yet; go on with --mine ipm"
        )
