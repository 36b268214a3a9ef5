"""The front door as a user meets it: exit codes, one clear sentence, no traceback."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from aiohttp import web

from tests.servers import embedded, in_a_thread, role_of

ATTUNE = Path(sys.executable).with_name("attune")


def attune(*args: object, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ATTUNE, *map(str, args)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200", **env},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A folder with a finished run, `runs/001`, made by `attune simulate` alone."""
    folder = tmp_path_factory.mktemp("home")
    result = attune("simulate", cwd=folder)
    assert result.returncode == 0, result.stderr
    (folder / "said.txt").write_text(result.stdout)
    return folder


def test_simulate_without_arguments_shows_before_and_after_and_what_next(done):
    said = (done / "said.txt").read_text()
    assert "before: draft" in said
    assert "after: refined" in said
    assert "12 done, 0 failed, 0 open" in said
    assert "replies" in said
    assert "show runs/001 0" in said
    assert (done / "runs/001/journal.db").exists()
    assert 'graph = "self_refine"' in (done / "runs/001/config.toml").read_text()


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['attune', '--help']\n"
        "from attunement.cli.app import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'langgraph', 'langchain_core', 'pydantic', 'sqlalchemy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr.strip() == "[]"
    assert "simulate" in result.stdout


@pytest.mark.parametrize(
    "verb", ["simulate", "resume", "show", "export", "graph", "personas", "doctor"]
)
def test_every_verb_has_help_with_an_example(verb, tmp_path):
    result = attune(verb, "--help", cwd=tmp_path)
    assert result.returncode == 0
    if verb == "personas":
        result = attune(verb, "sample", "--help", cwd=tmp_path)
    assert "Example: attune" in result.stdout


def card(**changes: object) -> str:
    good = {"id": "a", "problem": "job crisis", "situation": "x", "emotion": "fear", "intensity": 3}
    return json.dumps(good | changes)


BAD = {
    "no such verb": (["simulat"], "known: simulate"),
    "no such graph": (["simulate", "--graph", "x"], "known: self_refine, decoupled, direct"),
    "no such model": (["simulate", "--model", "gpt"], "known: rehearsal, openai:NAME"),
    "no such role": (["simulate", "--model-for", "boss=rehearsal"], "known: seeker"),
    "half a role": (["simulate", "--model-for", "planner"], "ROLE=SPEC"),
    "no such personas": (["simulate", "--personas", "no.yaml"], "no.yaml"),
    "no such recording": (["simulate", "--replay", "no.json"], "no.json"),
    "no such config": (["simulate", "--config", "no.toml"], "no.toml"),
    "broken config": (["simulate", "--config", "bad.toml"], "bad.toml"),
    "unknown setting": (["simulate", "--config", "odd.toml"], "`colour`"),
    "no dialogues": (["simulate", "--dialogues", "0"], "dialogues"),
    "no turns": (["simulate", "--max-turns", "0"], "max_turns"),
    "both feeds": (["simulate", "--personas", "a.jsonl", "--replay", "r.jsonl"], "exclude"),
    "plain draft elsewhere": (["simulate", "--graph", "direct", "--plain-draft"], "plain_draft"),
    "empty personas": (["simulate", "--personas", "empty.jsonl"], "empty.jsonl"),
    "bad emotion": (["simulate", "--personas", "emotion.jsonl"], "line 2"),
    "bad yaml": (["simulate", "--personas", "broken.yaml"], "line"),
    "bad card": (["simulate", "--personas", "card.yaml"], "`intensity`"),
    "nothing to replay": (["simulate", "--replay", "silent.jsonl"], "nothing to replay"),
    "bad strategy": (["simulate", "--replay", "strategy.json"], "known"),
    "no run": (["resume", "nowhere"], "nowhere"),
    "no journal": (["show", "plain"], "no journal"),
    "not a journal": (["export", "fake", "--out", "x"], "not a journal"),
    "no openai key": (["simulate", "--model", "openai:gpt"], "OPENAI_API_KEY"),
    "bad base url": (["simulate", "--model", "openai:x", "--base-url", "nope"], "base_url"),
    "missing argument": (["export"], "RUN"),
    "out is a file": (["simulate", "--out", "bad.toml"], "is a file"),
    "out below a file": (["simulate", "--out", "bad.toml/x"], "bad.toml"),
    "a name too long": (["simulate", "--out", "x" * 300], "File name too long"),
    "export below a file": (["export", "good", "--out", "bad.toml/x"], "bad.toml"),
    "a huge number": (["show", "good", "9" * 30], "from 0 to 0"),
    "a negative seed": (["simulate", "--seed", "-1"], "got '-1'"),
    "an empty model": (["simulate", "--model", ""], "`model`"),
    "too many dialogues": (["simulate", "--dialogues", "300000000"], "dialogues"),
}


