"""What a trainer makes of a row: rendered by the chat template, then tokenised, in batches.

It follows `_prepare_dataset` of TRL 1.16's `DPOTrainer` and `SFTTrainer`: the prompt with its
generation prompt, and the prompt with each completion, are rendered and tokenised apart; the
completion begins where their tokens part. To plain text an end token is appended, to messages none.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from attunement.core.errors import ConfigError, UserError
from attunement.trainers.lint.encoding import Encoder, Ids
from attunement.trainers.lint.shapes import Sample, Turns


@dataclass(frozen=True, slots=True)
class Side:
    """One completion behind its prompt."""

    length: int
    """Tokens of both."""
    end: int | None
    """Where the last end token of the completion stands; None where it has none."""
    tail: str
    """What the template puts behind the text."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A row in tokens."""

    prompt: int
    """With the generation prompt; 0 where there is no prompt to hold back from learning."""
    kept: int
    """Of these, how many every completion begins with; the rest the trainer leaves out."""
    lost: str
    """The rest as text."""
    sides: dict[str, Side]

    @property
    def longest(self) -> int:
        """Of the longest side, with the prompt."""
        return max(side.length for side in self.sides.values())


class ChatTokenizer:
    """A tokenizer with its chat template."""

    def __init__(self, tokenizer: Any) -> None:
        """Raises `UserError` where it has no chat template or no end token."""
        name = str(getattr(tokenizer, "name_or_path", "") or "the tokenizer")
        if not tokenizer.chat_template:
            raise UserError(
                f"`--tokenizer` {name!r} has no chat template; name the chat model's folder, "
                "or save one with the tokenizer"
            )
        if tokenizer.eos_token_id is None:
            raise UserError(f"`--tokenizer` {name!r} has no end token (`eos_token`); set one")
        self.tokenizer = tokenizer
        self.end_token = str(tokenizer.eos_token)
        self._end = int(tokenizer.eos_token_id)
        self._ids = Encoder(tokenizer)

    @property
    def special_tokens(self) -> tuple[str, ...]:
        """The tokens that text must not spell, by themselves."""
        added = self.tokenizer.added_tokens_decoder.values()
        names = {str(token) for token in added if token.special}
        names |= set(map(str, self.tokenizer.all_special_tokens))
        return tuple(sorted(name for name in names if name.strip()))

    def encode(self, samples: Sequence[Sample]) -> None:
        """Give each sample its tokens, or the template's reason why it takes none."""
        for sample in samples:
            sample.tokens, sample.refused = None, ""
        chats = self._rendered([sample for sample in samples if not sample.plain])
        self._count(chats, special=False)
        self._count([(sample, self._plain(sample)) for sample in samples if sample.plain], True)

    def length(self, sample: Sample, prompt: Turns) -> int | None:
        """Tokens of another prompt with the longest of the sample's sides; None where the template
        does not take it."""
        other = replace(sample, prompt=prompt)
        self.encode([other])
        return other.tokens.longest if other.tokens else None

    # ---- rendering ------------------------------------------------------------------------------

    def _rendered(self, samples: list[Sample]) -> list[tuple[Sample, list[str]]]:
        """Prompt and completions of each as text. One that the template refuses is left out."""
        usual = [sample for sample in samples if not _has_options(sample)]
        done = []
        try:
            texts = self._chats(usual, {})
            done = list(zip(usual, texts, strict=True))
            rest = [sample for sample in samples if _has_options(sample)]
        except Exception:
            rest = samples  # one by one, to see which
        for sample in rest:
            try:
                done += [(sample, self._chats([sample], _options(sample))[0])]
            except Exception as error:  # a template may raise whatever it likes
                sample.refused = str(error) or type(error).__name__
        return done

    def _chats(self, samples: list[Sample], options: dict[str, Any]) -> list[list[str]]:
        if not samples:
            return []
        prompts = iter(
            self._render([list(s.prompt) for s in samples if _held_back(s)], True, options)
        )
        whole = iter(self._render(
            [[*s.prompt, *side] for s in samples for side in s.sides.values()], False, options
        ))  # fmt: skip
        return [
            [next(prompts) if _held_back(s) else "", *(next(whole) for _ in s.sides)]
            for s in samples
        ]

    def _render(
        self, chats: list[list[tuple[str, str]]], asking: bool, options: dict[str, Any]
    ) -> list[str]:
        if not chats:
            return []
        messages = [[{"role": role, "content": text} for role, text in chat] for chat in chats]
        rendered: list[str] = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=asking, **options
        )
        return rendered

    def _plain(self, sample: Sample) -> list[str]:
        prompt = "".join(text for _, text in sample.prompt)
        whole = [prompt + text.removesuffix(self.end_token) for text in sample.texts.values()]
        return [prompt, *(text + self.end_token for text in whole)]

    # ---- counting -------------------------------------------------------------------------------

    def _count(self, rendered: list[tuple[Sample, list[str]]], special: bool) -> None:
        ids = iter(self._ids([text for _, texts in rendered for text in texts], special))
        for sample, texts in rendered:
            prompt, *whole = (next(ids) for _ in texts)
            if not _held_back(sample):
                prompt = []
            kept = min(_shared(prompt, side) for side in whole)
            sides = {
                name: self._side(side, kept, text, turns[-1][1])
                for (name, turns), side, text in zip(
                    sample.sides.items(), whole, texts[1:], strict=True
                )
            }
            lost = self.tokenizer.decode(prompt[kept:]) if kept < len(prompt) else ""
            sample.tokens = Tokens(len(prompt), kept, lost, sides)

    def _side(self, ids: Ids, kept: int, rendered: str, text: str) -> Side:
        end = self._end_in(ids, kept)
        # A short reply may stand in the end token's name: "i" in "<|im_end|>".
        before = len(rendered) if end is None else rendered.rfind(self.end_token)
        return Side(len(ids), end, _tail(rendered, text.strip(), before))

    def _end_in(self, ids: Ids, start: int) -> int | None:
        for place in range(len(ids) - 1, start - 1, -1):
            if ids[place] == self._end:
                return place
        return None


