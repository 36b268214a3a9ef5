"""vLLM in this process: one engine for many specs, its cache, its constraints, and its end."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from attunement.agents.models import vllm as module
from attunement.agents.models.base import Ask, Decoding, Engine
from attunement.agents.models.registry import make_backend
from attunement.agents.models.vllm import VLLMChat
from attunement.core.errors import ConfigError, ModelError, StoppedError
from attunement.core.records import Record

SHORT = [{"role": "user", "content": "Hi 🙂"}]
LONG = [{"role": "system", "content": "Be kind, and ask before you advise. " * 20}, *SHORT]
GREEDY = Decoding(temperature=0, max_tokens=24)
SAMPLED = Decoding(temperature=1, top_p=1, max_tokens=24)


vllm = pytest.mark.vllm
its_warnings = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
    "ignore:Unclosed context <zmq:ResourceWarning",  # of an engine that is gone
)
"""vLLM is imported in the first test's call, with all that it brings."""


class Move(Record):
    """A record whose every value is listed, so that a random model cannot run on."""

    stage: Literal["Exploration", "Comforting", "Action"]
    sure: bool
    steps: Literal[1, 2, 3]
    after: Literal["Question"] | None


async def until(done: Callable[[], object]) -> None:
    """Wait for a moment that will come."""
    async with asyncio.timeout(120):
        while True:
            if done():
                return
            await asyncio.sleep(0.01)


# ---- without vLLM -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What looks like a model, as long as nobody loads it."""
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    return tmp_path


def test_a_folder_without_a_model_or_an_adapter_is_refused(folder: Path):
    with pytest.raises(ConfigError, match=r"`model` '.*nowhere' has no config\.json"):
        VLLMChat(str(folder / "nowhere"))
    with pytest.raises(ConfigError, match=r"`adapter` '.*' has no adapter_config\.json"):
        VLLMChat(str(folder), str(folder))


