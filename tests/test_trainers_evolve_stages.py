"""Stages: done once, skipped while nothing changes, and never claimed before they have finished."""

import json
from pathlib import Path

import pytest

from attunement.agents.models.base import Decoding
from attunement.core.errors import ConfigError, RunFolderError
from attunement.trainers.evolve.config import Evaluation
from attunement.trainers.evolve.stages import FILE, UNKNOWN, Stage, Stages, claim, folder_hash
from attunement.trainers.evolve.work import usual


class Writer:
    """Work that writes a text into its folder, and counts how often it was asked to."""

    def __init__(self, text: str = "made") -> None:
        self.text, self.times = text, 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        folder.mkdir(exist_ok=True)
        (folder / "out.txt").write_text(self.text)


def names_of_done(folder: Path) -> list[str]:
    return [done["name"] for done in json.loads((folder / FILE).read_text())["done"]]


def test_a_finished_stage_is_skipped_by_the_next_process(tmp_path):
    write, lines = Writer(), []
    stage = Stage("a/b", write, {"x": 1}, {"in": "h"})
    first = Stages(tmp_path).run(stage)
    again = Stages(tmp_path, say=lines.append).run(stage)
    assert first == again
    assert write.times == 1
    assert lines == ["a/b: done before, skipped"]
    assert first.output == folder_hash(tmp_path / "a/b")


def test_a_stage_that_fails_is_not_claimed_and_goes_on_with_what_it_left(tmp_path):
    left = []

    def work(folder: Path) -> None:
        left.append(folder.exists() and (folder / "half").exists())
        folder.mkdir(exist_ok=True)
        (folder / "half").touch()
        if len(left) == 1:
            raise OSError("the disk is full")

    stage, lines = Stage("a", work, {"x": 1}), []
    with pytest.raises(OSError, match="full"):
        Stages(tmp_path).run(stage)
    assert names_of_done(tmp_path) == []
    Stages(tmp_path, say=lines.append).run(stage)
    assert left == [False, True]
    assert lines == ["a: goes on"]
    assert names_of_done(tmp_path) == ["a"]


def test_what_an_attempt_with_other_settings_left_is_not_gone_on_with(tmp_path):
    def fail(folder: Path) -> None:
        folder.mkdir()
        (folder / "half").touch()
        raise OSError("stopped")

    with pytest.raises(OSError, match="stopped"):
        Stages(tmp_path).run(Stage("a", fail, {"x": 1}, {"in": "1"}))
    write, changed = Writer(), Stage("a", Writer(), {"x": 2}, {"in": "1"})
    with pytest.raises(ConfigError, match="`x` was 1 when stage 'a' was begun, and is 2 now"):
        Stages(tmp_path).run(changed)
    assert (tmp_path / "a/half").exists()
    Stages(tmp_path, redo=True).run(changed)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["out.txt"]
    with pytest.raises(OSError, match="stopped"):
        Stages(tmp_path).run(Stage("b", fail, reads={"in": "1"}))
    Stages(tmp_path).run(Stage("b", write, reads={"in": "2"}))  # nothing to ask about
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["out.txt"]


def test_a_stage_that_left_nothing_may_be_begun_with_other_settings(tmp_path):
    def fail(folder: Path) -> None:
        raise OSError("no such model")

    with pytest.raises(OSError, match="no such model"):
        Stages(tmp_path).run(Stage("a", fail, {"model": "x"}))
    done = Stages(tmp_path).run(Stage("a", Writer(), {"model": "y"}))
    assert done.settings == {"model": "y"}
    assert names_of_done(tmp_path) == ["a"]


def test_a_changed_setting_is_refused_by_its_name_and_done_again_on_request(tmp_path):
    write = Writer()
    Stages(tmp_path).run(Stage("a", write, {"train.beta": 0.1, "seed": 0}))
    changed = Stage("a", write, {"train.beta": 0.2, "seed": 0})
    with pytest.raises(ConfigError, match=r"`train.beta` was 0.1 when stage 'a' was done.*--redo"):
        Stages(tmp_path).run(changed)
    assert write.times == 1
    done = Stages(tmp_path, redo=True).run(changed)
    assert write.times == 2
    assert done.settings["train.beta"] == 0.2


def test_a_setting_that_only_one_side_has_counts_as_changed(tmp_path):
    Stages(tmp_path).run(Stage("a", Writer(), {"seed": 0}))
    with pytest.raises(ConfigError, match="`new` was None"):
        Stages(tmp_path).run(Stage("a", Writer(), {"seed": 0, "new": 1}))


