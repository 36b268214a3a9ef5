"""`attune view`: who gets in, what is answered and refused, what is written, and what is told."""

import http.client
import json
import shutil
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from attunement.core.errors import ConfigError
from attunement.simulator.annotating import annotations
from attunement.viewer.debugger.opening import Options, serve_view
from tests.helpers import answering, journal_of, small_run
from tests.test_cli import ATTUNE, attune
from tests.viewing import branch, forkable, varied_run


class View:
    """A server that runs."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.where, self.path = urlsplit(link).netloc, urlsplit(link).path

    def ask(self, address="", method="GET", body=None, **headers):
        """Status, headers and body of one answer."""
        with closing(http.client.HTTPConnection(self.where, timeout=30)) as connection:
            connection.request(method, self.path + address, body, headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return response.status, found, response.read()

    def get(self, address):
        """A record."""
        status, _, body = self.ask(address)
        assert status == 200, body
        return json.loads(body)

    def refused(self, address, method="GET", body=None):
        """Status and reason of a refusal."""
        status, headers, said = self.ask(address, method, body)
        assert headers["content-type"] == "application/json"
        return status, json.loads(said)["error"]

    @contextmanager
    def news(self):
        """The stream of news, one record after another; heartbeats are passed over."""
        with closing(http.client.HTTPConnection(self.where, timeout=30)) as connection:
            connection.request("GET", self.path + "api/events")
            response = connection.getresponse()
            assert response.headers["content-type"].startswith("text/event-stream")
            lines = iter(response.readline, b"")
            yield (json.loads(line[6:]) for line in lines if line.startswith(b"data: "))


@contextmanager
def view(*words: object, cwd: Path | None = None):
    """`attune view`, ended with Ctrl-C."""
    command = [str(ATTUNE), "view", *map(str, words)]
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            link = process.stdout.readline().strip()
            assert link.startswith("http://"), process.stderr.read()
            yield View(link)
        finally:
            process.send_signal(signal.SIGINT)
            rest, troubles = process.communicate(timeout=30)
    assert process.returncode == 0, troubles
    assert "Traceback" not in troubles
    assert "ERROR" not in troubles
    assert rest == ""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return varied_run(tmp_path_factory.mktemp("view") / "made", 12)


@pytest.fixture(scope="module")
def served(made, tmp_path_factory):
    """A server on three runs, of which one can be read."""
    home = tmp_path_factory.mktemp("served")
    run = shutil.copytree(made, home / "run")
    broken = shutil.copytree(made, home / "broken")
    (broken / "config.toml").write_text("graph = 7")
    with view(run, home / "nowhere", broken, "--annotator", "ada") as found:
        found.run = run
        yield found


def test_only_who_has_the_link_gets_in_and_from_its_own_address(served):
    address, port = "api/runs", urlsplit(served.link).port
    other = View(served.link.replace(served.path, "/" + "x" * 22 + "/"))
    for status, headers, said in (
        other.ask(address), other.ask(), View(f"http://{served.where}/").ask(),
        View(f"http://{served.where}/").ask("api/runs"),
        served.ask(address, Host="evil.example"), served.ask(address, Host=f"evil.example:{port}"),
        served.ask(address, Host="127.0.0.1:1"), served.ask(address, Origin="null"),
        served.ask(address, Origin="http://evil.example"),
        served.ask("api/events", Origin="http://evil.example"),
        served.ask("api/runs/0/dialogues/0/turns/1/annotation", "POST", b"{}",
                   Origin=f"http://127.0.0.1:{port + 1}"),
    ):  # fmt: skip
        assert (status, said[:8]) == (403, b"Refused.")
        assert "default-src 'none'" in headers["content-security-policy"]
    assert served.ask(address, Origin=f"http://{served.where}")[0] == 200
    for name in ("", "app.js", "app.css", "icon.svg", "api/runs", "api/runs/0/dialogues"):
        status, headers, body = served.ask(name)
        assert (status, headers["cache-control"]) == (200, "no-store")
        assert headers["content-security-policy"].startswith("default-src 'none'")
        status, headers, nothing = served.ask(name, "HEAD")
        assert (status, int(headers["content-length"]), nothing) == (200, len(body), b"")


def test_every_address_answers_with_its_record(served):
    index = forkable(served.run)[0]
    runs = served.get("api/runs")
    assert (runs["annotator"], runs["can_change"], len(runs["runs"])) == ("ada", True, 3)
    assert served.get("api/runs/0")["card"]["dialogues"] == 12
    assert served.get("api/runs/0/graph")["graph"]["name"]
    assert len(served.get("api/runs/0/strategies")["nodes"]) == 8
    assert "planner" in served.get("api/runs/0/settings")["roles"]
    assert served.get("api/runs/0/dialogues?limit=5")["total"] == 14
    assert served.get(f"api/runs/0/dialogues/{index}")["card"]["index"] == index
    turn = served.get(f"api/runs/0/dialogues/{index}/turns/1")
    assert turn["view"]["turn"]["number"] == 1
    both = served.get("api/compare/runs?a=0&b=0&limit=4")
    assert [len(both["rows"]), both["total"], both["a"]["card"]["key"]] == [4, 12, "0"]
    pair = served.get(f"api/compare/dialogues?a=0/{index}&b=0/12")
    assert pair["b"]["card"]["origin"] == index


def test_what_cannot_be_asked_for_is_refused_with_a_reason(served):
    for status, addresses in {
        400: ("dialogues?sort=best", "dialogues?limit=0", "dialogues?limit=1000000",
              "dialogues?offset=-1", "dialogues?offset=x", "dialogues?flag=odd",
              "dialogues?status=OPEN", "dialogues?emotion=hunger", "dialogues?descending=maybe"),
        409: (f"dialogues?q={'x' * 401}",),
        404: ("dialogues/99", "dialogues/-1", f"dialogues/{10**30}", "dialogues/x", "nothing",
              "dialogues/0/turns/99", "dialogues/0/turns/0", f"dialogues/0/turns/{10**30}",
              "dialogues/99/turns/1", "dialogues/", "../../../etc/passwd"),
    }.items():  # fmt: skip
        for address in addresses:
            found, why = served.refused(f"api/runs/0/{address}")
            assert (found, bool(why)) == (status, True), address
    for address in ("api/runs/7", "api/runs/..", "api/runs/%2e%2e", "api/runs/run",
                    f"api/runs/{quote(str(served.run), safe='')}", "api", "api/", "nothing.js",
                    "../app.py", "%2e%2e/app.py", "..%2fapp.py", "api/compare/runs?a=0&b=9",
                    "api/compare/dialogues?a=0/x&b=0/1"):  # fmt: skip
        assert served.ask(address)[0] in (403, 404), address
    assert served.refused("api/compare/runs?a=0")[0] == 400
    for address, method in (("api/runs", "POST"), ("api/runs/0", "DELETE"),
                            ("api/runs/0/dialogues/0/turns/1/fork", "GET"),
                            ("api/events", "PUT")):  # fmt: skip
        assert served.refused(address, method)[0] == 405, address


def test_a_run_that_cannot_be_read_stands_in_the_list_with_the_reason(served):
    fine, gone, broken = served.get("api/runs")["runs"]
    assert fine["trouble"] == ""
    assert "no run folder" in gone["trouble"]
    assert "config" in broken["trouble"]
    for key in "12":
        status, why = served.refused(f"api/runs/{key}/dialogues")
        assert (status, why) == (409, (gone, broken)[int(key) - 1]["trouble"])


def test_an_annotation_is_kept_told_and_found_again(served):
    index = forkable(served.run)[-1]
    at = f"api/runs/0/dialogues/{index}/turns/1"
    said = {"label": "bad", "errors": ["Other"], "note": "Zu früh <b>getröstet</b>"}
    with served.news() as news:
        heard = next(item for item in news if item["run"] == "0")
        status, _, body = served.ask(f"{at}/annotation", "POST", json.dumps(said).encode())
        assert (status, json.loads(body)["annotations"]["ada"]) == (200, said)
        later = next(item for item in news if item["revision"] > heard["revision"])
    assert index in later["dialogues"]
    assert later["card"]["annotated"] == heard["card"]["annotated"] + 1
    (card,) = served.get(f"api/runs/0/dialogues?q={quote('früh <b>')}")["rows"]
    assert (card["index"], card["hits"][0]["field"]) == (index, "note")
    assert {"bad", "annotated"} <= set(card["flags"])
    assert served.get(f"api/runs/0/dialogues/{index}")["turns"][0]["annotations"]["ada"] == said
    with closing(journal_of(served.run)) as journal:
        assert set(annotations(journal.find(str(index)).turns[0])) == {"ada"}
    status, _, body = served.ask(f"{at}/annotation", "POST", b"{}")
    assert (status, json.loads(body)["annotations"]) == (200, {})


def test_annotations_that_come_at_once_leave_one_of_them(served):
    at = f"api/runs/0/dialogues/{forkable(served.run)[-1]}/turns/2/annotation"
    bodies = [json.dumps({"label": label}).encode() for label in ("good", "bad") * 8]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: served.ask(at, "POST", body), bodies))
    assert {status for status, _, _ in answers} == {200}
    with closing(journal_of(served.run)) as journal:
        turn = journal.find(str(forkable(served.run)[-1])).turns[1]
    assert len([v for v in turn.verdicts if v.judge == "person:ada"]) == 1
    assert served.ask(at, "POST", b"{}")[0] == 200


def test_an_annotation_that_is_none_is_refused_and_nothing_is_kept(served):
    index = forkable(served.run)[-1]
    at = f"api/runs/0/dialogues/{index}/turns/1/annotation"
    before = served.get(f"api/runs/0/dialogues/{index}")
    for body in (b"", b"x", b"[]", b'{"label": "great"}', b'{"who": "tom"}', b"\xff",
                 b'{"errors": ["Typo"]}', b'{"note": "' + b"x" * 4001 + b'"}',
                 b'{"note": "' + b" " * 20_000 + b'"}'):  # fmt: skip
        status, why = served.refused(at, "POST", body)
        assert (status, "cannot be read" in why or "too long" in why) == (400, True), body[:40]
    status, why = served.refused(at, "POST", b'{"label": "good", "errors": ["Other"]}')
    assert (status, "is not 'good'" in why) == (409, True)
    for address in ("99/turns/1", f"{index}/turns/99", f"{index}/turns/0"):
        assert served.refused(f"api/runs/0/dialogues/{address}/annotation", "POST", b"{}")[0] == 404
    assert served.get(f"api/runs/0/dialogues/{index}") == before


def test_forks_that_cannot_be_are_refused_with_the_reason(served):
    index = forkable(served.run)[-1]
    total = served.get("api/runs/0/dialogues")["total"]
    at = f"api/runs/0/dialogues/{index}/turns/1/fork"
    for body in (b"", b'{"plan": {"strategy": "Shouting"}}', b'{"seed": -1}', b'{"x": 1}',
                 b'{"model": "' + b"x" * 1_000_000 + b'"}'):  # fmt: skip
        assert served.refused(at, "POST", body)[0] == 400
    status, why = served.refused(at, "POST", b"{}")
    assert (status, "nothing is changed" in why) == (409, True)
    for address in (f"{index}/turns/99", "99/turns/1"):
        assert (
            served.refused(f"api/runs/0/dialogues/{address}/fork", "POST", b'{"seed": 1}')[0] == 404
        )
    assert served.get("api/runs/0/dialogues")["total"] == total


def test_a_fork_begins_at_once_and_the_branch_is_told_of(tmp_path):
    small_run(tmp_path / "run", dialogues=2, max_turns=2)
    with view(tmp_path / "run") as found, found.news() as news:
        begun = next(news)
        body = b'{"plan": {"stage": "Exploration", "strategy": "Question", "reason": ""}}'
        status, _, said = found.ask("api/runs/0/dialogues/1/turns/1/fork", "POST", body)
        assert (status, json.loads(said)["index"]) == (200, 2)
        status_of = lambda: found.get("api/runs/0/dialogues/2")["card"]["status"]  # noqa: E731
        later = (item for item in news if item["revision"] > begun["revision"])
        done = next(item for item in later if status_of() == "done")
        assert done["card"]["branches"] == 1
        (branch_of,) = found.get("api/runs/0/dialogues/1")["branches"]
        assert (branch_of["index"], branch_of["turn"]) == (2, 1)
        page = found.get("api/runs/0/dialogues/2")
        assert page["turns"][0]["turn"]["plan"]["strategy"] == "Question"


def test_runs_that_come_later_are_found_and_one_in_progress_appears_as_it_grows(made, tmp_path):
    shutil.copytree(made, tmp_path / "runs" / "a" / "made")
    may_go_on, said = threading.Semaphore(0), []

    def responder(ask):
        assert may_go_on.acquire(timeout=60)
        said.append(1)
        return f"What happened, for the {len(said)}th time?"

    run = tmp_path / "runs" / "new"
    work = threading.Thread(
        target=small_run, args=(run, answering(responder=responder)),
        kwargs={"dialogues": 2, "max_turns": 2, "concurrency": 1},
    )  # fmt: skip
    with view(cwd=tmp_path) as found:
        (first,) = found.get("api/runs")["runs"]
        assert (first["name"], first["folder"]) == ("made", "runs/a/made")
        work.start()
        while len(cards := found.get("api/runs")["runs"]) < 2:
            pass
        assert (cards[1]["key"], cards[1]["name"]) == ("1", "new")
        with found.news() as news, found.news() as slow:
            heard = (item for item in news if item["run"] == "1")
            for replies in range(1, 5):
                may_go_on.release()
                card = next(item["card"] for item in heard if item["card"]["turns"] == replies)
                assert card["open"] + card["done"] == 2
                assert found.get(f"api/runs/1/dialogues?q={replies}th")["total"] == 1
            card = next(item["card"] for item in heard if item["card"]["done"] == 2)
            assert (card["open"], card["read"]) == (0, 1.0)
            # Who has not listened until now is told how it stands.
            assert next(item["card"] for item in slow if item["card"]["done"] == 2)["turns"] == 4
        work.join()
        assert found.get("api/runs/1")["card"]["turns"] == 4


def test_a_run_that_is_removed_or_made_anew_is_noticed(made, tmp_path):
    run = shutil.copytree(made, tmp_path / "run")
    with view(run, made) as found:
        assert found.get("api/runs/0")["card"]["dialogues"] == 12
        shutil.rmtree(run)
        while "no run folder" not in found.get("api/runs")["runs"][0]["trouble"]:
            pass
        assert found.get("api/runs/1/dialogues")["total"] == 14
        small_run(run, dialogues=3, max_turns=1)
        while found.get("api/runs")["runs"][0]["dialogues"] != 3:
            pass
        assert found.get("api/runs/0/dialogues")["total"] == 3


def test_ctrl_c_ends_open_streams(made):
    with ExitStack() as listening, ExitStack() as serving:
        found = serving.enter_context(view(made))
        news = listening.enter_context(found.news())
        next(news)
        serving.close()  # Ctrl-C; it must end in time and without a complaint
        assert list(news) == []


def test_a_branch_made_in_the_terminal_appears(made, tmp_path):
    run = shutil.copytree(made, tmp_path / "run")
    with view(run) as found, found.news() as news:
        begun = next(news)["card"]["branches"]
        index = branch(run, forkable(run)[0], 1, seed=77)
        told = next(item for item in news if item["card"]["branches"] == begun + 1)
        assert index in told["dialogues"] or told["dialogues"] == []
        assert found.get(f"api/runs/0/dialogues/{index}")["fork"]["change"]["seed"] == 77


def test_mistakes_are_named_and_other_hosts_are_warned_of(made, tmp_path):
    nothing = attune("view", cwd=tmp_path)
    assert (nothing.returncode, "attune simulate" in nothing.stderr) == (2, True)
    for name, value in (("annotator", "a b"), ("annotator", ""), ("host", "203.0.113.7")):
        with pytest.raises(ConfigError, match=f"`--{name}`.*{value}"):
            serve_view([made], Options(**{name: value}), print)
    with subprocess.Popen(
        [str(ATTUNE), "view", str(made), "--host", "0.0.0.0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        found = View(process.stdout.readline().strip())
        assert found.get("api/runs")["runs"]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Whoever has this link" in said
