"""What people said of a run in a file of their own: does it fit the run, and where does it go?

people = people_of([Path("ratings.csv")], [Path("runs/001")])
people.into(dialogue, seed=0)
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from attunement.core.errors import UserError
from attunement.core.records import SIDES, Dialogue, Side, Turn, Verdict
from attunement.evaluation.judges.ratings import HumanRating, read_ratings
from attunement.simulator.frame import open_run
from attunement.simulator.matching import PERSON, WHOLE

_NAMED = 3
"""Faulty ratings that an error names."""
Known = Collection[tuple[str, int]]
"""Dialogue id and turn of what can be rated; a mapping also says which sides there are."""


def rateable(dialogues: Iterable[Dialogue]) -> dict[tuple[str, int], frozenset[Side]]:
    """What people can have rated in some dialogues: each turn with its sides, and each whole."""
    known: dict[tuple[str, int], frozenset[Side]] = {}
    for dialogue in dialogues:
        known[dialogue.id, WHOLE] = frozenset()
        for turn in dialogue.turns:
            sides = (side for side in SIDES if getattr(turn, side) is not None)
            known[dialogue.id, turn.number] = frozenset(sides)
    return known


def check_against(ratings: Sequence[HumanRating], known: Known) -> None:
    """`UserError` for ratings of dialogues, turns or sides that are not known, naming the first."""
    dialogues = {dialogue for dialogue, _ in known}
    _refuse("dialogue", ratings, [r for r in ratings if r.dialogue_id not in dialogues])
    missing = [r for r in ratings if r.turn != WHOLE and (r.dialogue_id, r.turn) not in known]
    _refuse("turn", ratings, missing)
    if isinstance(known, Mapping):
        sides = [r for r in ratings if r.side and r.side not in known[r.dialogue_id, r.turn]]
        _refuse("side", ratings, sides)


def _refuse(what: str, ratings: Sequence[HumanRating], wrong: Sequence[HumanRating]) -> None:
    if not wrong:
        return
    places = list(dict.fromkeys(rating.where for rating in wrong))
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    raise UserError(
        f"{len(wrong)} of {len(ratings)} ratings name a {what} that is not in this run: "
        f"{'; '.join(places[:_NAMED])}{more}; give the ratings of this run"
    )


def people_of(paths: Sequence[Path], folders: Iterable[Path]) -> "People":
    """The judgements of some files, each of which must be about one of these runs of a system.

    `UserError` for one that is about none of them, or does not say about which.
    """
    ratings = read_ratings(*paths)
    people = People(ratings)
    check_runs(ratings, [_run(folder) for folder in folders])
    return people


class RateableRun(NamedTuple):
    """What can be rated of a run."""

    seed: int
    known: Mapping[tuple[str, int], frozenset[Side]]
    spoken: Mapping[tuple[str, int], Side]
    """The side of each turn that the seeker heard."""

    def holds(self, rating: HumanRating) -> bool:
        """Whether a rating may be about a dialogue of this run."""
        return rating.seed in (None, self.seed) and (rating.dialogue_id, WHOLE) in self.known


def _run(folder: Path) -> RateableRun:
    config, journal = open_run(folder)
    known: dict[tuple[str, int], frozenset[Side]] = {}
    spoken: dict[tuple[str, int], Side] = {}
    with closing(journal):
        for dialogue in journal.dialogues():  # one at a time: a run may be large
            known |= rateable([dialogue])
            for turn in dialogue.turns:
                if turn.spoken is not None and turn.spoken != "hand_off":
                    spoken[dialogue.id, turn.number] = turn.spoken
    return RateableRun(config.seed, known, spoken)


def check_runs(ratings: Sequence[HumanRating], runs: Sequence[RateableRun]) -> None:
    """`UserError` unless every rating is about one dialogue of one run, and no other is about the
    same by the same person."""
    seeds = sorted({run.seed for run in runs})
    if strange := [r for r in ratings if r.seed is not None and r.seed not in seeds]:
        raise UserError(
            f"{len(strange)} of {len(ratings)} ratings name the seed {strange[0].seed}, which no "
            f"run of the system has; known: {', '.join(map(str, seeds))}"
        )
    of_run: list[list[HumanRating]] = [[] for _ in runs]
    lost: list[HumanRating] = []
    for rating in ratings:
        held = [number for number, run in enumerate(runs) if run.holds(rating)]
        if len(held) > 1:
            raise _ambiguous(rating)
        (of_run[held[0]] if held else lost).append(rating)
    _refuse("dialogue", ratings, lost)
    for run, mine in zip(runs, of_run, strict=True):
        check_against(mine, run.known)
        _refuse_twins(mine, run.spoken)


def _ambiguous(rating: HumanRating) -> UserError:
    several = f"dialogue {rating.dialogue_id!r}, which {rating.rater!r} rates, stands in several"
    if rating.seed is None:
        return UserError(f"{several} runs of the system; say in a column `seed` which run is meant")
    return UserError(f"{several} runs of seed {rating.seed}; make them two systems")


def _refuse_twins(ratings: Iterable[HumanRating], spoken: Mapping[tuple[str, int], Side]) -> None:
    """Of ratings of one run: a person's that say the same place once in words and once without."""
    seen = set()
    for r in ratings:
        side = r.side or spoken.get((r.dialogue_id, r.turn))
        if (key := (r.rater, r.dialogue_id, r.turn, side, r.verdict_name())) in seen:
            raise UserError(
                f"{r.said} twice: once without its `side` or `seed`, or with another name of "
                "the same scale; leave one of the two"
            )
        seen.add(key)


# ---- beside the models' verdicts ----------------------------------------------------------------


class People:
    """The judgements of a file, put into the dialogues that they are about as people's verdicts.

    `empathy` of a turn becomes a mark of that reply, as models give it, and without a turn one of
    the whole dialogue. `UserError` for the name of something that no judge is asked.
    """

    def __init__(self, ratings: Sequence[HumanRating]) -> None:
        self._by_dialogue: defaultdict[str, list[HumanRating]] = defaultdict(list)
        for rating in ratings:
            rating.verdict_name()  # refused here, before any run is read
            self._by_dialogue[rating.dialogue_id].append(rating)

    def into(self, dialogue: Dialogue, seed: int) -> Dialogue:
        """The dialogue of a run of that seed with what people said of it."""
        said = [r for r in self._by_dialogue[dialogue.id] if r.seed in (None, seed)]
        if not said:
            return dialogue
        turns = tuple(
            turn.model_copy(update={"verdicts": (*turn.verdicts, *_verdicts(said, turn))})
            for turn in dialogue.turns
        )
        whole = (*dialogue.verdicts, *(_verdict(r, None) for r in said if r.turn == WHOLE))
        return dialogue.model_copy(update={"turns": turns, "verdicts": whole})


def _verdicts(said: Iterable[HumanRating], turn: Turn) -> Iterator[Verdict]:
    spoken = None if turn.spoken == "hand_off" else turn.spoken
    for rating in said:
        if rating.turn == turn.number:
            yield _verdict(rating, rating.side or spoken)


def _verdict(rating: HumanRating, about: Side | None) -> Verdict:
    judge = PERSON + rating.rater
    return Verdict(name=rating.verdict_name(), value=rating.value, about=about, judge=judge)
