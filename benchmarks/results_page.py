"""The results page: tables of the floors on ESConv, and how to read them."""

from collections.abc import Mapping
from dataclasses import dataclass

from attunement.core.strategies import Strategy
from attunement.evaluation.bootstrap import Interval
from attunement.evaluation.strategy import StrategyScore
from attunement.evaluation.text import TextScore
from attunement.trainers.decoupled.report import Table

RECORDED, PRIOR = "recorded strategy", "prior, drawn"


@dataclass(frozen=True, slots=True)
class Results:
    """Everything on the page."""

    seed: int
    commonest: Strategy
    """Of the train split."""
    dialogues: Mapping[str, int]
    """By split."""
    turns: Mapping[str, int]
    """Supporter turns, by split."""
    strategies: Mapping[str, StrategyScore]
    """By planner."""
    prior: Mapping[str, float]
    """Figures that the prior's draws come to on average."""
    responder: Mapping[str, TextScore]
    """Replies of the embedded responder, by whose strategies it was given."""
    retrieved: Mapping[str, TextScore]
    """Replies of the train split drawn by their strategy."""
    people: TextScore
    """The recorded replies by themselves, held against nothing."""


HEAD = """# Results: floors on ESConv

What a trained model has to beat before a figure of it says anything. The baselines below read no
word of a dialogue. Recipe B's metrics (arXiv 2505.16995) are computed for them as for its six
systems, on the same turns. Made by

    python -m benchmarks.baselines ESConv.json --out docs/results.md

Recipe B's split, by seed {seed}: {train} dialogues to fit on, {validation} that are not touched,
{test} to measure on. Turns are prepared its way (a supporter's utterances stay apart), and those
behind a crisis are left out: {train_turns} supporter turns to fit on, {test_turns} to measure on,
each on its recorded history. Intervals (95 %) resample dialogues. B is the preference bias (Kang et
al. 2024; low is good); unreadable predictions name none of the eight. All but B, unreadable and
words are in percent."""

PLANNERS = """- most frequent: always the commonest strategy of the train split ({commonest});
- prior: drawn by how often each is used there (expected: what infinitely many draws come to);
- transition: the commonest after the supporter's last recorded strategy, or drawn by how often each
  comes after it. This one knows more than a planner is told, whose prompt names no strategy;
- embedded planner: the rule-based planner of the embedded model `rehearsal`, which goes by the
  number of lines so far. One sample a turn; what names none of the eight is wrong. Nothing was
  fitted."""

REPLIES = """- embedded responder: the rule-based one of `rehearsal`, given each planner's strategy.
  It has a few sentences for each, most of them behind a stock phrase;
- train reply: a human's reply to some other person, drawn among those of the train split with the
  strategy;
- people: the recorded replies by themselves.

Under the recorded strategy stands what a perfect planner would give the same responder: an upper
bound of planning, not of replying. METEOR is nltk's by exact words and stems, without synonyms;
self-BLEU is of 200 replies. sacrebleu's signature:
`{signature}`."""

READING = """## How to read this

These are floors, not results of a method. A trained model that is not better, intervals considered,
shows no skill.

- Vanilla fine-tuning of 7-8B models under recipe B's protocol, recomputed from published outputs,
  comes to B 0.26-0.38, macro-F1 about 20, weighted-F1 about 24, mean sentence BLEU-1 about 14.7 and
  ROUGE-L about 16.6. A figure far outside of that asks for an explanation first.
- B and F1 are to be read together. Low is good, yet a low B is no merit by itself: who draws by the
  prior has almost no bias, and is right by chance alone. Always taking the commonest transition has
  the best accuracy of these baselines, at three times the B of fine-tuned models.
- Redrawing dialogues adds a spread of its own to B: the bounds of a small B lie above it.
- Overlap with the one recorded reply says little of how good a reply is. In mean sentence BLEU-1,
  human replies to somebody else come to {retrieved_prior} where strategies are drawn by
  the prior, and to {retrieved} under the recorded ones; generic sentences to
  {responder_prior} and {responder}. What tells the two apart is
  sameness: Distinct-n over the corpus, self-BLEU, stock openers.
- The two conventions must not be mixed: corpus BLEU is not the mean of sentence BLEU, and
  Distinct-n within a reply is 90 and more for everybody. Figures of other work compare only with
  those of the same convention, tokens and smoothing.
- Distinct-n and self-BLEU depend on the number of replies: they compare between rows of this page.
"""

