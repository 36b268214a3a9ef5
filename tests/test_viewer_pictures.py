"""Pictures of the debugger's pages, on runs of the embedded model: `make pictures`.

In a folder named by ATTUNEMENT_PICTURES they are kept, with as few colours as they need; elsewhere
they are only made and looked at. What the embedded model's calls took differs from time to time.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from attunement.core.records import Change, Plan
from attunement.simulator.annotating import Annotation
from attunement.simulator.forking import fork
from attunement.simulator.run import run
from tests.helpers import small_run
from tests.looking import BEYOND, DESKTOP, NARROW, looking, offline, there, visit
from tests.viewing import say

HOUR = 3600
GRAPHS = ("self_refine", "decoupled", "direct")
PAGES = {
    "runs": "",
    "run": "runs/0",
    "dialogue": "runs/0/d/7",
    "turn": "runs/0/d/7/t/2?node=refiner",
    "graph": "runs/0/graph",
    "replies": "runs/0/replies",
    "strategies": "runs/0/strategies",
    "compare": "compare?a=0/7&b=0/24",
    "fork": "runs/0/d/7?turn=2",
}
MOST = 150_000
"""Bytes that a picture may have."""
OTHER = {"strategy": "Affirmation and Reassurance", "reason": "She has carried this alone."}
"""Another plan for the second turn: with it, the dialogue ends well."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Iterator[tuple]:
    """Runs on three graphs; in the first, one dialogue is annotated and forked."""
    folder = tmp_path_factory.mktemp("pictures")
    runs = {Path(f"runs/00{n}"): graph for n, graph in enumerate(GRAPHS, 1)}
    for path, graph in runs.items():
        small_run(folder / path, dialogues=24, graph=graph)
    one = folder / "runs/001"
    say(one, 7, 1, Annotation(label="good", note="Asks before it explains."), "ada")
    run(one, only=[fork(one, "7", 2, Change(plan=Plan(**OTHER))).index])
    for file in folder.rglob("journal.db*"):  # else they count as being written just now
        os.utime(file, (file.stat().st_mtime - HOUR,) * 2)
    with offline(*runs, cwd=folder) as found:
        yield found


@pytest.fixture
def album(tmp_path) -> Path:
    """Where pictures are kept."""
    named = os.environ.get("ATTUNEMENT_PICTURES")
    return Path(named) if named else tmp_path


def _taken(page, file: Path) -> None:
    """Take a picture, make it small, and see that it shows something."""
    from PIL import Image

    page.screenshot(path=file, animations="disabled", caret="hide")
    with Image.open(file) as found:
        picture = found.convert("RGB")
    size = page.viewport_size
    assert picture.size == (size["width"], size["height"])
    pixels = picture.width * picture.height
    times = [many for many, _ in picture.getcolors(pixels)]
    assert len(times) > 50
    assert max(times) < 0.9 * pixels
    few = picture.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(file, optimize=True)
    assert file.stat().st_size < MOST


def _at(page, name: str) -> None:
    """Bring a page to what its picture shows."""
    visit(page, PAGES[name])
    there(page.get_by_role("status").filter(has_text="Live"))
    if name == "runs":
        for box in page.get_by_role("checkbox").all()[:2]:
            box.check()
    if name == "fork":
        page.get_by_role("button", name="Fork turn 2").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Strategy", exact=True).first.select_option(OTHER["strategy"])
        dialog.get_by_label("Reason").fill(OTHER["reason"])
    assert page.evaluate(BEYOND) == 0


@pytest.mark.parametrize("name", PAGES)
def test_every_page_looks_like_something_in_the_light(seen, name, album):
    with looking(*seen, viewport=DESKTOP, color_scheme="light") as page:
        _at(page, name)
        _taken(page, album / f"view-{name}.png")


@pytest.mark.parametrize("name", ["run", "dialogue", "turn"])
def test_pages_look_like_something_on_a_narrow_screen_in_the_dark(seen, name, album):
    with looking(*seen, viewport=NARROW, color_scheme="dark") as page:
        _at(page, name)
        _taken(page, album / f"view-{name}-narrow.png")
