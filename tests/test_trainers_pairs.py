"""Pairs and examples from runs: what is kept, what is left out and why, and where it comes from."""

import json
from pathlib import Path

import pytest

from attunement.agents.models.rehearsal import RehearsalChat
from attunement.agents.models.scripted import ScriptedChat
from attunement.core.errors import AttunementError, ConfigError, RunFolderError, UserError
from attunement.core.strategies import Strategy
from attunement.simulator.casting import Cast, cast_for
from attunement.simulator.config import RunConfig
from attunement.simulator.export import call_rows, turn_rows
from attunement.simulator.labelling import label
from attunement.simulator.run import create_run
from attunement.simulator.run import run as run_folder
from attunement.trainers.corpora.making import corpus_config, make_corpus
from tests.helpers import LIBRARY, PERSONA, answering, journal_of, small_run

WHOLE = {"split": "1"}
"""No validation: for corpora of one persona."""


def made(folder: Path, *runs: Path, **settings):
    report = make_corpus(runs, folder / "corpus", corpus_config(**settings))
    return report, {
        f"{path.parent.name}/{path.stem}": [
            json.loads(line) for line in path.read_text().splitlines()
        ]
        for path in sorted((folder / "corpus").glob("*/*.jsonl"))
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "forty"
    small_run(folder, dialogues=40)
    return folder


@pytest.fixture
def esconv_replay(tmp_path, shared_data) -> Path:
    folder = tmp_path / "replay"
    small_run(folder, replay=str(shared_data / "esconv" / "ESConv.json"), dialogues=12)
    return folder


def turns_of(run: Path) -> dict:
    return {(row["dialogue_id"], row["turn"]): row for row in turn_rows(journal_of(run))}


def test_a_pair_is_the_refinement_over_its_draft(run, tmp_path):
    turns = turns_of(run)
    _, files = made(tmp_path, run)
    rows = files["response/train"] + files["response/validation"]
    assert rows
    for row in rows:
        turn = turns[row["dialogue_id"], row["turn"]]
        assert row["chosen"] == [{"role": "assistant", "content": turn["refined"]["text"]}]
        assert row["rejected"] == [{"role": "assistant", "content": turn["draft"]["text"]}]
        assert row["strategy"] == turn["refined"]["strategy"]
        assert row["rejected_strategy"] == turn["draft"]["strategy"]
        assert row["persona_id"] == turn["persona_id"]
        assert row["run"] == "forty"
        assert row["source"] == "refined"
        assert row["iteration"] == 0
        assert row["chosen_words"] == len(turn["refined"]["text"].split())
        assert 0 < row["edit_distance"] <= 1


def test_a_prompt_is_what_a_direct_model_is_asked_and_shows_no_plan(run, tmp_path):
    """The history of a pair is the public dialogue under the plain task prompt, nothing else."""
    turns = turns_of(run)
    prompts = journal_of(run).prompts()
    _, files = made(tmp_path, run, sets=["response"])
    for row in files["response/train"]:
        system, *spoken = row["prompt"]
        assert system == {"role": "system", "content": prompts["responder"].section("system")}
        assert [m["role"] for m in spoken] == ["user", "assistant"] * (row["turn"] - 1) + ["user"]
        for number in range(1, row["turn"] + 1):
            turn = turns[row["dialogue_id"], number]
            assert spoken[2 * number - 2]["content"] == turn["seeker"]["text"]
            if number < row["turn"]:
                assert spoken[2 * number - 1]["content"] == turn["reply"]


def test_a_responders_prompt_is_the_one_that_graph_decoupled_asks_with(tmp_path):
    small_run(tmp_path / "run", graph="decoupled", dialogues=3)
    asked = {
        (call["dialogue_id"], call["turn"]): call["messages"]
        for call in call_rows(journal_of(tmp_path / "run"))
        if call["role"] == "responder"
    }
    _, files = made(tmp_path, tmp_path / "run", sets=["sft_responder"], **WHOLE)
    assert files["sft_responder/train"]
    for row in files["sft_responder/train"]:
        assert row["prompt"] == asked[row["dialogue_id"], row["turn"]]


def test_strategy_pairs_hold_bare_names_that_differ(run, tmp_path):
    _, files = made(tmp_path, run, sets=["strategy"])
    for row in files["strategy/train"]:
        (message,) = row["prompt"]
        assert message["role"] == "user"
        assert row["chosen"][0]["content"] == row["strategy"]
        assert row["rejected"][0]["content"] == row["rejected_strategy"] != row["strategy"]
        assert {row["strategy"], row["rejected_strategy"]} <= set(Strategy)


def test_joint_pairs_name_the_strategy_before_the_reply(run, tmp_path):
    turns = turns_of(run)
    _, files = made(tmp_path, run, sets=["joint"])
    for row in files["joint/train"]:
        turn = turns[row["dialogue_id"], row["turn"]]
        for side, reply in (("chosen", turn["refined"]), ("rejected", turn["draft"])):
            assert row[side][0]["content"] == f"[{reply['strategy']}] {reply['text']}"


def test_examples_hold_the_reply_that_was_spoken(run, tmp_path):
    turns = turns_of(run)
    sets = ["sft_direct", "sft_planner", "sft_responder", "sft_joint"]
    report, files = made(tmp_path, run, sets=sets)
    assert {name: s.kept for name, s in report.sets.items()}.keys() == set(sets)
    for name in sets:
        for row in files[f"{name}/train"]:
            turn = turns[row["dialogue_id"], row["turn"]]
            reply = turn[turn["spoken"]]
            wanted = {
                "sft_direct": reply["text"],
                "sft_planner": reply["strategy"],
                "sft_responder": reply["text"],
                "sft_joint": f"[{reply['strategy']}] {reply['text']}",
            }[name]
            assert row["completion"] == [{"role": "assistant", "content": wanted}]
            named = row["prompt"][0]["content"].endswith(f"reply: {reply['strategy']}")
            assert named is (name == "sft_responder")


def test_splits_share_no_persona_and_follow_the_seed(run, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, files = made(tmp_path / "a", run, split="8:1:1")
    people = {
        split: {r["persona_id"] for n, rows in files.items() if n.endswith(split) for r in rows}
        for split in ("train", "validation", "test")
    }
    assert not people["train"] & people["validation"]
    assert not people["train"] & people["test"]
    assert not people["validation"] & people["test"]
    again, same = made(tmp_path / "b", run, split="8:1:1")
    assert same == files
    assert again == first
    (tmp_path / "c").mkdir()
    _, other = made(tmp_path / "c", run, split="8:1:1", seed=1)
    assert other != files
    assert sum(map(len, other.values())) == sum(map(len, files.values()))


def test_every_supporter_turn_is_kept_or_counted_with_its_reason(run, tmp_path):
    report, files = made(tmp_path, run)
    supporter = sum(row["role"] == "supporter" for row in turns_of(run).values())
    crises = sum(row["guard"]["crisis"] for row in turns_of(run).values())
    for name, s in report.sets.items():
        assert s.read == supporter
        assert s.kept == sum(s.splits.values()) == s.read - sum(s.dropped.values())
        assert s.splits == {n.split("/")[1]: len(r) for n, r in files.items() if n.startswith(name)}
        assert s.dropped.get("crisis", 0) == crises > 0
    assert json.loads((tmp_path / "corpus" / "corpus.json").read_text()) == report.model_dump(
        mode="json"
    )


@pytest.mark.parametrize(
    ("changes", "filters", "reason"),
    [
        ({"reflector": "no JSON"}, {}, "set aside: no usable answer of the reflector"),
        ({"planner": "no JSON"}, {}, "set aside: no usable answer of the planner"),
        ({"refiner": {"strategy": "Question", "text": "What happened?"}}, {}, "equal sides"),
        (
            {"responder": " ".join("abcdefghijklmnopqrstuv"),
             "refiner": {"strategy": "Question", "text": " ".join("abcdefghijklmnopqrstuw")}},
            {}, "nearly equal sides",
        ),
        (
            {"refiner": {"strategy": "Question", "text": "Now tell me what happened?"}},
            {}, "chosen over 2 times as long",
        ),
        (
            {"refiner": {"strategy": "Question", "text": "Why, then?"}},
            {"max_length_ratio": 0.5}, "chosen over 0.5 times as long",
        ),
        ({"responder": "What\x07 happened?"}, {}, "control characters"),
        ({"seeker": {"text": "I want to kill myself.", "emotion": "fear", "intensity": 5}},
         {}, "crisis"),
        ({}, {"min_history": 9}, "fewer than 9 seeker turns heard"),
    ],
)  # fmt: skip
def test_what_is_no_pair_is_counted_with_its_reason(changes, filters, reason, tmp_path):
    good = {"refiner": {"strategy": "Question", "text": "Why now?"}}
    small_run(tmp_path / "run", answering(**good | changes), max_turns=3)
    filters = {"min_history": 1} | filters
    with pytest.raises(UserError, match=f"nothing to write: response: [0-9]+ {reason}$"):
        made(tmp_path, tmp_path / "run", sets=["response"], filters=filters, **WHOLE)
    assert not (tmp_path / "corpus").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_length_ratio_of_0_keeps_long_refinements(tmp_path):
    long = {"strategy": "Question", "text": "Would you tell me what happened back then?"}
    small_run(tmp_path / "run", answering(refiner=long), max_turns=2)
    filters = {"min_history": 1, "max_length_ratio": 0}
    report, _ = made(tmp_path, tmp_path / "run", sets=["response"], filters=filters, **WHOLE)
    assert report.sets["response"].kept == 2
    assert report.sets["response"].longer == 1


def test_refinements_need_three_seeker_turns_unless_told(tmp_path):
    refined = {"strategy": "Question", "text": "Why now?"}
    small_run(tmp_path / "run", answering(refiner=refined), max_turns=4)
    _, files = made(tmp_path, tmp_path / "run", sets=["response"], **WHOLE)
    assert [row["turn"] for row in files["response/train"]] == [3, 4]


def test_the_human_reply_can_be_set_against_the_draft(esconv_replay, tmp_path):
    turns = turns_of(esconv_replay)
    sets = ["response", "strategy", "joint", "sft_direct"]
    report, files = made(tmp_path, esconv_replay, chosen="recorded", split="2:1", sets=sets)
    rows = files["response/train"] + files["response/validation"]
    assert min(row["turn"] for row in rows) == 1
    for row in rows:
        turn = turns[row["dialogue_id"], row["turn"]]
        assert row["chosen"][0]["content"] == turn["recorded"]["text"]
        assert row["rejected"][0]["content"] == turn["draft"]["text"]
        assert row["chosen_model"] == "human"
        assert row["chosen_prompt_version"] == ""
        assert row["rejected_model"] == "rehearsal"
    assert {row["source"] for row in files["sft_direct/train"]} == {"recorded"}
    assert report.origin.licences == ("CC BY-NC 4.0",)
    assert report.origin.sources == ("ESConv.json",)
    assert "license: cc-by-nc-4.0" in (tmp_path / "corpus" / "README.md").read_text()


def test_another_models_refinement_is_named_in_each_row(tmp_path):
    class Stronger(RehearsalChat):
        @property
        def spec(self):
            return "stronger"

    small_run(
        tmp_path / "run", RehearsalChat(), Stronger(), dialogues=2, cast=Cast(LIBRARY[:2], [0, 1]),
        models={"reflector": "stronger", "refiner": "stronger"},
    )  # fmt: skip
    _, files = made(tmp_path, tmp_path / "run", sets=["response"], **WHOLE)
    for row in files["response/train"]:
        assert (row["chosen_model"], row["rejected_model"]) == ("stronger", "rehearsal")


def test_several_runs_make_one_corpus(run, tmp_path):
    small_run(tmp_path / "other", dialogues=15, seed=5)
    report, files = made(tmp_path, run, tmp_path / "other", sets=["response"])
    assert {row["run"] for row in files["response/train"]} == {"forty", "other"}
    people = [{row["persona_id"] for row in rows} for rows in files.values()]
    assert not people[0] & people[1]
    assert "`forty`, `other`: 55 simulated dialogues" in " ".join(report.origin.how)


def test_the_plain_recipe_gives_response_pairs_only(tmp_path):
    small_run(tmp_path / "run", plain_draft=True, dialogues=12)
    report, _ = made(tmp_path, tmp_path / "run", split="3:1")
    assert list(report.sets) == ["response"]
    (tmp_path / "other").mkdir()
    with pytest.raises(ConfigError, match="'self_refine --plain-draft' gives no 'strategy'; of"):
        made(tmp_path / "other", tmp_path / "run", sets=["strategy"])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sets": ["replies"]}, "unknown set 'replies'; known: response, strategy, joint, sft_dir"),
        ({"chosen": "best"}, "`chosen`: must be 'refined' or 'recorded'"),
        ({"chosen": "recorded"}, "`--chosen recorded` needs a replay"),
        ({"split": "all"}, "`--split` must be parts such as 9:1 or 1040:130:130, got 'all'"),
        ({"split": "9:0"}, "`--split` must not hold an empty part, got '9:0'"),
        ({"split": "1:1:1:1"}, "`--split` must be parts"),
        ({"split": "99999:1"}, r"leaves 'validation' empty: there are only 4\d personas"),
        ({"format": "csv"}, "`format`"),
        ({"filters": {"max_similarity": 2}}, "`filters.max_similarity`"),
        ({"iteration": -1}, "`iteration`"),
    ],
)
def test_settings_that_do_not_hold_are_one_sentence(settings, said, run, tmp_path):
    with pytest.raises(UserError, match=said):
        made(tmp_path, run, **settings)
    assert list(tmp_path.iterdir()) == []


