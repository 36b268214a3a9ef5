"""The parts of recipe B: settings, splits, prompts that fit, likelihoods, answers, a base."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from attunement.agents.models.base import Ask, Decoding
from attunement.agents.models.scripted import ScriptedChat
from attunement.agents.prompting import packaged_prompts
from attunement.core.errors import AttunementError, ConfigError, ModelError
from attunement.core.records import Utterance
from attunement.core.strategies import Strategy
from attunement.trainers.corpora.published import place
from attunement.trainers.corpora.tasks import task_prompt
from attunement.trainers.decoupled.answering import ANSWERS, Answered, answer, read_answers
from attunement.trainers.decoupled.config import PARTS, Subsample, check_decoupled, read_decoupled
from attunement.trainers.decoupled.data import split_file, write_splits
from attunement.trainers.decoupled.recipe import run_decoupled
from attunement.trainers.decoupled.turns import TestTurn

pytest.importorskip("torch")

CONFIGS = Path(__file__).parent.parent / "configs"
TALK = tuple(
    Utterance(speaker=speaker, text=f"{text} number {i}.")
    for i in range(20)
    for speaker, text in (("seeker", "My week was hard, talk"), ("supporter", "Tell me, reply"))
)
HEARD = TALK[:11]


def prompts(strategy: Strategy = Strategy.QUESTION) -> dict:
    names = {"planner": "sft_planner", "responder": "sft_responder", "joint": "sft_joint"}
    return {
        part: task_prompt(name, packaged_prompts(), HEARD, strategy).messages
        for part, name in names.items()
    }


# ---- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["decoupled-pocket", "decoupled-8b"])
def test_shipped_configurations_hold(name):
    path = CONFIGS / f"{name}.toml"
    assert path.read_text().splitlines()[0] == 'recipe = "decoupled"'
    config = read_decoupled(path)
    assert (config.mining.decoding.temperature, config.mining.decoding.top_p) == (0.7, 0.95)
    assert config.training("dpo", "planner").gamma == 0
    assert check_decoupled(json.loads(config.model_dump_json(exclude_none=True))) == config


BASE = {"recorded": "x.json", "base": {"model": "m"}}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base": {}}, "either `model` or `scratch`"),
        ({"base": {"model": "m", "scratch": {}}}, "either `model` or `scratch`"),
        ({"base": {"scratch": {"hidden": 100, "heads": 6}}}, "must be a multiple of twice"),
        ({"sft": {"all": {"model": "x"}}}, "`model` is decided by the recipe"),
        ({"dpo": {"joint": {"beta": -1}}}, "beta"),
        ({"sft": {"planner": {"max_length": 60}}}, "leaves no room for a prompt"),
        ({"recorded": []}, "recorded"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_settings_that_do_not_hold_are_refused_in_a_sentence(changes, why):
    with pytest.raises(ConfigError, match=why) as error:
        check_decoupled(BASE | changes)
    assert "\n" not in str(error.value)


def test_a_parts_own_settings_stand_over_those_of_all():
    config = check_decoupled(
        BASE | {"sft": {"all": {"epochs": 3, "seed": 7}, "joint": {"epochs": 1}}, "seed": 5}
    )
    assert [config.training("sft", part).passes for part in PARTS] == [3, 3, 1]
    assert config.training("sft", "joint").seed == 7
    assert config.training("dpo", "joint").seed == 5


def test_what_would_fail_hours_later_is_refused_at_once(tmp_path):
    config = check_decoupled(BASE | {"backend": "vllm", "base": {"model": "someone/model"}})
    with pytest.raises(ConfigError, match="vLLM samples from folders alone"):
        run_decoupled(config, tmp_path / "run")
    judged = check_decoupled(BASE | {"mining": {"judge": "rehersal"}})
    with pytest.raises(ConfigError, match="unknown model 'rehersal'"):
        run_decoupled(judged, tmp_path / "run")


# ---- splits -------------------------------------------------------------------------------------


def talks(path: Path, count: int) -> Path:
    said = [("seeker", "Hello."), ("supporter", "Yes?"), ("seeker", "Bad day.")]
    lines = [
        json.dumps({"situation": f"talk {i}",
                    "dialog": [{"speaker": who, "content": text} for who, text in said]})
        for i in range(count)
    ]  # fmt: skip
    path.write_text("\n".join(lines))
    return path


def written(folder: Path) -> dict[str, list[str]]:
    return {
        split: [json.loads(line)["situation"] for line in
                split_file(folder, split).read_text().splitlines()]
        for split in ("train", "validation", "test")
    }  # fmt: skip


def test_a_subsample_is_the_beginning_of_the_whole_in_an_order_drawn_by_the_seed(tmp_path):
    source = talks(tmp_path / "talks.jsonl", 40)
    whole = write_splits([source], tmp_path / "whole", "8:1:1", Subsample(), 1)
    some = write_splits([source], tmp_path / "some", "8:1:1", Subsample(train=5, test=2), 1)
    assert whole == {"train": 32, "validation": 4, "test": 4}
    assert some == {"train": 5, "validation": 4, "test": 2}
    all_of, part = written(tmp_path / "whole"), written(tmp_path / "some")
    assert part["train"] == all_of["train"][:5]
    assert part["test"] == all_of["test"][:2]
    assert len({talk for split in all_of.values() for talk in split}) == 40
    split_of = place([source], "8:1:1", 1)
    assert {f"talk {int(i[-4:]) - 1}" for i, s in split_of.items() if s == "test"} == set(
        all_of["test"]
    )
    write_splits([source], tmp_path / "other", "8:1:1", Subsample(train=5), 2)
    assert written(tmp_path / "other")["train"] != part["train"]


def test_two_parts_are_not_enough(tmp_path):
    with pytest.raises(ConfigError, match="leaves 'test' empty; recipe B needs three parts"):
        write_splits([talks(tmp_path / "t.jsonl", 20)], tmp_path / "d", "9:1", Subsample(), 0)


def test_esconvs_published_split_is_taken_as_it_is(shared_data, tmp_path):
    source = shared_data / "esconv" / "ESConv.json"
    counts = write_splits([source], tmp_path, "published", Subsample(train=3), 0)
    assert counts == {"train": 3, "validation": 195, "test": 195}


# ---- prompts that fit ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tests.tiny_llama import make_model

    return make_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def adapter(model):
    from tests.tiny_llama import make_adapter

    return make_adapter(model.parent / "adapter", model)


@pytest.fixture(scope="module")
def tokenizer(model):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(model)


def size(tokenizer, messages) -> int:
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("part", PARTS)
def test_a_long_prompt_loses_its_oldest_messages_whole(tokenizer, part):
    from attunement.trainers.decoupled.fitting import Fit

    messages = prompts()[part]
    whole = size(tokenizer, messages)
    assert Fit(tokenizer, whole)(messages) == messages
    short = Fit(tokenizer, whole - 1)(messages)
    assert size(tokenizer, short) < whole
    if part == "planner":
        lines = messages[0]["content"].splitlines()
        assert short[0]["content"].splitlines() == [lines[0], *lines[3:]]
    else:
        assert short == [messages[0], *messages[3:]]


def test_a_seekers_last_message_stays_whole_however_long_it_is(tokenizer):
    from attunement.trainers.decoupled.fitting import Fit

    messages = prompts()["joint"]
    assert Fit(tokenizer, 50)(messages) == [messages[0], messages[-1]]
    assert Fit(tokenizer, 50)(messages[:1] + messages[-1:]) == [messages[0], messages[-1]]


def test_a_fitted_model_goes_by_its_own_name_and_is_asked_less(tokenizer):
    from attunement.trainers.decoupled.fitting import Fit, FittedChat

    inner = ScriptedChat(lambda ask: "Yes.")
    messages = prompts()["responder"]
    chat = FittedChat(inner, Fit(tokenizer, size(tokenizer, messages) - 30))
    assert chat.spec == "scripted"
    assert asyncio.run(chat.answer(Ask(messages, seed=3))).text == "Yes."
    assert inner.asked[0].messages == Fit(tokenizer, size(tokenizer, messages) - 30)(messages)
    assert len(inner.asked[0].messages) < len(messages)
    assert inner.asked[0].seed == 3


def test_another_strategy_takes_the_recorded_ones_place_in_a_prompt():
    turn = TestTurn("d", 1, Strategy.QUESTION, "Why?", prompts())
    for strategy in (Strategy.OTHERS, Strategy.QUESTION, None):
        wanted = task_prompt("sft_responder", packaged_prompts(), HEARD, strategy).messages
        assert turn.responder_prompt(strategy) == wanted
    assert turn.prompts["responder"] == prompts()["responder"]


# ---- likelihoods --------------------------------------------------------------------------------


def reference(model, adapter, tokenizer, messages, answer: str, end: str) -> float:
    """The log-probability of an answer, from one plain forward pass over the whole text."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    whole = AutoModelForCausalLM.from_pretrained(model)
    if adapter:
        whole = PeftModel.from_pretrained(whole, adapter)
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    prompt = tokenizer(text, add_special_tokens=False)["input_ids"]
    said = tokenizer(answer + end, add_special_tokens=False)["input_ids"]
    ids = torch.tensor([prompt + said])
    with torch.no_grad():
        logps = whole(ids).logits.log_softmax(-1)[0]
    places = range(len(prompt) - 1, len(prompt) + len(said) - 1)
    return sum(logps[place, ids[0, place + 1]].item() for place in places)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
