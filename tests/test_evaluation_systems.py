"""Which systems are evaluated: how they are named, when two dialogues are the same, one pass."""

from pathlib import Path

import pytest

from attunement.agents.models.base import Ask
from attunement.core.errors import ConfigError, RunFolderError
from attunement.core.records import Dialogue, Utterance
from attunement.evaluation.figures import Figure, Findings, Measure, mean_figure
from attunement.evaluation.systems import (
    FAMILIES,
    baseline_of,
    beside,
    families,
    measure,
    meters_for,
    named_systems,
    place_of,
    writers_of,
)
from attunement.simulator.casting import Cast
from tests.helpers import LIBRARY, PERSONA, answering, small_run

WORDS = Measure(name="words", family="text", unit="words", method="words of a reply")


class WordMeter:
    """The smallest meter: words a reply."""

    def __init__(self) -> None:
        self.sums: dict[str, tuple[float, float]] = {}

    def add(self, key: str, dialogue: Dialogue) -> None:
        texts = [turn.reply.text for turn in dialogue.turns if turn.reply]
        self.sums[key] = sum(len(text.split()) for text in texts), len(texts)

    def findings(self) -> Findings:
        return Findings((mean_figure(WORDS, self.sums),))


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """Two runs on the same people, one on the same with another seed, one with a failure."""
    folder = tmp_path_factory.mktemp("home")
    for name, seed in (("a/run", 1), ("b/run", 1), ("c", 2)):
        small_run(folder / name, dialogues=4, seed=seed, graph="direct", max_turns=2)

    asked: list[Ask] = []

    def fails_once(ask: Ask) -> str:
        asked.append(ask)
        if len(asked) == 1:
            raise RuntimeError("no answer")
        return "What happened?"

    chat = answering(responder=fails_once)
    small_run(folder / "broken", chat, dialogues=3, graph="direct", max_turns=2, concurrency=1)
    return folder


def names(*words: object) -> list[str]:
    return [system.name for system in named_systems([str(word) for word in words])]


def test_a_folder_gives_its_name_and_a_name_may_be_given(home):
    assert names(home / "c", f"tuned={home / 'a/run'},{home / 'c'}") == ["c", "tuned"]
    system = named_systems([f"tuned={home / 'a/run'},{home / 'c'}"])[0]
    assert system.folders == (home / "a/run", home / "c")


def test_folders_of_one_name_are_told_apart(home):
    assert names(home / "a/run", home / "b/run") == ["a/run", "b/run"]
    for word in (home / "c", f"again={home / 'a' / '..' / 'c'}"):
        with pytest.raises(ConfigError, match="does not differ from itself"):
            names(home / "c", word)


def test_a_folder_may_have_signs_in_its_path(home, tmp_path):
    odd = tmp_path / "x=1,y"
    odd.mkdir()
    assert named_systems([str(odd)])[0].folders == (odd,)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x=a", "x=b"], "two systems are named 'x'"),
        (["=a"], "FOLDER or NAME=FOLDER"),
        (["x="], "FOLDER or NAME=FOLDER"),
        (["x=a,a"], "names a folder twice"),
    ],
)
def test_words_that_name_no_system_are_refused(words, said):
    with pytest.raises(ConfigError, match=said):
        named_systems(words)


def test_families_may_stand_apart_or_with_commas():
    assert families([]) == FAMILIES
    assert families(["text, outcome", "judges"]) == ("outcome", "text", "judges")
    with pytest.raises(ConfigError, match=r"unknown family 'words'.*--only"):
        families(["words"])


def test_the_baseline_is_the_first_unless_named():
    systems = named_systems(["x=a", "y=b"])
    assert baseline_of(systems, None).name == "x"
    assert baseline_of(systems, "y").name == "y"
    with pytest.raises(ConfigError, match="unknown baseline 'z'; known: x, y"):
        baseline_of(systems, "z")