@pytest.fixture(scope="module")
def messy(tmp_path_factory) -> Path:
    """A folder full of files that cannot be used."""
    folder = tmp_path_factory.mktemp("messy")
    files = {
        "bad.toml": "graph = ", "odd.toml": 'colour = "red"', "empty.jsonl": "",
        "a.jsonl": card(), "r.jsonl": "{}",
        "emotion.jsonl": card() + "\n" + card(id="b", emotion="hapiness"),
        "broken.yaml": "- id: a\n  problem: [job", "card.yaml": "id: a\nproblem: job crisis\n"
        "situation: x\nemotion: fear\nintensity: 9\n",
        "silent.jsonl": json.dumps({"messages": [{"role": "user", "content": "hello?"}]}),
        "strategy.json": json.dumps([{
            "experience_type": "", "emotion_type": "fear", "problem_type": "job crisis",
            "situation": "x", "survey_score": {"seeker": {"initial_emotion_intensity": "3"}},
            "dialog": [{"speaker": "seeker", "annotation": {}, "content": "a"},
                       {"speaker": "supporter", "annotation": {"strategy": "Hug"}, "content": "b"}],
        }]),
    }  # fmt: skip
    for name, text in files.items():
        (folder / name).write_text(text)
    assert attune("simulate", "--dialogues", 1, "--out", "good", cwd=folder).returncode == 0
    (folder / "plain").mkdir()
    (folder / "fake").mkdir()
    (folder / "fake" / "journal.db").write_bytes(b"x" * 5000)
    return folder


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_sentence(case, messy):
    args, expected = BAD[case]
    before = sorted(messy.iterdir())
    result = attune(*args, cwd=messy, OPENAI_API_KEY="", OPENAI_BASE_URL="")
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert expected in result.stderr
    assert len(result.stderr.split("\n\n")[-1].strip().splitlines()) == 1
    assert sorted(messy.iterdir()) == before, "a refused run leaves nothing behind"


def test_an_existing_run_folder_is_not_touched(done):
    before = (done / "runs/001/journal.db").stat().st_mtime_ns
    result = attune("simulate", "--out", "runs/001", cwd=done)
    assert result.returncode == 2
    assert "attune resume runs/001" in result.stderr
    assert (done / "runs/001/journal.db").stat().st_mtime_ns == before


def test_exports_are_json_lines_with_the_promised_keys(done):
    for flag, name in ((), "turns.jsonl"), (("--calls",), "calls.jsonl"):
        assert attune("export", "runs/001", *flag, "--out", name, cwd=done).returncode == 0
        rows = [json.loads(line) for line in (done / name).read_text().splitlines()]
        assert rows
        assert all({"dialogue_id", "turn", "role"} <= row.keys() for row in rows)
        assert not any("latency" in key or "time" in key for row in rows for key in row)
    assert {"messages", "text", "prompt_version"} <= rows[0].keys()
    assert {row["role"] for row in rows} == {
        "seeker", "planner", "responder", "reflector", "refiner",
    }  # fmt: skip


def test_export_to_standard_output_and_to_a_full_device(done):
    result = attune("export", "runs/001", "--out", "-", cwd=done)
    assert len(result.stdout.splitlines()) > 12
    full = attune("export", "runs/001", "--out", "/dev/full", cwd=done)
    assert full.returncode == 1
    assert "No space left" in full.stderr
    assert "Traceback" not in full.stderr


def test_show_reads_a_run_a_dialogue_and_a_turn(done):
    assert "natsumi" in attune("show", "runs/001", cwd=done).stdout
    whole = attune("show", "runs/001", "0", cwd=done).stdout
    assert "privately" in whole
    one = attune("show", "runs/001", "0", "--turn", "2", cwd=done).stdout
    assert "turn 2" in one
    assert "turn 1 " not in one
    assert json.loads(attune("show", "runs/001", "--json", cwd=done).stdout)["done"] == 12
    for args in (["99"], ["0", "--turn", "99"], ["nobody"]):
        assert attune("show", "runs/001", *args, cwd=done).returncode == 2


def test_json_is_all_that_stands_on_standard_output(tmp_path):
    result = attune("simulate", "--dialogues", 3, "--json", cwd=tmp_path)
    summary = json.loads(result.stdout)
    assert summary["dialogues"] == summary["done"] == 3
    assert summary["reflection"]["turns"] > 0
    assert 0 <= summary["reflection"]["emotion_accuracy"] <= 1