@pytest.mark.parametrize("part", ["planner", "joint"])
@pytest.mark.parametrize("adapted", [True, False])
def test_likelihoods_are_those_of_whole_answers(model, adapter, tokenizer, part, adapted):
    import torch

    from attunement.trainers.decoupled.likelihood import Weigher, likeliest
    from attunement.trainers.learning.models import Precision

    precision = Precision(torch.device("cpu"), "float32", torch.float32)
    weigher = Weigher(str(model), adapter if adapted else None, precision)
    short = [{"role": "user", "content": "Hello."}]
    asked = [prompts()[part], short, prompts()[part][-1:]]
    found = weigher.weigh(part, asked, batch=2)
    for messages, scores in zip(asked, found, strict=True):
        for name in (Strategy.QUESTION, Strategy.RESTATEMENT, Strategy.OTHERS):
            answered = f"[{name}]" if part == "joint" else name.value
            end = tokenizer.eos_token if part == "planner" else ""
            wanted = reference(
                model, adapter if adapted else None, tokenizer, messages, answered, end
            )
            assert scores[name] == pytest.approx(wanted, abs=2e-3)
        assert scores[likeliest(scores)] == max(scores.values())


@pytest.mark.parametrize(("part", "end"), [("planner", " so\n"), ("joint", "")])
def test_answers_end_as_the_template_ends_a_turn(model, tokenizer, tmp_path, part, end):
    """A turn's end that is no end token, and that grows together with the word before it."""
    import torch
    from transformers import AutoTokenizer

    from attunement.trainers.decoupled.likelihood import Weigher
    from attunement.trainers.learning.models import Precision

    other = shutil.copytree(model, tmp_path / "model")
    turns = AutoTokenizer.from_pretrained(model)
    assert turns.chat_template.count("'<|end|>'") == 1
    turns.chat_template = turns.chat_template.replace("'<|end|>'", "' so\\n'")
    turns.save_pretrained(other)
    weigher = Weigher(str(other), None, Precision(torch.device("cpu"), "float32", torch.float32))
    (scores,) = weigher.weigh(part, [prompts()[part]])
    for name in (Strategy.QUESTION, Strategy.RESTATEMENT):
        answered = f"[{name}]" if part == "joint" else name.value
        wanted = reference(other, None, turns, prompts()[part], answered, end)
        assert scores[name] == pytest.approx(wanted, abs=2e-3)


