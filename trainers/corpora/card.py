"""The dataset card: a YAML header that the hub reads, and what people should know."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from attunement.trainers.corpora.report import CorpusReport, SetReport, totals
from attunement.trainers.corpora.rows import SetName
from attunement.trainers.corpora.splits import SPLITS

Files = Mapping[SetName, Mapping[str, str]]
"""Set -> split -> path below the corpus."""

_LICENCES = {
    "apache-2.0": "apache-2.0", "cc by-nc 4.0": "cc-by-nc-4.0", "cc by 4.0": "cc-by-4.0",
    "cc by-sa 4.0": "cc-by-sa-4.0", "cc0": "cc0-1.0", "cc0 1.0": "cc0-1.0", "mit": "mit",
}  # fmt: skip
"""Licences as sources name them -> the hub's identifiers."""
_SIZES = (
    (10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"), (10**8, "10M<n<100M"),
)  # fmt: skip
_WHAT: dict[SetName, str] = {
    "response": "preference pairs: which of two replies",
    "strategy": "preference pairs: which of two support strategies, by its bare name",
    "joint": "preference pairs: `[Strategy] reply`, strategy and words entangled",
    "sft_direct": "examples: the reply to a dialogue under the plain task prompt",
    "sft_planner": "examples: the strategy of the next reply, by its bare name",
    "sft_responder": "examples: the reply under a strategy that the system prompt names",
    "sft_joint": "examples: `[Strategy] reply`",
}
_COLUMNS = {
    "prompt": "the dialogue as the model is asked: list of `role`, `content`",
    "system": "the task prompt; empty where there is none",
    "conversations": "the dialogue: list of `from`, `value`",
    "chosen": "the preferred side",
    "rejected": "the other side",
    "completion": "what is learnt",
    "source": "`refined`, `recorded`, `mined`, `spoken` or `instruction`",
    "run": "the run folder or file behind the row",
    "dialogue_id": "its dialogue",
    "turn": "its turn, from 1",
    "persona_id": "its seeker; never in two splits",
    "strategy": "of the chosen side, or of the completion",
    "rejected_strategy": "of the rejected side",
    "chosen_model": "who wrote the chosen side; `human` for a recorded reply",
    "rejected_model": "who wrote the rejected side",
    "model": "who wrote the completion; `human` for a recorded reply",
    "prompt_version": "hash of the prompt file behind the prompt",
    "chosen_prompt_version": "hash of the prompt file that the chosen side answered",
    "rejected_prompt_version": "hash of the prompt file that the rejected side answered",
    "iteration": "t of the model M_t that wrote the drafts",
    "edit_distance": "of the two sides in words, by the longer one: 0 equal to 1",
    "chosen_words": "words of the chosen side",
    "rejected_words": "words of the rejected side",
    "words": "words of the completion",
    "verdicts": "judgements of the sides, each with its reason",
    "annotations": "what people said of the turn as they read the run: `by` whom, `label` good or "
    "bad, `errors` of the reply that was spoken, `note`; a turn labelled bad, or with an error, is "
    "no row",
}


def dataset_card(
    report: CorpusReport, files: Files, types: Mapping[SetName, Mapping[str, Any]],
    pictures: Mapping[str, str],
) -> str:  # fmt: skip
    """The card as text. `types` are the columns of each set's files, `pictures` path -> caption."""
    header = yaml.safe_dump(
        _header(report, files, types), sort_keys=False, allow_unicode=True, width=100
    )
    sections = [
        f"---\n{header}---\n\n# {report.title}",
        _about(report, files),
        "## How it was made\n\n" + "\n\n".join(report.origin.how),
        _options(report),
        _counts(report),
        *(f"![{caption}]({path})\n\n*{caption}.*" for path, caption in pictures.items()),
        _columns(types),
        _limits(report),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


_ESCONV = (
    "ESConv: Liu et al., Towards Emotional Support Dialog Systems, ACL 2021 (arXiv 2106.01144)."
)

# ---- the header ---------------------------------------------------------------------------------


def _header(
    report: CorpusReport, files: Files, types: Mapping[SetName, Mapping[str, Any]]
) -> dict[str, Any]:
    origin = report.origin
    pairs = any(name in ("response", "strategy", "joint") for name in files)
    return {
        "pretty_name": report.title,
        **_languages(origin.languages),
        **_licence(origin.licences),
        "task_categories": ["text-generation"],
        "tags": ["emotional-support", "dialogue", *(["preference", "dpo"] if pairs else ["sft"])],
        "size_categories": [_size(totals(report.sets.values()))],
        "configs": [
            {
                "config_name": name,
                "data_files": [{"split": split, "path": path} for split, path in by_split.items()],
            }
            | ({"default": True} if place == 0 else {})
            for place, (name, by_split) in enumerate(files.items())
        ],
        "dataset_info": [
            {"config_name": name, "features": _features(types[name])} for name in files
        ],
    }


def _languages(tags: Iterable[str]) -> dict[str, list[str]]:
    known = sorted({tag.split("-")[0].lower() for tag in tags})
    return {"language": known} if known else {}


def _licence(licences: Iterable[str]) -> dict[str, str]:
    """The hub's fields for the sources' licences; several are `other`, and all are named."""
    named = sorted({licence for licence in licences if licence})
    known = {_LICENCES.get(licence.lower()) for licence in named}
    if len(known) == 1 and (one := known.pop()):
        return {"license": one}
    if not named:
        return {"license": "unknown"}
    return {"license": "other", "license_name": "of-the-sources", "license_link": "README.md"}


def _size(rows: int) -> str:
    return next((name for bound, name in _SIZES if rows < bound), "n>1T")


def _features(types: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns as the hub's header spells them."""
    return [{"name": name} | _feature(kind) for name, kind in types.items()]


def _feature(kind: Any) -> dict[str, Any]:
    if isinstance(kind, list):
        return {"list": kind[0]}
    if isinstance(kind, dict):
        return {"list": _features(kind)}
    return {"struct": _features(dict(kind))} if isinstance(kind, tuple) else {"dtype": kind}


# ---- the text -----------------------------------------------------------------------------------


def _about(report: CorpusReport, files: Files) -> str:
    lines = [f"- `{name}`: {_WHAT[name]}" for name in files]
    if report.layout == "trl":
        first = next(iter(files))
        use = (
            "TRL's conversational format:\n\n```python\nfrom datasets import load_dataset\n\n"
            f'pairs = load_dataset("path/to/this/folder", "{first}")\n```'
        )
    else:
        use = "LLaMA-Factory's ShareGPT layout; `dataset_info.json` names the files."
        if any(name.startswith("sft") for name in files):
            use += (
                " Train examples with `mask_history: true`: every turn has a row of its own, and "
                "the earlier replies of its dialogue are context."
            )
    return "\n".join(lines) + f"\n\n{use}"


def _options(report: CorpusReport) -> str:
    if not report.origin.options:
        return ""
    lines = [f"- `{name}`: {_shown(value)}" for name, value in report.origin.options.items()]
    return "Settings:\n\n" + "\n".join(lines)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def _counts(report: CorpusReport) -> str:
    tables = [_table(
        ["set", "read", "kept", *_splits(report), "words (mean, median, longest)"],
        ([f"`{name}`", s.read, s.kept, *(_in_split(s, split) for split in _splits(report)),
          _words(s)] for name, s in report.sets.items()),
    )]  # fmt: skip
    if any(s.dropped for s in report.sets.values()):
        tables.append("Left out, in turns:\n\n" + _dropped(report.sets))
    for name, s in report.sets.items():
        if s.by_strategy:
            tables.append(f"What became of each strategy in `{name}`:\n\n" + _by_strategy(s))
        if s.strategies:
            tables.append(f"Strategies in `{name}`:\n\n" + _strategies(s))
        if s.longer is not None and name != "strategy":
            tables.append(_length_effect(name, s))
    return "## Counts\n\n" + "\n\n".join(tables)


def _dropped(sets: Mapping[SetName, SetReport]) -> str:
    reasons = dict.fromkeys(reason for s in sets.values() for reason in s.dropped)
    rows = ([reason, *(s.dropped.get(reason, 0) for s in sets.values())] for reason in reasons)
    return _table(["reason", *(f"`{name}`" for name in sets)], rows)


def _by_strategy(s: SetReport) -> str:
    outcomes = ["kept", *s.dropped]
    rows = (
        [strategy, sum(counts.values()), *(counts.get(o, 0) for o in outcomes)]
        for strategy, counts in s.by_strategy.items()
    )
    return _table(["strategy", "read", *outcomes], rows)


def _splits(report: CorpusReport) -> list[str]:
    found = {split for s in report.sets.values() for split in s.splits}
    return [split for split in SPLITS if split in found]


def _in_split(s: SetReport, split: str) -> str:
    return f"{s.splits.get(split, 0):,} ({s.personas.get(split, 0):,} personas)"


def _words(s: SetReport) -> str:
    return "; ".join(f"{side} {w.mean:.1f}, {w.median}, {w.longest}" for side, w in s.words.items())


def _strategies(s: SetReport) -> str:
    names = dict.fromkeys(name for counts in s.strategies.values() for name in counts)
    rows = (
        [name, *(f"{counts.get(name, 0):,}" for counts in s.strategies.values())] for name in names
    )
    return _table(["strategy", *s.strategies], rows)


def _length_effect(name: str, s: SetReport) -> str:
    effect = "not defined" if s.length_effect is None else f"{s.length_effect:+.2f}"
    return (
        f"Length in `{name}`: the chosen side is longer in {s.longer:.0%} of the pairs; Cohen's d "
        f"{effect}. Mean edit distance of the sides: {s.edit_distance:.2f}."
    )


def _table(head: list[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _columns(types: Mapping[SetName, Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for columns in types.values() for name in columns)
    return "## Columns\n\n" + "\n".join(f"- `{name}`: {_COLUMNS[name]}" for name in names)


def _limits(report: CorpusReport) -> str:
    origin = report.origin
    lines = [f"- {limit}" for limit in origin.limits]
    named = sorted({licence for licence in origin.licences if licence})
    sources = ", ".join(origin.sources) or "not named"
    licence = "; ".join(named) if named else "not stated by the sources"
    lines.append(f"- Sources: {sources}. Licence of the sources: {licence}.")
    if "esconv" in sources.lower():
        lines.append(f"- {_ESCONV}")
    return "## Limits and licence\n\n" + "\n".join(lines)
