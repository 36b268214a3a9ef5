"""The pages that ship are those that the sources give: `make web` builds them."""

import hashlib
import re
from pathlib import Path

from attunement.viewer.debugger.schema import schema_text

VIEWER = Path(__file__).parents[1] / "viewer"
WEB, BUILT = VIEWER / "web", VIEWER / "debugger" / "built"
FILES = ("index.html", "package-lock.json", "tsconfig.json", "vite.config.ts")
STALE = "the built pages are not those of the sources; run: make web"


def test_the_built_pages_are_those_of_the_sources():
    inside = [path for top in ("public", "src") for path in (WEB / top).rglob("*")]
    files = [WEB / name for name in FILES] + [path for path in inside if path.is_file()]
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(WEB).as_posix().encode()):
        digest.update(f"{path.relative_to(WEB).as_posix()}\n".encode() + path.read_bytes())
    assert (BUILT / "sources.sha256").read_text("utf-8").strip() == digest.hexdigest(), STALE


def test_the_types_of_the_pages_are_those_of_the_records():
    assert (WEB / "src" / "records.schema.json").read_text("utf-8") == schema_text(), STALE


def test_the_built_pages_name_no_other_machine_to_load_from():
    code = (BUILT / "app.js").read_text("utf-8") + (BUILT / "app.css").read_text("utf-8")
    code += (BUILT / "index.html").read_text("utf-8")
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", code)
    assert not re.findall(r"url\([\"']?(?:https?:)?//", code)
    assert not re.findall(r"(?:fetch|import|EventSource|XMLHttpRequest)\([\"'`]https?:", code)


def test_the_licences_of_all_that_is_bundled_ship_with_it():
    licences = (BUILT / "licences.md").read_text("utf-8")
    for name in ("react", "react-dom", "@xyflow/react", "wouter", "@tanstack/react-query"):
        assert re.search(rf"^## {re.escape(name)} - ", licences, re.MULTILINE), name
