"""Guides that hold a row to a record's JSON schema, by llguidance."""

import json
from collections.abc import Sequence
from copy import copy

import torch
from llguidance import LLMatcher, LLTokenizer
from transformers import PreTrainedTokenizerFast

from attunement.agents.models.schema import json_schema
from attunement.core.records import Record

_SILENT = 0
_LONGEST = 250
"""Bytes of the longest token that llguidance takes (it counts them in 8 bits)."""


class Guides:
    """The guides of one model; a record's grammar is compiled once."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, size: int, ends: Sequence[int]) -> None:
        """`size`: scores that the model gives a step; `ends`: the tokens that end an answer."""
        self._tokenizer = LLTokenizer(
            _described(tokenizer), n_vocab=max(size, len(tokenizer)), eos_token=list(ends)
        )
        self._compiled: dict[type[Record], LLMatcher] = {}

    def guide(self, record: type[Record]) -> "JsonGuide":
        """A fresh guide. `ValueError` for a record whose schema has no grammar."""
        if record not in self._compiled:
            self._compiled[record] = self._compile(record)
        return JsonGuide(self._compiled[record].deep_copy(), self._tokenizer.vocab_size)

    def _compile(self, record: type[Record]) -> LLMatcher:
        # One blank after comma and colon and none elsewhere: a model at a loss would fill its
        # answer with white space, of which JSON allows any amount.
        grammar = LLMatcher.grammar_from_json_schema(
            json.dumps(json_schema(record)),
            overrides={"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "},
        )
        matcher = LLMatcher(self._tokenizer, grammar, log_level=_SILENT)
        if matcher.is_error():
            raise ValueError(f"`{record.__name__}` has no grammar: {matcher.get_error()}")
        return matcher


def _described(tokenizer: PreTrainedTokenizerFast) -> str:
    """The tokenizer as JSON; an added token that is too long becomes one that no record holds."""
    backend = copy(tokenizer.backend_tokenizer)
    backend.no_padding()
    backend.no_truncation()
    described = json.loads(backend.to_str())
    for token in described["added_tokens"]:
        if len(token["content"].encode()) > _LONGEST:
            token |= {"content": f"<|long {token['id']}|>", "special": True}
    return json.dumps(described)


class JsonGuide:
    """One row's way through the grammar: when the record is complete, only an end may follow."""

    def __init__(self, matcher: LLMatcher, size: int) -> None:
        self._matcher = matcher
        self._words = torch.zeros(-(-size // 32), dtype=torch.int32)

    def allow(self, token: int | None) -> torch.Tensor:
        """See `Guide`. A grammar that grows too complex on its way ends the row."""
        if token is not None:
            self._matcher.consume_token(token)
        self._matcher.unsafe_compute_mask_ptr(self._words.data_ptr(), 4 * len(self._words))
        return self._words
