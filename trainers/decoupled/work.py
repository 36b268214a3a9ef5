"""What the stages of a recipe-B run share: settings, folder, display, and the models by part."""

from dataclasses import dataclass
from pathlib import Path

from attunement.trainers.decoupled.config import PARTS, DecoupledConfig, Part
from attunement.trainers.decoupled.fitting import Fit
from attunement.trainers.evolve.stages import Done, Stages, folder_hash
from attunement.trainers.evolve.work import Display
from attunement.trainers.learning.report import ADAPTER, read_report

DATA, CORPUS, BASE = "data", "corpus", "base"
MINING, PAIRS, REPORT = "mining/run", "mining/pairs", "report"


@dataclass(frozen=True, slots=True)
class Work:
    """A run of the recipe in its folder."""

    config: DecoupledConfig
    out: Path
    stages: Stages
    display: Display

    @property
    def base(self) -> str:
        """The folder or name of the model that the adapters are for."""
        from attunement.trainers.decoupled.base import TRAINING
        from attunement.trainers.learning.report import MERGED

        return self.config.base.model or str(self.out / BASE / TRAINING / MERGED)

    def fits(self) -> dict[Part, Fit]:
        """What makes the prompts of each part fit."""
        from attunement.trainers.learning.models import load_tokenizer

        tokenizer = load_tokenizer(self.base)
        return {part: Fit(tokenizer, self.config.history(part)) for part in PARTS}

    def spec(self, adapter: Path) -> str:
        """The base with an adapter, as a run names it."""
        return f"{self.config.backend}:{self.base}+{adapter}"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter of the base."""

    part: Part
    path: Path
    done: Done


def adapter_hash(folder: Path) -> str:
    """The hash of a trained adapter; `FileNotFoundError` where its training did not finish."""
    if read_report(folder) is None:
        raise FileNotFoundError(folder)
    return folder_hash(folder / ADAPTER)
