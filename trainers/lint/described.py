"""What describes a corpus, after some of its files were left out: card, figures, file names.

Each lists what a loader will look for, so it must list what is there and nothing else.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import TypeAdapter, ValidationError

from attunement.trainers.corpora.report import SetReport
from attunement.trainers.lint.report import FitReport

CARD, FIGURES, FACTORY = "README.md", "corpus.json", "dataset_info.json"
_HEADER = re.compile(r"\A---\n(.*?\n)---[ \t]*\n", re.DOTALL)
_SETS = TypeAdapter(dict[str, SetReport])
_COUNTS = ("splits", "download_size", "dataset_size")
"""What `datasets` holds against the rows that it finds."""
Plain = dict[str, Any]
Written = Mapping[str, Mapping[str, int]]
"""Set -> split -> rows."""


def describe(part: Path, report: FitReport, written: Written) -> None:
    """Bring the descriptions in a folder into line with the files of rows in it."""
    _card(part, report)
    _figures(part / FIGURES, written)
    _factory(part)


# ---- the card -----------------------------------------------------------------------------------


def _card(part: Path, report: FitReport) -> None:
    """The card keeps its words; its header tells `load_dataset` what there is."""
    card = part / CARD
    if not card.exists():
        return
    text = card.read_text("utf-8")
    if header := _HEADER.match(text):
        text = _header(part, header[0], header[1]) + text[header.end() :]
    card.write_text(text + _section(report), "utf-8")


def _header(part: Path, whole: str, inner: str) -> str:
    """The header, written again only where it names what is gone, or counts rows."""
    try:
        old = yaml.safe_load(inner)
    except yaml.YAMLError:
        return whole
    if not isinstance(old, dict):
        return whole
    new = dict(old)
    if isinstance(configs := old.get("configs"), list):
        new["configs"] = _configs(part, configs)
    if "dataset_info" in old:
        new["dataset_info"] = _infos(old["dataset_info"], new.get("configs"))
    if new == old:
        return whole
    kept = {n: v for n, v in new.items() if v or n not in ("configs", "dataset_info")}
    return f"---\n{yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)}---\n"


def _configs(part: Path, configs: list[Any]) -> list[Any]:
    """Those whose files are there; the first is the default where the default is gone."""
    kept = []
    for config in configs:
        if not isinstance(config, dict) or "data_files" not in config:
            kept.append(config)
        elif files := _there(part, config["data_files"]):
            kept.append(config | {"data_files": files})
    was = any(isinstance(c, dict) and c.get("default") for c in configs)
    if was and kept and not any(c.get("default") for c in kept if isinstance(c, dict)):
        kept[0] = kept[0] | {"default": True}
    return kept


def _there(part: Path, files: Any) -> Any:
    """What is left of `data_files` (a path or pattern, a list, by split): empty where nothing."""
    if isinstance(files, str):
        return files if _stands(part, files) else None
    if isinstance(files, list):
        return [left for one in files if (left := _there(part, one))]
    if not isinstance(files, dict):
        return files
    if "path" in files:
        left = _there(part, files["path"])
        return files | {"path": left} if left else None
    return {split: left for split, one in files.items() if (left := _there(part, one))}


def _stands(part: Path, pattern: str) -> bool:
    """Whether a pattern finds a file; one of another place is not for this folder to judge."""
    if "://" in pattern or Path(pattern).is_absolute():
        return True
    return bool(pattern.strip("./ ")) and next(part.glob(pattern), None) is not None


def _infos(infos: Any, configs: list[Any] | None) -> Any:
    """The columns of the configs that are left, without counts of rows."""
    if isinstance(infos, dict):
        return {name: value for name, value in infos.items() if name not in _COUNTS}
    if not isinstance(infos, list):
        return infos
    named = {c.get("config_name") for c in configs or () if isinstance(c, dict)}
    return [
        _infos(info, None)
        for info in infos
        if not isinstance(info, dict) or configs is None or info.get("config_name") in named
    ]


def _section(report: FitReport) -> str:
    left = ", ".join(f"{n:,} {reason}" for reason, n in report.left_out.items()) or "none"
    gone = ", ".join(f"`{name}`" for name in report.files_left_out)
    return (
        f"\n## Fitted\n\nRows were fitted into {report.max_length:,} tokens by `attune lint "
        f"--fit`, which leaves out old messages of prompts: {report.whole:,} rows are as they "
        f"were, {report.shortened:,} lost {report.messages_removed:,} messages, left out: "
        f"{left}. {f'Files left out: {gone}. ' if gone else ''}The counts above are from before.\n"
    )


# ---- figures and file names ---------------------------------------------------------------------


def _figures(path: Path, written: Written) -> None:
    """Our figures name the sets and splits that there are, with their rows; lengths and strategies
    are from before."""
    figures = _object(path)
    try:
        sets = _SETS.validate_python(figures.get("sets"))
    except ValidationError:
        return  # somebody else's
    if not sets.keys() & written.keys():
        return
    figures["sets"] = {
        name: _rows(one, written[name]) for name, one in sets.items() if name in written
    }
    if isinstance(figures.get("splits"), list):
        filled = {split for splits in written.values() for split in splits}
        figures["splits"] = [split for split in figures["splits"] if split in filled]
    _write(path, figures)


def _rows(one: SetReport, splits: Mapping[str, int]) -> Plain:
    kept = sum(splits.values())
    gone = one.kept - kept
    dropped = one.dropped | ({"left out by --fit": gone} if gone else {})
    personas = {split: n for split, n in one.personas.items() if split in splits}
    changed = {"kept": kept, "dropped": dropped, "splits": dict(splits), "personas": personas}
    return one.model_copy(update=changed).model_dump(mode="json")


def _factory(part: Path) -> None:
    """LLaMA-Factory's list of files."""
    path = part / FACTORY
    entries = _object(path)
    kept = {
        name: entry
        for name, entry in entries.items()
        if not (isinstance(entry, dict) and isinstance(file := entry.get("file_name"), str))
        or (part / file).exists()
    }
    if kept != entries:
        _write(path, kept)


def _object(path: Path) -> Plain:
    """A file's JSON object; empty where it is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, value: Plain) -> None:
    path.write_bytes(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