def test_a_split_without_rows_is_refused_with_its_set(tmp_path):
    crisis = PERSONA.model_copy(update={"id": "quiet"})

    def seek(ask):
        hurt = "quiet" in str(ask.messages)
        text = "I want to kill myself." if hurt else "I am at my wits' end."
        return json.dumps({"text": text, "emotion": "fear", "intensity": 5})

    cast = Cast([PERSONA, crisis.model_copy(update={"name": "quiet"})], [0, 1])
    refined = {"strategy": "Question", "text": "Why now?"}
    small_run(tmp_path / "run", answering(seeker=seek, refiner=refined), cast=cast, max_turns=4)
    with pytest.raises(UserError, match=r"leaves '\w+' of set 'response' empty: its 2 rows are of"):
        made(tmp_path, tmp_path / "run", sets=["response"], split="1:1")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_copies_of_a_card_stay_together(tmp_path):
    copies = [
        p for card in LIBRARY[:9] for p in (card, card.model_copy(update={"id": f"{card.id}.2"}))
    ]
    cast = Cast(copies, range(len(copies)))
    small_run(tmp_path / "run", RehearsalChat(), cast=cast, dialogues=18)
    _, files = made(tmp_path, tmp_path / "run", sets=["response"], split="2:1")
    families = [{row["persona_id"].removesuffix(".2") for row in rows} for rows in files.values()]
    assert not families[0] & families[1]


