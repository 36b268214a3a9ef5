"""`hf:` chats on a tiny model: shared passes, own decodings and seeds, adapters, faults."""

import asyncio
import json
import shutil
import threading
import weakref

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from attunement.agents.models import hf_model  # noqa: E402
from attunement.agents.models.base import Ask, Decoding, Engine  # noqa: E402
from attunement.agents.models.hf import HFChat  # noqa: E402
from attunement.agents.models.hf_model import Model  # noqa: E402
from attunement.agents.models.hf_sampling import RowStops  # noqa: E402
from attunement.agents.models.registry import make_backend  # noqa: E402
from attunement.core.errors import ConfigError, ModelError, StoppedError  # noqa: E402
from attunement.core.records import Plan, Risky  # noqa: E402
from tests.tiny_llama import CONTEXT, make_adapter, make_model  # noqa: E402

# peft asks transformers for a name that is to go
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning")
SHORT = Decoding(max_tokens=12)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.set_num_threads(1)  # two threads on a busy machine take a hundred times as long
    return str(make_model(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.fixture(scope="module")
def adapter(model, tmp_path_factory):
    return str(make_adapter(tmp_path_factory.mktemp("tiny") / "adapter", model))


def said(text, system="Be kind."):
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def asks(count, **changes):
    """Requests of different lengths, each with its own seed."""
    return [
        Ask(said("word " * (1 + i % 7)), seed=i, decoding=SHORT, **changes) for i in range(count)
    ]


def all_at_once(wanted, *chats):
    """Ask everything at once, of the chats in turn; returns (answers or errors, batches run)."""

    async def go():
        try:
            calls = [chats[i % len(chats)].answer(ask) for i, ask in enumerate(wanted)]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            return answers, chats[0].batches
        finally:
            for chat in chats:
                await chat.aclose()

    return asyncio.run(go())


def one(ask, chat):
    answers, _ = all_at_once([ask], chat)
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return answers[0]


# ---- batches ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("most", "batches"), [(32, 1), (8, 4)])
def test_calls_that_wait_together_share_passes(model, most, batches):
    answers, ran = all_at_once(asks(32), HFChat(model, engine=Engine(max_batch=most)))
    assert ran == batches
    assert len({answer.text for answer in answers}) > 16


def test_each_call_of_a_batch_answers_as_it_would_alone(model):
    decodings = [
        Decoding(temperature=0, max_tokens=9),
        Decoding(temperature=0, repetition_penalty=1.8, max_tokens=30),
        Decoding(temperature=1.2, top_p=1, max_tokens=20),
        Decoding(temperature=0.7, top_p=0.5, max_tokens=25),
        Decoding(temperature=2, top_p=1, top_k=3, max_tokens=15),
        Decoding(temperature=0.9, top_p=0.8, repetition_penalty=3, top_k=20, max_tokens=40),
    ]
    wanted = [
        Ask(said("word " * 9 * i), seed=i, decoding=decoding)
        for i, decoding in enumerate(decodings)
    ]
    wanted.append(Ask(said("Plan."), seed=4, decoding=Decoding(max_tokens=200), schema=Plan))
    together, ran = all_at_once(wanted, HFChat(model))
    assert ran == 1
    assert together == [one(ask, HFChat(model)) for ask in wanted]
    for ask, answer in zip(wanted, together, strict=True):
        assert answer.completion_tokens <= ask.decoding.max_tokens
        assert not answer.cut or answer.completion_tokens == ask.decoding.max_tokens


def test_greedy_answers_are_those_of_transformers(model):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    plain = AutoModelForCausalLM.from_pretrained(model)
    prompt = tokenizer.apply_chat_template(
        said("Hello"), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = plain.generate(**prompt, do_sample=False, max_new_tokens=40)
    theirs = out[0, prompt["input_ids"].shape[1] :]
    mine = one(Ask(said("Hello"), decoding=Decoding(temperature=0, max_tokens=40)), HFChat(model))
    assert mine.text == tokenizer.decode(theirs, skip_special_tokens=True)
    assert mine.completion_tokens == len(theirs)
    assert mine.prompt_tokens == prompt["input_ids"].shape[1]
    assert mine.cut == (theirs[-1] != tokenizer.eos_token_id)


def test_a_seed_decides_the_answer(model):
    same = [Ask(said("Hello"), seed=3, decoding=SHORT)] * 2
    other = [Ask(said("Hello"), seed=seed, decoding=SHORT) for seed in (4, 2**63 - 1)]
    answers, _ = all_at_once([*same, *other], HFChat(model))
    texts = [answer.text for answer in answers]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_sampling_that_a_request_leaves_open_is_the_models_own(model, tmp_path):
    advised = tmp_path / "advised"
    shutil.copytree(model, advised)
    file = advised / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"top_k": 1}))
    open_ask = Ask(said("Hello"), seed=1, decoding=Decoding(temperature=2, top_p=1, max_tokens=12))
    greedy = Ask(said("Hello"), decoding=Decoding(temperature=0, max_tokens=12))
    assert one(open_ask, HFChat(str(advised))).text == one(greedy, HFChat(model)).text
    assert one(open_ask, HFChat(model)).text != one(greedy, HFChat(model)).text


