"""vLLM's engine in a thread of its own: starting it, asking it, ending it with all its processes.

The thread has its own event loop, so that whoever asks, from whatever loop, never waits for the
engine's work. Its processes are spawned: a script that starts one needs
`if __name__ == "__main__":`.
"""

import asyncio
import atexit
import json
import os
import signal
import threading
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from attunement.agents.models.base import Answer, Ask, Engine
from attunement.agents.models.schema import json_schema
from attunement.agents.models.vllm_guard import Guard
from attunement.core.errors import ModelError

LOOK = 0.05
"""Seconds between two looks at an engine that is being started."""
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks that vLLM makes room for; an adapter between two takes the larger."""
_OWN = ("top_k", "min_p", "repetition_penalty")
"""What a model's generation config decides where nobody asks for it, as in vLLM's server."""
_ENVIRONMENT = {
    # A forked engine would hold this process's files and locks for as long as it lives.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_LOGGING_LEVEL": "ERROR",  # it warns of much that is as it should be
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # stdout is for what a verb prints
    "VLLM_NO_USAGE_STATS": "1",
}
_CPU_CACHE = "4"
"""GiB of cache on a CPU, where vLLM's own default is nearly all memory."""
_STARTING = threading.Lock()
"""Two engines that start at once would both count the same free memory as theirs."""


