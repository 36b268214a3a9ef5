"""`attune personas`: list, show, sample, import and check persona cards."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from attunement.core.records import Persona

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, show, sample, import and check persona cards.",
)

PersonasOption = Annotated[
    Path | None,
    typer.Option(
        "--personas",
        metavar="FILE",
        help="YAML, JSONL or a folder of them; without it, the packaged library.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same cards.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the --out file.")]


@app.command("list")
def list_(personas: PersonasOption = None, as_json: JsonOption = False) -> None:
    """List the cards of a set, one a line.

    Example: attune personas list --personas cards.yaml
    """
    from attunement.cli import persona_tables as tables

    cards = _load(personas)
    if as_json:
        tables.print_json([tables.summary(card) for card in cards])
    else:
        tables.print_list(cards, _origin(personas))


@app.command()
def show(
    card_id: Annotated[str, typer.Argument(metavar="ID", help="The id of a card, as in `list`.")],
    personas: PersonasOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one card with everything that is hidden from a supporter.

    Example: attune personas show esconv-0001 --personas esconv.jsonl
    """
    from attunement.cli import persona_tables as tables

    card = _find(card_id, _load(personas), _origin(personas))
    if as_json:
        tables.print_json(card.model_dump(mode="json"))
    else:
        tables.print_card(card)


@app.command()
def sample(
    n: Annotated[int, typer.Option("--n", help="How many cards.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="A .yaml or .jsonl file to write.")],
    seed: SeedOption = 0,
    personas: PersonasOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Sample cards so that problem, emotion and Big Five are covered evenly.

    More cards than the set holds: it is gone through again, and the ids of the second round end
    in `.2`, of the third in `.3`.

    Example: attune personas sample --n 50 --seed 1 --personas esconv.jsonl --out sample.yaml
    """
    from attunement.cli import persona_tables as tables
    from attunement.personas.cards import check_writable, write_personas
    from attunement.personas.coverage import coverage as cover
    from attunement.personas.sampling import numbered
    from attunement.personas.sampling import sample as draw

    check_writable(out, overwrite=force)
    cards = _load(personas)
    chosen = numbered(draw(cards, n, seed))
    write_personas(out, chosen, overwrite=force)
    written = {"out": str(out), "cards": len(chosen), "set": len(cards), "seed": seed}
    if as_json:
        tables.print_json(written)
    else:
        tables.print_sample(cover(cards), cover(chosen), written)


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Recorded dialogues (JSON, JSONL) or a table of role cards "
            "(JSON, JSONL, CSV, TSV, YAML).",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .yaml or .jsonl file to write; else only report."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Read a field from a column or a dotted path; FIELD= alone leaves it out.",
        ),
    ] = None,
    value: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Give a field one value in all cards."),
    ] = None,
    seed: SeedOption = 0,
    limit: Annotated[int | None, typer.Option(help="Read only the first rows.")] = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make persona cards from recorded dialogues or from a table.

    What the file does not say is drawn by the seed, and each card's `source` names it.

    Example: attune personas import roles.csv --map situation=story --out roles.yaml
    """
    from attunement.cli import persona_tables as tables
    from attunement.personas.cards import check_writable, write_personas
    from attunement.personas.importers import import_personas

    if out is not None:
        check_writable(out, overwrite=force)
    cards, report = import_personas(
        file,
        seed=seed,
        limit=limit,
        columns=_pairs("--map", column),
        fixed=_pairs("--set", value),
    )
    if out is not None:
        write_personas(out, cards, overwrite=force)
    if as_json:
        written = None if out is None else str(out)
        tables.print_json(report.model_dump(mode="json") | {"out": written})
    else:
        tables.print_import(report, out)


@app.command()
def coverage(personas: PersonasOption = None, as_json: JsonOption = False) -> None:
    """Report what a set covers: counts, empty cells, and how uneven it is.

    Example: attune personas coverage --personas cards.yaml --json
    """
    from attunement.cli import persona_tables as tables
    from attunement.personas.coverage import coverage as cover

    report = cover(_load(personas))
    if as_json:
        tables.print_json(report.model_dump(mode="json"))
    else:
        tables.print_coverage(report, _origin(personas))


def _load(path: Path | None) -> "tuple[Persona, ...]":
    from attunement.personas.cards import library, load_personas

    return library() if path is None else load_personas(path)


def _origin(path: Path | None) -> str:
    return "the packaged library" if path is None else str(path)


def _find(card_id: str, cards: "Sequence[Persona]", origin: str) -> "Persona":
    from difflib import get_close_matches

    from attunement.core.errors import PersonaError

    by_id = {card.id: card for card in cards}
    if card_id not in by_id:
        near = get_close_matches(card_id, by_id, cutoff=0.5) or list(by_id)[:3]
        raise PersonaError(
            f"no card {card_id!r} in {origin}; `attune personas list` shows all {len(cards)}, "
            f"such as {', '.join(near)}"
        )
    return by_id[card_id]


def _pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    from attunement.core.errors import PersonaError

    pairs: dict[str, str] = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise PersonaError(f"`{option}` must be FIELD=..., got {text!r}")
        if name.strip() in pairs:
            raise PersonaError(f"`{option}` names {name.strip()!r} twice; keep one of them")
        pairs[name.strip()] = value
    return pairs
