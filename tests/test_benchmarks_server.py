"""The fault server: what it sends for every kind of fault, and that requests alone decide it."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit

import orjson
import pytest

from attunement.agents.guard import Watch
from attunement.agents.prompting import packaged_prompts
from attunement.agents.reading import ReadingError, read_record
from attunement.core.records import Plan, Reflection, Reply, Role, SeekerTurn
from benchmarks.canned import canned
from benchmarks.faults import CONTENT, KINDS, LONGEST, TRANSPORT, VARIANTS, Faults, spoilt
from benchmarks.responses import MALFORMED
from benchmarks.serving import Server, started

RECORDS = {"seeker": SeekerTurn, "planner": Plan, "reflector": Reflection, "refiner": Reply,
           "guard": Watch}  # fmt: skip
HALF = Faults.even(0.5, seed=3)


def body_of(role: Role, number: int) -> bytes:
    """One of many requests of a role."""
    system = packaged_prompts()[role].skeleton[0]["content"]
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "…"}]
    fields = {"response_format": {"type": "json_object"}, "seed": number}
    return orjson.dumps({"model": "latency", **fields, "messages": messages})


def body_that_meets(*kinds: str, content: str = "good", role: Role = "seeker") -> bytes:
    for number in count():
        fate = HALF.fate(body := body_of(role, number), role)
        if (fate.transport, fate.content) == (kinds, content):
            return body
    raise AssertionError("unreachable")


def connect(server: Server, timeout: float = 30) -> http.client.HTTPConnection:
    parts = urlsplit(server.base_url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)


def send(server: Server, body: bytes, timeout: float = 30) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of one request."""
    connection = connect(server, timeout)
    try:
        connection.request("POST", "/v1/chat/completions", body)
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def choice(payload: bytes) -> tuple[str, str]:
    """(text, finish reason)."""
    (found,) = json.loads(payload)["choices"]
    return found["message"]["content"], found["finish_reason"]


def until_in_flight(server: Server, number: int) -> None:
    while server.in_flight() != number:
        time.sleep(0.001)


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    with started(0.001, retry_after=0.25, faults=HALF) as server:
        yield server


@pytest.fixture
def server(shared: Server) -> Server:
    """The server with faults, as if nothing had been sent to it yet."""
    shared.forget()
    shared.stats()
    return shared


# ---- the fate of a request ----------------------------------------------------------------------


def test_body_and_seed_alone_decide_a_fate():
    bodies = [body_of("planner", number) for number in range(200)]
    fates = [HALF.fate(body, "planner") for body in bodies]
    assert fates == [HALF.fate(body, "planner") for body in bodies]
    other = Faults.even(0.5, seed=4)
    assert fates != [other.fate(body, "planner") for body in bodies]


def test_faults_come_as_often_as_they_are_asked_for():
    faults = Faults({"500": 0.1, "reset": 0.2, "empty": 0.3}, dead=0.05, seed=1)
    fates = [faults.fate(body_of("planner", number), "planner") for number in range(4000)]
    assert sum(fate.dead for fate in fates) / 4000 == pytest.approx(0.05, abs=0.015)
    first = Counter(fate.transport[0] for fate in fates if fate.transport)
    assert first["500"] / 4000 == pytest.approx(0.1, abs=0.02)
    assert first["reset"] / 4000 == pytest.approx(0.2, abs=0.025)
    content = Counter(fate.content for fate in fates)
    assert content["empty"] / 4000 == pytest.approx(0.3, abs=0.03)
    assert set(content) == {"empty", "good"}


def test_a_client_with_five_tries_gets_through():
    always = Faults(dict.fromkeys(TRANSPORT, 1 / len(TRANSPORT)), seed=2)
    chains = [always.fate(body_of("seeker", number), "seeker").transport for number in range(300)]
    assert {len(chain) for chain in chains} == {LONGEST}
    assert {kind for chain in chains for kind in chain} == set(TRANSPORT)


def test_free_text_meets_only_what_can_be_wrong_with_free_text():
    fates = [HALF.fate(body_of("responder", number), "responder") for number in range(1000)]
    assert {fate.content for fate in fates} == {"good", "empty", "cut"}


@pytest.mark.parametrize("kind", CONTENT)
@pytest.mark.parametrize("role", RECORDS)
def test_spoilt_answers_cannot_be_read_but_for_fences(role: Role, kind: str):
    text, finish = spoilt(kind, role, canned(role, 0))
    assert finish == ("length" if kind == "cut" else "stop")
    if kind == "fenced":
        assert read_record(text, RECORDS[role]) == read_record(canned(role, 0), RECORDS[role])
    else:
        with pytest.raises(ReadingError):
            read_record(text, RECORDS[role])


@pytest.mark.parametrize(
    "wrong", [{"each": {"flood": 0.1}}, {"each": {"500": 1.5}}, {"each": {"500": 0.6, "503": 0.6}},
              {"dead": -0.1}],
)  # fmt: skip
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=r"known: 429|from 0 to 1|more than 1 together"):
        Faults(**wrong)


# ---- on the wire --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["429", "500", "503"])
def test_an_error_status_and_then_the_answer(server: Server, status: str):
    body = body_that_meets(status)
    found, headers, _ = send(server, body)
    assert str(found) == status
    assert headers.get("Retry-After") == ("0.25" if status == "429" else None)
    assert send(server, body)[0] == 200
    stats = server.stats()
    assert stats["statuses"] == {status: 1, "200": 1}
    assert stats["faults"] == {status: 1}


