"""Real answers of the control API are what its OpenAPI document says, to the last member."""

import copy

import jsonschema_rs
import pytest
import requests

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def strict(schema):
    """The same schema, and no member that it does not name. Parts of a whole may be less than it."""
    schema = {name: part if name in ("allOf", "oneOf") else _strict_part(part) for name, part in schema.items()}
    for name in ("allOf", "oneOf"):
        if name in schema:
            schema[name] = [_inside(part) for part in schema[name]]
    if schema.keys() & {"$ref", "properties", "allOf", "oneOf"}:
        schema["unevaluatedProperties"] = False
    return schema


def _strict_part(part):
    if isinstance(part, dict):
        is_map = not part.keys() & {"type", "$ref", "allOf", "oneOf", "enum"}
        return {name: strict(value) for name, value in part.items()} if is_map else strict(part)
    return part


def _inside(part):
    """A part of a whole: its own members are strict, and what else there is another part may name."""
    part = strict(part)
    part.pop("unevaluatedProperties", None)
    return part


@pytest.fixture(scope="session")
def validate(document):
    """Holds an answer against the schema that the document has for it."""

    components = copy.deepcopy(document["components"]["schemas"])
    # A schema that is referred to is as strict as whoever refers to it wants it to be.
    components = {name: _inside(schema) for name, schema in components.items()}
    # The ports of a server are named by its service.
    components["Ports"]["patternProperties"] = {"_port$": {"type": "integer"}}

    def check(method, path, response):
        answers = document["paths"][path][method]["responses"]
        kind = response.headers["content-type"]
        schema = answers[str(response.status_code)]["content"][kind]["schema"]
        schema = {"$schema": DIALECT, **strict(schema), "components": {"schemas": components}}
        jsonschema_rs.validator_for(schema, validate_formats=True).validate(response.json())
        return response.json()

    return check


@pytest.fixture
def ask(url, validate):
    """Sends a request, and holds its answer against the document."""

    def send(method, path, status, query=None, pool="", headers=None, **body):
        body = body | ({"pool": pool} if pool and "{pool}" not in path else {})
        place = url + path.replace("{pool}", pool)
        response = requests.request(method, place, params=query, json=body or None, headers=headers, timeout=60)
        assert response.status_code == status, response.text
        return validate(method, path, response)

    return send


def test_every_report_is_as_described(ask, document):
    assert ask("get", "/v1/health", 200) == {"ok": True}
    assert ask("get", "/v1/ready", 200) == {"ok": True}
    assert ask("get", "/v1/openapi.json", 200) == document
    status = ask("get", "/v1/status", 200)
    assert [slot["slot"] for slot in status["slots"]][0] == "a/0"
    ask("get", "/v1/plan", 200)
    assert ask("get", "/v1/why", 200, {"slot": "a", "limit": 1000})
    for by in ("day", "pool", "session", "region"):
        assert ask("get", "/v1/spend", 200, {"by": by})["by"] == by
    ask("get", "/v1/charges", 200, {"from": "2026-01-01", "to": "2099-01-01"})


def test_a_session_is_taken_waited_for_used_and_given_back_as_described(ask):
    held = ask("post", "/v1/acquire", 200, pool="a", client="ann")
    waiting = ask("post", "/v1/acquire", 202, pool="a", client="ben")
    assert waiting["waiting"] and waiting["place"] == 1
    assert ask("get", "/v1/status", 200)["waiting"][0]["client"] == "ben"
    assert ask("post", "/v1/touch", 200, target="a")["used"] == [held["session"]]
    ask("post", "/v1/release", 409, hold=held["hold"], client="cem")
    ask("post", "/v1/release", 200, hold=waiting["hold"], client="ben")
    ask("post", "/v1/release", 200, session=held["session"], client="ann")
    # With the events of all that.
    assert ask("get", "/v1/why", 200, {"slot": "a", "limit": 1000})[0]["event"] == "released"


def test_a_request_with_a_key_of_its_own_has_one_hold_as_described(ask):
    holds, key = "/v1/pools/{pool}/holds", {"idempotency-key": "ann's first"}
    held = ask("post", holds, 201, pool="a", headers=key, client="ann", team="lighting")
    assert held["team"] == "lighting"
    assert ask("post", holds, 200, pool="a", headers=key, client="ann", team="lighting")["hold"] == held["hold"]
    assert ask("post", holds, 422, pool="a", headers=key, client="ann")["code"] == "key-reused"
    waiting = ask("post", holds, 202, pool="a", client="ben")
    ask("post", "/v1/release", 200, hold=waiting["hold"], client="ben")
    ask("post", "/v1/release", 200, hold=held["hold"], client="ann")
    assert ask("post", holds, 409, pool="a", headers=key, client="ann", team="lighting")["code"] == "hold-over"
    ask("post", holds, 403, pool="a", client="ben", team="lighting")
    ask("post", holds, 404, pool="a", client="ben", team="nosuch")
    ask("post", holds, 400, pool="a b", client="ben")
    # Not even text.
    ask("post", holds, 400, pool="%ff", client="ben")
    for by in ("team", "client"):
        ask("get", "/v1/spend", 200, {"by": by})
    ask("get", "/v1/why", 200, {"slot": "a", "limit": 1000})


def test_slots_are_parked_and_woken_and_the_policy_is_read_again_as_described(ask, daemon):
    assert ask("post", "/v1/park", 200, target="a")["slots"]
    assert ask("post", "/v1/acquire", 423, pool="a", client="ann")["code"] == "parked"
    assert ask("post", "/v1/wake", 200, target="a")["slots"]
    assert ask("post", "/v1/reload", 200, accept=False)["in_force"]
    sound = daemon.policy.read_text()
    daemon.policy.write_text(sound + "[budget]\n")
    assert ask("post", "/v1/reload", 422, accept=False)["code"] == "invalid-policy"
    daemon.policy.write_text(sound)


@pytest.mark.parametrize(
    ("method", "path", "status", "query", "body"),
    [
        ("get", "/v1/status", 400, {"x": "1"}, {}),
        ("get", "/v1/why", 400, {}, {}),
        ("get", "/v1/why", 404, {"slot": "nosuch"}, {}),
        ("get", "/v1/spend", 400, {"from": "2026-02-02", "to": "2026-02-01"}, {}),
        ("post", "/v1/touch", 404, {}, {"target": "nosuch"}),
        ("post", "/v1/touch", 422, {}, {"target": 5}),
        ("post", "/v1/acquire", 404, {}, {"pool": "nosuch", "client": "ann"}),
        ("post", "/v1/acquire", 409, {}, {"pool": "none", "client": "ann"}),
        ("post", "/v1/acquire", 503, {}, {"pool": "night", "client": "ann"}),
        ("post", "/v1/acquire", 422, {}, {"pool": "a"}),
        ("post", "/v1/park", 415, {}, {}),
    ],
)
def test_a_problem_is_as_described(ask, method, path, status, query, body):
    assert ask(method, path, status, query, **body)["status"] == status


def test_what_the_document_does_not_name_is_noticed(validate):
    """The checks above can fail."""

    class Answer:
        status_code = 200
        headers = {"content-type": "application/json"}

        def json(self):
            return {"ok": True, "more": 1}

    with pytest.raises(jsonschema_rs.ValidationError):
        validate("get", "/v1/health", Answer())