def test_a_model_for_one_role_leaves_the_files_other_roles_alone(tmp_path):
    (tmp_path / "c.toml").write_text('[models]\nplanner = "openai:mine"\n')
    result = attune("simulate", "--config", "c.toml", "--model-for", "refiner=openai:other",
                    "--dialogues", 1, "--graph", "direct",
                    "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0, result.stderr
    kept = (tmp_path / "r/config.toml").read_text()
    assert 'planner = "openai:mine"' in kept
    assert 'refiner = "openai:other"' in kept


def test_the_server_of_the_environment_is_kept_in_the_run_and_the_key_is_not(tmp_path):
    with in_a_thread(embedded) as (url, requests):
        result = attune("simulate", "--model-for", "responder=openai:x", "--graph", "direct",
                        "--dialogues", 1, "--out", "r", cwd=tmp_path,
                        OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-secret")  # fmt: skip
    assert result.returncode == 0, result.stderr
    kept = tomllib.loads((tmp_path / "r/config.toml").read_text())
    assert kept["base_url"] == [url]
    assert kept["keys"] == {"OPENAI_API_KEY": "***"}
    assert {headers["Authorization"] for headers, _ in requests} == {"Bearer sk-secret"}
    for file in (tmp_path / "r").iterdir():
        assert b"sk-secret" not in file.read_bytes()
    assert "sk-secret" not in result.stdout + result.stderr


def test_a_key_in_dot_env_is_used_and_kept_nowhere_else(tmp_path):
    with in_a_thread(embedded) as (url, requests):
        (tmp_path / ".env").write_text(
            f"OPENAI_API_KEY_127_0_0_1=sk-of-this-host\nOPENAI_API_KEY=sk-other\n"
            f"OPENAI_BASE_URL={url}\n"
        )
        result = attune("simulate", "--model-for", "responder=openai:x", "--graph", "direct",
                        "--dialogues", 1, "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert {headers["Authorization"] for headers, _ in requests} == {"Bearer sk-of-this-host"}
    kept = tomllib.loads((tmp_path / "r/config.toml").read_text())
    assert kept["keys"] == {"OPENAI_API_KEY_127_0_0_1": "***"}
    for file in (tmp_path / "r").iterdir():
        assert b"sk-" not in file.read_bytes()


def test_a_server_that_is_not_there_is_said_before_anything_is_laid_down(tmp_path):
    result = attune("simulate", "--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1",
                    "--dialogues", 1, "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 1
    assert "openai:x at http://127.0.0.1:9/v1: cannot connect: Connect" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "r").exists()


def test_flags_override_the_file_and_the_resolved_config_is_kept(tmp_path):
    (tmp_path / "c.toml").write_text('graph = "direct"\nseed = 7\n[decoding]\ntemperature = 0.2\n')
    result = attune("simulate", "--config", "c.toml", "--seed", 9, "--dialogues", 2, "--out", "r",
                    cwd=tmp_path)  # fmt: skip
    assert result.returncode == 0, result.stderr
    kept = (tmp_path / "r/config.toml").read_text()
    assert 'graph = "direct"' in kept
    assert "seed = 9" in kept
    assert "temperature = 0.2" in kept


def test_doctor_is_content_with_this_machine(tmp_path):
    checks = json.loads(attune("doctor", "--json", cwd=tmp_path).stdout)
    assert all(check["ok"] for check in checks["checks"] if check["needed"])
    probe = attune("doctor", "--probe", "rehearsal", cwd=tmp_path)
    assert "rehearsal answered" in probe.stdout


async def only_probes(request):
    """A server that answers whoever probes and refuses every role."""
    if role_of(await request.json()):
        return web.Response(status=404, text="no such model today")
    return await embedded(request)


def test_a_run_where_every_dialogue_fails_exits_with_1(tmp_path):
    with in_a_thread(only_probes) as (url, _):
        result = attune("simulate", "--model", "openai:x", "--base-url", url, "--dialogues", 1,
                        "--out", "r", cwd=tmp_path)  # fmt: skip
    assert result.returncode == 1
    assert "HTTP 404: no such model today" in result.stdout
    assert "resume r --retry-failed" in result.stdout
    assert "Traceback" not in result.stderr


def test_ctrl_c_says_how_to_resume_and_resuming_finishes(tmp_path):
    command = [ATTUNE, "simulate", "--dialogues", "200", "--out", "r", "--concurrency", "8"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)  # fmt: skip
    while not _under_way(tmp_path / "r") and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "attune resume r" in err
    result = attune("resume", "r", "--json", cwd=tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["done"] == 200


def _under_way(run: Path) -> bool:
    """Whether the run has journalled something: its lock is taken and its log has grown."""
    log = run / "journal.db-wal"
    return (run / "run.lock").exists() and log.exists() and log.stat().st_size > 0


def test_a_broken_pipe_is_no_error(done):
    command = f"{ATTUNE} export runs/001 --calls --out - | head -c 10"
    result = subprocess.run(["bash", "-c", command], cwd=done, capture_output=True, text=True)
    assert "Traceback" not in result.stderr


def test_a_live_terminal_shows_progress(tmp_path):
    """Under a real pseudo-terminal the display draws and leaves the summary readable."""
    import pty

    pid, master = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ.update(TERM="xterm", COLUMNS="120")
        os.execv(ATTUNE, [str(ATTUNE), "simulate", "--dialogues", "30"])
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"30 done" in seen
    assert b"before: draft" in seen
