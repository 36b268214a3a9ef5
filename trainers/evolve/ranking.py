"""Pairs by a learned reward: the refinement that it foretells the best rating for is chosen."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from attunement.core.records import Reply
from attunement.simulator.run import open_run
from attunement.trainers.corpora.filters import Filters, pair_reason
from attunement.trainers.corpora.making import LENGTH
from attunement.trainers.corpora.rows import PairRow, edit_distance, said, words
from attunement.trainers.evolve.config import RewardConfig
from attunement.trainers.evolve.reward import (
    Reward,
    RewardReport,
    cases_of,
    learn,
    said_by_seeker,
)
from attunement.trainers.evolve.rewriting import rewritten

NOTE = (
    "Each draft was refined several times; chosen is the refinement for which a reward that was "
    "learned from the seekers' ratings foretells the best one."
)
Replies = Mapping[tuple[str, int], Sequence[Reply]]
"""(dialogue, turn) -> its refinements, the run's own first."""


def loose(filters: Filters) -> Filters:
    """The filters for a corpus that is to be ranked: which reply is chosen is not known yet."""
    return filters.model_copy(update={"max_length_ratio": 0.0, "max_similarity": 1.0})


def rank(
    run: Path, corpus: Path, out: Path, replies: Replies, config: RewardConfig, filters: Filters,
    seed: int,
) -> RewardReport:  # fmt: skip
    """Learn a reward from a run's ratings and write the corpus with the sides that it chooses.

    `UserError` where nothing was rated, or no pair is left.
    """
    _, journal = open_run(run)
    with closing(journal):
        reward, report = learn(list(cases_of(journal.dialogues())), config.ridge, seed)
    if filters.max_length_ratio is None:
        filters = filters.model_copy(update={"max_length_ratio": LENGTH})
    ranking = Ranking(reward, replies, config, filters)
    rewritten(corpus, out, ranking, NOTE, {"reward": config.model_dump(mode="json")})
    gain = sum(ranking.gains) / len(ranking.gains) if ranking.gains else None
    return report.model_copy(update={"ranked": len(ranking.gains), "gain": gain})


class Ranking:
    """Chooses the sides of pairs."""

    def __init__(
        self, reward: Reward, replies: Replies, config: RewardConfig, filters: Filters
    ) -> None:
        self.gains: list[float] = []
        """Foretold rating of the chosen refinement less that of the first, by row."""
        self._reward, self._replies = reward, replies
        self._config, self._filters = config, filters

    def __call__(self, rows: list[PairRow], split: str) -> Iterator[PairRow | str]:
        return map(self._row, rows)

    def _row(self, row: PairRow) -> PairRow | str:
        """The row with the sides that the reward prefers, or why there is none."""
        replies = self._replies.get((row.dialogue_id, row.turn), ())
        if len({reply.text for reply in replies}) < 2:
            return "no two different refinements"
        context = said_by_seeker(m.content for m in row.prompt if m.role == "user")
        rated = self._reward(context, [reply.text for reply in replies])
        order = sorted(range(len(replies)), key=lambda i: -rated[i])
        worst = order[-1] if self._config.against == "worst" else None
        rejected = row.rejected[0].content if worst is None else replies[worst].text
        reason = ""
        for place in order:  # the best of those that the filters let pass
            reason = pair_reason(replies[place].text, rejected, self._filters) or ""
            if not reason:
                self.gains.append(float(rated[place] - rated[0]))
                return _with(row, replies[place], None if worst is None else replies[worst])
        return reason


def _with(row: PairRow, chosen: Reply, rejected: Reply | None) -> PairRow:
    update: dict[str, Any] = {
        "chosen": said(chosen.text), "strategy": chosen.strategy,
        "chosen_words": words(chosen.text),
    }  # fmt: skip
    if rejected is not None:
        update |= {
            "rejected": said(rejected.text), "rejected_strategy": rejected.strategy,
            "rejected_words": words(rejected.text), "rejected_model": row.chosen_model,
            "rejected_prompt_version": row.chosen_prompt_version,
        }  # fmt: skip
    other = rejected.text if rejected else row.rejected[0].content
    return row.model_copy(
        update=update | {"edit_distance": round(edit_distance(chosen.text, other), 4)}
    )
