"""A process to be killed: runs a run folder and counts its calls.

    python tests/kill_driver.py RUN COUNTER [label]

With `label` it labels the run's replies instead.

One byte is appended to COUNTER for every call that is really made, before it is answered: on the
embedded model, or on the server that the run names, where every sending counts.
"""

import asyncio
import os
import sys
from pathlib import Path

from attunement.agents.models.base import Answer, Ask, ChatBackend
from attunement.agents.models.rehearsal import RehearsalChat
from attunement.simulator.config import RunConfig, read_config
from attunement.simulator.labelling import label
from attunement.simulator.run import run


class CountedRehearsal(RehearsalChat):
    """The embedded model, leaving a trace of every call."""

    waits = True  # as a model behind a network does
    counter: int

    async def answer(self, ask: Ask) -> Answer:
        os.write(self.counter, b".")
        await asyncio.sleep(0.002)  # so that a stop finds calls in flight
        return await super().answer(ask)


def counted_server(config: RunConfig, counter: int) -> ChatBackend:
    """The run's server, each request leaving a trace; a client that does not wait for long."""
    from attunement.agents.models import wire
    from attunement.agents.models.openai import OpenAIChat

    wire.FIRST_WAIT = 0.01
    send = wire.Wire.send

    async def counted(self: wire.Wire, url: str, body: bytes) -> wire.Sent:
        os.write(counter, b".")
        return await send(self, url, body)

    wire.Wire.send = counted
    return OpenAIChat(
        config.model.removeprefix("openai:"),
        config.base_url,
        timeout=config.timeout,
        capabilities=config.capabilities[config.model],
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    counter = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    config = read_config(folder / "config.toml")
    served = config.model.startswith("openai:")
    work = label if sys.argv[3:] == ["label"] else run
    work(folder, backends=[
        counted_server(config, counter) if served else CountedRehearsal(counter=counter)
    ])  # fmt: skip