def test_likelihoods_come_back_as_they_were_kept(tmp_path):
    from attunement.trainers.decoupled.likelihood import read_scores, write_scores

    scores = [{name: -float(i + j) for j, name in enumerate(Strategy)} for i in range(3)]
    write_scores(tmp_path, ["a", "b", "c"], scores)
    assert read_scores(tmp_path, ["c", "a"]) == [scores[2], scores[0]]
    with pytest.raises(AttunementError, match="no likelihood of turn 'd'"):
        read_scores(tmp_path, ["d"])


# ---- answers ------------------------------------------------------------------------------------


def ask_all(folder: Path, chat: ScriptedChat, keys: str, part="planner", seed=1) -> None:
    asked = {key: [{"role": "user", "content": key}] for key in keys}
    answer(folder, chat, part, asked, Decoding(), seed)


def test_answers_that_are_there_are_not_asked_for_again(tmp_path):
    first = ScriptedChat(lambda ask: f"said to {ask.messages[0]['content']}")
    ask_all(tmp_path, first, "abc")
    path = tmp_path / ANSWERS
    path.write_bytes(path.read_bytes()[:-9])  # the last line is torn
    second = ScriptedChat(lambda ask: "again")
    ask_all(tmp_path, second, "abcd")
    assert [ask.messages[0]["content"] for ask in second.asked] == ["c", "d"]
    found = read_answers(tmp_path, ["d", "a", "c"])
    assert [one.text for one in found] == ["again", "said to a", "again"]
    with pytest.raises(AttunementError, match="no answer to turn 'x'"):
        read_answers(tmp_path, ["x"])