_SHARES = ("macro_f1", "weighted_f1", "accuracy")
_MEANS = {
    "bleu_1": "BLEU-1", "bleu_2": "BLEU-2", "bleu_3": "BLEU-3", "bleu_4": "BLEU-4", "f1": "F1",
    "rouge_l": "ROUGE-L", "meteor": "METEOR", "distinct_1": "Distinct-1",
    "distinct_2": "Distinct-2", "distinct_3": "Distinct-3",
}  # fmt: skip
_CORPUS = {
    "bleu_1": "BLEU-1", "bleu_2": "BLEU-2", "bleu_3": "BLEU-3", "bleu": "BLEU-4",
    "distinct_1": "Distinct-1", "distinct_2": "Distinct-2", "distinct_3": "Distinct-3",
    "self_bleu": "self-BLEU",
}  # fmt: skip


def page(found: Results) -> str:
    """The results as a Markdown page."""
    head = HEAD.format(
        **{split: f"{count:,}" for split, count in found.dialogues.items()},
        **{f"{split}_turns": f"{count:,}" for split, count in found.turns.items()},
        seed=found.seed,
    )
    signature = found.responder[RECORDED].corpus.bleu_signature
    sides = {"responder": found.responder, "retrieved": found.retrieved}
    bleu_1 = {name: _figure(side[RECORDED].mean.bleu_1) for name, side in sides.items()}
    bleu_1 |= {f"{name}_prior": _figure(side[PRIOR].mean.bleu_1) for name, side in sides.items()}
    rows = _replies(found)
    parts = [
        head, _choices(found), PLANNERS.format(commonest=found.commonest),
        _means(rows), _corpus(rows), REPLIES.format(signature=signature), READING.format(**bleu_1),
    ]  # fmt: skip
    return "\n\n".join(parts)


def _choices(found: Results) -> str:
    rows = [
        (name, _figure(score.bias, 2), *(_figure(getattr(score, n), 1, 100) for n in _SHARES),
         f"{score.unreadable:,}")
        for name, score in found.strategies.items()
    ]  # fmt: skip
    shares = (f"{100 * found.prior[name]:.1f}" for name in _SHARES)
    rows.insert(2, ("prior, expected", f"{found.prior['bias']:.2f}", *shares, "0"))
    head = ("who", "B", "macro-F1", "weighted-F1", "accuracy", "unreadable")
    return Table(title="Choosing a strategy", head=head, rows=tuple(rows)).markdown()


def _replies(found: Results) -> dict[str, TextScore]:
    sides = {"embedded responder": found.responder, "train reply": found.retrieved}
    rows = {f"{who}, {given}": s for who, side in sides.items() for given, s in side.items()}
    return rows | {"people": found.people}


def _means(scores: Mapping[str, TextScore]) -> str:
    rows = [
        (name, *(_figure(getattr(score.mean, key)) for key in _MEANS))
        for name, score in scores.items()
    ]
    title = "Replies, mean of single replies (the paper's convention)"
    return Table(title=title, head=("who", *_MEANS.values()), rows=tuple(rows)).markdown()


def _corpus(scores: Mapping[str, TextScore]) -> str:
    rows = []
    for name, score in scores.items():
        known = [getattr(score.corpus, key) for key in _CORPUS]
        plain = ("-" if value is None else f"{value:.1f}" for value in known)
        rows.append((name, *plain, _figure(score.stock), _figure(score.words)))
    head = ("who", *_CORPUS.values(), "stock openers", "words")
    title = "Replies, corpus level (sacrebleu), and their length"
    return Table(title=title, head=head, rows=tuple(rows)).markdown()


def _figure(interval: Interval | None, digits: int = 1, factor: float = 1) -> str:
    if interval is None:
        return "-"
    value, low, high = (factor * x for x in (interval.value, interval.low, interval.high))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
