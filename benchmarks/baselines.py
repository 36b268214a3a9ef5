"""The results page: recipe B's metrics on ESConv for what a trained model has to beat.

    python -m benchmarks.baselines ESConv.json --out docs/results.md

Splits, prompts and the way of asking are those of a recipe-B run (`configs/decoupled.toml`), so
that its report can be read beside this page. One seed gives one page, byte for byte.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attunement.agents.models.registry import make_backend
from attunement.agents.prompting import ChatMessage
from attunement.core.errors import UserError
from attunement.core.seeds import derive_seed
from attunement.core.strategies import Strategy
from attunement.evaluation.baselines import baseline_turns, prior_expectation
from attunement.evaluation.strategy import StrategyScore, StrategyTurn, score_strategies
from attunement.evaluation.text import ReplyPair, TextScore, score_replies
from attunement.personas.files import write_atomically
from attunement.trainers.corpora.recorded import import_recorded
from attunement.trainers.corpora.recorded_plan import SPLIT, RecordedCorpus
from attunement.trainers.corpora.splits import SPLITS
from attunement.trainers.decoupled.answering import Answered, answer, read_answers
from attunement.trainers.decoupled.config import PAPER, Part, Subsample
from attunement.trainers.decoupled.data import split_file, write_splits
from attunement.trainers.decoupled.turns import read_turns, rows_of, strategies_of
from benchmarks.results_page import PRIOR, RECORDED, Results, page

Planned = dict[str, list[Strategy | None]]
"""Who plans -> a strategy a turn; None where what was said names none of the eight."""
EMBEDDED = "embedded planner"
NAMES = {
    "most_frequent": "most frequent", "prior": PRIOR, "transition": "transition",
    "transition_sampled": "transition, drawn",
}  # fmt: skip


def results(file: Path, seed: int = 0, subsample: Subsample | None = None) -> Results:
    """Measure all baselines on ESConv's test split; `UserError` for a file that is none."""
    with TemporaryDirectory() as scratch:
        return _Work(Path(scratch), file, seed, subsample or Subsample()).results()


class _Work:
    """The data of a page, in a folder that goes when it is written."""

    def __init__(self, folder: Path, file: Path, seed: int, subsample: Subsample) -> None:
        data, self.corpus = folder / "data", folder / "corpus"
        self.folder, self.seed = folder, seed
        self.dialogues = write_splits([file], data, SPLIT["decoupled"], subsample, seed)
        plan = RecordedCorpus.parse(recipe="decoupled", split="files", seed=seed)
        import_recorded([split_file(data, split) for split in SPLITS], self.corpus, plan)
        self.turns = read_turns(self.corpus, "test")
        self.train, self.test = (strategies_of(self.corpus, split) for split in ("train", "test"))

    def results(self) -> Results:
        planned = self._planned()
        recorded: Planned = {RECORDED: [turn.strategy for turn in self.turns]}
        by_strategy = self._train_replies()
        often = Counter(strategy for said in self.train.values() for strategy in said)
        return Results(
            seed=self.seed,
            commonest=max(Strategy, key=often.__getitem__),
            dialogues=self.dialogues,
            turns={"train": often.total(), "test": len(self.turns)},
            strategies={name: self._choice(found) for name, found in planned.items()},
            prior=prior_expectation(self.train, self.test),
            responder={
                name: self._score(self._replies(name, found))
                for name, found in (planned | recorded).items()
            },
            retrieved={
                name: self._score(list(self._retrieved(found, by_strategy)))
                for name, found in (planned | recorded).items()
            },
            people=score_replies([ReplyPair(t.dialogue, t.reply, None) for t in self.turns]),
        )

    def _planned(self) -> Planned:
        """What each baseline chooses in every test turn."""
        found: Planned = {
            NAMES[name]: [turn.predicted for turn in turns]
            for name, turns in baseline_turns(self.train, self.test, self.seed).items()
        }
        prompts = {turn.key: turn.prompts["planner"] for turn in self.turns}
        said = self._ask("planner", EMBEDDED, prompts)
        return found | {EMBEDDED: [one.strategy for one in said]}

    def _choice(self, planned: Sequence[Strategy | None]) -> StrategyScore:
        turns = zip(self.turns, planned, strict=True)
        return score_strategies([StrategyTurn(t.dialogue, p, t.strategy) for t, p in turns])

    def _replies(self, name: str, planned: Sequence[Strategy | None]) -> list[str]:
        """The embedded responder's replies to these strategies."""
        prompts = {t.key: t.responder_prompt(p) for t, p in zip(self.turns, planned, strict=True)}
        return [one.text for one in self._ask("responder", f"responder, {name}", prompts)]

    def _ask(self, part: Part, name: str, prompts: dict[str, list[ChatMessage]]) -> list[Answered]:
        """One sample a turn, as recipe B asks: asking again would bend what is preferred."""
        folder = self.folder / name
        answer(folder, make_backend("rehearsal"), part, prompts, PAPER, self.seed)
        return read_answers(folder, list(prompts))

    def _train_replies(self) -> dict[Strategy | None, list[str]]:
        """The replies of the train split by strategy; under None all of them."""
        found: dict[Strategy | None, list[str]] = {None: []}
        for row in rows_of(self.corpus, "responder", "train"):
            for strategy in (row.strategy, None):
                found.setdefault(strategy, []).append(row.completion[0].content)
        return found

    def _retrieved(
        self, planned: Sequence[Strategy | None], replies: Mapping[Strategy | None, list[str]]
    ) -> Iterator[str]:
        """A drawn reply of the train split for each turn. A strategy gives a turn one reply,
        whoever planned it."""
        for turn, strategy in zip(self.turns, planned, strict=True):
            known = replies.get(strategy) or replies[None]
            yield known[derive_seed(self.seed, "retrieved", turn.key, strategy) % len(known)]

    def _score(self, replies: Sequence[str]) -> TextScore:
        pairs = zip(self.turns, replies, strict=True)
        return score_replies([ReplyPair(turn.dialogue, text, turn.reply) for turn, text in pairs])


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.baselines", description=__doc__)
    parser.add_argument("file", type=Path, help="ESConv.json")
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"), metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        content = page(results(options.file, options.seed)).encode()
        write_atomically(options.out, content, UserError)
    except UserError as error:
        parser.error(str(error))
    print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
