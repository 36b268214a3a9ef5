"""Who prefers what: win rates by hand, and biased judges that give themselves away."""

import pytest

from attunement.core.records import Utterance, Verdict
from attunement.evaluation.figures import Figure
from attunement.evaluation.judges.panel import decided_pairs, judgings
from attunement.evaluation.judges.preferences import Judged, preference_findings
from attunement.evaluation.paired import paired
from attunement.evaluation.systems import named_systems
from attunement.simulator.judging import judge_run
from attunement.simulator.matching import ORDERS, Pair
from tests.helpers import judge, small_run


def pair(number=0, ours="one two three", theirs="one"):
    return Pair(
        dialogue_id=f"d{number}", persona_id="p", index=number, turn=1, about="refined",
        opponent="draft", context=(Utterance(speaker="seeker", text="Hello."),),
        subject=(Utterance(speaker="supporter", text=ours),),
        against=(Utterance(speaker="supporter", text=theirs),),
    )  # fmt: skip


def judged(number, *answers, writers=("", ""), **words):
    """A pair with answers: (judge, subject shown first, shown second)."""
    item = pair(number, **words)
    verdicts = [
        Verdict(name=item.name, value=value, about="refined", label=order, judge=judge)
        for judge, *values in answers
        for order, value in zip(ORDERS, values, strict=False)
    ]
    return Judged(item.dialogue_id, item, verdicts, writers)


def figures(items):
    found = preference_findings(items, "refined over draft").figures
    names = (f.measure.name.removeprefix("pairs").lstrip(", :") for f in found)
    return dict(zip(names, found, strict=True))


def values(items):
    return {name: figure.value for name, figure in figures(items).items()}