def _held_back(sample: Sample) -> bool:
    """Whether the prompt is not learnt: of whole dialogues and texts every token is."""
    return sample.format not in ("trl-messages", "sharegpt-examples", "trl-text")


def _has_options(sample: Sample) -> bool:
    return bool(sample.raw.get("chat_template_kwargs") or sample.raw.get("tools"))


def _options(sample: Sample) -> dict[str, Any]:
    """What a row tells the template beside its messages, as TRL passes it on."""
    options = dict(sample.raw.get("chat_template_kwargs") or {})
    if tools := sample.raw.get("tools"):
        options["tools"] = json.loads(tools) if isinstance(tools, str) else tools
    return options


def _shared(prompt: Ids, whole: Ids) -> int:
    """How many tokens both begin with."""
    if whole[: len(prompt)] == prompt:
        return len(prompt)
    return next(i for i, (a, b) in enumerate(zip(prompt, [*whole, -1], strict=False)) if a != b)


def _tail(rendered: str, text: str, before: int) -> str:
    """What stands behind a text that ends `before` a place, or else anywhere; the whole rendering
    where a template changed the text."""
    if not text:
        return rendered
    place = rendered.rfind(text, 0, max(before, 0))
    place = rendered.rfind(text) if place < 0 else place
    return rendered[place + len(text) :] if place >= 0 else rendered


def load_tokenizer(name: str) -> ChatTokenizer:
    """A tokenizer from a folder, or by its hub's name from the local cache; nothing is fetched.

    Raises `UserError` where there is none or it has no chat template, `ConfigError` where the
    package is missing.
    """
    load = _loader()
    if not Path(name).is_dir() and name.count("/") != 1:
        raise UserError(f"`--tokenizer`: there is no folder {name!r}; name a model's folder")
    try:
        return ChatTokenizer(load(name, local_files_only=True))
    except UserError:
        raise
    except Exception as error:  # whatever a broken folder makes the loader raise
        if not Path(name).is_dir():
            raise UserError(
                f"`--tokenizer`: there is no folder {name!r}, nor a model of that name in the "
                "local cache; name a model's folder"
            ) from None
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"`--tokenizer` {name!r} cannot be loaded: {first}") from None


def _loader() -> Callable[..., Any]:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise ConfigError(
            "`--tokenizer` needs a package that is not here; pip install 'attunement[corpora]'"
        ) from None
    return AutoTokenizer.from_pretrained
