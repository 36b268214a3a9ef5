"""Prefix caching: how much of a run's prompts a server could have served from its cache.

    report = prefix_report(journal)

A server such as vLLM keeps the keys and values of what it has read in blocks of 16 tokens. A block
is used again only if everything before it is the same too, and only whole blocks count; the last
token of a prompt is always computed. So stable text has to stand first. The report replays a run's
calls against a cache that forgets nothing, one cache a model, in the order in which the roles of
a turn speak. Without a tokenizer a block is 64 characters, about 16 tokens of English.
"""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from sqlalchemy import func, select

from attunement.agents.prompting import ChatMessage
from attunement.core.records import Record
from attunement.simulator.journal import Journal
from attunement.simulator.tables import DIALOGUES
from attunement.simulator.writer import Row

Encode = Callable[[str], Sequence[int]]
"""A tokenizer: a text to its token ids, with no special tokens added."""
BLOCK_TOKENS = 16
BLOCK_CHARACTERS = 64
ORDER = ("seeker", "guard", "planner", "responder", "joint", "reflector", "refiner", "judge")
"""The roles of a turn in the order in which they are asked."""
_OPEN, _CLOSE = "<|im_start|>{role}\n", "<|im_end|>\n"
"""How ChatML, the commonest chat template, begins and ends a message."""
_WIDTH = 4
"""Bytes of a character or a token id, as prompts are held here."""


class PrefixShare(Record):
    """What a prefix cache could serve of some calls. Shares are None where nothing was asked."""

    calls: int
    """Calls that were answered; failed ones are left out."""
    size: int
    """Length of their prompts, in the report's unit."""
    cacheable: float | None
    """Share of `size` that earlier calls of any role have left in the cache."""
    own: float | None
    """Share of `size` that the role's own earlier calls have left there."""
    served: float | None
    """Share of prompt tokens that the server says it served, over calls that report both."""
    blocks: int
    """Distinct blocks that these calls were the first to bring, answers included."""


class PrefixReport(Record):
    """A run's prompts against a prefix cache that forgets nothing."""

    unit: Literal["characters", "tokens"]
    block: int
    """Length of a cache block, in `unit`."""
    roles: dict[str, PrefixShare]
    total: PrefixShare
    dialogue_blocks: int
    """The most blocks that one dialogue brought: what a dialogue in flight needs of the cache."""


def prefix_report(journal: Journal, encode: Encode | None = None) -> PrefixReport:
    """Replay a run's calls against a prefix cache; in tokens with a tokenizer, else characters.

    Read a dialogue at a time. What stays in memory beyond it are the blocks of system messages
    and, of a persona that comes again, those of the first prompt.
    """
    meter = PrefixMeter(encode)
    c = DIALOGUES.c
    next_use = func.lead(c.idx).over(partition_by=c.persona, order_by=c.idx)
    query = select(c.idx, c.persona, next_use).where(c.origin.is_(None)).order_by(c.idx)
    with journal.engine.connect().execution_options(yield_per=1000) as db:
        for index, persona, again in db.execute(query):
            meter.add(journal.calls(index), persona, comes_again=again is not None)
    return meter.report()


class _Found(NamedTuple):
    """What a request found in the cache and brought to it, in blocks."""

    any: int
    own: int
    new: int


