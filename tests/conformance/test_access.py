"""Who gets in, through the published SDK."""

import base64
import hashlib
import hmac
import json
import time
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


class Provider:
    """An identity provider whose tokens are signed with a shared secret."""

    def __init__(self, audience, secret="shared"):
        self.audience, self.secret, self.scopes = audience, secret, []

    def sign(self):
        def part(value):
            return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

        ends = int(time.time()) + 600
        signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part({"aud": self.audience, "exp": ends})
        code = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        return AccessToken((signed + b"." + base64.urlsafe_b64encode(code).rstrip(b"=")).decode(), ends)

    def get_token(self, *scopes, **_):
        self.scopes += scopes
        return self.sign()

    def of_kind(self, connect):
        """The provider as the client of this kind wants it."""
        return AsyncProvider(self) if connect.is_async else self


class AsyncProvider:
    def __init__(self, provider):
        self.provider = provider

    async def get_token(self, *scopes, **_):
        return self.provider.get_token(*scopes)

    async def close(self):
        pass


@pytest.fixture
def entra(serve, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("shared")
    return serve("--entra-secret-file", str(secret), "--account-domain", "studio.example")


def test_a_token_of_the_identity_provider_is_exchanged(entra, connect):
    provider = Provider("https://sts.studio.example")
    assert connect(entra, provider.of_kind(connect)).pages() == [[]]
    assert provider.scopes


@pytest.mark.parametrize("provider", [Provider("https://sts.elsewhere.example"), Provider("https://sts.studio.example", "other")])
def test_a_token_for_another_service_or_by_another_provider_is_not(entra, connect, provider):
    with pytest.raises(ClientAuthenticationError) as error:
        connect(entra, provider.of_kind(connect)).pages()
    assert error.value.status_code == 401
