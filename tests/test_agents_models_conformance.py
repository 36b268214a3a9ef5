"""What every chat backend does alike: one suite over all of them."""

import asyncio
from functools import cache

import pytest

from attunement.agents.models.base import Answer, Ask, Decoding
from attunement.agents.planner import plan
from attunement.agents.prompting import packaged_prompts
from attunement.agents.reading import read_record
from attunement.agents.responder import respond
from attunement.agents.seeker import seek
from attunement.core.errors import AnswerError, ModelError
from attunement.core.records import Plan, Reply, SeekerTurn, Utterance
from tests.backends import BACKENDS, every_backend
from tests.helpers import PERSONA

SHORT = Decoding(max_tokens=16)
DIALOGUE = [
    Utterance(speaker="seeker", text="My boss wants me gone and I cannot sleep."),
    Utterance(speaker="supporter", text="What happened?"),
    Utterance(speaker="seeker", text="I made a mistake on the night shift."),
]


@pytest.fixture(scope="module", params=every_backend())
def ready(request):
    with BACKENDS[request.param].start() as found:
        yield found


def using(ready, use):
    """What `use(backend)` returns, on a fresh backend."""

    async def go():
        backend = ready.make()
        try:
            return await use(backend)
        finally:
            await backend.aclose()

    return asyncio.run(go())


@cache
def facts(ready):
    return using(ready, lambda backend: backend.capabilities())


def said(*contents, system="You are kind."):
    """A chat: the system prompt, then user and assistant in turn."""
    roles = ("user", "assistant")
    turns = [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]
    return [{"role": "system", "content": system}, *turns]


def ask(*contents, seed=1, decoding=SHORT, **more):
    return Ask(said(*contents, **more), seed=seed, decoding=decoding)


def is_answered(answer):
    """Words, or a model's own decision to say none: a random one may end at once."""
    return isinstance(answer, Answer) and bool(answer.text or answer.completion_tokens)


def test_a_plain_reply(ready):
    answer = using(ready, lambda backend: backend.answer(ask("I feel low.")))
    assert is_answered(answer)
    assert answer.tries == 1


def test_a_history_of_several_turns(ready):
    async def go(backend):
        short = await backend.answer(ask("I feel low."))
        return short, await backend.answer(ask("I feel low.", "Since when?", "Since spring."))

    short, long = using(ready, go)
    assert is_answered(long)
    if short.prompt_tokens is not None:
        assert long.prompt_tokens > short.prompt_tokens


def test_the_system_prompt_is_heard(ready):
    greedy = Decoding(temperature=0, max_tokens=16)
    systems = ("You are kind.", "You are a very stern judge of everything.")

    async def go(backend):
        return [await backend.answer(ask("Hi", system=s, decoding=greedy)) for s in systems]

    one, other = using(ready, go)
    assert (one.text, one.prompt_tokens) != (other.text, other.prompt_tokens)


class Line:
    """A role's chat to a backend, with answers short enough to be quoted in a re-ask."""

    def __init__(self, backend, role):
        self.prompt, self.backend, self.role = packaged_prompts()[role], backend, role

    async def __call__(self, prompt, *, attempt=1, schema=None):
        decoding = Decoding(max_tokens=150)
        return await self.backend.answer(
            Ask(prompt.messages, self.role, attempt, decoding, schema=schema)
        )


@pytest.mark.parametrize("role", ["planner", "responder", "seeker"])
def test_a_role_gets_its_record_or_a_clean_error(ready, role):
    """The real prompts, with re-asks where a backend cannot be held to a record."""

    async def go(backend):
        chat = Line(backend, role)
        if role == "planner":
            return await plan(chat, DIALOGUE)
        if role == "responder":
            return await respond(chat, DIALOGUE, None)
        return await seek(chat, PERSONA, DIALOGUE[:2], [SeekerTurn(text=DIALOGUE[0].text)])

    found = using(ready, lambda backend: read_or_refused(go(backend)))
    kind = {"planner": Plan, "responder": Reply, "seeker": SeekerTurn}[role]
    assert isinstance(found, kind) or (type(found) is AnswerError and "in 3 attempts" in str(found))


async def read_or_refused(asking):
    try:
        return await asking
    except AnswerError as error:
        return error