@dataclass(frozen=True, slots=True)
class _Tally:
    """Sums over calls; sizes in units, `any`, `own` and `new` in blocks."""

    calls: int = 0
    size: int = 0
    any: int = 0
    own: int = 0
    new: int = 0
    prompt_tokens: int = 0
    """Those of calls that report cached ones too."""
    cached_tokens: int = 0

    def __add__(self, other: "_Tally") -> "_Tally":
        return _Tally(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    def share(self, block: int) -> PrefixShare:
        return PrefixShare(
            calls=self.calls,
            size=self.size,
            cacheable=self.any * block / self.size if self.size else None,
            own=self.own * block / self.size if self.size else None,
            served=self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None,
            blocks=self.new,
        )


class PrefixMeter:
    """A prefix cache without a limit, and what it serves each role."""

    def __init__(self, encode: Encode | None = None) -> None:
        self.unit: Literal["characters", "tokens"] = "tokens" if encode else "characters"
        self.block = BLOCK_TOKENS if encode else BLOCK_CHARACTERS
        # Most messages of a prompt were in the prompt before it.
        self._units = lru_cache(maxsize=256)(_packed(encode))
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        # Each maps a block's hash, which covers all before it, to the roles that read it, as bits.
        self._shared: dict[int, int] = {}
        self._here: dict[int, int] = {}
        self._openings: dict[int, dict[int, int]] = {}
        self._most = 0

    def add(self, calls: Iterable[Row], persona: int = 0, comes_again: bool = False) -> None:
        """Replay a dialogue's journalled calls.

        `comes_again`: a later dialogue has the same `persona`, so that its first prompt is kept.
        """
        answered = sorted((row for row in calls if row["error"] is None), key=_when)
        self._here = self._openings.pop(persona, {})
        brought = sum(map(self._count, answered[:1]))
        if comes_again:
            self._openings[persona] = self._here.copy()
        brought += sum(map(self._count, answered[1:]))
        self._most = max(self._most, brought)
        self._here = {}

    @property
    def held(self) -> int:
        """Blocks that are kept from dialogue to dialogue."""
        return len(self._shared) + sum(map(len, self._openings.values()))

    def report(self) -> PrefixReport:
        """What the dialogues so far come to."""
        tallies = {role: self._tallies[role] for role in sorted(self._tallies, key=_rank)}
        return PrefixReport(
            unit=self.unit,
            block=self.block,
            roles={role: tally.share(self.block) for role, tally in tallies.items()},
            total=sum(tallies.values(), _Tally()).share(self.block),
            dialogue_blocks=self._most,
        )

    def _count(self, row: Row) -> int:
        """Enter one call into its role's sums; returns how many blocks it brought."""
        messages = [self._units(_opened(m) + _CLOSE) for m in row["messages"]]
        prompt = b"".join([*messages, self._units(_opened(_ANSWER))])
        whole = b"".join([*messages, self._units(_opened(_ANSWER | {"content": row["text"]}))])
        system = len(messages[0]) if row["messages"][0]["role"] == "system" else 0
        found = self._read(row["model"], 1 << _rank(row["role"]), whole, len(prompt), system)
        cached, asked = row.get("cached_tokens"), row["prompt_tokens"]
        reported = (0, 0) if cached is None or asked is None else (asked, cached)
        self._tallies[row["role"]] += _Tally(1, len(prompt) // _WIDTH, *found, *reported)
        return found.new

    def _read(self, model: str, role: int, text: bytes, prompt: int, system: int) -> _Found:
        """Look up the blocks of the prompt, and leave those of prompt and answer in the cache.

        `prompt` and `system` are the lengths in bytes of the parts of `text` that end with them.
        """
        found = [0, 0, 0]
        width, block = self.block * _WIDTH, hash(model)
        for end in range(width, len(text) + 1, width):
            block = hash((block, text[end - width : end]))
            readers = self._here.get(block, 0) | self._shared.get(block, 0)
            # The last token is computed even where its block is there: its output is wanted.
            if end < prompt:
                found[0] += readers > 0
                found[1] += readers & role > 0
            found[2] += not readers
            kept = self._shared if end <= system else self._here
            kept[block] = readers | role
        return _Found(*found)


_ANSWER = {"role": "assistant", "content": ""}


def _opened(message: ChatMessage) -> str:
    return _OPEN.format(role=message["role"]) + message["content"]


def _packed(encode: Encode | None) -> Callable[[str], bytes]:
    """A text as bytes, four a character or token. A template's marks are special tokens, which
    nothing merges with: so messages can be encoded one by one."""
    if encode is None:
        return lambda text: text.encode("utf-32-le", "surrogatepass")
    return lambda text: array("i", encode(text)).tobytes()


def _rank(role: str) -> int:
    return ORDER.index(role) if role in ORDER else len(ORDER)


def _when(row: Row) -> tuple[int, int, int]:
    return row["turn"], _rank(row["role"]), row["attempt"]
