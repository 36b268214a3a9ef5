"""What had been said when a supporter's reply was due: the public dialogue before each turn."""

from collections.abc import Iterator

from attunement.core.records import Dialogue, Turn, Utterance
from attunement.graphs.state import public, supporter_turns
from attunement.simulator.journal import Task


def with_history(dialogue: Dialogue | Task) -> Iterator[tuple[Turn, tuple[Utterance, ...]]]:
    """Each turn with the public lines up to and with the seeker's words that it answers.

    In a replay these are the recording's own lines, not what the models replied.
    """
    if dialogue.recorded is not None:
        places = supporter_turns(dialogue.recorded)
        for turn in dialogue.turns:
            yield turn, dialogue.recorded[: places[turn.number - 1]]
        return
    heard: list[Utterance] = []
    for turn in dialogue.turns:
        lines = public(turn)
        yield turn, (*heard, lines[0])
        heard += lines
