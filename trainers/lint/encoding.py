"""Many rendered prompts into tokens, fast: what stands between special tokens is encoded once.

A special token cuts a text: what stands before and behind is tokenised by itself. The prompts of a
dialogue repeat its messages, so most pieces are known already. Some tokenizers treat a text's
beginning differently; so whole texts are encoded beside the pieces, all of the first batch and one
of each later batch, and at the first difference pieces are given up.
"""

import re
from array import array
from collections.abc import Sequence
from typing import Any

Ids = list[int]
KNOWN = 1 << 15
"""Pieces that are remembered."""
KNOWN_IDS = 1 << 21
"""Tokens of all of them together: 8 MiB."""
_LONG = 2000
"""Characters; a longer piece is not remembered."""


class Encoder:
    """A tokenizer's `text -> ids` without special tokens added."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._backend = getattr(tokenizer, "backend_tokenizer", None)
        if self._backend is not None:
            self._backend.no_truncation()
            self._backend.no_padding()
        self._special = _cutting(tokenizer) if self._backend is not None else {}
        tokens = sorted(self._special, key=len, reverse=True)
        self._cut = re.compile(f"({'|'.join(map(re.escape, tokens))})")
        self._known: dict[str, array[int]] = {}
        self._held = 0
        self._trusted = False

    def __call__(self, texts: Sequence[str], special: bool = False) -> list[Ids]:
        """The ids of each text; with `special` as the tokenizer frames a plain text."""
        if not texts:
            return []
        if special or not self._special:
            return self._whole(texts, special)
        return self._checked(texts)

    def _whole(self, texts: Sequence[str], special: bool = False) -> list[Ids]:
        if self._backend is None:
            found: list[Ids] = self._tokenizer(list(texts), add_special_tokens=special)["input_ids"]
            return found
        encoded = self._backend.encode_batch_fast(list(texts), add_special_tokens=special)
        return [one.ids for one in encoded]

    def _checked(self, texts: Sequence[str]) -> list[Ids]:
        """By pieces, as long as they give what whole texts give."""
        found = self._by_pieces(texts)
        tried = texts[-1:] if self._trusted else texts
        if self._whole(tried) != found[-len(tried) :]:
            self._special = {}
            return self._whole(texts)
        self._trusted = True
        return found

    def _by_pieces(self, texts: Sequence[str]) -> list[Ids]:
        cut = [self._cut.split(text) for text in texts]
        new = list({p for pieces in cut for p in pieces[::2] if p and p not in self._known})
        ids = dict(zip(new, self._whole(new), strict=True))
        found = [self._joined(pieces, ids) for pieces in cut]
        for piece, one in ids.items():
            if len(piece) < _LONG:
                self._remember(piece, one)
        return found

    def _remember(self, piece: str, ids: Ids) -> None:
        if len(self._known) == KNOWN or self._held + len(ids) > KNOWN_IDS:
            self._known.clear()
            self._held = 0
        self._known[piece] = array("I", ids)
        self._held += len(ids)

    def _joined(self, pieces: list[str], new: dict[str, Ids]) -> Ids:
        ids: Ids = []
        for place, piece in enumerate(pieces):
            if place % 2:
                ids.append(self._special[piece])
            elif piece:
                ids += self._known[piece] if piece in self._known else new[piece]
        return ids


def _cutting(tokenizer: Any) -> dict[str, int]:
    """The special tokens that cut a text wherever they stand, and nothing beside them."""
    added = tokenizer.added_tokens_decoder.items()
    return {
        token.content: number
        for number, token in added
        if token.special and token.content
        if not (token.lstrip or token.rstrip or token.single_word or token.normalized)
    }
