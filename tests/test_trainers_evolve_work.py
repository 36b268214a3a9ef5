"""What stages share: runs that are judged by how many dialogues failed, signals, names."""

import signal
from contextlib import closing
from pathlib import Path

import pytest

from attunement.agents.models.base import Ask
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import AttunementError, ModelError
from attunement.simulator.config import RunConfig
from attunement.simulator.run import open_run, run
from attunement.trainers.evolve.config import check_evolution
from attunement.trainers.evolve.models import first_model
from attunement.trainers.evolve.stages import Done, Stage, Stages
from attunement.trainers.evolve.work import Display, Evolution, carry_out
from tests.helpers import answering

CONFIG = RunConfig(
    model="rehearsal", graph="direct", dialogues=5, max_turns=2, concurrency=1,
)  # fmt: skip


class _Rehearsed(ScriptedChat):
    """A script that answers to the embedded model's name."""

    @property
    def spec(self) -> str:
        return "rehearsal"


def failing(times: int) -> Display:
    """A display whose runs' supporter cannot be asked so many times, and then can."""
    left = times

    def responder(_: Ask) -> str:
        nonlocal left
        left -= 1
        if left >= 0:
            raise ModelError("the server is gone")
        return "What happened?"

    chat = _Rehearsed(answering(responder=responder)._script)
    return Display(run=lambda folder: run(folder, backends=[chat]))


def counts(folder) -> dict[str, int]:
    _, journal = open_run(folder)
    with closing(journal):
        return journal.counts()


def test_a_run_of_which_more_than_half_failed_is_not_accepted_and_tried_again(tmp_path):
    said = r"3 of 5 dialogues of '.*' failed, the first with: .*the server is gone.*tried again"
    with pytest.raises(AttunementError, match=said):
        carry_out(tmp_path / "run", CONFIG, failing(3))
    assert counts(tmp_path / "run")["failed"] == 3
    carry_out(tmp_path / "run", CONFIG, failing(0))
    assert counts(tmp_path / "run")["failed"] == 0


def test_a_run_of_which_few_failed_is_left_to_its_figures(tmp_path):
    carry_out(tmp_path / "run", CONFIG, failing(2))
    carry_out(tmp_path / "run", CONFIG, failing(0))
    assert counts(tmp_path / "run")["failed"] == 2


def _deaf(folder: Path) -> None:
    """Work that leaves SIGTERM to the system, as a run does that somebody else carries out."""
    folder.mkdir()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_run_and_a_stage_leave_the_hearer_of_sigterm_as_it_was(tmp_path):
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        carry_out(tmp_path / "run", CONFIG, failing(0))
        signal.raise_signal(signal.SIGTERM)
        Stages(tmp_path).run(Stage("a", _deaf))
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [1, 1]


def test_settings_of_the_first_fine_tuning_go_by_the_names_of_the_file(tmp_path):
    class Spy(Stages):
        def run(self, stage: Stage) -> Done:
            self.seen = stage
            return super().run(stage)

    (tmp_path / "corpus").mkdir()
    first = {"model": "some/model", "corpus": str(tmp_path / "corpus"), "train": {"epochs": 3}}
    stages = Spy(tmp_path, dry=True)
    first_model(Evolution(check_evolution({"first": first}), tmp_path, stages))
    assert stages.seen.settings["first.train.epochs"] == 3
    assert "first.train.learning_rate" in stages.seen.usual
    assert {name.partition(".")[0] for name in stages.seen.settings} == {"first"}
    assert not {"first.epochs", "first.train.threads"} & stages.seen.settings.keys()
