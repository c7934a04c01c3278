"""Starts the built binary's `serve` over TLS, and drives it with the published Python SDK, which knows nothing of it.

Every story is written once and told twice: by the synchronous client and by the asynchronous one.
"""

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

BINARY = os.environ["LEASEKEEPER"]
ACCOUNT = "7c1f9c5e-1111-4a5b-9a55-0123456789ab"
KEY = "bGVhc2VrZWVwZXIncyBjb25mb3JtYW5jZSB0ZXN0cw=="
# Far longer than a start or an end takes.
DEADLINE = 60


class Service:
    """A running `serve`, and where it is."""

    def __init__(self, folder, *flags):
        self.folder = folder
        key = folder / "account-key"
        key.write_text(KEY)
        command = [BINARY, "serve", "--listen", "127.0.0.1:0", "--account", f"{ACCOUNT}:{key}"]
        command += ["--tls-self-signed", str(folder / "tls"), *flags]
        command += [] if "--boot-delay" in flags else ["--boot-delay", "0s"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"serve did not start: {line}{self.process.communicate()[1]}")
        self.endpoint = line.removeprefix("listening on ").strip()

    def end(self):
        self.process.terminate()
        _, errors = self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 0, errors
        assert errors == ""


# The asynchronous transport reads the trusted authorities when it is imported, so the file must be there before.
_folder = tempfile.TemporaryDirectory(prefix="leasekeeper-conformance-")
_ROOT = Path(_folder.name)
Service(_ROOT).end()
os.environ["REQUESTS_CA_BUNDLE"] = os.environ["SSL_CERT_FILE"] = str(_ROOT / "tls" / "ca.pem")

from azure.core.credentials import AzureKeyCredential  # noqa: E402
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport  # noqa: E402
from azure.mixedreality.remoterendering import RemoteRenderingClient  # noqa: E402
from azure.mixedreality.remoterendering.aio import RemoteRenderingClient as AsyncClient  # noqa: E402


def settings_for(service, credential, transport, more):
    """The settings of either client, for this service."""
    return {
        "endpoint": service.endpoint,
        "account_id": ACCOUNT,
        "account_domain": "studio.example",
        "credential": credential,
        "authentication_endpoint_url": service.endpoint,
        "polling_interval": 0.05,
        "transport": transport,
        **more,
    }


class Sync:
    """The synchronous client."""

    def __init__(self, service, credential, **settings):
        self.slept = []
        transport = RequestsTransport()
        transport.sleep = self.slept.append
        self.client = RemoteRenderingClient(**settings_for(service, credential, transport, settings))

    def begin(self, *args, **kwargs):
        return self.client.begin_rendering_session(*args, **kwargs)

    def poller(self, **kwargs):
        return self.client.get_rendering_session_poller(**kwargs)

    def result(self, poller):
        return poller.result()

    def get(self, session):
        return self.client.get_rendering_session(session)

    def update(self, session, minutes):
        return self.client.update_rendering_session(session, lease_time_minutes=minutes)

    def stop(self, session):
        return self.client.stop_rendering_session(session)

    def pages(self):
        return [list(page) for page in self.client.list_rendering_sessions().by_page()]

    def close(self):
        self.client.close()


class Async:
    """The asynchronous client, on a loop of its own."""

    def __init__(self, service, credential, **settings):
        self.runner = asyncio.Runner()
        self.slept = []

        async def sleep(duration):
            self.slept.append(duration)

        async def make():
            transport = AioHttpTransport()
            transport.sleep = sleep
            return AsyncClient(**settings_for(service, credential, transport, settings))

        self.client = self.runner.run(make())

    def begin(self, *args, **kwargs):
        return self.runner.run(self.client.begin_rendering_session(*args, **kwargs))

    def poller(self, **kwargs):
        return self.runner.run(self.client.get_rendering_session_poller(**kwargs))

    def result(self, poller):
        return self.runner.run(poller.result())

    def get(self, session):
        return self.runner.run(self.client.get_rendering_session(session))

    def update(self, session, minutes):
        return self.runner.run(self.client.update_rendering_session(session, lease_time_minutes=minutes))

    def stop(self, session):
        return self.runner.run(self.client.stop_rendering_session(session))

    def pages(self):
        async def read():
            paged = await self.client.list_rendering_sessions()
            return [[session async for session in page] async for page in paged.by_page()]

        return self.runner.run(read())

    def close(self):
        async def end():
            await self.client.close()
            # The SDK forgets to close the client of its token service.
            policy = self.client._client._config.authentication_policy
            if hasattr(policy._credential, "stsClient"):
                await policy._credential.stsClient.close()

        self.runner.run(end())
        self.runner.close()


@pytest.fixture
def serve():
    """Starts services with these flags; each must end cleanly, having said nothing on standard error."""
    running = []

    def start(*flags):
        running.append(Service(_ROOT, *flags))
        return running[-1]

    yield start
    for service in running:
        service.end()


@pytest.fixture(params=[Sync, Async], ids=["sync", "async"])
def connect(request):
    """Makes clients of either kind."""
    clients = []

    def make(service, credential=None, **settings):
        clients.append(request.param(service, credential or AzureKeyCredential(KEY), **settings))
        return clients[-1]

    make.is_async = request.param is Async
    yield make
    for client in clients:
        client.close()
