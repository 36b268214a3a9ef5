"""The debugger in a browser for whoever has no mouse, other eyes, or none."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from attunement.core.records import Change
from attunement.simulator.annotating import Annotation
from attunement.simulator.forking import fork
from attunement.simulator.run import run
from tests.helpers import small_run
from tests.looking import BEYOND, NARROW, looking, offline, ready, there, unfold, visit
from tests.viewing import say

PAGES = (
    "", "runs/0", "runs/0?q=feel&status=done", "runs/0/graph", "runs/0/replies",
    "runs/0/strategies", "runs/0/d/0", "runs/0/d/4", "runs/0/d/0/t/2", "runs/0/d/4/t/2", "compare",
    "compare?a=0&b=1", "compare?a=0/0&b=0/4", "elsewhere",
)  # fmt: skip
NAMELESS = ("main", "RootWebArea", "dialog")
"""Roles that may be focused by script, and need no name for it."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Iterator[tuple]:
    """A run with an annotation and a branch, and another to compare it with."""
    folder = tmp_path_factory.mktemp("access")
    made = folder / "made"
    small_run(made, dialogues=4, max_turns=2)
    other = Path(shutil.copytree(made, folder / "other"))
    said = Annotation(label="bad", errors=("Template Response",), note="Says nothing.")
    say(made, 0, 1, said, "ada")
    laid = fork(made, "0", 2, Change(seed=4))
    run(made, only=[laid.index])
    with offline(made, other) as found:
        yield found


def _all(seen, check, **settings) -> None:
    """A check of every page with all of it unfolded, and of both forms."""
    with looking(*seen, **settings) as page:
        wrong = {}
        for place in PAGES:
            visit(page, place)
            unfold(page)
            wrong[place] = check(page)
        visit(page, "runs/0/d/0")
        page.get_by_role("button", name="Annotate turn 1").click()
        there(page.get_by_label("Good"))
        wrong["annotating"] = check(page)
        page.get_by_role("button", name="Fork turn 1").click()
        there(page.get_by_role("dialog").get_by_role("button", name="Fork", exact=True))
        unfold(page)
        wrong["forking"] = check(page)
    assert {place: found for place, found in wrong.items() if found} == {}