class Host:
    """One engine, and the thread and the event loop that it lives in.

    `before` is an engine that has to be gone first.
    """

    def __init__(
        self, path: str, engine: Engine, adapters: tuple[str, ...], before: "Host | None" = None
    ) -> None:
        self.ready: Future[None] = Future()
        """Done when the engine takes requests; with a `ModelError` if it never will."""
        self._path, self._engine, self._adapters, self._before = path, engine, adapters, before
        self._llm: Any = None
        self._names = count()
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="vllm", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        if not self.ready.done():
            return "vLLM is starting"
        return "vLLM has died" if self._llm is not None and self._llm.errored else ""

    async def answer(self, ask: Ask, adapter: str | None) -> Answer:
        """One answer, for any event loop. A cancelled call is taken back from the engine."""
        self.ready.result()
        call = self._answer(ask, adapter)
        try:
            future = asyncio.run_coroutine_threadsafe(call, self._loop)
        except RuntimeError:
            call.close()
            raise ModelError("its engine was closed") from None
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the engine, its processes and its thread; a start that is under way as well."""
        with suppress(RuntimeError):  # closed before
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        atexit.unregister(self.close)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        guard = Guard()
        threading.Thread(target=self._start, args=(guard,), name="vllm-start", daemon=True).start()
        while not self.ready.done():
            guard.look()
            if self._closing.is_set():
                guard.kill()
            await asyncio.sleep(LOOK)
        guard.look()
        await self._closing.wait()
        if self._llm is not None:
            self._llm.shutdown()
            self._llm = None  # at this process's end, it would stumble over what is gone already
        guard.kill()
        guard.release()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _start(self, guard: Guard) -> None:
        try:
            if self._before is not None:
                self._before._thread.join()
                self._before = None
            with _STARTING:
                guard.begin()
                self._close_at_exit()
                _ignore_interrupts()
                self._llm = _load(self._path, self._engine, self._adapters)
                self._close_at_exit()
        except (Exception, SystemExit) as error:  # whatever a start ends in is the caller's to know
            failed = ModelError(f"vLLM did not start, its log says why: {_line(error)}")
            failed.__cause__ = error
            self.ready.set_exception(failed)
        else:
            self.ready.set_result(None)

    def _close_at_exit(self) -> None:
        # Last come, first called: once more after the start, to come before vLLM's own hooks.
        atexit.unregister(self.close)
        atexit.register(self.close)

    async def _answer(self, ask: Ask, adapter: str | None) -> Answer:
        try:
            if self._closing.is_set():
                raise ModelError("its engine was closed")
            stream = self._llm.generate(
                {"type": "token", "prompt_token_ids": self._tokens(ask)}, self._sampling(ask),
                str(next(self._names)), lora_request=self._lora(adapter),
            )  # fmt: skip
            last = [output async for output in stream][-1]
        except asyncio.CancelledError:
            if self._closing.is_set():
                raise ModelError("its engine was closed") from None
            raise
        except ModelError:
            raise
        except Exception as error:  # vLLM's own classes move from version to version
            raise ModelError(_line(error)) from error
        return _read(last)

    def _tokens(self, ask: Ask) -> list[int]:
        tokenizer = self._llm.get_tokenizer()
        text = tokenizer.apply_chat_template(
            ask.messages, tokenize=False, add_generation_prompt=True
        )
        tokens: list[int] = tokenizer.encode(text, add_special_tokens=False)
        limit = self._llm.model_config.max_model_len
        if len(tokens) >= limit:
            raise ModelError(
                f"the prompt has {len(tokens)} tokens and the context {limit}; raise "
                "`context_length` if the model can, or shorten the dialogue (`max_turns`)"
            )
        return tokens

    def _sampling(self, ask: Ask) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        own = self._llm.model_config.get_diff_sampling_param()
        wanted = {name: own[name] for name in _OWN if name in own} | {
            name: value
            for name in ("top_k", "repetition_penalty")
            if (value := getattr(ask.decoding, name)) is not None
        }
        return SamplingParams(
            temperature=ask.decoding.temperature,
            top_p=ask.decoding.top_p,
            max_tokens=ask.decoding.max_tokens,
            seed=ask.seed % 2**63,  # -1 would mean none
            output_kind=RequestOutputKind.FINAL_ONLY,
            structured_outputs=ask.schema and StructuredOutputsParams(json=json_schema(ask.schema)),
            **wanted,
        )

    def _lora(self, adapter: str | None) -> Any:
        from vllm.lora.request import LoRARequest

        if adapter is None:
            return None
        if adapter not in self._adapters:
            raise ModelError(
                f"`adapter` {adapter!r} came after its engine had been started; make all backends "
                "over one path before the first answer, or close the others first"
            )
        number = self._adapters.index(adapter) + 1
        return LoRARequest(f"adapter-{number}", number, adapter)


def _ignore_interrupts() -> None:
    """Ctrl-C lets calls in flight finish: processes that this thread starts never see it."""
    resource_tracker.ensure_running()  # the first time, it takes the mask off
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _load(path: str, engine: Engine, adapters: tuple[str, ...]) -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from vllm.config import StructuredOutputsConfig
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    settings: dict[str, Any] = {"dtype": engine.dtype}
    if current_platform.is_cpu():
        settings = {"dtype": "float32" if engine.dtype == "auto" else engine.dtype}
        settings["enforce_eager"] = True
        # A seeded prompt that is read in two steps ends a CPU engine (seen with 0.32).
        settings["enable_chunked_prefill"] = False
        if engine.memory is None:
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", _CPU_CACHE)
    if engine.memory is not None:
        settings["gpu_memory_utilization"] = engine.memory
    if adapters:
        rank = max(_rank(Path(adapter)) for adapter in adapters)
        settings |= {"enable_lora": True, "max_loras": len(adapters), "max_lora_rank": rank}
    return AsyncLLM.from_engine_args(
        AsyncEngineArgs(
            model=path,
            max_num_seqs=engine.max_batch,
            max_model_len=engine.context_length,
            enable_prefix_caching=True,
            disable_log_stats=True,
            use_tqdm_on_load=False,
            # White space without end is JSON too, and small models fall for it.
            structured_outputs_config=StructuredOutputsConfig(
                backend="xgrammar", disable_any_whitespace=True
            ),
            **settings,
        )
    )


def _rank(adapter: Path) -> int:
    rank = json.loads((adapter / "adapter_config.json").read_text())["r"]
    return next((room for room in _RANKS if room >= rank), _RANKS[-1])


def _read(output: Any) -> Answer:
    choice = output.outputs[0]
    if choice.finish_reason not in ("stop", "length"):
        raise ModelError(f"the answer ended with {choice.finish_reason!r}")
    return Answer(
        choice.text,
        len(output.prompt_token_ids),
        len(choice.token_ids),
        output.num_cached_tokens,
        choice.finish_reason == "length",
    )


def _line(error: BaseException) -> str:
    """An error in one line of bearable length."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}".rstrip(": ")