def test_an_answer_is_held_to_a_record_where_the_backend_says_so(ready):
    if facts(ready).structured != "json_schema":
        pytest.skip("it is asked in words")
    decoding = Decoding(temperature=1, max_tokens=600)
    wanted = [Ask(said("Plan in JSON."), "planner", seed, decoding, Plan) for seed in range(4)]
    answers = using(ready, lambda b: asyncio.gather(*[b.answer(one) for one in wanted]))
    assert all(isinstance(read_record(answer.text, Plan), Plan) for answer in answers)


@pytest.mark.parametrize(
    "text", ["Grüße 🙂 👩‍👩‍👧", "日本語で話してもいいですか", "شكرا\u200f לך", "a\u0000b\t\r\n"]
)
def test_any_text_goes_in_and_text_comes_out(ready, text):
    wanted = ask(text, decoding=Decoding(temperature=2, top_p=1, max_tokens=32))
    answer = using(ready, lambda backend: backend.answer(wanted))
    assert answer.text.encode().decode() == answer.text
    if ready.count:
        assert answer.prompt_tokens == ready.count(wanted.messages)


def history_of(tokens, count):
    """A chat of many turns that makes just so many tokens."""
    turns = ["Tell me more.", "I did."] * 20 + [""]
    missing = tokens - count(said(*turns))
    return said(*turns[:-1], "~" * missing)


def test_a_history_may_come_close_to_the_context_but_not_over_it(ready):
    limit = facts(ready).context_length
    if limit is None or ready.count is None:
        pytest.skip("it does not say how much it takes")
    close, over = history_of(limit - 17, ready.count), history_of(limit + 1, ready.count)
    assert ready.count(close) == limit - 17

    async def go(backend):
        before = await backend.answer(Ask(close, decoding=SHORT))
        with pytest.raises(ModelError):
            await backend.answer(Ask(over, decoding=SHORT))
        return before, await backend.answer(ask("Are you still there?"))

    before, after = using(ready, go)
    assert before.prompt_tokens == limit - 17
    assert after.completion_tokens


def test_a_seed_decides_where_the_backend_says_so(ready):
    if not facts(ready).seeds:
        pytest.skip("it promises nothing about seeds")

    async def go(backend):
        same = [await backend.answer(ask("Hi", seed=7)) for _ in range(2)]
        return same, [await backend.answer(ask("Hi", seed=seed)) for seed in range(4)]

    same, others = using(ready, go)
    assert same[0].text == same[1].text
    assert len({answer.text for answer in others}) > 1


def test_tokens_are_counted_where_the_backend_says_so(ready):
    if not facts(ready).usage:
        pytest.skip("it promises no counts")
    wanted = ask("How are you?", "Well.", "Good.")
    answer = using(ready, lambda backend: backend.answer(wanted))
    assert ready.count is None or answer.prompt_tokens == ready.count(wanted.messages)
    assert answer.completion_tokens > 0
    assert ready.count is None or answer.completion_tokens <= SHORT.max_tokens


def test_a_cancelled_call_does_not_wedge_later_ones(ready):
    long = ask("Talk.", decoding=Decoding(temperature=2, top_p=1, top_k=None, max_tokens=300))

    async def go(backend):
        await backend.answer(ask("Are you there?"))
        tasks = [asyncio.create_task(backend.answer(long)) for _ in range(4)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        return ended, await asyncio.wait_for(backend.answer(ask("And now?")), 100)

    ended, after = using(ready, go)
    assert all(isinstance(end, asyncio.CancelledError | Answer) for end in ended)
    assert is_answered(after)


def test_32_calls_at_once(ready):
    wanted = [ask("word " * (1 + i % 5), seed=i) for i in range(32)]
    answers = using(ready, lambda b: asyncio.gather(*[b.answer(one) for one in wanted]))
    assert len(answers) == 32
    assert all(map(is_answered, answers))
    if ready.count:
        for one, answer in zip(wanted, answers, strict=True):
            assert answer.prompt_tokens == ready.count(one.messages)


def test_it_can_be_used_again_after_it_was_closed(ready):
    async def go(backend):
        first = await backend.answer(ask("Hi"))
        await backend.aclose()
        return first, await backend.answer(ask("Hi"))

    first, second = using(ready, go)
    assert is_answered(second)
    assert first.prompt_tokens == second.prompt_tokens


def test_it_can_be_used_from_one_loop_after_another(ready):
    backend = ready.make()

    async def go():
        try:
            return await backend.answer(ask("Hi"))
        finally:
            await backend.aclose()

    assert is_answered(asyncio.run(go()))
    assert is_answered(asyncio.run(go()))


def test_its_name_is_a_spec_and_stays(ready):
    assert ready.make().spec == ready.make().spec != ""
