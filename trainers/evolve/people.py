"""Who makes the pairs and who measures: two sets of people that share nobody.

The held-out people are chosen first and frozen into a file of their own, which nothing that trains
ever opens.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from attunement.core.errors import ConfigError, UserError
from attunement.core.records import Persona
from attunement.core.seeds import content_hash, derive_seed
from attunement.personas.cards import library, load_personas, write_personas
from attunement.personas.drawn import drawn_personas
from attunement.personas.recorded import read_recordings
from attunement.personas.sampling import sample
from attunement.trainers.evolve.config import EvolveConfig, People

TRAIN, HELD_OUT = "train.jsonl", "held_out.jsonl"
DRAWN = 500
"""Drawn cards to make pairs with, where no number is given."""
_ABOUT = {"id", "source", "licence", "drawn", "name"}
"""What may differ between two cards of one person."""


def freeze(config: EvolveConfig, folder: Path) -> None:
    """Write both sets of cards into a folder that is whole or not there; one that is there stays.

    Raises `ConfigError` where there are too few people, or where what trains holds one of those
    who are to measure.
    """
    held_out, train = choose(config.personas)
    check_unseen(held_out, config)
    if folder.exists():
        return
    with TemporaryDirectory(dir=folder.parent, prefix=".people-") as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        write_personas(part / HELD_OUT, held_out)
        write_personas(part / TRAIN, train)
        part.rename(folder)


def choose(people: People) -> tuple[tuple[Persona, ...], tuple[Persona, ...]]:
    """The held-out people and those to train with. `ConfigError` where there are too few."""
    if people.source == "drawn":
        held_out = drawn_personas(people.held_out, derive_seed(people.seed, "held out"), "held-out")
        others = drawn_personas(people.train or DRAWN, derive_seed(people.seed, "train"), "train")
    else:
        cards = library() if people.source == "library" else load_personas(people.source)
        held_out = _chosen(cards, people.held_out, people.seed, "held_out")
        others = cards
    known = {fingerprint(card) for card in held_out}
    ids = {card.id for card in held_out}
    left = [card for card in others if card.id not in ids and fingerprint(card) not in known]
    if not left:
        raise ConfigError("`personas.held_out` leaves nobody to train with; give a smaller number")
    return held_out, _chosen(left, min(people.train or len(left), len(left)), people.seed, "train")


def _chosen(cards: Sequence[Persona], n: int, seed: int, name: str) -> tuple[Persona, ...]:
    if n > len(cards):
        raise ConfigError(f"`personas.{name}` is {n}, but there are only {len(cards)} cards")
    return sample(cards, n, derive_seed(seed, name))


def fingerprint(persona: Persona) -> str:
    """The same for two cards of one person, whatever they are called."""
    card = persona.model_dump(mode="json", exclude=_ABOUT)
    return content_hash(orjson.dumps(card, option=orjson.OPT_SORT_KEYS))


def check_unseen(held_out: Sequence[Persona], config: EvolveConfig) -> None:
    """`ConfigError` where recorded dialogues or a corpus that trains hold a held-out person."""
    ids = {card.id for card in held_out}
    situations = {card.situation for card in held_out}
    for where, person, words in _trained_on(config):
        if person in ids or (words and words in situations):
            raise ConfigError(
                f"held-out person {person!r} of `personas.source` {config.personas.source!r} "
                f"stands in {where}, which trains; take other people or leave this one out"
            )


def _trained_on(config: EvolveConfig) -> Iterator[tuple[str, str, str]]:
    """(where, id, situation) of everybody whom a file that trains is about."""
    if config.simulate.replay:
        where = f"`simulate.replay` {config.simulate.replay!r}"
        for recording in read_recordings(Path(config.simulate.replay)):
            yield where, recording.id, recording.situation
    if config.first.corpus:
        where = f"`first.corpus` {config.first.corpus!r}"
        for person in rows_about(Path(config.first.corpus)):
            yield where, person, ""


def rows_about(corpus: Path) -> set[str]:
    """The persona ids of all rows of a corpus, where its rows are JSON lines that name them."""
    if not corpus.is_dir():
        raise UserError(f"`first.corpus` {str(corpus)!r} is no folder; name a corpus")
    found = set()
    for file in sorted(corpus.rglob("*.jsonl")):
        with file.open("rb") as lines:
            found |= {str(orjson.loads(line).get("persona_id")) for line in lines if line.strip()}
    return found