def test_a_win_rate_is_the_mean_over_both_orders_ties_half():
    found = values([judged(0, ("j", 1, 1)), judged(1, ("j", 0.5, 0.5)), judged(2, ("j", 1, 0))])
    assert found["refined over draft"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert found["j: order flips"] == pytest.approx(1 / 3)


def test_a_pair_that_was_read_in_one_order_alone_enters_no_win_rate_but_the_unreadable_ones():
    found = values([judged(0, ("j", 1, None)), judged(1, ("j", 0, 0))])
    assert found["refined over draft"] == 0
    assert found["j: unreadable"] == 0.25
    assert found["j: order flips"] == 0


def test_nothing_readable_is_not_zero():
    found = figures([judged(0, ("j", None, None))])
    assert found["refined over draft"].value is None
    assert "read in both orders" in found["refined over draft"].why
    assert found["j: unreadable"].value == 1


def test_no_judge_at_all_says_so():
    found = figures([])
    assert list(found) == ["refined over draft"]
    assert found["refined over draft"].value is None
    assert "no judge has been asked" in found["refined over draft"].why


def test_a_judge_that_was_asked_about_less_is_left_out_of_the_panel():
    items = [judged(0, ("a", 1, 1), ("b", 0, 0)), judged(1, ("a", 1, 1))]
    found = preference_findings(items, "refined over draft")
    assert (found.figures[0].value, found.figures[0].basis) == (1, "a")
    assert found.notes == ["b has judged 1 of 2 pairs and is left out of the panel"]


def test_a_panels_win_rate_is_of_pairs_that_all_of_it_decided_and_shows_each_judge():
    items = [judged(0, ("a", 1, 1), ("b", 0, 0)), judged(1, ("a", 1, 1), ("b", 1, None))]
    found = figures(items)
    assert found["refined over draft"].value == 0.5
    assert found["refined over draft"].basis == "a, b"
    assert found["refined over draft, a"].value == 1
    assert found["refined over draft, b"].value == 0


def test_a_panel_is_who_is_named():
    items = [judged(0, ("a", 1, 1), ("b", 0, 0))]
    found = preference_findings(items, "refined over draft", panel=["a"]).figures[0]
    assert (found.value, found.basis) == (1, "a")


def test_a_judge_behind_an_address_is_the_model_that_wrote():
    judge_spec = "openai:m@http://127.0.0.1:1/v1"
    items = [judged(0, (judge_spec, 1, 1), ("b", 0, 0), writers=("openai:m", "other"))]
    assert figures(items)[f"{judge_spec}: self-preference"].value == 1


def test_agreement_of_two_judges_is_alpha_and_kappa_over_decided_pairs():
    same = [("a", 1, 1), ("b", 1, 1)]
    apart = [("a", 0, 0), ("b", 1, 1)]
    lost = [("a", 0, 0), ("b", 0, 0)]
    found = values([judged(0, *same), judged(1, *same), judged(2, *apart), judged(3, *lost)])
    # Kappa by hand: observed 3/4; a says subject 2 of 4, b 3 of 4: by chance 1/2*3/4 + 1/2*1/4.
    assert found["kappa of a and b"] == pytest.approx((0.75 - 0.5) / 0.5)
    # Alpha by hand: 8 values, 5 subject and 3 opponent; disagreeing values 2 of 8, by chance
    # 2*5*3/(8*7).
    assert found["agreement"] == pytest.approx(1 - (2 / 8) / (30 / 56))


def test_one_judge_alone_has_nobody_to_agree_with():
    found = figures([judged(0, ("j", 1, 1))])["agreement"]
    assert found.value is None
    assert "one judge alone" in found.why


def test_a_taste_for_ones_own_words_is_measured_against_the_other_judges():
    own = {"writers": ("a", "other")}
    items = [
        judged(0, ("a", 1, 1), ("b", 0, 0), **own), judged(1, ("a", 1, 1), ("b", 1, 1), **own),
    ]  # fmt: skip
    found = figures(items)
    assert found["a: self-preference"].value == pytest.approx(0.5)
    assert found["b: self-preference"].value is None  # it wrote neither side
    # Where the judge wrote the opponent, its taste shows in the subject's defeats.
    turned = [judged(0, ("a", 0, 0), ("b", 1, 1), writers=("other", "a"))]
    assert figures(turned)["a: self-preference"].value == 1


def test_people_are_no_judges_here():
    items = [judged(0, ("person:ada", 1), ("j", 0, 0)), judged(1, ("person:bo", 0))]
    found = values(items)
    assert found["refined over draft"] == 0
    assert not any("person" in name for name in found)


def test_a_win_rate_is_tested_against_the_opponents():
    items = [judged(number, ("j", 1, 1) if number < 9 else ("j", 0, 0)) for number in range(10)]
    figure = figures(items)["refined over draft"]
    rival = Figure(figure.measure, figure.rival)
    assert (figure.value, rival.value) == (0.9, pytest.approx(0.1))
    # Two-sided, by hand: nine or ten of ten on one side, 2 * 11 of 1,024 exchanges.
    assert paired(figure, rival).p == pytest.approx(22 / 1024, abs=0.005)


def test_an_interval_resamples_dialogues():
    items = [judged(number % 10, ("j", number % 7 > 2, number % 7 > 2)) for number in range(60)]
    interval = figures(items)["refined over draft"].interval()
    assert interval.n == 10
    assert interval.low < interval.value < interval.high


# ---- biased judges ------------------------------------------------------------------------------


def biased(choose):
    """A judge that decides by the lengths of A and B alone."""

    def answer(ask):
        said = ask.messages[1]["content"]
        first, second = (
            said.partition(f"<{name}>\n")[2].partition(f"\n</{name}>")[0]
            for name in ("reply_a", "reply_b")
        )
        winner = choose(len(first.split()), len(second.split()))
        return {"reason": "It feels better.", "winner": winner}

    return judge(answer, "biased")


def printed_bias(folder, chat):
    """The bias figures that a run's evaluation prints, after this judge has decided its pairs."""
    small_run(folder, dialogues=20, max_turns=4)
    systems = named_systems([str(folder)])
    for work in judgings(systems, systems[0], ["biased"], ["pairs"]):
        assert judge_run(folder, "biased", work.instrument, backends=[chat])
    found = decided_pairs(systems[0], systems[0])
    named = {f.measure.name.removeprefix("pairs, biased: "): f for f in found.figures}
    return named, list(found.notes)


def test_a_judge_that_always_prefers_the_first_is_exposed(tmp_path):
    found, notes = printed_bias(tmp_path / "run", biased(lambda *_: "A"))
    assert notes == [
        "biased is not to be relied on: its verdict changes with the order in 100% of pairs",
        "biased is not to be relied on: it chose what stood first in 100%",
    ]
    assert found["chose the first"].value == 1
    assert found["order flips"].value == 1
    assert found["refined over draft"].value == 0.5  # and it has nothing to say of the pairs
    interval = found["chose the first"].interval()
    assert interval.low > 0.5


def test_a_judge_that_always_prefers_the_longer_is_exposed(tmp_path):
    def longer(first, second):
        return "tie" if first == second else "A" if first > second else "B"

    found, notes = printed_bias(tmp_path / "run", biased(longer))
    assert len(notes) == 1
    assert notes[0].startswith("biased goes by length on pairs: r = 0.")
    assert found["chose the longer"].value == 1
    assert found["chose the longer"].levels["subject is longer"] < 0.9
    coefficient = found["length coefficient"].interval()
    assert coefficient.low > 0.6
    assert found["order flips"].value == 0
    assert found["chose the first"].value == pytest.approx(0.5)


def test_a_judge_without_either_taste_shows_none(tmp_path):
    found, notes = printed_bias(tmp_path / "run", biased(lambda *_: "tie"))
    assert notes == []
    assert found["order flips"].value == 0
    assert found["chose the first"].value is None
    assert found["chose the longer"].value is None
    assert "all alike" in found["length coefficient"].why


def test_judges_that_cannot_be_read_or_do_not_agree_are_told_of():
    lost = [judged(0, ("j", None, None))]
    said = "j: none of its answers on pairs could be read; it is left out of the panel"
    assert preference_findings(lost, "x").notes == [said]
    apart = [judged(n, ("a", n % 2, n % 2), ("b", (n + 1) % 2, (n + 1) % 2)) for n in range(8)]
    notes = preference_findings(apart, "x").notes
    assert notes[-1].startswith("the judges agree too little to be averaged (alpha): pairs (-")