def _nameless(page) -> list[str]:
    """What can be focused, or is a picture, and has no name in the browser's own tree."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    roles = {node["nodeId"]: _role(node) for node in nodes}
    return [
        _role(node)
        for node in nodes
        if _needs_name(node) and not _name(node)
        if roles.get(node.get("parentId")) != "button"  # a picture in a button that has one
    ]


def _needs_name(node: dict) -> bool:
    if node["ignored"] or _role(node) in NAMELESS:
        return False
    states = {state["name"]: state["value"].get("value") for state in node.get("properties", ())}
    return bool(states.get("focusable")) or _role(node) in ("image", "dialog", "region")


def _role(node: dict) -> str:
    return str(node["role"]["value"])


def _name(node: dict) -> str:
    return str(node.get("name", {}).get("value", "")).strip()


def test_whatever_can_be_used_has_a_name(seen):
    _all(seen, _nameless)


OUTLINE = """() => {
    const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
        .filter((heading) => !heading.closest("dialog") && heading.checkVisibility())
        .map((heading) => Number(heading.tagName[1]));
    const jumps = levels.filter((level, place) => level > (levels[place - 1] ?? 0) + 1);
    const marks = ["main", "header:not(main header)", "h1"]
        .filter((mark) => document.querySelectorAll(mark).length !== 1);
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    const twice = ids.filter((id, place) => ids.indexOf(id) !== place);
    return [...jumps.map((level) => `a heading ${level} too deep`), ...marks,
            ...twice.map((id) => `twice ${id}`)];
}"""


def test_pages_have_landmarks_and_their_headings_follow_each_other(seen):
    _all(seen, lambda page: page.evaluate(OUTLINE))


PALE = """() => {
    const paint = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
    const light = (rgb) => rgb.map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (box) => {
        const layers = [];
        for (let at = box; at; at = at.parentElement) {
            const layer = rgba(getComputedStyle(at).backgroundColor);
            layers.push(layer);
            if (layer[3] === 1) break;
        }
        return layers.reduceRight((under, layer) => over(layer, under), [255, 255, 255]);
    };
    const opacity = (box) => {
        let all = 1;
        for (let at = box; at; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
        return all;
    };
    const modal = document.querySelector("dialog[open]");
    const found = new Set();
    const texts = document.createTreeWalker(modal ?? document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const box = texts.currentNode.parentElement;
        const words = texts.currentNode.textContent.trim();
        if (!words || !box.checkVisibility({ visibilityProperty: true })) continue;
        if (box.closest(":disabled, [aria-disabled=true], .hidden-visually, .skip")) continue;
        if (box.closest("option")) continue;
        const style = getComputedStyle(box);
        const own = rgba(box instanceof SVGElement ? style.fill : style.color);
        const under = behind(box);
        const shown = over([...own.slice(0, 3), own[3] * opacity(box)], under);
        const [a, b] = [light(shown), light(under)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio >= (large ? 3 : 4.5)) continue;
        found.add(`${ratio.toFixed(2)} ${box.className} ${words.slice(0, 30)}`);
    }
    return [...found].slice(0, 12);
}"""
"""Texts with less contrast than WCAG 2.1 AA asks for (1.4.3), by their computed colours."""


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(seen, colours):
    _all(seen, lambda page: page.evaluate(PALE), color_scheme=colours)


MOVING = """() => [
    ...document.getAnimations().map((one) => one.effect?.target?.className ?? "?"),
    ...[...document.querySelectorAll("*")].filter((box) => {
        const style = getComputedStyle(box);
        return [style.transitionDuration, style.animationDuration]
            .some((times) => times.split(",").some((time) => parseFloat(time) > 0.01));
    }).map((box) => `${box.tagName} ${box.className.baseVal ?? box.className}`),
].slice(0, 12)"""


def test_nothing_moves_for_those_who_ask_for_less_motion(seen):
    _all(seen, lambda page: page.evaluate(MOVING), reduced_motion="reduce")


def test_no_page_scrolls_sideways_on_a_narrow_screen(seen):
    _all(seen, lambda page: page.evaluate(BEYOND), viewport=NARROW)


BAD = """<style>p { animation: go 1s infinite; } @keyframes go { to { left: 0; } }
    #dark { background: #333; } #dark b { color: #555; } i { opacity: 0.4; }</style>
    <h1>One</h1><h3 style="width: 4000px">Three</h3><p style="color: #999">pale</p>
    <div id="dark"><b>dim</b></div><i>faint</i><u>dark enough</u>
    <button></button><a href="/"></a><input><svg role="img"></svg><span id="dark"></span>"""


def test_the_checks_notice_what_is_wrong(seen):
    browser, _ = seen
    page = browser.new_page(viewport=NARROW)
    page.set_content(BAD)
    assert sorted(_nameless(page)) == ["button", "image", "link", "textbox"]
    assert page.evaluate(OUTLINE) == [
        "a heading 3 too deep", "main", "header:not(main header)", "twice dark",
    ]  # fmt: skip
    assert [text.split()[-1] for text in page.evaluate(PALE)] == ["pale", "dim", "faint"]
    assert any(found.startswith("P ") for found in page.evaluate(MOVING))
    assert page.evaluate(BEYOND) > 3000
    page.close()


# ---- keyboard and focus -------------------------------------------------------------------------

FOCUSED = """() => {
    const at = document.activeElement;
    if (at === document.body || at.dataset.reached) return null;
    at.dataset.reached = "1";
    const looks = () => [at, ...at.querySelectorAll("*")].map((box) => {
        const { outline, boxShadow, stroke, strokeWidth, backgroundColor } = getComputedStyle(box);
        return [outline, boxShadow, stroke, strokeWidth, backgroundColor].join();
    }).join();
    const focused = looks();
    at.blur();
    const other = looks() !== focused;
    at.focus();
    return other ? "seen" : at.outerHTML;
}"""
UNREACHED = """() => [...document.querySelectorAll(
        "a[href], button, input:not([type=radio]), select, textarea, summary, [tabindex='0']")]
    .filter((one) => one.checkVisibility() && !one.disabled && !one.dataset.reached)
    .map((one) => one.outerHTML.slice(0, 120))"""


REACHED = (
    "", "runs/0", "runs/0/graph", "runs/0/strategies", "runs/0/d/4", "runs/0/d/0/t/2",
    "compare?a=0/0&b=0/4",
)  # fmt: skip


@pytest.mark.parametrize("place", REACHED)
def test_tab_reaches_everything_and_shows_where_it_is(seen, place):
    with looking(*seen, place) as page:
        marks = []
        page.keyboard.press("Tab")
        while (mark := page.evaluate(FOCUSED)) is not None:
            marks.append(mark)
            page.keyboard.press("Tab")
        assert set(marks) == {"seen"}
        assert page.evaluate(UNREACHED) == []
        if "/t/" in place:
            assert page.locator("[data-node][data-reached]").count() == 8


FOCUS = "document.activeElement.id || document.activeElement.innerText"


def test_the_focus_goes_along_to_another_page_and_the_skip_link_to_the_content(seen):
    with looking(*seen) as page:
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS) == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate(FOCUS) == "main"
        for name in ("made", "Graph", "Strategies"):
            page.get_by_role("link", name=name, exact=True).press("Enter")
            ready(page)
            there(page.locator("main:focus"))
        assert page.title() == "Strategies · Attunement"


def test_the_fork_dialog_keeps_the_focus_and_gives_it_back(seen):
    with looking(*seen, "runs/0/d/0") as page:
        opener = page.get_by_role("button", name="Fork turn 1")
        inside = "document.activeElement.closest('dialog') !== null"
        for way in ("Escape", "Cancel"):
            opener.press("Enter")
            dialog = page.get_by_role("dialog", name="Fork turn 1")
            there(dialog.get_by_role("button", name="Cancel"))
            assert page.evaluate(inside)
            for _ in range(12):
                page.keyboard.press("Tab")
                assert page.evaluate(f"{inside} || document.activeElement === document.body")
            if way == "Escape":
                page.keyboard.press("Escape")
            else:
                dialog.get_by_role("button", name="Cancel").press("Enter")
            there(page.get_by_role("dialog"), 0)
            assert opener.evaluate("button => button === document.activeElement"), way


def test_a_closed_annotation_gives_the_focus_back(seen):
    with looking(*seen, "runs/0/d/0") as page:
        opener = page.get_by_role("button", name="Annotate turn 2")
        opener.press("Enter")
        there(page.get_by_role("form", name="Annotate turn 2"))
        page.keyboard.press("Escape")
        there(page.get_by_role("form", name="Annotate turn 2"), 0)
        assert opener.evaluate("button => button === document.activeElement")