def test_without_vllm_it_says_what_to_install(folder: Path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'attunement\[vllm\]'"):
        make_backend(f"vllm:{folder}")


def test_capabilities_are_stated_without_an_engine(folder: Path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: object())
    chat = make_backend(f"vllm:{folder}")
    stated = asyncio.run(chat.capabilities())
    assert (stated.structured, stated.seeds, stated.context_length) == ("json_schema", True, 512)
    shorter = VLLMChat(str(folder), engine=Engine(context_length=128))
    assert asyncio.run(shorter.capabilities()).context_length == 128
    assert chat.trouble == ""
    asyncio.run(chat.aclose())


# ---- with vLLM: first what needs an engine of its own, as there is room for one only -------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A folder with `model` and `adapter`."""
    if module.find_spec("vllm") is None:
        pytest.skip("needs vLLM")
    from tests.tiny_llama import make_adapter, make_model

    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    folder = tmp_path_factory.mktemp("tiny")
    make_adapter(folder / "adapter", make_model(folder / "model"))
    return folder


@vllm
@its_warnings
def test_a_stop_ends_the_wait_for_the_start_and_a_close_the_start(tiny: Path):
    async def go():
        chat = VLLMChat(str(tiny / "model"))
        waiting = asyncio.create_task(chat.answer(Ask(SHORT)))
        await until(lambda: chat.trouble)
        assert chat.trouble == "vLLM is starting"
        chat.stop()
        with pytest.raises(StoppedError):
            await waiting
        await chat.aclose()
        assert chat.trouble == ""

    asyncio.run(go())


KILLED = """
import asyncio, multiprocessing, os, signal, sys
from attunement.agents.models.base import Ask
from attunement.agents.models.vllm import VLLMChat

async def main():
    chat = VLLMChat(sys.argv[1])
    await chat.answer(Ask([{"role": "user", "content": "Hi"}]))
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    asyncio.run(main())
"""


@vllm
@its_warnings
def test_no_engine_outlives_a_killed_process(tiny: Path):
    (tiny / "killed.py").write_text(KILLED)
    command = [sys.executable, str(tiny / "killed.py"), str(tiny / "model")]
    with (tiny / "engines").open("w") as out:  # a pipe would stay open as long as an engine lives
        done = subprocess.run(command, stdout=out, timeout=300)
    engines = (tiny / "engines").read_text().split()
    assert (done.returncode, bool(engines)) == (-9, True)
    deadline = time.monotonic() + 60
    while any(_alive(pid) for pid in engines):
        assert time.monotonic() < deadline, "an engine is left"
        time.sleep(0.1)


def _alive(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


# ---- with vLLM: what shares one engine -----------------------------------------------------------


@pytest.fixture(scope="module")
def chats(tiny: Path):
    """(the model alone, the model with its adapter)."""
    both = (
        make_backend(f"vllm:{tiny / 'model'}"),
        make_backend(f"vllm:{tiny / 'model'}+{tiny / 'adapter'}"),
    )
    yield both
    for chat in both:
        asyncio.run(chat.aclose())


def answer(chat: VLLMChat, messages=SHORT, seed=0, decoding=GREEDY, schema=None):
    return asyncio.run(chat.answer(Ask(messages, seed=seed, decoding=decoding, schema=schema)))


@vllm
@its_warnings
def test_a_known_beginning_is_served_from_the_cache(chats):
    first = answer(chats[0], LONG)
    again = answer(chats[0], [LONG[0], {"role": "user", "content": "And you?"}])
    assert first.cached_tokens == 0 < first.prompt_tokens
    assert again.cached_tokens >= 128  # a block of the cache on a CPU
    assert answer(chats[0], LONG).text == first.text


@vllm
@its_warnings
def test_an_adapter_caches_for_itself(chats):
    answer(chats[0], LONG)
    cold = [LONG[0], {"role": "user", "content": "And now?"}]
    before = answer(chats[1], cold)
    assert before.cached_tokens == 0
    assert answer(chats[1], cold).cached_tokens >= 128


@vllm
@its_warnings
@pytest.mark.parametrize("seed", range(5))
def test_a_schema_is_a_constraint_that_even_a_random_model_keeps(chats, seed: int):
    for chat in chats:
        held = answer(chat, seed=seed, decoding=Decoding(temperature=2, top_p=1), schema=Move)
        Move.model_validate_json(held.text)
        assert not held.cut


@vllm
@its_warnings
def test_both_specs_say_what_transformers_says(chats, tiny: Path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny / "model")
    model = AutoModelForCausalLM.from_pretrained(tiny / "model")
    texts = []
    for adapted in (False, True):
        if adapted:
            model = PeftModel.from_pretrained(model, tiny / "adapter")
        prompt = tokenizer.apply_chat_template(
            SHORT, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        tokens = model.generate(**prompt, do_sample=False, max_new_tokens=GREEDY.max_tokens)
        new = tokens[0, prompt["input_ids"].shape[1] :]
        texts.append(tokenizer.decode(new, skip_special_tokens=True))
    assert [answer(chat).text for chat in chats] == texts
    assert texts[0] != texts[1]


@vllm
@its_warnings
def test_specs_over_one_path_share_one_engine_until_the_last_closes(chats, tiny: Path):
    for chat in chats:
        answer(chat)
    third = VLLMChat(str(tiny / "model" / ".." / "model"))
    answer(third)
    assert third._shared.host is chats[0]._shared.host is chats[1]._shared.host
    asyncio.run(third.aclose())
    assert chats[0]._shared.host is not None
    assert answer(chats[0]).text != answer(chats[1]).text


@vllm
@its_warnings
def test_each_call_has_its_own_seed(chats):
    async def go():
        seeds = (1, 2, 1, 2**63 - 1, 2)
        asks = [chats[0].answer(Ask(SHORT, seed=seed, decoding=SAMPLED)) for seed in seeds]
        return [answer.text for answer in await asyncio.gather(*asks)]

    one, two, one_again, last, two_again = asyncio.run(go())
    assert (one, two) == (one_again, two_again)
    assert len({one, two, last}) == 3


@vllm
@its_warnings
def test_every_decoding_parameter_is_heeded(chats):
    chat = chats[0]
    plain = answer(chat)
    assert plain.text == answer(chat, seed=5).text
    assert plain.text == answer(chat, seed=5, decoding=SAMPLED.model_copy(update={"top_k": 1})).text
    nearly_greedy = SAMPLED.model_copy(update={"top_p": 1e-6})
    assert plain.text == answer(chat, seed=5, decoding=nearly_greedy).text
    unlike = GREEDY.model_copy(update={"repetition_penalty": 10.0})
    assert plain.text != answer(chat, decoding=unlike).text
    short = answer(chat, decoding=GREEDY.model_copy(update={"max_tokens": 3}))
    assert (short.completion_tokens, short.cut) == (3, True)


@vllm
@its_warnings
def test_many_calls_at_once_all_come_back(chats):
    async def go():
        asks = [
            chats[n % 2].answer(Ask(LONG if n % 3 else SHORT, seed=n, decoding=SAMPLED))
            for n in range(32)
        ]
        return await asyncio.gather(*asks)

    answers = asyncio.run(go())
    assert len({answer.text for answer in answers}) > 16
    assert all(0 < answer.completion_tokens <= 24 for answer in answers)
    assert all(answer.completion_tokens == 24 for answer in answers if answer.cut)


@vllm
@its_warnings
def test_a_cancelled_call_is_taken_back_from_the_engine(chats):
    answer(chats[0])
    engine = chats[0]._shared.host._llm

    async def go():
        endless = Decoding(temperature=1, top_p=1, max_tokens=1900)
        calls = [
            asyncio.create_task(chats[0].answer(Ask(SHORT, seed=n, decoding=endless)))
            for n in range(8)
        ]
        await until(lambda: engine.get_num_unfinished_requests() == 8)
        for call in calls:
            call.cancel()
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        await until(lambda: not engine.get_num_unfinished_requests())

    asyncio.run(go())
    assert answer(chats[0]).text


@vllm
@its_warnings
def test_a_prompt_beyond_the_context_says_how_long_it_is(chats):
    with pytest.raises(ModelError, match=r"prompt has \d{4,} tokens and the context 2048; raise"):
        answer(chats[0], [{"role": "user", "content": "What happened? " * 1000}])


@vllm
@its_warnings
def test_an_adapter_that_comes_too_late_says_so(chats, tiny: Path):
    from tests.tiny_llama import make_adapter

    answer(chats[0])
    late = VLLMChat(str(tiny / "model"), str(make_adapter(tiny / "late", tiny / "model", seed=9)))
    with pytest.raises(ModelError, match=r"came after its engine had been started"):
        answer(late)
    asyncio.run(late.aclose())


@vllm
@its_warnings
def test_a_closed_engine_fails_its_calls_and_a_new_one_answers_the_same(chats):
    texts = [answer(chat).text for chat in chats]
    host = chats[0]._shared.host

    async def go():
        call = asyncio.create_task(
            chats[1].answer(Ask(SHORT, decoding=Decoding(temperature=1, top_p=1, max_tokens=1900)))
        )
        await until(host._llm.get_num_unfinished_requests)
        for chat in chats:
            await chat.aclose()
        with pytest.raises(ModelError, match="engine was closed"):
            await call

    asyncio.run(go())
    assert [answer(chat).text for chat in chats] == texts
    assert chats[0]._shared.host is not host
