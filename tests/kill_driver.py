"""A process to be killed: runs a run folder on the embedded model and counts its calls.

    python tests/kill_driver.py RUN COUNTER

One byte is appended to COUNTER for every call that is really made, before it is answered.
"""

import asyncio
import os
import sys
from pathlib import Path

from attunement.agents.models.base import Answer, Ask
from attunement.agents.models.rehearsal import RehearsalChat
from attunement.simulator.run import run


class CountedRehearsal(RehearsalChat):
    """The embedded model, leaving a trace of every call."""

    waits = True  # as a model behind a network does
    counter: int

    async def answer(self, ask: Ask) -> Answer:
        os.write(self.counter, b".")
        await asyncio.sleep(0.002)  # so that a stop finds calls in flight
        return await super().answer(ask)


if __name__ == "__main__":
    counter = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    run(Path(sys.argv[1]), backends=[CountedRehearsal(counter=counter)])