def test_two_models_of_a_part_are_sampled_by_the_same_seeds(tmp_path):
    chats = [ScriptedChat(lambda ask: "x") for _ in range(4)]
    ask_all(tmp_path / "0", chats[0], "ab")
    ask_all(tmp_path / "1", chats[1], "ba")
    ask_all(tmp_path / "2", chats[2], "ab", part="joint")
    ask_all(tmp_path / "3", chats[3], "ab", seed=2)
    seeds = [{a.messages[0]["content"]: a.seed for a in chat.asked} for chat in chats]
    assert seeds[0] == seeds[1]
    assert len({seed for each in seeds for seed in each.values()}) == 6


def test_a_failure_keeps_the_answers_of_the_blocks_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr("attunement.trainers.decoupled.answering._BLOCK", 2)
    chat = ScriptedChat(["1", "2", "3", ModelError("gone")])
    with pytest.raises(ModelError, match="gone"):
        ask_all(tmp_path, chat, "abcd")
    assert [one.text for one in read_answers(tmp_path, ["a", "b"])] == ["1", "2"]


def test_what_a_planner_and_a_joint_model_said_is_read():
    said = Answered(turn="t", text=' "Providing suggestions." ', cut=False)
    assert said.strategy is Strategy.SUGGESTIONS
    assert Answered(turn="t", text="Comfort", cut=False).strategy is None
    joint = Answered(turn="t", text="[Question] Why?", cut=False).joint
    assert joint == (Strategy.QUESTION, "Why?")
    assert Answered(turn="t", text="[Comfort] Why?", cut=False).joint == (None, "[Comfort] Why?")


# ---- a base from scratch ------------------------------------------------------------------------


def test_a_bases_rows_hold_every_word_once_in_each_shape_and_fit(tmp_path):
    from attunement.trainers.decoupled.base import SET, make_start, write_rows
    from attunement.trainers.decoupled.config import FromScratch
    from attunement.trainers.learning.models import load_tokenizer

    said = [u.model_dump(mode="json", include={"speaker", "text"}) for u in TALK]
    lines = [{"speaker": u["speaker"], "content": u["text"]} for u in said]
    train = tmp_path / "train.jsonl"
    train.write_text(json.dumps({"dialog": lines}))
    settings = FromScratch(hidden=32, layers=1, heads=2, vocabulary=300, context=256)
    make_start(settings, train, tmp_path / "start", 0)
    write_rows(train, tmp_path / "start", tmp_path / "rows", 170)
    rows = [json.loads(row) for row in
            (tmp_path / "rows" / SET / "train.jsonl").read_text().splitlines()]  # fmt: skip
    tokenizer = load_tokenizer(str(tmp_path / "start"))
    sizes = [size(tokenizer, row["prompt"] + row["completion"]) - 1 for row in rows]
    assert max(sizes) <= 170
    chats = [row for row in rows if len(row["completion"]) > 1]
    flat = [row for row in rows if row["completion"][0]["content"].startswith("<dialogue>")]
    assert len(chats) > 1
    assert len(flat) > 1
    for u in TALK:
        in_chats = sum(u.text in m["content"] for r in chats for m in r["prompt"] + r["completion"])
        assert in_chats == 1
        assert sum(u.text in row["completion"][0]["content"] for row in flat) == 1
    tasks = [row for row in rows if row not in chats and row not in flat]
    assert len(tasks) % 3 == 0
    assert tasks
    assert tasks[0]["completion"][0]["content"] in {name.value for name in Strategy}


def test_a_base_of_one_seed_is_the_same_twice_and_names_strategies_by_one_token(tmp_path):
    from attunement.trainers.decoupled.base import make_start
    from attunement.trainers.decoupled.config import FromScratch
    from attunement.trainers.learning.models import load_tokenizer

    train = talks(tmp_path / "train.jsonl", 3)
    settings = FromScratch(hidden=32, layers=1, heads=2, vocabulary=300, context=256)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_start(settings, train, tmp_path / name, seed)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]
    tokenizer = load_tokenizer(str(tmp_path / "a"))
    for name in Strategy:
        assert len(tokenizer(str(name), add_special_tokens=False)["input_ids"]) == 1
    assert (
        tokenizer.decode(tokenizer("Ünläut 🙂 Questions?")["input_ids"]) == "Ünläut 🙂 Questions?"
    )
