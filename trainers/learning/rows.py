"""A corpus as rows of tokens: whole messages are trimmed until a row fits, nothing is cut.

The tokens are those that TRL 1.16 makes of the same messages
(`tests/test_trainers_learning_rows.py` holds them against its own): the prompt is rendered with the
generation prompt, the whole row without it, and a completion begins where the two part.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from attunement.core.errors import UserError, unknown
from attunement.trainers.learning.settings import Method, TrainConfig
from attunement.trainers.lint.encoding import Encoder, Ids
from attunement.trainers.lint.files import Corpus, File, find_corpus
from attunement.trainers.lint.reading import Broken, read_rows
from attunement.trainers.lint.shapes import MalformedError, Sample, parse
from attunement.trainers.lint.shortening import shorter

BATCH = 256
"""Rows that are rendered and tokenised together."""
_DEFAULT = {"dpo": "response", "sft": "sft_direct"}
_KIND = {"dpo": "pairs", "sft": "examples"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row in tokens: a prompt and its sides (chosen and rejected, or a completion)."""

    prompt: Ids
    sides: tuple[Ids, ...]

    @property
    def length(self) -> int:
        """Tokens of the prompt and its longest side."""
        return len(self.prompt) + max(map(len, self.sides))


@dataclass(slots=True)
class Rows:
    """What is trained on, and what became of the rest."""

    set: str
    corpus_hash: str
    train: list[Row] = field(default_factory=list)
    validation: list[Row] = field(default_factory=list)
    retained: int = 0
    """Rows of the train split, its last, that are examples with their completion on both sides: the
    preference says nothing of them, and only the likelihood of their completion is learnt."""
    trimmed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def choose_set(config: TrainConfig) -> tuple[str, tuple[File, ...]]:
    """The set's name and its files. `UserError` where it is not there or not of the right kind."""
    corpus = find_corpus(Path(config.corpus))
    if config.set is not None:
        if config.set not in corpus.sets:
            raise UserError(unknown("set", config.set, corpus.sets))
        _check_kind(config.method, config.set, corpus)
        return config.set, corpus.sets[config.set]
    if (usual := _DEFAULT[config.method]) in corpus.sets:
        return usual, corpus.sets[usual]
    fitting = [name for name in corpus.sets if _kind(corpus, name) == config.method]
    if len(fitting) != 1:
        found = ", ".join(map(repr, fitting)) or "none"
        raise UserError(
            f"`set`: {config.corpus!r} has no set {usual!r}, and not just one of "
            f"{_KIND[config.method]} (found: {found}); name one with --set"
        )
    return fitting[0], corpus.sets[fitting[0]]


def _check_kind(method: Method, name: str, corpus: Corpus) -> None:
    kind = _kind(corpus, name)
    if kind is not None and kind != method:
        raise UserError(
            f"`set` {name!r} holds {_KIND[kind]}, and attune train {method} learns from "
            f"{_KIND[method]}; name another set, or: attune train {kind}"
        )


def _kind(corpus: Corpus, name: str) -> Method | None:
    """What a set's first readable row is for."""
    for file in corpus.sets[name]:
        for sample in _samples(file, Counter()):
            return "dpo" if sample.pair else "sft"
    return None


def corpus_hash(files: Sequence[File]) -> str:
    """Of names and contents, in hexadecimal."""
    found = hashlib.sha256()
    for file in files:
        with file.path.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
        found.update(file.name.encode() + b"\0" + content)
    return found.hexdigest()[:16]


def hash_of(config: TrainConfig) -> str:
    """Of all files that a training reads. `UserError` where they are not there."""
    return corpus_hash([*_files_to_learn(config), *_files_to_retain(config)])


def load_rows(config: TrainConfig, tokenizer: Any) -> Rows:
    """The rows of a set's train and validation splits.

    `UserError` where no row is left to train on, with what became of them.
    """
    name, used = choose_set(config)[0], _files_to_learn(config)
    kept = _files_to_retain(config)
    rows = Rows(name, corpus_hash([*used, *kept]))
    fitter = _Fitter(tokenizer, config.method, config.max_length, rows)
    for file in used:
        into = rows.validation if file.split == "validation" else rows.train
        into.extend(fitter.rows(file))
    if rows.train and kept:
        examples = _Fitter(tokenizer, "sft", config.max_length, rows)
        # Pairs of equal sides: DPO's term is the same for every model there.
        equal = [Row(r.prompt, r.sides * 2) for file in kept for r in examples.rows(file)]
        if not equal:
            raise UserError(
                f"`retain` {config.retain!r} has no example to retain (left out: "
                f"{_reasons(rows) or 'none, it is empty'}); leave it out, or name another corpus"
            )
        rows.retained = len(equal)
        rows.train += equal
    if not rows.train:
        raise UserError(
            f"set {name!r} of {config.corpus!r} has no row to train on "
            f"(left out: {_reasons(rows) or 'none, it is empty'})"
        )
    return rows