# ---- records ------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", [Plan, Risky])
def test_an_answer_is_held_to_its_record(model, record):
    pytest.importorskip("llguidance")
    decoding = Decoding(temperature=1, max_tokens=600)
    wanted = [Ask(said("JSON."), seed=s, decoding=decoding, schema=record) for s in range(6)]
    answers, _ = all_at_once(wanted, HFChat(model))
    for answer in answers:
        assert not answer.cut
        assert isinstance(record.model_validate_json(answer.text), record)
        assert answer.text == json.dumps(json.loads(answer.text), ensure_ascii=False)


def test_without_a_grammar_engine_a_model_says_that_it_is_asked_in_words(model, monkeypatch):
    monkeypatch.setattr("attunement.agents.models.hf_reader.find_spec", lambda name: None)

    async def go():
        chat = HFChat(model)
        found = await chat.capabilities()
        answer = await chat.answer(Ask(said("JSON."), decoding=SHORT, schema=Plan))
        await chat.aclose()
        return found, answer

    found, answer = asyncio.run(go())
    assert found.structured is None
    assert not answer.text.startswith("{")


# ---- adapters -----------------------------------------------------------------------------------


def test_an_adapter_speaks_as_peft_would_have_it(model, adapter):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    merged = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(model), adapter
    ).merge_and_unload()
    ask = Ask(said("Hello"), decoding=Decoding(temperature=0, max_tokens=30))
    prompt = tokenizer.apply_chat_template(
        ask.messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = merged.generate(**prompt, do_sample=False, max_new_tokens=30)
    theirs = tokenizer.decode(out[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    assert one(ask, HFChat(model, adapter)).text == theirs
    assert one(ask, HFChat(model)).text != theirs


def test_adapters_share_one_base_and_one_batch(model, adapter, tmp_path):
    second = str(make_adapter(tmp_path / "second", model, seed=2))
    specs = [(model, None), (model, adapter), (model, second)]
    ask = Ask(said("Hello"), decoding=Decoding(temperature=0, max_tokens=30))
    alone = [one(ask, HFChat(*spec)) for spec in specs]
    assert len({answer.text for answer in alone}) == 3

    async def go():
        chats = [HFChat(*spec) for spec in specs]
        mixed = await asyncio.gather(*[chat.answer(ask) for chat in chats])
        assert chats[0].batches == 1
        apart = [await chat.answer(ask) for chat in reversed(chats)]
        assert len({id(chat._shared._model) for chat in chats}) == 1
        for chat in chats:
            await chat.aclose()
        return mixed, apart[::-1]

    mixed, apart = asyncio.run(go())
    assert mixed == apart == alone


def test_adapters_that_peft_cannot_mix_take_turns(model, adapter, tmp_path):
    shutil.copytree(adapter, tmp_path / "dora")
    base = HFChat(model)
    ask = Ask(said("Hello"), decoding=Decoding(temperature=0, max_tokens=20))

    async def go():
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(4)
            config = LoraConfig(r=4, target_modules=["q_proj"], use_dora=True)
            dora = get_peft_model(AutoModelForCausalLM.from_pretrained(model), config)
            for name, weight in dora.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(weight, std=0.3)
        dora.save_pretrained(tmp_path / "dora")
        other = HFChat(model, str(tmp_path / "dora"))
        mixed = await asyncio.gather(base.answer(ask), other.answer(ask))
        batches = base.batches
        apart = [await base.answer(ask), await other.answer(ask)]
        await base.aclose()
        await other.aclose()
        return mixed, apart, batches

    mixed, apart, batches = asyncio.run(go())
    assert batches == 2
    assert mixed == apart
    assert mixed[0].text != mixed[1].text


def test_an_adapter_for_another_base_fails_alone(model, adapter, tmp_path):
    wrong = tmp_path / "wrong"
    shutil.copytree(adapter, wrong)
    from safetensors.torch import load_file, save_file

    weights = load_file(wrong / "adapter_model.safetensors")
    deeper = {name.replace("layers.1.", "layers.7."): w for name, w in weights.items()}
    save_file(deeper, wrong / "adapter_model.safetensors")
    wanted = [Ask(said("Hello"), decoding=Decoding(temperature=0, max_tokens=20))] * 3
    answers, _ = all_at_once(
        wanted, HFChat(model), HFChat(model, str(wrong)), HFChat(model, adapter)
    )
    assert isinstance(answers[1], ConfigError)
    assert "made for another base" in str(answers[1])
    assert answers[0] == one(wanted[0], HFChat(model))
    assert answers[2] == one(wanted[0], HFChat(model, adapter))


def test_the_last_chat_to_close_frees_the_model(model, adapter):
    async def go():
        base, adapted = HFChat(model), HFChat(model, adapter)
        await base.answer(asks(1)[0])
        held = weakref.ref(base._shared._model)
        await adapted.answer(asks(1)[0])
        await base.aclose()
        assert held() is not None
        await adapted.answer(asks(1)[0])
        await adapted.aclose()
        assert held() is None
        again = await base.answer(asks(1)[0])
        await base.aclose()
        return again

    assert asyncio.run(go()) == one(asks(1)[0], HFChat(model))


# ---- limits and faults --------------------------------------------------------------------------


def prompt_of(tokens):
    """Messages that make so many tokens: the template's frame makes 6, a `~` one."""
    return [{"role": "user", "content": "~" * (tokens - 4)}]


def test_a_prompt_may_fill_the_context_but_for_one_token(model):
    just = one(Ask(prompt_of(CONTEXT - 1), decoding=SHORT), HFChat(model))
    assert (just.prompt_tokens, just.completion_tokens) == (CONTEXT - 1, 1)


def test_a_prompt_that_is_too_long_fails_alone_and_says_so(model):
    answers, _ = all_at_once([Ask(prompt_of(CONTEXT), decoding=SHORT), *asks(2)], HFChat(model))
    assert isinstance(answers[0], ModelError)
    assert f"{CONTEXT} tokens" in str(answers[0])
    assert "shorten the dialogue" in str(answers[0])
    assert [type(answer).__name__ for answer in answers[1:]] == ["Answer"] * 2


def test_the_engine_may_set_a_shorter_context(model):
    with pytest.raises(ModelError, match="takes 64 for"):
        one(Ask(prompt_of(64), decoding=SHORT), HFChat(model, engine=Engine(context_length=64)))


def test_out_of_memory_halves_the_batch(model, monkeypatch):
    whole, sizes = Model.generate, []

    def little_memory(self, rows, names):
        sizes.append(len(rows))
        if len(rows) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(self, rows, names)

    expected, _ = all_at_once(asks(8), HFChat(model))
    monkeypatch.setattr(Model, "generate", little_memory)
    answers, _ = all_at_once(asks(8), HFChat(model))
    assert answers == expected
    assert sizes == [8, 4, 2, 2, 4, 2, 2]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("no room"), RuntimeError("a kernel")])
def test_a_batch_that_fails_fails_its_own_calls_only(model, monkeypatch, error):
    whole = Model.generate

    def faulty(self, rows, names):
        if any(row.seed == 99 for row in rows):
            raise error
        return whole(self, rows, names)

    monkeypatch.setattr(Model, "generate", faulty)

    async def go():
        chat = HFChat(model)
        with pytest.raises(ModelError, match=str(error)):
            await chat.answer(Ask(said("Hello"), seed=99))
        after = await chat.answer(asks(1)[0])
        await chat.aclose()
        return after

    assert asyncio.run(go()).completion_tokens


class Held:
    """Holds the first batch at its third step until it is let go."""

    def __init__(self, monkeypatch):
        self.steps, self.go_on = [], threading.Event()
        self._loop, self._there = asyncio.get_running_loop(), asyncio.Event()
        whole = RowStops.__call__

        def step(stops, input_ids, scores, **rest):
            self.steps.append(threading.get_ident())
            if len(self.steps) == 3:
                self._loop.call_soon_threadsafe(self._there.set)
                assert self.go_on.wait(60)
            return whole(stops, input_ids, scores, **rest)

        monkeypatch.setattr(RowStops, "__call__", step)

    async def reached(self):
        await asyncio.wait_for(self._there.wait(), 60)


LONG = Ask(said("Hello"), decoding=Decoding(temperature=2, top_p=1, top_k=2, max_tokens=1900))


def test_a_running_call_that_is_cancelled_stops_at_the_next_step(model, monkeypatch):
    async def go():
        held, chat = Held(monkeypatch), HFChat(model)
        running = asyncio.create_task(chat.answer(LONG))
        await held.reached()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        held.go_on.set()
        await asyncio.to_thread(chat._shared.close)
        steps = len(held.steps)
        after = await chat.answer(asks(1)[0])
        await chat.aclose()
        return steps, after

    steps, after = asyncio.run(go())
    assert steps == 3
    assert after == one(asks(1)[0], HFChat(model))


def test_a_waiting_call_that_is_cancelled_is_never_run(model, monkeypatch):
    async def go():
        held, chat = Held(monkeypatch), HFChat(model)
        running = asyncio.create_task(chat.answer(asks(1)[0]))
        await held.reached()
        waiting = asyncio.create_task(chat.answer(LONG))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        held.go_on.set()
        await running
        await chat.aclose()
        return len(held.steps)

    assert asyncio.run(go()) <= SHORT.max_tokens


def test_stop_ends_what_waits_lets_run_what_runs_and_aclose_takes_it_back(model, monkeypatch):
    async def go():
        held, chat, other = Held(monkeypatch), HFChat(model), HFChat(model)
        running = asyncio.create_task(chat.answer(asks(1)[0]))
        await held.reached()
        waiting = asyncio.create_task(chat.answer(LONG))
        neighbour = asyncio.create_task(other.answer(asks(2)[1]))
        await asyncio.sleep(0)
        chat.stop()
        for late in (waiting, chat.answer(LONG)):
            with pytest.raises(StoppedError):
                await late
        held.go_on.set()
        answers = [await running, await neighbour]
        await chat.aclose()
        again = await chat.answer(asks(1)[0])
        await chat.aclose()
        await other.aclose()
        return answers, again, held.steps

    answers, again, threads = asyncio.run(go())
    assert again == answers[0]
    assert threading.get_ident() not in threads, "the loop's own thread must not compute"


# ---- what can be mended before any call ---------------------------------------------------------


def test_capabilities_are_told_without_loading_weights(model):
    async def go():
        chat = HFChat(model)
        found = await chat.capabilities()
        assert chat._shared._model is None
        await chat.aclose()
        return found

    found = asyncio.run(go())
    assert (found.seeds, found.usage, found.context_length) == (True, True, CONTEXT)


def test_specs(model, adapter):
    assert HFChat(model).spec == f"hf:{model}"
    assert HFChat(model, adapter).spec == f"hf:{model}+{adapter}"
    assert make_backend(f"hf:{model}+{adapter}").spec == f"hf:{model}+{adapter}"


@pytest.mark.parametrize(
    ("path", "why"),
    [("./nowhere", "is not there"), ("/no/such/folder", "is not there"),
     (".", "holds no config.json")],
)  # fmt: skip
def test_a_path_that_holds_no_model_is_refused_at_once(path, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=f"`model` '{path}' {why}"):
        HFChat(path)


def test_a_folder_that_holds_no_adapter_is_refused_at_once(model):
    with pytest.raises(ConfigError, match=r"`adapter` .* holds no adapter_config.json"):
        HFChat(model, model)


def test_a_missing_package_names_the_command(model, monkeypatch):
    monkeypatch.setattr("attunement.agents.models.hf.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"torch, transformers; .*pip install 'attunement\[hf\]'"):
        HFChat(model)


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        (lambda folder: (folder / "chat_template.jinja").unlink(), "has no chat template"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot load"),
        (lambda folder: (folder / "config.json").write_text("{}"), "cannot load"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "cannot load"),
    ],
    ids=["template", "weights", "config", "tokenizer"],
)
def test_a_folder_that_cannot_be_loaded_says_what_is_wrong(model, tmp_path, break_it, why):
    shutil.copytree(model, tmp_path / "broken")
    break_it(tmp_path / "broken")
    with pytest.raises(ConfigError, match=why):
        one(asks(1)[0], HFChat(str(tmp_path / "broken")))


def test_a_device_that_is_not_there_says_so(model):
    with pytest.raises(ConfigError, match="`device` 'tpu9' cannot be used here"):
        one(asks(1)[0], HFChat(model, engine=Engine(device="tpu9")))


def test_a_template_without_system_messages_hears_them_from_the_user(model, tmp_path):
    strict = tmp_path / "strict"
    shutil.copytree(model, strict)
    template = (strict / "chat_template.jinja").read_text()
    refusal = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('No system') }}{% endif %}"
    )
    (strict / "chat_template.jinja").write_text(refusal + template)
    folded = [{"role": "user", "content": "Be kind.\n\nHello"}]
    found = one(Ask(said("Hello"), decoding=SHORT), HFChat(str(strict)))
    assert found == one(Ask(folded, decoding=SHORT), HFChat(model))
    with pytest.raises(ModelError, match="No system"):
        one(Ask([said("x")[0]], decoding=SHORT), HFChat(str(strict)))


@pytest.mark.gpu
def test_a_gpu_answers_as_the_processor_does_when_greedy(model, adapter):
    wanted = [
        Ask(said("word " * i), decoding=Decoding(temperature=0, max_tokens=20)) for i in range(8)
    ]
    for spec in ((model, None), (model, adapter)):
        there = HFChat(*spec, Engine(device="cuda", dtype="float32"))
        here = HFChat(*spec, Engine(device="cpu"))
        assert all_at_once(wanted, there)[0] == all_at_once(wanted, here)[0]
    sampled = asks(8, schema=Plan)
    first, second = (
        all_at_once(sampled, HFChat(model, engine=Engine(device="cuda"))) for _ in "12"
    )
    assert first == second
    assert hf_model.torch.cuda.is_available()
