"""What a supporter did for its seekers: relief, fit to the person, harm, length, sameness.

    after, before = score_run(folders_of_m1), score_run(folders_of_m0)
    gains = compare(after, before)

What a reply does is read by the embedded simulator's own ear (`hear_reply`): a closed vocabulary of
cues. In the embedded world that reading is exact, because its seekers hear the same way; on free
text it is a rough reading, and a reply without any cue counts as the kind `Others`. What a persona
needs is read from the hidden sentences on its card (`kinds_of_help`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal, TypeVar

from attunement.agents.models.rehearsal_hearing import hear_reply
from attunement.core.errors import ConfigError
from attunement.core.needs import kinds_of_help
from attunement.core.records import Dialogue, Persona, Record, Turn
from attunement.core.strategies import Strategy
from attunement.evaluation.bootstrap import Interval, difference, mean_interval
from attunement.evaluation.diversity import corpus_distinct
from attunement.evaluation.reflection import true_emotion
from attunement.evaluation.stock import stock_phrase
from attunement.simulator.run import open_run

Measure = Literal[
    "relief", "rating", "fit", "harm", "feeling", "topic", "replies", "words", "stock"
]  # fmt: skip
MEASURES: tuple[Measure, ...] = (
    "relief", "rating", "fit", "harm", "feeling", "topic", "replies", "words", "stock",
)  # fmt: skip
"""The figures of a dialogue that are averaged and compared."""
Unit = Literal["dialogue", "persona"]

_T = TypeVar("_T")


class DialogueScore(Record):
    """One dialogue's figures. None where there was nothing to compute one from."""

    dialogue_id: str
    persona_id: str
    replies: int
    """Replies that the supporter's models spoke; a crisis hand-off is none of them."""
    relief: float | None
    """First minus last private intensity, in points of the scale 1-5; above 0 is relief."""
    rating: float | None
    """Mean of the seeker's ratings, 1 to 5."""
    fit: float | None
    """Share of replies that give a kind of help which this persona's card asks for, and none that
    it names as hurting."""
    harm: float | None
    """Share of replies that give a kind of help which the card names as hurting."""
    feeling: float | None
    """Share of replies that name the emotion which the seeker privately feels in that turn."""
    topic: float | None
    """Share of replies that name the persona's problem."""
    words: float | None
    """Mean words a reply."""
    stock: float | None
    """Share of replies with a stock phrase at the beginning of a sentence."""


class GroupScore(Record):
    """Means over dialogues, each with its interval; None where no dialogue has the figure."""

    n: int
    """Dialogues that were scored."""
    left_out: int
    """Dialogues that failed or are not finished: their figures would be of a part."""
    replies: Interval | None
    relief: Interval | None
    rating: Interval | None
    fit: Interval | None
    harm: Interval | None
    feeling: Interval | None
    topic: Interval | None
    words: Interval | None
    stock: Interval | None
    distinct_1: float | None
    """Different words over all words of all replies together."""
    distinct_2: float | None
    """The same for pairs of words that stand side by side."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The dialogues of some runs, one by one and together."""

    dialogues: Mapping[str, DialogueScore]
    """Keyed `<run name>/<dialogue id>`."""
    group: GroupScore
    seeds: Mapping[str, int]
    """Run name -> the seed of that run."""

    def of(self, measure: Measure) -> dict[str, float]:
        """A figure by dialogue, keyed `<run seed>/<dialogue id>`; dialogues without it left out."""
        found: dict[str, float] = {}
        for key, score in self.dialogues.items():
            value = getattr(score, measure)
            if value is not None:
                found[self._position(key)] = float(value)
        return found

    def personas(self) -> dict[str, str]:
        """Persona by dialogue, keyed as in `of`."""
        return {self._position(key): score.persona_id for key, score in self.dialogues.items()}

    def _position(self, key: str) -> str:
        run, _, dialogue = key.rpartition("/")
        return f"{self.seeds[run]}/{dialogue}"


# ---- one dialogue -------------------------------------------------------------------------------


def score_dialogue(dialogue: Dialogue) -> DialogueScore:
    """The figures of one dialogue; a replayed one has no relief, rating, fit or harm."""
    turns = [t for t in dialogue.turns if t.reply is not None and t.spoken != "hand_off"]
    texts = [turn.reply.text for turn in turns if turn.reply]
    felt = [t.seeker.intensity for t in dialogue.turns if t.seeker.intensity is not None]
    ratings = [t.seeker.rating for t in dialogue.turns if t.seeker.rating is not None]
    return DialogueScore(
        dialogue_id=dialogue.id,
        persona_id=dialogue.persona.id,
        replies=len(turns),
        relief=float(felt[0] - felt[-1]) if turns and len(felt) > 1 else None,
        rating=fmean(ratings) if turns and ratings else None,
        fit=_fit(dialogue, texts),
        harm=_harm(dialogue, texts),
        feeling=_feeling(dialogue.persona, turns),
        topic=_topic(dialogue, texts),
        words=_mean(texts, lambda text: len(text.split())),
        stock=_mean(texts, lambda text: stock_phrase(text) is not None),
    )


