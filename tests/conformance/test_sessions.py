"""Sessions, from creation to the end, through the published SDK."""

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mixedreality.remoterendering import RenderingSessionSize, RenderingSessionStatus


def status_of(error):
    return error.value.status_code


def test_a_session_is_created_polled_to_ready_and_stopped(serve, connect):
    client = connect(serve("--boot-delay", "200ms"))
    poller = client.begin("story", RenderingSessionSize.STANDARD, 5)
    assert poller.status() == RenderingSessionStatus.STARTING
    starting = client.get("story")
    assert (starting.hostname, starting.handshake_port, starting.teraflops) == (None, None, None)

    ready = client.result(poller)
    assert ready.status == RenderingSessionStatus.READY
    assert (ready.id, ready.size, ready.lease_time_minutes) == ("story", "Standard", 5)
    assert ready.hostname and ready.teraflops in (8.1, 10.6) and ready.elapsed_time_minutes == 0
    assert 49152 <= ready.handshake_port <= 65534 and 49152 <= ready.arr_inspector_port <= 65534
    assert ready.created_on.utcoffset().total_seconds() == 0
    assert client.get("story").hostname == ready.hostname

    assert client.stop("story") is None
    stopped = client.get("story")
    assert (stopped.status, stopped.hostname, stopped.error) == (RenderingSessionStatus.STOPPED, None, None)
    assert stopped.created_on == ready.created_on
    assert client.pages() == [[]]
    assert client.stop("story") is None


def test_a_poller_is_resumed_from_its_token_and_from_the_id(serve, connect):
    service = serve("--boot-delay", "300ms")
    first = connect(service)
    token = first.begin("resumed", RenderingSessionSize.PREMIUM, 5).continuation_token()
    second = connect(service)
    ready = second.result(second.poller(continuation_token=token))
    assert (ready.id, ready.status, ready.size) == ("resumed", "Ready", "Premium")
    again = second.result(second.poller(session_id="resumed"))
    assert again.hostname == ready.hostname


def test_an_update_sets_the_total_and_refuses_what_is_not_larger(serve, connect):
    client = connect(serve())
    client.begin("leased", RenderingSessionSize.STANDARD, 5)
    assert client.update("leased", 7).lease_time_minutes == 7
    assert client.get("leased").lease_time_minutes == 7
    for refused in (7, 6, 1440):
        with pytest.raises(HttpResponseError) as error:
            client.update("leased", refused)
        assert status_of(error) == 422
        assert "maxLeaseTimeMinutes" in error.value.error.message
    assert client.get("leased").lease_time_minutes == 7


def test_an_update_while_starting_is_taken(serve, connect):
    client = connect(serve("--boot-delay", "1h"))
    client.begin("starting", RenderingSessionSize.STANDARD, 5)
    assert client.update("starting", 9).lease_time_minutes == 9
    assert client.get("starting").status == RenderingSessionStatus.STARTING


def test_a_list_is_followed_over_all_its_pages(serve, connect):
    client = connect(serve("--page-size", "2"))
    names = [f"page-{n}" for n in range(5)]
    for name in names:
        client.begin(name, RenderingSessionSize.STANDARD, 5)
    pages = client.pages()
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [session.id for page in pages for session in page] == names


def test_a_session_whose_lease_ends_reads_expired(serve, connect):
    client = connect(serve())
    ended = client.result(client.begin("short", RenderingSessionSize.STANDARD, 0))
    assert (ended.status, ended.hostname) == (RenderingSessionStatus.EXPIRED, None)
    with pytest.raises(HttpResponseError) as error:
        client.update("short", 9)
    assert status_of(error) == 422
    client.stop("short")
    assert client.get("short").status == RenderingSessionStatus.EXPIRED


def test_a_region_without_servers_surfaces_as_the_sessions_error(serve, connect):
    client = connect(serve("--capacity", "0", "--boot-delay", "100ms"))
    poller = client.begin("crowded", RenderingSessionSize.PREMIUM, 5)
    with pytest.raises(HttpResponseError) as error:
        client.result(poller)
    assert error.value.model.status == RenderingSessionStatus.ERROR
    assert error.value.error.message == "No Premium servers are available."
    assert client.get("crowded").error.message == "No Premium servers are available."


def test_an_unknown_id_is_not_found(serve, connect):
    client = connect(serve())
    for ask in (client.get, client.stop, lambda name: client.update(name, 9)):
        with pytest.raises(ResourceNotFoundError) as error:
            ask("nobody")
        assert (status_of(error), error.value.error.code) == (404, "NotFound")


@pytest.mark.parametrize("name", ["a b", "ä", "a.b", "a" * 257, "%", "a/b"])
def test_a_bad_id_is_refused(serve, connect, name):
    client = connect(serve())
    for ask in (client.get, lambda name: client.begin(name, RenderingSessionSize.STANDARD, 5)):
        with pytest.raises(HttpResponseError) as error:
            ask(name)
        assert (status_of(error), error.value.error.code) == (400, "BadRequest")
    assert client.pages() == [[]]


def test_ids_are_case_sensitive_and_may_have_256_characters(serve, connect):
    client = connect(serve())
    for name in ("A-z_0", "a-z_0", "x" * 256):
        assert client.result(client.begin(name, RenderingSessionSize.STANDARD, 5)).id == name
    assert len(client.pages()[0]) == 3


def test_the_same_create_again_finds_the_session_and_another_conflicts(serve, connect):
    client = connect(serve())
    first = client.result(client.begin("twice", RenderingSessionSize.STANDARD, 5))
    second = client.result(client.begin("twice", RenderingSessionSize.STANDARD, 5))
    assert second.created_on == first.created_on
    for size, minutes in ((RenderingSessionSize.STANDARD, 6), (RenderingSessionSize.PREMIUM, 5)):
        with pytest.raises(ResourceExistsError) as error:
            client.begin("twice", size, minutes)
        assert (status_of(error), error.value.error.code) == (409, "Conflict")


@pytest.mark.parametrize("minutes, message", [
    (-4, "The maxLeaseTimeMinutes value cannot be negative."),
    (1441, "The maxLeaseTimeMinutes value cannot be larger than 1440."),
])
def test_a_bad_lease_is_refused_with_the_services_text(serve, connect, minutes, message):
    with pytest.raises(HttpResponseError) as error:
        connect(serve()).begin("refused", RenderingSessionSize.STANDARD, minutes)
    assert (status_of(error), error.value.error.code, error.value.error.message) == (400, "BadRequest", message)


def test_the_shape_of_2021_is_understood(serve, connect):
    client = connect(serve("--legacy-nulls", "--boot-delay", "200ms"))
    poller = client.begin("legacy", RenderingSessionSize.STANDARD, 5)
    starting = client.get("legacy")
    assert (starting.hostname, starting.error, starting.handshake_port, starting.teraflops) == (None, None, 0, 0.0)
    assert client.result(poller).status == RenderingSessionStatus.READY
    assert [session.id for page in client.pages() for session in page] == ["legacy"]
