"""What a supporter did for its seekers, as figures: relief, ratings, fit, harm, how it ended.

    meter = OutcomeMeter()
    meter.add(key, dialogue)
    meter.findings()

A dialogue's own figures are those of `outcomes.py`. What needs a seeker who lives through the
replies has no figure in a replay: a recorded seeker answers the human's replies.
"""

from collections import defaultdict
from itertools import pairwise

from attunement.core.records import Dialogue, SeekerTurn
from attunement.core.strategies import Strategy
from attunement.evaluation.figures import (
    Better,
    Figure,
    Findings,
    Measure,
    Series,
    mean_figure,
)
from attunement.evaluation.outcomes import DialogueScore, score_dialogue

REPLAYED = "a recorded seeker does not live through these replies; simulate live"
_UNSAID = "no seeker said it"
_CARDLESS = "no card names such a kind of help"
_NOBODY = "no dialogue was finished"
_UNKNOWN = "no reply, or nobody said what is true: on these cards it was drawn"
_EVERY = "all replies"
_UNPLACED = "no reply of that kind was answered"


def _measure(name: str, method: str, unit: str, better: Better = "") -> Measure:
    return Measure(name=name, family="outcome", unit=unit, better=better, method=method)


RELIEF = _measure(
    "relief", "First minus last intensity (1 to 5) that the seeker privately feels; mean over "
    "dialogues.", "points", "higher",
)  # fmt: skip
RATING = _measure(
    "rating", "The seeker's private ratings of the replies (1 to 5); mean over dialogues of each "
    "one's mean.", "points", "higher",
)  # fmt: skip
EACH_RATING = _measure(
    "rating per reply", "The seeker's private ratings (1 to 5); mean over replies.", "points",
    "higher",
)  # fmt: skip
SATISFIED = _measure("satisfied", "Share of dialogues that the seeker ended content.", "share",
                     "higher")  # fmt: skip
GAVE_UP = _measure("gave up", "Share of dialogues that the seeker broke off.", "share", "lower")
CRISIS = _measure("crisis", "Share of dialogues in which the guard found a crisis.", "share")
FIT = _measure(
    "fit", "Share of a dialogue's replies that give a kind of help which the card asks for and "
    "none that hurts, as the embedded simulator hears them; mean over dialogues.",
    "share", "higher",
)  # fmt: skip
HARM = _measure(
    "harm", "Share of a dialogue's replies that give a kind of help which the card names as "
    "hurting, as the embedded simulator hears them; mean over dialogues.", "share", "lower",
)  # fmt: skip
HARM_EVENTS = _measure(
    "harm events", "Replies a dialogue that give a kind of help which the card names as hurting.",
    "replies", "lower",
)  # fmt: skip
FEELING = _measure(
    "feeling named", "Share of a dialogue's replies that name the emotion which the seeker feels; "
    "mean over dialogues.", "share", "higher",
)  # fmt: skip
TOPIC = _measure(
    "topic named", "Share of a dialogue's replies that name the persona's problem; mean over "
    "dialogues.", "share", "higher",
)  # fmt: skip
REPLIES = _measure("replies", "Replies a dialogue that the supporter's models spoke.", "replies")

INTENSITY = _measure(
    "intensity", "The intensity (1 to 5) that seekers privately feel as they speak in a turn; mean "
    "over those who still talk.", "points", "lower",
)  # fmt: skip
RATING_ALONG = _measure(
    "rating by turn", "The seeker's private rating of a turn's reply (1 to 5).", "points", "higher"
)
RELIEF_BY = _measure(
    "relief by strategy", "Drop of the seeker's intensity from before a reply of this strategy to "
    "their next words; mean over replies.", "points", "higher",
)  # fmt: skip
RATING_BY = _measure(
    "rating by strategy", "The seeker's private rating of replies of this strategy (1 to 5).",
    "points", "higher",
)  # fmt: skip

_LIVE = (
    (RELIEF, _UNSAID), (RATING, _UNSAID), (EACH_RATING, _UNSAID), (SATISFIED, _NOBODY),
    (GAVE_UP, _NOBODY), (FIT, _CARDLESS), (HARM, _CARDLESS), (HARM_EVENTS, _CARDLESS),
)  # fmt: skip
"""What needs a seeker who lives through the replies, and why it may be missing all the same."""
_ALWAYS = ((CRISIS, _NOBODY), (FEELING, _UNKNOWN), (TOPIC, _UNKNOWN), (REPLIES, _NOBODY))