def test_nothing_is_written_over(run, tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="exists; choose another with --out"):
        made(tmp_path, run)
    assert [p.name for p in (tmp_path / "corpus").iterdir()] == ["mine.txt"]


def test_a_corpus_that_fails_midway_leaves_nothing(run, tmp_path):
    def failing(dialogues, total):
        for number, dialogue in enumerate(dialogues):
            if number == 20:
                raise OSError(28, "No space left on device")
            yield dialogue

    with pytest.raises(AttunementError, match=r"corpus' cannot be written: No space left"):
        make_corpus([run], tmp_path / "corpus", corpus_config(), failing)
    assert list(tmp_path.iterdir()) == []


def test_a_filter_by_errors_needs_labels(run, tmp_path):
    with pytest.raises(ConfigError, match=r"no labels to filter by; first: attune label-errors"):
        made(tmp_path, run, filters={"errors": True})


def test_every_judge_must_have_labelled_both_sides(tmp_path):
    def judge_of(name, errors):
        class Judge(ScriptedChat):
            @property
            def spec(self):
                return name

        def answer(ask):
            draft = "What happened?" in ask.messages[1]["content"].partition("<reply>")[2]
            found = [{"error": e, "explanation": "So."} for e in errors] if draft else []
            return json.dumps({"errors": found})

        return Judge(answer)

    refined = {"strategy": "Question", "text": "Why now?"}
    small_run(tmp_path / "run", answering(refiner=refined), max_turns=3)
    label(tmp_path / "run", "one", backends=[judge_of("one", ["Template Response"])])
    settings = {"sets": ["response"], "filters": {"min_history": 1, "errors": True}, **WHOLE}
    (tmp_path / "a").mkdir()
    report, files = made(tmp_path / "a", tmp_path / "run", **settings)
    assert report.sets["response"].kept == 3
    assert {v["about"] for v in files["response/train"][0]["verdicts"]} == {"refined", "draft"}
    assert "By every judge" in (tmp_path / "a/corpus/README.md").read_text()
    label(tmp_path / "run", "two", sides=("draft",), backends=[judge_of("two", [])])
    with pytest.raises(UserError, match="response: 3 errors of the refined not labelled"):
        made(tmp_path, tmp_path / "run", **settings)
    label(tmp_path / "run", "two", backends=[judge_of("two", [])])
    with pytest.raises(UserError, match="response: 3 the draft reply shows no error"):
        made(tmp_path, tmp_path / "run", **settings)


