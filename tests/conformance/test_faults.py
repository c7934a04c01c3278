"""What goes wrong on purpose, and what the published SDK makes of it."""

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.mixedreality.remoterendering import RenderingSessionSize, RenderingSessionStatus


def test_throttling_is_obeyed_for_as_long_as_the_service_says(serve, connect):
    client = connect(serve("--fault", "get:429,retry-after=7s,times=2"))
    client.begin("throttled", RenderingSessionSize.STANDARD, 5)
    assert client.get("throttled").status == RenderingSessionStatus.READY
    assert client.slept == [7, 7]


@pytest.mark.parametrize("when, made", [("before", []), ("after", ["lost"])])
def test_a_create_whose_connection_is_reset_is_made_once(serve, connect, when, made):
    service = serve("--fault", f"create:reset-{when},times=2")
    hasty = connect(service, retry_total=0)
    with pytest.raises((ServiceRequestError, ServiceResponseError)):
        hasty.begin("lost", RenderingSessionSize.STANDARD, 5)
    assert [session.id for session in hasty.pages()[0]] == made
    patient = connect(service)
    assert patient.result(patient.begin("lost", RenderingSessionSize.STANDARD, 5)).status == "Ready"
    assert [session.id for session in patient.pages()[0]] == ["lost"]


def test_a_broken_service_is_tried_again(serve, connect):
    client = connect(serve("--fault", "list:500,times=1", "--fault", "list:503,retry-after=2s,skip=1,times=1"))
    assert client.pages() == [[]]
    assert client.slept == [2]  # its first wait of its own choice is none


def test_a_server_that_does_not_come_up_surfaces_as_the_sessions_error(serve, connect):
    client = connect(serve("--boot-delay", "100ms", "--fault", "boot:fail,times=1"))
    with pytest.raises(HttpResponseError) as error:
        client.result(client.begin("broken", RenderingSessionSize.STANDARD, 5))
    assert error.value.error.message == "The server could not be started."
    assert client.result(client.begin("whole", RenderingSessionSize.STANDARD, 5)).status == "Ready"


def test_premium_is_had_where_standard_is_out(serve, connect):
    client = connect(serve("--boot-delay", "100ms", "--fault", "boot:out-of-servers,size=standard"))
    with pytest.raises(HttpResponseError):
        client.result(client.begin("standard", RenderingSessionSize.STANDARD, 5))
    assert client.result(client.begin("premium", RenderingSessionSize.PREMIUM, 5)).status == "Ready"


def test_a_stale_list_carries_an_older_lease_than_a_get(serve, connect):
    client = connect(serve("--fault", "list:stale,by=1h"))
    client.begin("fresh", RenderingSessionSize.STANDARD, 5)
    assert client.pages() == [[]]
    assert client.get("fresh").status == RenderingSessionStatus.READY
