"""A run to be measured: laid out, carried out, and what it cost."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attunement.agents.models.base import Capabilities, ChatBackend
from attunement.agents.models.scripted import ScriptedChat
from attunement.agents.prompting import ChatMessage
from attunement.personas.cards import library
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.recorder import Tally
from attunement.simulator.run import create_run, run
from benchmarks.canned import canned
from benchmarks.measure import Cost

KNOWN = {"openai:latency": Capabilities(seeds=True, usage=True)}
"""What the server can do: it is not asked, so that the calls of a run are all that is measured."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A run that came to its end."""

    calls: int
    turns: int
    wall: float
    """Seconds in `run`: opening the journal, the dialogues, closing it."""
    cpu: float
    """Processor seconds of all threads in the same time."""


def unwatched(work: Callable[[], bool]) -> bool:
    """Just `work`."""
    return work()


def carry_out(
    folder: Path,
    config: RunConfig,
    backend: ChatBackend | None = None,
    cast: Cast | None = None,
    around: Callable[[Callable[[], bool]], bool] = unwatched,
) -> Carried:
    """Lay out a run and carry it out; `backend` replaces the configured one of the same spec.

    `around` is given the run itself to call, for a profile. A run with failures is no measurement.
    """
    create_run(folder, config, cast or cast_for(config), check_models=backend is None)
    tally = Tally()
    with Cost() as cost:
        backends = [backend] if backend else None
        finished = around(lambda: run(folder, backends=backends, tally=tally))
    if not finished or tally.failed or tally.failed_calls or tally.set_aside:
        raise RuntimeError(
            f"the run under {folder.name} had {tally.failed} failed dialogues, "
            f"{tally.failed_calls} failed calls, {tally.set_aside} turns set aside"
        )
    return Carried(tally.calls, tally.turns, cost.wall, cost.cpu)


def requests_of_a_dialogue(folder: Path, max_turns: int) -> dict[str, list[list[ChatMessage]]]:
    """The messages of every call of one dialogue on canned answers, by role and turn."""
    chat = ScriptedChat(lambda ask: canned(ask.role, ask.seed))
    config = RunConfig(model=chat.spec, max_turns=max_turns)
    carry_out(folder, config, chat, Cast(library()[:1], [0]))
    requests: dict[str, list[list[ChatMessage]]] = defaultdict(list)
    for ask in chat.asked:
        requests[ask.role].append(ask.messages)
    return requests
