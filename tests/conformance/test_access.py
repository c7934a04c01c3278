"""Who gets in, through the published SDK."""

import json
import urllib.request

import pytest
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from conftest import ACCOUNT, KEY


def exchange(service, key=KEY):
    """Asks the token service for a token, as any other program would."""
    url = f"{service.endpoint}/Accounts/{ACCOUNT}/token?api-version=2019-02-28-preview"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {ACCOUNT}:{key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["AccessToken"]


def test_an_account_key_gets_in(serve, connect):
    assert connect(serve()).pages() == [[]]


def test_a_token_that_was_fetched_elsewhere_gets_in(serve, connect):
    service = serve()
    client = connect(service, AccessToken(exchange(service), 4_000_000_000))
    assert client.pages() == [[]]


def test_a_wrong_key_is_refused_by_the_token_service(serve, connect):
    client = connect(serve(), AzureKeyCredential("d3Jvbmc="))
    with pytest.raises(ClientAuthenticationError) as error:
        client.get("anything")
    assert error.value.status_code == 401
    assert "/token" in error.value.response.request.url.lower()


def test_an_expired_token_is_refused_by_the_session_service(serve, connect):
    service = serve("--token-life", "0s")
    client = connect(service, AccessToken(exchange(service), 4_000_000_000))
    with pytest.raises(HttpResponseError) as error:
        client.get("anything")
    assert error.value.status_code == 401
    assert error.value.response.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_of_another_service_is_refused(serve, connect):
    client = connect(serve(), AccessToken(exchange(serve()), 4_000_000_000))
    with pytest.raises(HttpResponseError) as error:
        client.get("anything")
    assert error.value.status_code == 401