def test_one_pass_feeds_every_meter(home):
    meters = [WordMeter(), WordMeter()]
    found = measure(named_systems([f"both={home / 'a/run'},{home / 'c'}"])[0], meters)
    assert (found.facts.dialogues, found.facts.models) == (8, ("rehearsal",))
    assert meters[0].sums == meters[1].sums
    assert meters[0].sums.keys() == found.personas.keys()
    assert {key.split("/")[0] for key in found.personas} == {"1", "2"}


def test_the_same_place_in_two_runs_has_the_same_key(home):
    one, other, third = (
        measure(system, [])
        for system in named_systems([str(home / p) for p in ("a/run", "b/run", "c")])
    )
    assert one.personas == other.personas
    assert not one.personas.keys() & third.personas.keys()


def test_another_card_or_recording_is_another_place():
    dialogue = Dialogue(id="000000-mira", persona=PERSONA)
    older = PERSONA.model_copy(update={"intensity": 2})
    line = Utterance(speaker="seeker", text="I lost my job.")
    variants = [
        dialogue,
        dialogue.model_copy(update={"persona": older}),
        dialogue.model_copy(update={"recorded": (line,)}),
        dialogue.model_copy(update={"recorded": (line, line)}),
    ]
    assert len({place_of(one, 0) for one in variants}) == 4
    assert place_of(dialogue, 0) != place_of(dialogue, 1)
    named = Utterance(speaker="seeker", text="I lost my job.")
    again = dialogue.model_copy(update={"recorded": (named,)})
    assert place_of(again, 0) == place_of(variants[2], 0)


def test_what_failed_is_counted_and_left_out(home):
    meter = WordMeter()
    found = measure(named_systems([str(home / "broken")])[0], [meter])
    assert (found.facts.dialogues, found.facts.failed, found.facts.unfinished) == (2, 1, 0)
    assert len(meter.sums) == 2


def test_a_system_without_a_finished_dialogue_is_refused(tmp_path):
    def fails(ask: Ask) -> str:
        raise RuntimeError("no answer")

    small_run(tmp_path / "none", answering(responder=fails), dialogues=2, graph="direct")
    with pytest.raises(ConfigError, match=r"'none' has no finished dialogue \(2 failed, 0 unfin"):
        measure(named_systems([str(tmp_path / "none")])[0], [])


def test_runs_of_one_seed_and_person_are_no_one_system(home):
    with pytest.raises(ConfigError, match="seeds of their own"):
        measure(named_systems([f"x={home / 'a/run'},{home / 'b/run'}"])[0], [])


def test_a_folder_that_is_no_run_is_named(home, tmp_path):
    with pytest.raises(RunFolderError, match="no journal"):
        measure(named_systems([str(tmp_path)])[0], [])
    with pytest.raises(RunFolderError, match="no run folder"):
        writers_of(named_systems([str(tmp_path / "missing")])[0])


def test_people_without_a_name_of_their_own_count_once(tmp_path):
    cast = Cast(LIBRARY[:2], [0, 1, 0])
    small_run(tmp_path / "run", dialogues=3, cast=cast, graph="direct", max_turns=1)
    found = measure(named_systems([str(tmp_path / "run")])[0], [])
    assert (found.facts.dialogues, found.facts.personas) == (3, 2)


def test_every_family_but_those_of_a_journal_has_a_meter(home):
    system = named_systems([str(home / "c")])[0]
    for family in (name for name in FAMILIES if name != "people"):  # those come with the pairs
        meters = meters_for([family], writers=writers_of(system))
        assert bool(meters) == (family != "stability"), family
        kinds = {f.measure.family for one in measure(system, meters).findings for f in one.figures}
        assert not meters or family in kinds, family


def test_what_is_no_run_stands_beside():
    sums = {"0": (2.0, 1.0), "1": (1.0, 1.0)}
    findings = Findings((mean_figure(WORDS, sums), Figure(WORDS, why="nobody said it")))
    found = beside(Path("corpora/ESConv.json"), findings)
    assert (found.facts.name, found.facts.dialogues) == ("survey of ESConv.json", 2)
    assert not found.facts.is_run