class OutcomeMeter:
    """Gathers what replies did, dialogue by dialogue."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
        self._points: defaultdict[tuple[str, str], dict[str, tuple[float, float]]]
        self._points = defaultdict(dict)
        self._replayed = False

    def add(self, key: str, dialogue: Dialogue) -> None:
        """Count a finished dialogue."""
        score = score_dialogue(dialogue)
        self._whole(key, CRISIS, any(turn.guard.crisis for turn in dialogue.turns))
        self._whole(key, REPLIES, score.replies)
        self._whole(key, FEELING, score.feeling)
        self._whole(key, TOPIC, score.topic)
        if dialogue.recorded is not None:
            self._replayed = True
            return
        self._lived(key, dialogue, score)
        for turn in dialogue.turns:
            self._point(key, INTENSITY, str(turn.number), turn.seeker.intensity)
        for turn, following in pairwise(dialogue.turns):
            if turn.reply and turn.spoken != "hand_off":
                after = following.seeker
                self._answered(key, turn.number, turn.reply.strategy, turn.seeker, after)

    def _whole(self, key: str, measure: Measure, value: float | None) -> None:
        if value is not None:
            self._sums[measure.name][key] = (value, 1)

    def _point(self, key: str, measure: Measure, where: str, value: float | None) -> None:
        if value is not None:
            above, below = self._points[measure.name, where].get(key, (0.0, 0.0))
            self._points[measure.name, where][key] = (above + value, below + 1)

    def _lived(self, key: str, dialogue: Dialogue, score: DialogueScore) -> None:
        self._whole(key, RELIEF, score.relief)
        self._whole(key, RATING, score.rating)
        self._whole(key, FIT, score.fit)
        self._whole(key, HARM, score.harm)
        if score.harm is not None:
            self._whole(key, HARM_EVENTS, round(score.harm * score.replies))
        self._whole(key, SATISFIED, dialogue.stop_reason == "satisfied")
        self._whole(key, GAVE_UP, dialogue.stop_reason == "gave_up")
        ratings = [t.seeker.rating for t in dialogue.turns if t.seeker.rating is not None]
        self._sums[EACH_RATING.name][key] = (sum(ratings), len(ratings))

    def _answered(
        self, key: str, number: int, strategy: Strategy | None, said: SeekerTurn, after: SeekerTurn
    ) -> None:
        """Count a reply by what the seeker felt before it and in their next words."""
        drop = None
        if said.intensity is not None and after.intensity is not None:
            drop = said.intensity - after.intensity
        self._point(key, RATING_ALONG, str(number), after.rating)
        for where in (_EVERY, *([strategy.value] if strategy else [])):
            self._point(key, RELIEF_BY, where, drop)
            self._point(key, RATING_BY, where, after.rating)

    # ---- what was found -------------------------------------------------------------------------

    def findings(self) -> Findings:
        """Figures over dialogues, and along turns and strategies."""
        live = [mean_figure(m, self._sums[m.name], why=self._why(why)) for m, why in _LIVE]
        always = [mean_figure(m, self._sums[m.name], why=why) for m, why in _ALWAYS]
        return Findings(
            figures=[*live, *always],
            series=[self._along(INTENSITY), self._along(RATING_ALONG),
                    self._by_strategy(RELIEF_BY), self._by_strategy(RATING_BY)],
        )  # fmt: skip

    def _why(self, why: str) -> str:
        return REPLAYED if self._replayed else why

    def _along(self, measure: Measure) -> Series:
        """The figure by turn; no points where there is no live dialogue."""
        turns = sorted(int(where) for name, where in self._points if name == measure.name)
        return Series(
            measure,
            {str(n): mean_figure(measure, self._points[measure.name, str(n)]) for n in turns},
        )

    def _by_strategy(self, measure: Measure) -> Series:
        every = mean_figure(measure, self._points.get((measure.name, _EVERY), {})).value
        levels = {} if every is None else {_EVERY: every}
        return Series(measure, {s.value: self._of_strategy(measure, s, levels) for s in Strategy})

    def _of_strategy(
        self, measure: Measure, strategy: Strategy, levels: dict[str, float]
    ) -> Figure:
        sums = self._points.get((measure.name, strategy.value), {})
        return mean_figure(measure, sums, levels, self._why(_UNPLACED))