def test_a_reset_in_the_middle_of_a_body(server: Server):
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        send(server, body_that_meets("reset"))
    assert server.stats()["faults"] == {"reset": 1}


def test_a_hanging_request_is_in_flight_until_the_client_gives_up(server: Server):
    with pytest.raises(TimeoutError):
        send(server, body_that_meets("hang"), timeout=0.2)
    until_in_flight(server, 0)


def test_a_body_that_is_no_utf_8(server: Server):
    status, _, payload = send(server, body_that_meets("utf8"))
    assert status == 200
    with pytest.raises(UnicodeDecodeError):
        payload.decode()


def test_bodies_that_are_no_completions(server: Server):
    found = {
        send(server, body_of("seeker", number))[2]
        for number in range(400)
        if HALF.fate(body_of("seeker", number), "seeker").transport[:1] == ("malformed",)
    }
    assert found == set(MALFORMED)


def test_transport_faults_come_in_their_order(server: Server):
    body = body_that_meets("503", "429", "500")
    assert [send(server, body)[0] for _ in range(5)] == [503, 429, 500, 200, 200]


@pytest.mark.parametrize("kind", CONTENT)
def test_a_spoilt_answer_stays_spoilt(server: Server, kind: str):
    body = body_that_meets(content=kind)
    (first,) = {send(server, body)[2] for _ in range(3)}
    number = HALF.fate(body, "seeker").number
    assert choice(first) == spoilt(kind, "seeker", canned("seeker", number))
    assert server.stats()["faults"] == {kind: 3}


def test_a_dead_request_fails_for_ever():
    with started(0.0, faults=Faults(dead=1.0)) as server:
        assert {send(server, body_of("planner", 1))[0] for _ in range(6)} == {500}
        assert server.stats()["faults"] == {"dead": 6}
        assert server.stats()["doubled"] == 0


def test_good_answers_go_by_request(server: Server):
    bodies = [
        body
        for number in range(200)
        if HALF.fate(body := body_of("planner", number), "planner").content == "good"
        and not HALF.fate(body, "planner").transport
    ]
    answers = [choice(send(server, body)[2])[0] for body in bodies]
    assert answers == [canned("planner", HALF.fate(body, "planner").number) for body in bodies]
    assert len(set(answers)) > len(bodies) // 3


def test_requests_that_come_again_after_their_answer_are_counted_once(server: Server):
    asked, asked_again = body_that_meets("500"), body_that_meets()
    for _ in range(2):
        send(server, asked)
    for _ in range(3):
        send(server, asked_again)
    assert server.stats()["doubled"] == 1
    send(server, asked_again)
    assert server.stats()["doubled"] == 0


def test_forgetting_brings_the_same_faults_back(server: Server):
    body = body_that_meets("500")
    first = [send(server, body)[0] for _ in range(2)]
    server.forget()
    assert [send(server, body)[0] for _ in range(2)] == first == [500, 200]
    assert server.stats()["doubled"] == 0


def test_more_than_its_capacity_is_refused():
    with started(0.0, capacity=4, retry_after=2, faults=Faults({"hang": 1.0})) as server:
        connections = [connect(server) for _ in range(4)]
        for number, connection in enumerate(connections):
            connection.request("POST", "/v1/chat/completions", body_of("planner", number))
        until_in_flight(server, 4)
        refusals = [send(server, body_of("planner", number)) for number in range(3)]
        assert {(status, headers["Retry-After"]) for status, headers, _ in refusals} == {(429, "2")}
        stats = server.stats()
        assert (stats["peak"], stats["refused"], stats["statuses"]) == (4, 3, {"429": 3})
        for connection in connections:
            connection.close()
        until_in_flight(server, 0)


def test_its_capacity_can_be_changed(server: Server):
    server.set_capacity(1)
    hanging = connect(server)
    hanging.request("POST", "/v1/chat/completions", body_that_meets("hang"))
    until_in_flight(server, 1)
    assert send(server, body_that_meets())[0] == 429
    server.set_capacity(0)
    assert send(server, body_that_meets())[0] == 200
    hanging.close()
    until_in_flight(server, 0)


def test_without_faults_answers_come_round_in_a_cycle():
    with started(0.0) as server:
        answers = [choice(send(server, body_of("refiner", 0))[2])[0] for _ in range(VARIANTS + 1)]
        assert answers == [canned("refiner", number % VARIANTS) for number in range(VARIANTS + 1)]
        assert server.stats()["faults"] == {}


def test_it_lists_one_model(server: Server):
    connection = connect(server)
    connection.request("GET", "/v1/models")
    (model,) = json.loads(connection.getresponse().read())["data"]
    connection.close()
    assert model["id"] == "latency"
    assert model["max_model_len"] > 8192


def test_what_it_does_not_know_is_an_error(server: Server):
    connection = connect(server)
    connection.request("GET", "/v2")
    assert connection.getresponse().status == 404
    connection.close()
    assert send(server, b'{"messages":[{"role":"system","content":"Who?"}]}')[0] == 400


def test_a_prompt_of_no_role_is_answered_in_free_text():
    with started(0.0) as server:
        status, _, payload = send(server, b'{"messages":[{"role":"user","content":"Hello"}]}')
        assert (status, choice(payload)) == (200, (canned("responder", 0), "stop"))


def test_every_kind_of_fault_is_drawn():
    fates = [HALF.fate(body_of("seeker", number), "seeker") for number in range(600)]
    assert {kind for fate in fates for kind in (*fate.transport, fate.content)} == {*KINDS, "good"}
