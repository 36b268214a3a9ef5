"""Where a corpus of recorded dialogues comes from, in words for its card."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from attunement.trainers.corpora.recorded_plan import RecordedCorpus, Seen
from attunement.trainers.corpora.report import Origin

_PREPARED = {
    "self_evolution": "Consecutive utterances of one speaker were joined (a joined turn takes the "
    "strategy of its first utterance), and turns at the beginning that are nothing but a greeting "
    "were dropped: {greetings:,} turns of either speaker.",
    "decoupled": "A supporter's consecutive utterances stay apart, with a blank seeker's turn "
    "between them, because each has a strategy of its own; a seeker's were joined by a blank. "
    "Greetings stay.",
}
_LIMITS = (
    "The recorded dialogues hold personal stories; treat them as personal data, and keep to their "
    "licence when you share this corpus.",
    "The replies are those of the people who were recorded, good and bad; none was checked.",
)
_CRISIS_KEPT = "Turns of crisis were kept on request; the replies to them are not safe to imitate."
_CRISIS_LEFT = (
    "Crisis turns were found by rules that miss indirect words, and left out. A model trained on "
    "this corpus has not learnt to handle a crisis."
)


def origin_of(
    files: Sequence[Path], plan: RecordedCorpus, seen: Seen, alpaca: Path | None
) -> Origin:
    """The origin of a corpus of recorded dialogues."""
    names = [path.name for path in files]
    esconv = all(licence.startswith("CC BY-NC") for licence in seen.licences)
    given = {"alpaca": alpaca.name} if alpaca else {}
    options = plan.model_dump(mode="json", exclude={"format", "instructions", "strategies"})
    if plan.strategies:
        options["strategy_map"] = [f"{k}={v or ''}" for k, v in plan.strategies.items()]
    if alpaca:
        options["alpaca_n"] = plan.instructions
    return Origin(
        title=f"Recorded emotional-support dialogues of {', '.join(names)} ({plan.recipe})",
        how=tuple(_how(names, plan, seen, alpaca)),
        licences=tuple(seen.licences),
        sources=(*names, *given.values()),
        languages=("en",) if esconv or alpaca else (),
        limits=(*_LIMITS, _CRISIS_KEPT if plan.keep_crisis else _CRISIS_LEFT),
        options=options | given,
    )


def _how(
    names: Sequence[str], plan: RecordedCorpus, seen: Seen, alpaca: Path | None
) -> Iterator[str]:
    yield (
        f"Imported with Attunement {version('attunement')} from {', '.join(names)}: "
        f"{seen.dialogues:,} recorded dialogues, {seen.utterances:,} utterances."
    )
    yield _PREPARED[plan.recipe].format(greetings=seen.greetings)
    if seen.blank:
        yield f"Utterances without words, left out: {seen.blank:,}."
    if not plan.keep_crisis:
        left = "that turn and the rest of the dialogue are left out"
        found = f"a crisis in {seen.crises:,} dialogues: {left}" if seen.crises else "no crisis"
        yield f"The rules found {found}."
    if seen.names.read:
        read = (f"{name} -> {s} ({n:,})" for (name, s), n in seen.names.read.most_common())
        yield f"Strategies under another name were read as ESConv's: {'; '.join(read)}."
    if seen.instructions is not None and alpaca is not None:
        yield (
            f"{len(seen.instructions.rows):,} general instructions of {alpaca.name} stand in the "
            "train split, without a system prompt."
        )