def test_a_setting_of_a_newer_version_counts_unless_it_stands_at_its_default(tmp_path):
    def fail(folder: Path) -> None:
        Writer()(folder)
        raise OSError("stopped")

    write = Writer()
    Stages(tmp_path).run(Stage("a", write, {"seed": 0}))
    with pytest.raises(OSError, match="stopped"):
        Stages(tmp_path).run(Stage("b", fail, {"seed": 0}))
    lines: list[str] = []
    for name in "ab":
        new = Stage(name, write, {"seed": 0, "new": 1}, usual={"new", "seed"})
        Stages(tmp_path, say=lines.append).run(new)
    assert lines == ["a: done before, skipped", "b: goes on"]
    assert write.times == 2
    with pytest.raises(ConfigError, match="`seed` was 0"):
        Stages(tmp_path).run(Stage("a", write, {"seed": 1}, usual={"seed"}))


def test_names_at_their_defaults_are_told_apart():
    found = usual("evaluate", Evaluation(seeds=3, decoding=Decoding(top_k=7)))
    assert {"evaluate.by", "evaluate.decoding.temperature"} <= found
    assert not {"evaluate.seeds", "evaluate.decoding.top_k"} & found


def test_another_input_is_followed_without_asking(tmp_path):
    write, lines = Writer(), []
    Stages(tmp_path).run(Stage("a", write, reads={"corpus": "1"}))
    Stages(tmp_path, say=lines.append).run(Stage("a", write, reads={"corpus": "2"}))
    assert write.times == 2
    assert lines == ["a: again, since its corpus is another one"]


@pytest.mark.parametrize("harm", ["change", "remove", "remove all"])
def test_an_output_that_is_not_whole_is_made_again(tmp_path, harm):
    write = Writer()
    stage = Stage("a", write)
    Stages(tmp_path).run(stage)
    file = tmp_path / "a/out.txt"
    if harm == "change":
        file.write_text("half")
    else:
        file.unlink()
    if harm == "remove all":
        file.parent.rmdir()
    Stages(tmp_path).run(stage)
    assert write.times == 2
    assert file.read_text() == "made"


def test_a_redone_stage_with_the_same_output_lets_what_is_behind_it_stand(tmp_path):
    first, second = Writer(), Writer()
    for setting, redo in ((1, False), (2, True)):
        stages = Stages(tmp_path, redo=redo)
        made = stages.run(Stage("a", first, {"x": setting}))
        stages.run(Stage("b", second, reads={"a": made.output}))
    assert (first.times, second.times) == (2, 1)


def test_a_dry_run_does_nothing_and_says_what_it_would_do(tmp_path):
    Stages(tmp_path).run(Stage("a", Writer()))
    before = (tmp_path / FILE).read_bytes()
    stages, write = Stages(tmp_path, dry=True, redo=True), Writer()
    assert stages.run(Stage("a", write)).known
    missing = stages.run(Stage("b", write))
    assert not missing.known
    stages.run(Stage("a", write, reads={"b": missing.output}))
    assert [(p.name, p.skipped) for p in stages.plan] == [("a", True), ("b", False), ("a", False)]
    assert missing.output == UNKNOWN
    assert write.times == 0
    assert (tmp_path / FILE).read_bytes() == before


def test_scratch_of_a_killed_attempt_is_swept_and_hidden_files_do_not_count(tmp_path):
    left = [tmp_path / "m1" / name for name in (".run-x", ".lessons-x", ".part-x")]
    for folder in left:
        (folder / "part").mkdir(parents=True)
    write = Writer()
    done = Stages(tmp_path).run(Stage("m1/a", write))
    assert not any(folder.exists() for folder in left)
    (tmp_path / "m1/a/.out.txt.1.part").write_text("left")
    assert folder_hash(tmp_path / "m1/a") == done.output


def test_a_hash_tells_names_and_contents_apart(tmp_path):
    for name, files in {"a": {"x": "12"}, "b": {"x": "21"}, "c": {"y": "12"}}.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    hashes = {folder_hash(tmp_path / name) for name in "abc"}
    assert len(hashes) == 3
    with pytest.raises(RunFolderError, match="nowhere"):
        folder_hash(tmp_path / "nowhere")


def test_large_files_are_told_by_size_beginning_and_end(tmp_path, monkeypatch):
    from attunement.trainers.evolve import stages

    monkeypatch.setattr(stages, "_WHOLE", 10)
    monkeypatch.setattr(stages, "_END", 4)
    file, seen = tmp_path / "large", set()
    for content in (b"begin middle end", b"begun middle end", b"begin middle END", b"begin end"):
        file.write_bytes(content)
        seen.add(folder_hash(file))
    assert len(seen) == 4


def test_a_folder_of_something_else_or_of_another_recipe_is_refused(tmp_path):
    claim(tmp_path / "new", "self_evolution")
    claim(tmp_path / "new", "self_evolution")
    with pytest.raises(ConfigError, match=r"`recipe` was 'self_evolution'.*--out"):
        claim(tmp_path / "new", "decoupled")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/journal.db").touch()
    with pytest.raises(RunFolderError, match="holds something else"):
        claim(tmp_path / "run", "self_evolution")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["journal.db"]


def test_a_list_of_stages_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / FILE).write_text("{}x")
    with pytest.raises(RunFolderError, match="is no list of stages"):
        Stages(tmp_path)
