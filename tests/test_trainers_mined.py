"""Mined pairs: the human's words over a model's, with the prompts that models are trained on."""

import json
from collections import Counter

import pytest

from attunement.agents.joint import joint_prompt
from attunement.agents.models.scripted import ScriptedChat
from attunement.agents.planner import name_prompt
from attunement.agents.prompting import packaged_prompts
from attunement.agents.responder import reply_prompt
from attunement.core.errors import ConfigError, ModelError
from attunement.core.strategies import Strategy
from attunement.simulator.casting import cast_for
from attunement.simulator.config import read_config
from attunement.simulator.history import with_history
from attunement.simulator.labelling import label as label_run
from attunement.simulator.run import create_run, run
from attunement.trainers.corpora import mining
from attunement.trainers.corpora.making import CorpusConfig, make_corpus
from tests.helpers import answering, journal_of, small_run

DIALOGUE = [
    ("seeker", "I feel sad. My dog died.", None),
    ("supporter", "You must miss him a lot.", "Reflection of feelings"),
    ("supporter", "How old was he?", "Question"),
    ("seeker", "Twelve.", None),
    ("supporter", "Twelve good years.", None),
    ("seeker", "Yes.", None),
    ("supporter", "Plant a tree for him.", "Providing Suggestions"),
    ("seeker", "Maybe.", None),
]
ANY_LENGTH = CorpusConfig(split="1")
SAMPLES = {"planner": "Question", "responder": "I'm sorry to hear that.", "joint": "[Others] Hm."}


def recorded_file(folder, count=2, lines=DIALOGUE):
    """A file of equal recorded dialogues, in ESConv's shape."""
    dialog = [
        {"speaker": speaker, "content": text}
        | ({"annotation": {"strategy": strategy}} if strategy else {})
        for speaker, text, strategy in lines
    ]
    path = folder / "recorded.json"
    path.write_text(json.dumps([{"dialog": dialog}] * count))
    return path


def mined_run(folder, count=2, lines=DIALOGUE, **changes):
    """A mined run of scripted answers, not labelled yet."""
    settings = {k: changes.pop(k) for k in ("mining", "preprocessing") if k in changes}
    config = read_config(
        None, graph="ipm", replay=str(recorded_file(folder, count, lines)), model="scripted",
        **settings,
    )  # fmt: skip
    create_run(folder / "run", config, cast_for(config), check_models=False)
    assert run(folder / "run", backends=[answering(**(SAMPLES | changes))])
    return folder / "run"


class Judge(ScriptedChat):
    name: str = "strict"

    @property
    def spec(self):
        return self.name


def labelled(run_folder, errors_of, name="strict"):
    """Label with a judge that finds `errors_of(reply)`, names of errors, or an answer as text."""

    def script(ask):
        reply = ask.messages[1]["content"].partition("<reply>\n")[2].partition("\n</reply>")[0]
        found = errors_of(reply)
        if isinstance(found, str):
            return found
        return json.dumps({"errors": [{"error": e, "explanation": "So."} for e in found]})

    chat = Judge(script)
    chat.name = name
    assert label_run(run_folder, name, sides=mining.JUDGED, backends=[chat])
    return run_folder


def drafts_are_stock(reply):
    return ["Template Response"] if reply == SAMPLES["responder"] else []


