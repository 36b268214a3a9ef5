"""A report as HTML: the built pages and their records in one file that asks nobody for anything."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path

from attunement.core.errors import ConfigError
from attunement.viewer.report.embedding import Carried
from attunement.viewer.report.fallback import fallback

BUILT = Path(__file__).parent.parent / "debugger" / "built"
_POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)
"""Nothing runs but the one script that stands in the file, and nothing is loaded."""
_START = 'if (!location.hash) location.replace("#/runs/0");\n'
"""A report is of one run: its page comes first, not a list of runs."""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="data:image/svg+xml;base64,{icon}">
<style>{style}</style>
</head>
<body>
<div id="root"></div>
<noscript>
{fallback}
</noscript>
<script type="application/json" id="embedded">{records}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def report_html(carried: Carried) -> str:
    """The whole file. `ConfigError` where the pages were not built."""
    script, style = _START + _in_script(_built("app.js")), _built("app.css").replace("</", "<\\/")
    policy = _POLICY.format(script=_hash(script), style=_hash(style))
    return _PAGE.format(
        policy=policy,
        title=escape(f"Run {carried.page.card.name}: {carried.sampled()}"),
        icon=b64encode(_built("icon.svg").encode()).decode(),
        style=style,
        fallback=fallback(carried),
        records=_as_json(carried.records),
        script=script,
    )


def _built(name: str) -> str:
    try:
        return (BUILT / name).read_text("utf-8")
    except OSError:
        raise ConfigError(
            f"the built pages lack {name!r}; install the package again, or in a checkout: make web"
        ) from None


def _in_script(code: str) -> str:
    """Code in which nothing ends the element; in a string, `\\/` is `/`."""
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _as_json(records: Mapping[str, str]) -> str:
    """One object; no `<` stands in it, so that no text in it can end its element."""
    members = ",".join(f'"{address}":{record}' for address, record in records.items())
    return "{" + members.replace("<", "\\u003c") + "}"