def _needs(dialogue: Dialogue) -> tuple[frozenset[Strategy], frozenset[Strategy]]:
    """What helps and what hurts; a kind that a card names on both sides helps.

    A recorded seeker's card has its needs drawn: there is nothing to fit.
    """
    if dialogue.recorded is not None:
        return frozenset(), frozenset()
    helps = kinds_of_help(dialogue.persona.what_helps)
    return helps, kinds_of_help(dialogue.persona.what_hurts) - helps


def _fit(dialogue: Dialogue, texts: Sequence[str]) -> float | None:
    helps, hurts = _needs(dialogue)
    if not helps:
        return None
    given = [hear_reply(text).kinds for text in texts]
    return _mean(given, lambda kinds: bool(kinds & helps) and not kinds & hurts)


def _harm(dialogue: Dialogue, texts: Sequence[str]) -> float | None:
    hurts = _needs(dialogue)[1]
    return _mean(texts, lambda text: bool(hear_reply(text).kinds & hurts)) if hurts else None


def _feeling(persona: Persona, turns: Sequence[Turn]) -> float | None:
    known = [(turn, true) for turn in turns if (true := true_emotion(persona, turn))]
    return _mean(known, lambda it: it[0].reply and it[1] in hear_reply(it[0].reply.text).feelings)


def _topic(dialogue: Dialogue, texts: Sequence[str]) -> float | None:
    # A live seeker acts the card, drawn or not; a recorded one is somebody else.
    persona = dialogue.persona
    if dialogue.recorded is not None and "problem" in persona.drawn:
        return None
    return _mean(texts, lambda text: persona.problem in hear_reply(text).topics)


def _mean(items: Sequence[_T], value: Callable[[_T], object]) -> float | None:
    """The mean of a number, or the share of what is true; None without items."""
    found = [value(item) for item in items]
    return (
        fmean(float(v) if isinstance(v, int | float) else bool(v) for v in found) if found else None
    )


# ---- many dialogues -----------------------------------------------------------------------------


def score_run(folders: Sequence[Path], by: Unit = "dialogue") -> Scores:
    """The finished dialogues of some run folders, scored.

    `by` says what intervals resample: dialogues, or personas with all their dialogues. Raises
    `ConfigError` where two folders have one name, and `RunFolderError` for one that is no run.
    """
    scores: dict[str, DialogueScore] = {}
    seeds: dict[str, int] = {}
    texts: list[str] = []
    left_out = 0
    for folder in folders:
        if folder.name in seeds:
            raise ConfigError(f"two runs are named {folder.name!r}; give each folder its own name")
        config, journal = open_run(folder)
        seeds[folder.name] = config.seed
        with closing(journal):
            for dialogue in journal.dialogues():
                if dialogue.stop_reason is None:
                    left_out += 1
                    continue
                scores[f"{folder.name}/{dialogue.id}"] = score_dialogue(dialogue)
                texts += _spoken(dialogue)
    return Scores(scores, _group(tuple(scores.values()), texts, left_out, by), seeds)


def _spoken(dialogue: Dialogue) -> Iterable[str]:
    return (t.reply.text for t in dialogue.turns if t.reply and t.spoken != "hand_off")


def _group(
    scores: Sequence[DialogueScore], texts: Sequence[str], left_out: int, by: Unit
) -> GroupScore:
    means = {name: _interval(scores, name, by) for name in MEASURES}
    return GroupScore(
        n=len(scores),
        left_out=left_out,
        distinct_1=corpus_distinct(texts, 1),
        distinct_2=corpus_distinct(texts, 2),
        **means,
    )


def _interval(scores: Sequence[DialogueScore], name: Measure, by: Unit) -> Interval | None:
    known = [s for s in scores if getattr(s, name) is not None]
    groups = [s.persona_id for s in known] if by == "persona" else None
    return mean_interval([getattr(s, name) for s in known], groups=groups)


def compare(after: Scores, before: Scores, by: Unit = "dialogue") -> dict[str, Interval]:
    """`after` minus `before`, by the name of the figure, each with a paired bootstrap interval.

    Two dialogues are a pair if they stand at the same place: the same dialogue id, which holds
    number and persona, in runs of the same seed. Folders may have any names, so that M_0's runs and
    M_1's compare; within one side each run needs a seed of its own, else `ConfigError`. A figure
    that no pair has on both sides is left out.
    """
    for side in (after, before):
        _check_seeds(side.seeds)
    if not after.personas().keys() & before.personas().keys():
        raise ConfigError(
            "the two sides share no dialogue: run both on the same personas, with the same seeds"
        )
    person = after.personas().__getitem__ if by == "persona" else None
    gains = {n: difference(after.of(n), before.of(n), group=person) for n in MEASURES}
    return {name: gain for name, gain in gains.items() if gain is not None}


def _check_seeds(seeds: Mapping[str, int]) -> None:
    named: dict[int, str] = {}
    for run, seed in seeds.items():
        if seed in named:
            raise ConfigError(
                f"runs {named[seed]!r} and {run!r} have the same seed {seed}: their dialogues "
                "cannot be told apart; run each with a seed of its own"
            )
        named[seed] = run
