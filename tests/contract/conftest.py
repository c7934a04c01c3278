"""Starts the built binary's daemon with its embedded session service, and leads TCP clients to its control socket."""

import json
import os
import socket
import subprocess
import threading

import pytest

BINARY = os.environ["LEASEKEEPER"]
# Far longer than a start or an end takes.
DEADLINE = 60

POLICY = """
owner = "st"
ledger = "{folder}/ledger.db"
[service]
embedded = true
listen = "127.0.0.1:0"
boot_delay = "0s"
[control]
socket = "{folder}/control.sock"
[prices]
standard = "6"
[budget]
daily = "100"
[[team]]
name = "lighting"
members = ["ann"]
[[pool]]
name = "a"
size = "standard"
min = 1
max = 1
lease = "20m"
max_hold = "8h"
[[pool]]
name = "none"
size = "standard"
min = 0
max = 0
lease = "20m"
[[pool]]
name = "night"
size = "standard"
min = 0
max = 1
lease = "20m"
schedule = "never"
"""


def _carry(source, target):
    """Copies bytes until there are no more, and says so to the other side."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone; the other finds out when it speaks.
        pass


class Forwarder:
    """A TCP port of this machine that leads to a unix socket."""

    def __init__(self, path):
        self.path = str(path)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.socket(socket.AF_UNIX) as daemon:
            daemon.connect(self.path)
            back = threading.Thread(target=_carry, args=(daemon, client), daemon=True)
            back.start()
            _carry(client, daemon)
            back.join()

    def close(self):
        self.listener.close()


class Daemon:
    """A running daemon, where its socket is, and what it has logged."""

    def __init__(self, folder):
        self.policy = folder / "policy.toml"
        self.policy.write_text(POLICY.format(folder=folder))
        self.socket = folder / "control.sock"
        command = [BINARY, "--log-format", "json", "run", "--policy", str(self.policy)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log = []
        while not any("Ready after" in line for line in self.log):
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError("the daemon ended:\n" + "".join(self.log))
            self.log.append(line)
        # Whoever does not read what is written makes the writer wait.
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def end(self):
        self.process.terminate()
        assert self.process.wait(timeout=DEADLINE) == 0, "".join(self.log)
        self.reader.join()


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    """A daemon for all tests: what one does to it is no matter to the others. It must end cleanly."""
    running = Daemon(tmp_path_factory.mktemp("daemon"))
    yield running
    running.end()


@pytest.fixture(scope="session")
def url(daemon):
    """Where the control API is for clients that speak TCP."""
    forwarder = Forwarder(daemon.socket)
    yield forwarder.url
    forwarder.close()


def printed():
    """The document as the binary prints it."""
    output = subprocess.run([BINARY, "openapi"], check=True, capture_output=True, text=True)
    return json.loads(output.stdout)


@pytest.fixture(scope="session")
def document():
    return printed()
