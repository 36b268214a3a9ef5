"""Runs for the debugger to read: of every kind that a list tells apart."""

import asyncio
import random
from contextlib import closing
from pathlib import Path
from zlib import crc32

from attunement.core.errors import ModelError
from attunement.core.psychology import ERRORS
from attunement.core.records import Change, Verdict
from attunement.simulator.annotating import Annotation, annotate
from attunement.simulator.casting import Cast
from attunement.simulator.forking import fork, why_not
from attunement.simulator.journal import Journal
from attunement.simulator.run import run
from attunement.viewer.debugger.figures import Named
from attunement.viewer.debugger.finding import dialogue_at
from attunement.viewer.debugger.shelf import Reading
from tests.helpers import LIBRARY, answering, journal_of, small_run

SAYINGS = (
    "I cannot sleep, and the nights are long.",
    "我昨晚又失眠了，什么都不想做。",
    'She said "never" AND left* (so it goes) -- OR not.',
    "אני לא ישן בלילה, and I do not know why.",
    "Zürich was cold; İstanbul and STRASSE too. 100% of it_all.",
    "<script>alert(1)</script> & {braces} \\ back",
)


def varied(fails: bool = True):
    """A cast of scripted answers in which everything happens to some dialogue."""

    def seeker(ask):
        draw = random.Random(ask.seed)
        text = draw.choice(SAYINGS) + f" n{draw.randrange(1000)}"
        if draw.random() < 0.05:
            text = "I want to kill myself tonight."
        return {"text": text, "emotion": draw.choice(("anxiety", "anger", "shame")),
                "intensity": draw.randint(1, 5), "rating": draw.randint(1, 5),
                "wants_to_stop": draw.random() < 0.1}  # fmt: skip

    def responder(ask):
        if fails and random.Random(ask.seed).random() < 0.06:
            raise ModelError("the line to Quito broke")
        return random.Random(ask.seed).choice(SAYINGS)

    def refiner(ask):
        # What is asked again after an unreadable answer begins with the same words.
        if crc32(ask.messages[1]["content"].encode()) % 5 == 0:
            return "?"
        return {"strategy": "Question", "text": f"Why {ask.seed % 1000}?"}

    return answering(seeker=seeker, responder=responder, refiner=refiner)


def varied_run(folder: Path, dialogues: int = 24) -> Path:
    """A run with crises, failures, set-aside turns, annotations, faults and branches."""
    small_run(
        folder, varied(), cast=Cast(LIBRARY[:7], [index % 7 for index in range(dialogues)]),
        dialogues=dialogues, max_turns=4,
    )  # fmt: skip
    one, two, three, four = forkable(folder)[:4]
    say(folder, one, 1, Annotation(label="good", note="Schlaflos, n'est-ce pas?"))
    say(folder, two, 1, Annotation(errors=("Template Response",)), "tom")
    found = (Verdict(name=ERRORS, value=value, label=label, about="draft", judge="strict")
             for value, label in ((1, "Template Response"), (0, None)))  # fmt: skip
    for index, verdict in zip((three, four), found, strict=True):
        writing(folder, lambda j, i=index, v=verdict: j.write_verdicts(i, 1, [v], 1))
    branch(folder, one, 1)
    branch(folder, three, 1)
    return folder


def forkable(folder: Path) -> list[int]:
    """The dialogues whose first turn has a reply."""
    journal = journal_of(folder)
    found = [i for i, d in enumerate(journal.dialogues()) if d.turns and not why_not(d, 1)]
    journal.close()
    return found


def writing(folder: Path, write) -> None:
    """Write something into a run's journal."""

    async def work() -> None:
        with closing(journal_of(folder)) as journal:
            await write(journal)
            await journal.close_writer()

    asyncio.run(work())


def say(folder: Path, index: int, turn: int, said: Annotation, who: str = "mira") -> None:
    """Annotate a turn."""

    def write(journal: Journal):
        return annotate(journal, index, dialogue_at(journal, index).turns[turn - 1], said, who)

    writing(folder, write)


def branch(folder: Path, dialogue: int, turn: int, seed: int = 5) -> int:
    """Fork a dialogue with another seed, and run the branch; returns its index."""
    laid = fork(folder, str(dialogue), turn, Change(seed=seed), check_models=False)
    run(folder, backends=[varied(fails=False)], only=[laid.index])
    return laid.index


def opened(folder: Path) -> Reading:
    """A run as the server reads it, with nothing read yet."""
    return Reading(Named(key="0", name=folder.name, folder=str(folder)), folder)


def read_all(reading: Reading) -> Reading:
    """Take in all that there is."""
    reading.keep_up()
    while reading.filler.behind:
        reading.keep_up()
    return reading
