"""Is the simulated seeker believable? Rates of seven faults by dialogue, and how many are unfit.

    meter = RealismMeter()
    for dialogue in journal.dialogues():
        meter.add(dialogue.id, dialogue)
    meter.findings()

`score_seeker` reads one dialogue (`seeker.py` says how, and what rules cannot see). In a
replay recorded people speak: what needs a card or private notes is not applicable there, and the
rest says how often the rules take people for badly played seekers.
"""

from collections.abc import Callable, Mapping

import numpy as np

from attunement.core.records import Dialogue, Pace
from attunement.evaluation.figures import (
    Better,
    Figure,
    Findings,
    Measure,
    Series,
    mean_figure,
)
from attunement.evaluation.realism.bounds import PEOPLE, Realism
from attunement.evaluation.realism.seeker import UNFIT, SeekerRealism, Unfit, score_seeker

__all__ = ["Realism", "RealismMeter", "SeekerRealism", "score_seeker"]

_PEOPLE = "recorded people"
_PACES: tuple[Pace, ...] = ("slowly", "steadily", "quickly")


def _share(name: str, method: str, better: Better = "lower") -> Measure:
    return Measure(name=name, family="realism", unit="share", better=better, method=method)


_RATES: tuple[tuple[Measure, Callable[[SeekerRealism], float | None], str], ...] = (
    (
        _share("role flip", "share of the seeker's lines that offer help; mean by dialogue"),
        lambda s: s.role_flip, "no seeker says a word",
    ),
    (
        _share("echo", "share of lines of six words or more, half of whose runs of three words "
               "stand in the supporter's last words; mean by dialogue"),
        lambda s: s.echo, "no seeker says six words after a reply",
    ),
    (
        _share("repetition", "share of lines of six words or more, half of whose runs of three "
               "words stand in the seeker's earlier lines; mean by dialogue"),
        lambda s: s.repetition, "no seeker says six words after their first line",
    ),
    (
        _share("contradiction", "share of dialogues with a line that contradicts the card's age, "
               "name or gender, that one lives alone or has a child"),
        lambda s: s.contradiction, "no card holds a fact that rules can read",
    ),
    (
        _share("premature stop", "share of dialogues that the seeker ends before two replies, or "
               "satisfied at intensity 4 or 5 or where it did not fall"),
        lambda s: s.premature_stop, "no simulated dialogue is finished",
    ),
    (
        _share("agreeing", "share of lines after a reply that open with thanks or agreement; mean "
               "by dialogue; people's level is the best", ""),
        lambda s: s.agreeing, "no seeker answers a reply",
    ),
    (
        _share("top ratings", "share of the seeker's ratings that are 5; mean by dialogue", ""),
        lambda s: s.top_ratings, "no seeker rates a reply",
    ),
    (
        _share("pleased by hurt", "share of replies of a kind that hurts by the card, which are "
               "rated 4 or 5; mean by dialogue"),
        lambda s: s.pleased_by_hurt, "no reply that a seeker rates is of a kind that hurts them",
    ),
    (
        _share("off pace", "share of dialogues whose seeker tells otherwise than the card's pace"),
        lambda s: s.off_pace, "no simulated seeker notes what they tell",
    ),
)  # fmt: skip
"""A rate, where it stands, and why there may be none."""
_OF_SIMULATED = ("contradiction", "premature stop", "top ratings", "pleased by hurt", "off pace")
"""Rates that need a card or private notes."""
_RECORDED = "recorded seekers play no card and note nothing in private"
_UNFIT = _share(
    "unfit dialogues", "share of dialogues with a fault above its bound; ESConv's seekers by the "
    "bounds on lines alone"
)  # fmt: skip
_REASONS = _share("unfit by reason", "share of dialogues with this fault above its bound")
_PACE = Measure(
    name="items told a turn", family="realism", unit="items",
    method="what the seeker notes as told, over all turns, by the card's pace of opening up",
)  # fmt: skip
_RATE_OF: Mapping[Unfit, str] = {
    "role flip": "role flip", "echo": "echo", "repetition": "repetition",
    "contradiction": "contradiction", "premature stop": "premature stop",
    "over-agreeing": "agreeing", "disclosure pace": "off pace",
}  # fmt: skip
"""The rate without which a reason cannot be looked for."""


class RealismMeter:
    """Reads seekers one by one; keeps a few numbers of each."""

    def __init__(self, thresholds: Realism | None = None) -> None:
        self._bounds = thresholds or Realism()
        self._rates: dict[str, dict[str, tuple[float, float]]] = {m.name: {} for m, _, _ in _RATES}
        self._unfit: dict[str, tuple[float, float]] = {}
        self._reasons: dict[Unfit, dict[str, tuple[float, float]]] = {name: {} for name in UNFIT}
        self._pace: dict[Pace, dict[str, np.ndarray]] = {pace: {} for pace in _PACES}
        self._simulated = False

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Read a dialogue's seeker."""
        score = score_seeker(dialogue, self._bounds)
        self._simulated |= not score.recorded
        for measure, rate, _ in _RATES:
            if (value := rate(score)) is not None:
                self._rates[measure.name][key] = value, 1
        if not score.lines:
            return  # nobody spoke, so that nothing can be fit or unfit
        self._unfit[key] = float(bool(score.unfit)), 1
        for reason, found in self._reasons.items():
            if key in self._rates[_RATE_OF[reason]]:
                found[key] = float(reason in score.unfit), 1
        if score.disclosed is not None:
            pace = dialogue.persona.opens_up
            self._pace[pace][key] = np.array((score.disclosed, score.turns), float)

    def findings(self) -> Findings:
        """Rates and the share of unfit dialogues; the reasons and the paces as series."""
        rates = {
            measure.name: _figure(measure, self._rates[measure.name], self._why(measure.name, why))
            for measure, _, why in _RATES
        }
        unfit = _figure(_UNFIT, self._unfit, "no seeker says a word")
        reasons = {
            str(reason): mean_figure(_REASONS, found, why=rates[_RATE_OF[reason]].why)
            for reason, found in self._reasons.items()
        }
        return Findings([*rates.values(), unfit], [Series(_REASONS, reasons), self._paces()])

    def _why(self, name: str, why: str) -> str:
        only_people = self._unfit and not self._simulated
        return _RECORDED if only_people and name in _OF_SIMULATED else why

    def _paces(self) -> Series:
        why = self._why("off pace", "no simulated seeker opens up like that")
        figures = {
            str(pace): Figure(_PACE, parts, why="" if parts else why)
            for pace, parts in self._pace.items()
        }
        return Series(_PACE, figures)


def _figure(measure: Measure, found: Mapping[str, tuple[float, float]], why: str) -> Figure:
    known = PEOPLE.get(measure.name)
    return mean_figure(measure, found, {} if known is None else {_PEOPLE: known}, why)
