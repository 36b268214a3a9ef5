"""The prefix-cache report: what a cache could serve, by brute force too, and what the layout is."""

import io
from itertools import pairwise, takewhile

import pytest
from rich.console import Console

from attunement.cli.prefix_table import print_prefix
from attunement.evaluation.prefix import BLOCK_CHARACTERS, ORDER, PrefixMeter, prefix_report
from attunement.simulator.casting import Cast
from tests.helpers import LIBRARY, PERSONA, answering, journal_of, small_run

OPEN = "<|im_start|>assistant\n"


def chat(*contents):
    """Messages: system, user, assistant, user and so on."""
    roles = ("system", *("user", "assistant") * len(contents))
    return [{"role": r, "content": c} for r, c in zip(roles, contents, strict=False)]


def call(role, *contents, **more):
    row = {
        "turn": 1, "role": role, "attempt": 1, "model": "m", "messages": chat(*contents),
        "text": "", "prompt_tokens": None, "error": None,
    }  # fmt: skip
    return row | more


def rendered(messages):
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


def measured(*dialogues, encode=None):
    meter = PrefixMeter(encode)
    for calls in dialogues:
        meter.add(calls)
    return meter.report()


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run with every role, on the embedded model; its calls by dialogue and its report."""
    folder = tmp_path_factory.mktemp("prefix") / "run"
    small_run(folder, dialogues=6, seed=1, models={"guard": "rehearsal"})
    journal = journal_of(folder)
    calls = [journal.calls(index) for index, _ in journal.indices()]
    report = prefix_report(journal)
    journal.close()
    return calls, report


# ---- the cache ----------------------------------------------------------------------------------


def test_a_prompt_asked_again_is_served_but_for_its_last_token():
    report = measured(
        [call("planner", "s" * 300, "u" * 300), call("planner", "s" * 300, "u" * 300)]
    )
    size = len(rendered(chat("s" * 300, "u" * 300)) + OPEN)
    assert report.roles["planner"].size == 2 * size
    assert report.total.cacheable == (size - 1) // 64 * 64 / (2 * size)
    assert report.total.blocks == report.dialogue_blocks == size // 64


def test_a_prompt_of_whole_blocks_still_has_its_last_one_computed():
    fill = "u" * (-len(rendered(chat("s", "")) + OPEN) % 64 + 64)
    size = len(rendered(chat("s", fill)) + OPEN)
    assert size % 64 == 0
    report = measured([call("planner", "s", fill), call("planner", "s", fill)])
    assert report.total.cacheable == (size - 64) / (2 * size)


def test_a_change_at_the_beginning_makes_all_that_follows_new():
    report = measured([call("planner", "a", "u" * 900), call("planner", "b", "u" * 900)])
    assert report.total.cacheable == 0


def test_the_same_words_under_another_speaker_are_another_prefix():
    other = [{"role": "user", "content": "s" * 300}, {"role": "user", "content": "u"}]
    report = measured([call("planner", "s" * 300, "u"), call("planner", messages=other)])
    assert report.total.cacheable == 0


def test_another_role_can_leave_a_prefix_but_it_is_not_ones_own():
    report = measured([call("planner", "s" * 300, "u"), call("reflector", "s" * 300, "v")])
    assert report.roles["planner"].cacheable == 0
    assert report.roles["reflector"].cacheable > 0.5
    assert report.roles["reflector"].own == report.total.own == 0


def test_another_model_has_another_cache():
    same = ("s" * 300, "u")
    report = measured([call("planner", *same), call("reflector", *same, model="another")])
    assert report.total.cacheable == 0


def test_an_answer_stays_in_the_cache_for_who_quotes_it():
    text = "a" * 640
    first = call("reflector", "s", "u", text=text)
    again = call("reflector", "s", "u", text, "v", attempt=2)
    with_answer = measured([first, again]).total
    without = measured([first | {"text": "b"}, again]).total
    assert with_answer.cacheable * with_answer.size - without.cacheable * without.size >= 576


def test_failed_calls_are_left_out():
    failed = call("planner", "s" * 300, "u", error="server gone", text=None)
    assert measured([failed]).roles == {}
    assert measured([failed, call("planner", "s" * 300, "u")]).total.cacheable == 0


def test_calls_count_in_the_order_in_which_roles_speak():
    same = ("s" * 300, "u")
    calls = [call(role, *same) for role in sorted(ORDER)]
    roles = measured(calls).roles
    assert list(roles) == list(ORDER)
    assert [role for role, share in roles.items() if not share.cacheable] == ["seeker"]


def test_with_a_tokenizer_sizes_are_tokens_in_blocks_of_16():
    words = " w" * 40
    calls = [call("planner", words, "u"), call("planner", words, "v")]
    report = measured(calls, encode=lambda text: list(map(hash_of, text.split(" "))))
    assert (report.unit, report.block) == ("tokens", 16)
    assert report.roles["planner"].size == 2 * (41 + 1 + 1)
    assert report.total.cacheable == 32 / 86


def hash_of(word):
    return sum(map(ord, word))


def test_what_the_server_says_is_summed_over_calls_that_report_both():
    calls = [
        call("planner", "s", "u", prompt_tokens=100, cached_tokens=0),
        call("planner", "s", "u", prompt_tokens=300, cached_tokens=200, turn=2),
        call("planner", "s", "u", prompt_tokens=900, cached_tokens=None, turn=3),
        call("guard", "s", "u", prompt_tokens=900),
    ]
    report = measured(calls)
    assert report.roles["planner"].served == report.total.served == 0.5
    assert report.roles["guard"].served is None


# ---- over a run ---------------------------------------------------------------------------------


def common(a, b):
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def by_force(earlier, prompt):
    """Characters of whole blocks that `prompt` shares with the best of the texts before it."""
    best = max((common(text, prompt) for text in earlier), default=0)
    return min(best, len(prompt) - 1) // BLOCK_CHARACTERS * BLOCK_CHARACTERS


def in_order(calls):
    return sorted(calls, key=lambda r: (r["turn"], ORDER.index(r["role"]), r["attempt"]))


def test_each_dialogue_agrees_with_brute_force(ran):
    for calls in ran[0]:
        earlier, served = [], 0
        for row in in_order(calls):
            prompt = rendered(row["messages"]) + OPEN
            served += by_force(earlier, prompt)
            earlier.append(prompt + row["text"])
        total = measured(calls).total
        assert round(total.cacheable * total.size) == served


def test_a_run_agrees_with_brute_force_but_for_a_block_a_role_and_dialogue(ran):
    earlier, served = [], 0
    for calls in ran[0]:
        for row in in_order(calls):
            prompt = rendered(row["messages"]) + OPEN
            served += by_force(earlier, prompt)
            earlier.append(prompt + row["text"])
    total = ran[1].total
    missed = served - round(total.cacheable * total.size)
    assert 0 <= missed <= BLOCK_CHARACTERS * len(ORDER) * len(ran[0])


def test_what_is_held_does_not_grow_with_the_dialogues(ran):
    meter = PrefixMeter()
    held = []
    for number, calls in enumerate(ran[0]):
        meter.add(calls, persona=number)
        held.append(meter.held)
    assert held[0] > 0
    assert held == [held[0]] * len(held)


def test_a_persona_that_comes_again_finds_its_first_prompt_and_is_then_forgotten(tmp_path):
    shares = []
    for order in ([0, 1], [0, 0]):
        folder = tmp_path / str(order[1])
        small_run(folder, answering(), cast=Cast([PERSONA, LIBRARY[0]], order), max_turns=1)
        journal = journal_of(folder)
        shares.append(prefix_report(journal).roles["seeker"])
        journal.close()
    different, same = shares
    assert same.blocks < different.blocks
    assert same.cacheable > different.cacheable
    meter = PrefixMeter()
    opening = [call("seeker", "s" * 300, "persona " * 40)]
    meter.add(opening, persona=7, comes_again=True)
    kept = meter.held
    meter.add(opening, persona=7)
    assert meter.held < kept
    assert meter.report().total.cacheable > 0.4


# ---- the layout of the prompts ------------------------------------------------------------------


@pytest.mark.parametrize("role", ORDER)
def test_no_role_reads_the_dialogue_anew(ran, role):
    """Each prompt goes on from the one before it, up to the last line that this one held."""
    for calls in ran[0]:
        prompts = [rendered(r["messages"]) for r in in_order(calls) if r["role"] == role]
        for before, now in pairwise(prompts):
            if "(nothing has been said yet)" in before:
                continue
            end = "\n\n<note>" if role == "responder" else "\n</dialogue>"
            heard, found, _ = before.partition(end)
            assert found
            assert now.startswith(heard)


def test_the_strategy_behind_the_dialogue_spares_the_history(tmp_path):
    shares = {}
    for graph in ("self_refine", "decoupled"):
        small_run(tmp_path / graph, graph=graph, dialogues=6, seed=1)
        journal = journal_of(tmp_path / graph)
        shares[graph] = prefix_report(journal).roles["responder"].cacheable
        journal.close()
    assert shares["self_refine"] > shares["decoupled"] + 0.1


# ---- in print -----------------------------------------------------------------------------------


def printed(report):
    out = io.StringIO()
    print_prefix(Console(file=out, width=80), report)
    return out.getvalue()


def test_the_table_has_a_row_a_role_and_fits_the_terminal(ran):
    text = printed(ran[1])
    firsts = [line.split()[0] for line in text.splitlines() if line.strip()]
    asked = [role for role in ORDER if role in ran[1].roles]
    assert [word for word in firsts if word in ORDER] == asked != []
    assert f"{ran[1].total.cacheable:.1%}" in text
    assert "do not report it" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_table_of_a_run_without_calls_has_no_shares():
    row = next(line for line in printed(measured([])).splitlines() if line.startswith("all"))
    assert row.split() == ["all", "0", "0", "-", "-", "-", "0"]


def test_the_table_shows_what_the_server_says():
    report = measured([call("planner", "s", "u", prompt_tokens=200, cached_tokens=50)])
    assert "25.0%" in printed(report)
    assert "do not report it" not in printed(report)
