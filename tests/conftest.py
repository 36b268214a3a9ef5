"""What the tests share: where the corpora lie that are too big or not ours to ship."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of corpora: `ATTUNEMENT_DATA`, or `shared/data` beside the repository."""
    named = os.environ.get("ATTUNEMENT_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder.name}; name their folder with ATTUNEMENT_DATA")
    return folder