def _reasons(rows: Rows) -> str:
    return ", ".join(f"{n:,} {reason}" for reason, n in rows.left_out.most_common())


def _files_to_learn(config: TrainConfig) -> list[File]:
    return [file for file in choose_set(config)[1] if file.split != "test"]


def _files_to_retain(config: TrainConfig) -> list[File]:
    if config.retain is None:
        return []
    sets = find_corpus(Path(config.retain)).sets.values()
    return [file for files in sets for file in files if file.split == "train"]


def _samples(file: File, left_out: Counter[str]) -> Iterator[Sample]:
    for line, raw in read_rows(file.path):
        if isinstance(raw, Broken):
            left_out["unreadable"] += 1
            continue
        try:
            shape, prompt, sides = parse(raw)
        except MalformedError:
            left_out["of no known format"] += 1
            continue
        yield Sample(0, file.name, line, file.split, raw, shape, prompt, sides)


class _Fitter:
    """Rows in tokens that fit; what it leaves out is counted."""

    def __init__(self, tokenizer: Any, method: Method, max_length: int, rows: Rows) -> None:
        self._tokenizer, self._encode = tokenizer, Encoder(tokenizer)
        self._method, self._max_length, self._rows = method, max_length, rows

    def rows(self, file: File) -> Iterator[Row]:
        """The rows of a file, in order."""
        samples = self._usable(file)
        while batch := list(islice(samples, BATCH)):
            for sample, row in zip(batch, self._tokens(batch), strict=True):
                if row is None:
                    self._rows.left_out["the chat template does not take it"] += 1
                elif (fitted := self._fitted(sample, row)) is not None:
                    yield fitted

    def _usable(self, file: File) -> Iterator[Sample]:
        for sample in _samples(file, self._rows.left_out):
            if sample.plain:
                self._rows.left_out["plain text, no messages"] += 1
            elif sample.pair != (self._method == "dpo"):
                self._rows.left_out[f"not one of {_KIND[self._method]}"] += 1
            else:
                yield sample

    def _fitted(self, sample: Sample, row: Row) -> Row | None:
        """The row, with as few of its oldest messages left out as makes it fit."""
        if row.length > self._max_length:
            shortened = self._shortened(sample)
            if shortened is None:
                self._rows.left_out["too long without its history"] += 1
                return None
            self._rows.trimmed += 1
            row = shortened
        if not all(row.sides) or not row.prompt:
            self._rows.left_out["without a completion"] += 1
            return None
        return row

    def _shortened(self, sample: Sample) -> Row | None:
        """By halving: the fewer messages, the fewer tokens."""
        options = shorter(sample)
        found, low, high = None, 0, len(options)
        while low < high:
            middle = (low + high) // 2
            (row,) = self._tokens([replace(sample, prompt=options[middle].prompt)])
            if row is not None and row.length > self._max_length:
                low = middle + 1
            else:
                high, found = middle, row or found
        return found

    # ---- rendering ------------------------------------------------------------------------------

    def _tokens(self, samples: Sequence[Sample]) -> list[Row | None]:
        """Each sample's tokens; None for one that the template refuses."""
        try:
            texts = [self._texts(sample) for sample in samples]
        except Exception:
            if len(samples) == 1:  # a template may raise whatever it likes
                return [None]
            return [row for sample in samples for row in self._tokens([sample])]
        ids = iter(self._encode([text for one in texts for text in one]))
        return [_row([next(ids) for _ in one]) for one in texts]

    def _texts(self, sample: Sample) -> list[str]:
        options = _options(sample)
        prompt = _messages(sample.prompt)
        sides = [prompt + _messages(side) for side in sample.sides.values()]
        return [
            self._render(prompt, True, options),
            *(self._render(s, False, options) for s in sides),
        ]

    def _render(self, messages: list[dict[str, str]], asking: bool, options: dict[str, Any]) -> str:
        rendered: str = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=asking, **options
        )
        return rendered


def _row(ids: list[Ids]) -> Row:
    """A completion begins where the rendered prompt and the rendered whole part, of a pair where
    the first of the two does, as in TRL."""
    prompt, *sides = ids
    kept = min(_shared(prompt, side) for side in sides)
    return Row(prompt[:kept], tuple(side[kept:] for side in sides))


def _shared(prompt: Ids, whole: Ids) -> int:
    if whole[: len(prompt)] == prompt:
        return len(prompt)
    pairs = enumerate(zip(prompt, whole, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(prompt), len(whole)))


def _messages(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in turns]


def _options(sample: Sample) -> dict[str, Any]:
    """What a row tells the template beside its messages, as TRL passes it on."""
    options = dict(sample.raw.get("chat_template_kwargs") or {})
    if tools := sample.raw.get("tools"):
        options["tools"] = json.loads(tools) if isinstance(tools, str) else tools
    return options
