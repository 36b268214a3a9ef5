"""Recorded dialogues as examples for fine-tuning: one a supporter's turn, for each task."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import ConfigError
from attunement.personas.recorded import Recording, read_recordings
from attunement.personas.shapes import plain_name
from attunement.trainers.corpora.instructions import sample_instructions
from attunement.trainers.corpora.published import place, splits_in
from attunement.trainers.corpora.recorded_origin import origin_of
from attunement.trainers.corpora.recorded_plan import Names, RecordedCorpus, Seen
from attunement.trainers.corpora.recorded_rows import recorded_rows
from attunement.trainers.corpora.report import CorpusReport
from attunement.trainers.corpora.writing import CorpusWriter, refuse_existing_corpus

Watch = Callable[[Iterable[Recording], int], Iterable[Recording]]


def import_recorded(
    files: Sequence[Path],
    out: Path,
    plan: RecordedCorpus,
    alpaca: Path | None = None,
    watch: Watch = lambda recordings, _: recordings,
) -> CorpusReport:
    """Write the corpus of recorded dialogues to `out`; returns its figures.

    `watch` is handed the dialogues and how many they are, to show how far it is. Files are read
    one dialogue at a time where they hold one a line. Raises `UserError` and its children, with
    file, dialogue and field, and leaves nothing behind.
    """
    refuse_existing_corpus(out)
    if alpaca is not None and "sft_direct" not in plan.sets:
        raise ConfigError("`--alpaca` adds instructions to the direct examples; pass --for direct")
    split_of = place(files, plan.split, plan.seed, plan.limit)
    splits = splits_in(plan.split, split_of.values())
    own = {plain_name(name): strategy for name, strategy in plan.strategies.items()}
    seen = Seen(names=Names(own))
    with CorpusWriter(out, format=plan.format, splits=splits) as corpus:
        for name in plan.sets:
            corpus.expect(name)
        for recording in watch(_recordings(files, plan, seen), len(split_of)):
            for name, row in recorded_rows(plan, recording, packaged_prompts(), seen):
                if isinstance(row, str):
                    corpus.drop(name, row)
                else:
                    corpus.add(name, split_of[recording.id], row)
        if alpaca is not None:
            _add_instructions(alpaca, plan, corpus, seen)
        return corpus.finish(origin_of(files, plan, seen, alpaca))


def _recordings(files: Sequence[Path], plan: RecordedCorpus, seen: Seen) -> Iterator[Recording]:
    for path in files:
        for recording in read_recordings(path, plan.limit, seen.names):
            seen.dialogues += 1
            seen.utterances += len(recording.utterances)
            seen.blank += sum(not u.text.strip() for u in recording.utterances)
            seen.licences[recording.licence or f"not stated for {path.name}"] = None
            yield recording


def _add_instructions(path: Path, plan: RecordedCorpus, corpus: CorpusWriter, seen: Seen) -> None:
    if "train" not in corpus.splits:
        raise ConfigError("`--alpaca` adds to the train split, and this corpus has none")
    seen.instructions = drawn = sample_instructions(path, plan.instructions, plan.seed)
    seen.licences[f"not stated for {path.name}"] = None
    for row in drawn.rows:
        corpus.add("sft_direct", "train", row)
    for reason, count in drawn.dropped.items():
        for _ in range(count):
            corpus.drop("sft_direct", reason)