def rows_of(out, name):
    files = sorted((out / name).glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def written(run_folder, tmp_path, corpus=ANY_LENGTH):
    report = make_corpus([run_folder], tmp_path / "corpus", corpus)
    return report, {name: rows_of(tmp_path / "corpus", name) for name in report.sets}


# ---- the pairs ----------------------------------------------------------------------------------


def test_the_human_is_chosen_and_the_sample_rejected(tmp_path):
    folder = labelled(mined_run(tmp_path, 1), drafts_are_stock)
    _, rows = written(folder, tmp_path)

    def sides(name):
        return [(r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows[name]]

    assert sides("strategy") == [
        ("Reflection of feelings", "Question"), ("Providing Suggestions", "Question"),
    ]  # fmt: skip
    assert sides("response") == [
        (text, SAMPLES["responder"]) for _, text, strategy in DIALOGUE if strategy
    ]
    assert sides("joint") == [
        (f"[{strategy}] {text}", "[Others] Hm.") for _, text, strategy in DIALOGUE if strategy
    ]
    for row in (row for of_set in rows.values() for row in of_set):
        assert (row["source"], row["chosen_model"], row["run"]) == ("mined", "human", "run")
        assert (row["rejected_model"], row["chosen_prompt_version"]) == ("scripted", "")
    assert {r["rejected_strategy"] for r in rows["joint"]} == {"Others"}
    assert all(r["strategy"] == r["rejected_strategy"] for r in rows["response"])


def expected_prompt(name, heard, strategy):
    prompts = packaged_prompts()
    if name == "response":
        return reply_prompt(prompts["responder"], heard, strategy, "system")
    role, prompt = {"strategy": ("planner", name_prompt), "joint": ("joint", joint_prompt)}[name]
    return prompt(prompts[role], heard)


def test_prompts_are_those_that_the_trained_models_are_asked_with(tmp_path):
    folder = labelled(mined_run(tmp_path, 1), drafts_are_stock)
    _, rows = written(folder, tmp_path)
    journal = journal_of(folder)
    (dialogue,) = journal.dialogues()
    journal.close()
    heard = {turn.number: (turn, lines) for turn, lines in with_history(dialogue)}
    for name, of_set in rows.items():
        for row in of_set:
            turn, lines = heard[row["turn"]]
            expected = expected_prompt(name, lines, turn.recorded.strategy)
            assert row["prompt"] == expected.messages
            assert row["prompt_version"] == expected.version
            assert row["prompt"][-1]["role"] == "user"
    assert {row["turn"] for row in rows["response"]} == {1, 2, 4}


def test_drops_are_counted_with_their_reason_by_strategy_too(tmp_path):
    folder = labelled(mined_run(tmp_path, 2), drafts_are_stock)
    found, _ = written(folder, tmp_path)
    assert found.sets["strategy"].dropped == {
        "the same strategy": 2, "no recorded strategy": 2,
    }  # fmt: skip
    by_strategy = found.sets["strategy"].by_strategy
    assert by_strategy["Question"] == {"the same strategy": 2}
    assert by_strategy["not known"] == {"no recorded strategy": 2}
    assert by_strategy["Providing Suggestions"] == {"kept": 2}
    for report in found.sets.values():
        together = sum((Counter(c) for c in report.by_strategy.values()), Counter())
        assert report.read == together.total() == 8
        assert together == Counter({"kept": report.kept} | report.dropped)


@pytest.mark.parametrize(
    ("errors_of", "reason"),
    [
        (lambda reply: [], "the draft reply shows no error"),
        (lambda reply: ["Lack of Empathy"], "the recorded reply shows an error"),
        (lambda reply: ["Strategy Mismatch"] if "sorry" in reply else [], "of another kind"),
        (lambda reply: "fine" if "sorry" in reply else [], "errors of the draft not readable"),
        (lambda reply: [] if "sorry" in reply else "fine", "errors of the recorded not readable"),
    ],
)
def test_a_response_pair_needs_a_clean_human_and_a_faulty_sample(tmp_path, errors_of, reason):
    folder = labelled(mined_run(tmp_path), errors_of)
    found, rows = written(folder, tmp_path)
    assert rows["response"] == []
    assert [r for r in found.sets["response"].dropped if reason in r]
    assert rows["strategy"]
    assert rows["joint"]


@pytest.mark.parametrize("error", ["Lack of Empathy", "Early Emotion Shift", "Template Response"])
def test_each_fault_of_a_response_makes_a_pair(tmp_path, error):
    found = ["Other", error]
    folder = labelled(mined_run(tmp_path), lambda reply: found if "sorry" in reply else [])
    _, rows = written(folder, tmp_path)
    assert len(rows["response"]) == 6
    assert {v["label"] for v in rows["response"][0]["verdicts"]} == {"Other", error, None}


def test_every_judge_has_to_agree(tmp_path):
    folder = labelled(mined_run(tmp_path), drafts_are_stock)
    labelled(folder, lambda reply: ["Other"] if "sorry" in reply else [], "mild")
    found, rows = written(folder, tmp_path)
    assert rows["response"] == []
    assert any("another kind" in r for r in found.sets["response"].dropped)


def test_a_failed_role_costs_its_own_set_alone(tmp_path):
    def gone(ask):
        raise ModelError("gone")

    folder = labelled(mined_run(tmp_path, planner="Listening", joint=gone), drafts_are_stock)
    found, rows = written(folder, tmp_path)
    assert not rows["strategy"]
    assert not rows["joint"]
    assert len(rows["response"]) == 6
    assert "set aside: no usable answer of the planner" in found.sets["strategy"].dropped
    assert "set aside: no usable answer of the joint" in found.sets["joint"].dropped


def test_a_joint_sample_is_kept_whole_with_whatever_tag_it_has(tmp_path):
    folder = labelled(mined_run(tmp_path, 1, joint="[Listening] Oh."), drafts_are_stock)
    _, rows = written(folder, tmp_path)
    assert {r["rejected"][0]["content"] for r in rows["joint"]} == {"[Listening] Oh."}
    assert {r["rejected_strategy"] for r in rows["joint"]} == {None}


def test_crisis_turns_give_no_pair(tmp_path):
    lines = [*DIALOGUE[:2], ("seeker", "I want to die.", None), *DIALOGUE[2:]]
    folder = labelled(mined_run(tmp_path, lines=lines), drafts_are_stock)
    found, rows = written(folder, tmp_path)
    assert all(report.dropped["crisis"] == 6 for report in found.sets.values())
    assert {row["turn"] for row in rows["joint"]} == {1}


# ---- the whole of it ----------------------------------------------------------------------------


def test_what_was_not_mined_cannot_be_written(tmp_path):
    folder = mined_run(tmp_path, mining=["strategy"])
    assert mining.label(folder), "there is no reply to label"
    found, _ = written(folder, tmp_path)
    assert list(found.sets) == ["strategy"]
    with pytest.raises(ConfigError, match="'ipm' gives no 'joint'; of this run: strategy"):
        make_corpus([folder], tmp_path / "x", CorpusConfig(sets=("joint",)))


def test_an_unfinished_run_is_not_written(tmp_path):
    folder = mined_run(tmp_path)
    with pytest.raises(ConfigError, match=r"12 replies .* not labelled yet; go on with --mine ipm"):
        make_corpus([folder], tmp_path / "corpus", ANY_LENGTH)
    config = mining.mining_config(recorded_file(tmp_path))
    create_run(tmp_path / "opened", config, cast_for(config))
    with pytest.raises(ConfigError, match=r"2 dialogues .* not mined yet; go on with --mine ipm"):
        make_corpus([tmp_path / "opened"], tmp_path / "corpus", ANY_LENGTH)
    assert not (tmp_path / "corpus").exists()


def test_a_run_that_mines_nothing_is_refused(tmp_path):
    small_run(tmp_path / "live", dialogues=1, max_turns=1)
    with pytest.raises(ConfigError, match="graph 'self_refine', which mines nothing"):
        mining.check_mining(tmp_path / "live")


def test_recorded_dialogues_become_a_corpus_on_the_embedded_model(tmp_path, shared_data):
    """ESConv, mined, labelled and written: the judge tells most drafts from the humans' replies."""
    config = mining.mining_config(shared_data / "esconv" / "ESConv.json", dialogues=20)
    create_run(tmp_path / "run", config, cast_for(config))
    assert run(tmp_path / "run")
    assert mining.label(tmp_path / "run")
    out = tmp_path / "corpus"
    found = make_corpus([tmp_path / "run"], out, CorpusConfig())
    sets = found.sets
    turns = sets["strategy"].read
    assert turns == sets["response"].read == sets["joint"].read > 250
    assert sets["strategy"].kept > turns / 2
    assert turns / 5 < sets["response"].kept < turns
    assert sets["joint"].kept > 0.8 * turns
    for s in sets.values():
        assert set(s.by_strategy) == {str(strategy) for strategy in Strategy}
        by_reason = Counter()
        for counts in s.by_strategy.values():
            by_reason.update(counts)
        assert by_reason == Counter({"kept": s.kept} | s.dropped)
    personas = [{r["persona_id"] for r in _split(out, split)} for split in ("train", "validation")]
    assert personas[0]
    assert personas[1]
    assert not personas[0] & personas[1]


def _split(out, split):
    lines = (out / "joint" / f"{split}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]
