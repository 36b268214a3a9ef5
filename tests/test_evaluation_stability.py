"""A model over its iterations: what is put side by side, and what is warned of."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from attunement.core.records import Dialogue
from attunement.evaluation.comparison import Comparison, compare
from attunement.evaluation.figures import Figure, Findings, Measure, mean_figure
from attunement.evaluation.stability import DriftMeter, Stability, drifts, stability
from attunement.evaluation.systems import Measured, measure, meters_for, named_systems
from tests.helpers import journal_of, small_run
from tests.test_evaluation_comparison import facts

USUAL = {"words": 20.0, "stock openers": 10.0, "Distinct-1": 12.0, "Distinct-2": 40.0,
         "self-BLEU": 30.0}  # fmt: skip


def iteration(name: str, dialogues: int = 10, **changed: float) -> Measured:
    """A system with the figures of text that stability reads."""
    values = USUAL | {key.replace("_", " "): value for key, value in changed.items()}
    keys = [f"0/{i}/x" for i in range(dialogues)]
    figures = []
    for what, value in values.items():
        measure = Measure(name=what, family="text", method="as the meter says")
        if what in ("words", "stock openers"):
            figures.append(mean_figure(measure, dict.fromkeys(keys, (value, 1.0))))
        else:
            figures.append(Figure(measure, whole=value))
    return Measured(facts(name, dialogues), dict.fromkeys(keys, "a"), [Findings(figures)])


def over(*iterations: Measured) -> Comparison:
    return compare(list(iterations), draws=10, swaps=10)


def of(*iterations: Measured, **given: dict[str, float]) -> Stability:
    return stability(over(*iterations), **given)


def test_an_unchanged_model_is_not_warned_of():
    found = of(iteration("M_0"), iteration("M_1"), margins={"M_1": 1.0}, moved={"M_1": 0.01})
    assert found.warnings == ()
    assert found.notes == ()
    assert [(s.name, s.words, s.margin, s.drift) for s in found.steps] == [
        ("M_0", 20, None, None), ("M_1", 20, 1.0, 0.01),
    ]  # fmt: skip


def test_what_is_no_run_is_no_iteration():
    survey = replace(iteration("survey"), facts=facts("survey", 10, graphs=()))
    found = of(iteration("M_0"), iteration("M_1"), survey)
    assert [step.name for step in found.steps] == ["M_0", "M_1"]
    assert of(iteration("M_0"), survey).notes[0].startswith("one system only")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"words": 31.0}, "31.0 words a reply, 1.55 times M_0's 20.0"),
        ({"words": 9.0}, "9.0 words a reply, 0.45 times"),
        ({"stock_openers": 21.0}, "21 % of its replies have a stock phrase, 10 % of M_0's"),
        ({"Distinct-2": 31.0}, "Distinct-2 is 0.78 times M_0's"),
        ({"self-BLEU": 38.0}, "self-BLEU is 1.27 times M_0's"),
    ],
)
def test_each_threshold_warns_of_what_has_gone_past_it(changed, said):
    warnings = of(iteration("M_0"), iteration("M_1", **changed)).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("M_1: ")
    assert said in warnings[0]


@pytest.mark.parametrize(
    "changed",
    [{"words": 29.0}, {"words": 11.0}, {"stock_openers": 19.5}, {"Distinct-2": 33.0},
     {"self-BLEU": 37.0}, {"Distinct-2": 60.0}, {"stock_openers": 0.0}],
)  # fmt: skip
def test_within_its_threshold_a_change_is_not_warned_of(changed):
    assert of(iteration("M_0"), iteration("M_1", **changed)).warnings == ()


def test_a_margin_far_below_the_first_trainings_is_warned_of():
    three = iteration("M_0"), iteration("M_1"), iteration("M_2")
    assert of(*three, margins={"M_1": 2.0, "M_2": 0.6}).warnings == ()
    (warning,) = of(*three, margins={"M_1": 2.0, "M_2": 0.4}).warnings
    assert warning.startswith("M_2: margin 0.40 after 2.00 of M_1")


def test_a_drift_is_warned_of():
    (warning,) = of(iteration("M_0"), iteration("M_1"), moved={"M_0": 0.0, "M_1": 0.3}).warnings
    assert warning.startswith("M_1: its replies have drifted 0.30 from M_0's")


def test_diversity_of_another_number_of_dialogues_is_not_held_against_the_first():
    found = of(iteration("M_0"), iteration("M_1", 20, **{"Distinct-2": 20.0}))
    assert found.warnings == ()
    assert any("diversity of M_1 is not held against M_0's" in note for note in found.notes)


def test_what_is_not_there_is_said():
    bare = Measured(facts("M_0", 1), {"0/0/x": "a"}, [Findings()])
    notes = " ".join(of(bare).notes)
    for words in ("one system only", "--evolution", "--encoder", "family text was not measured"):
        assert words in notes


def test_where_nothing_could_be_watched_there_is_no_all_clear():
    bare = [Measured(facts(name, 1), {"0/0/x": "a"}, [Findings()]) for name in ("M_0", "M_1")]
    assert of(*bare).calm.startswith("Nothing could be watched")
    assert of(iteration("M_0")).calm.startswith("Nothing could be watched")
    assert of(*bare, margins={"M_1": 1.0}).watched == []  # one training has no other
    found = of(iteration("M_0"), iteration("M_1"), moved={"M_1": 0.01})
    assert found.watched == ["drift", "words", "stock", "distinct_2", "self_bleu"]
    assert found.calm == "No warning: nothing has gone past a threshold."
    assert of(iteration("M_0"), iteration("M_1", 30)).watched == ["words", "stock"]


def test_the_names_are_those_of_the_meter_of_text(tmp_path):
    """Else every figure would be missing without a sign."""
    small_run(tmp_path / "run", dialogues=4, graph="direct", max_turns=2)
    system = named_systems([str(tmp_path / "run")])[0]
    step = stability(compare([measure(system, meters_for(["text"]))], draws=10)).steps[0]
    assert step.words > 1
    assert None not in (step.stock, step.distinct_1, step.distinct_2, step.self_bleu)


# ---- drift --------------------------------------------------------------------------------------


class LengthEncoder:
    """Embeds a text by whether it is long."""

    name = "length"

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        long = np.array([len(text) > 40 for text in texts], float)
        return np.stack([long, 1 - long], 1)


def test_drift_is_the_distance_of_mean_embeddings(tmp_path):
    small_run(tmp_path / "run", dialogues=5, graph="direct", max_turns=3)
    journal = journal_of(tmp_path / "run")
    dialogues: list[Dialogue] = list(journal.dialogues())
    journal.close()
    meter = DriftMeter(LengthEncoder())
    for dialogue in dialogues:
        meter.add(dialogue.id, dialogue)
    said = [turn.reply.text for d in dialogues for turn in d.turns if turn.reply]
    share = np.mean([len(text) > 40 for text in said])
    assert meter.mean() == pytest.approx(np.array([[share, 1 - share]]))
    assert meter.replies == len(said)
    found = drifts({"a": np.array([[1.0, 0.0]]), "b": np.array([[1.0, 1.0]]),
                    "c": np.zeros((0, 0))})  # fmt: skip
    assert found == pytest.approx({"a": 0.0, "b": 1 - np.sqrt(0.5)})