def test_an_unfinished_run_is_called_one(tmp_path):
    config = RunConfig(dialogues=12)
    create_run(tmp_path / "run", config, cast_for(config))
    assert run_folder(tmp_path / "run", only=range(5))
    report, _ = made(tmp_path, tmp_path / "run", sets=["response"])
    assert "5 simulated dialogues with 5 personas" in report.origin.how[0]
    assert report.origin.limits[0] == "Of 12 dialogues 7 open: of these only the turns before."


def test_runs_that_rows_could_not_tell_apart_are_refused(run, tmp_path):
    with pytest.raises(ConfigError, match="two runs are named 'forty'"):
        made(tmp_path, run, run)


def test_a_file_is_told_what_to_do_with(tmp_path):
    (tmp_path / "talks.json").write_text("[]")
    with pytest.raises(RunFolderError, match=r"is a file; mine it with --mine ipm, or see"):
        made(tmp_path, tmp_path / "talks.json")


def test_a_planners_example_names_the_planner(tmp_path):
    settings = {"graph": "decoupled", "max_turns": 2, "models": {"planner": "planner"}}
    planner = answering()
    planner.__class__ = type("Planner", (ScriptedChat,), {"spec": property(lambda _: "planner")})
    small_run(tmp_path / "run", answering(), planner, **settings)
    sets = ["sft_planner", "sft_responder"]
    _, files = made(tmp_path, tmp_path / "run", sets=sets, **WHOLE)
    assert {row["model"] for row in files["sft_planner/train"]} == {"planner"}
    assert {row["model"] for row in files["sft_responder/train"]} == {"scripted"}
    assert [row["turn"] for row in files["sft_responder/train"]] == [1, 2]


def test_no_run_is_no_corpus(tmp_path):
    with pytest.raises(RunFolderError, match="no run folder"):
        made(tmp_path, tmp_path / "nowhere")
