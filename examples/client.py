#!/usr/bin/env python3
"""Runs a command that needs a rendering session: waits for a session of a pool, says that it is used for as long as
the command runs, and gives it back.

    LEASEKEEPER_SOCKET=/run/leasekeeper/control.sock client.py POOL CLIENT COMMAND [ARGUMENT…]

The command finds the server in RENDERING_HOST and RENDERING_PORT. Needs nothing but Python's standard library.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

# Seconds. A client that does not ask for a minute loses its turn; heartbeats stay well below the pool's idle_timeout.
ASK_EVERY = float(os.environ.get("ASK_EVERY", "2"))
TOUCH_EVERY = float(os.environ.get("TOUCH_EVERY", "60"))


class Refused(Exception):
    """The daemon's problem document."""

    def __init__(self, problem):
        super().__init__(problem["detail"])
        self.status = problem["status"]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("leasekeeper", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """A client of one pool."""

    def __init__(self, path, pool, name):
        self.path, self.pool, self.name = path, pool, name
        self.hold = None

    def call(self, path, **body):
        connection = UnixConnection(self.path)
        try:
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            response = connection.getresponse()
            answer = json.load(response)
        finally:
            connection.close()
        if response.status >= 400:
            raise Refused(answer)
        return answer

    def acquire(self):
        """A session; until there is one, a place in the queue that is kept by asking again."""
        while True:
            answer = self.call("/v1/acquire", pool=self.pool, client=self.name)
            self.hold = answer["hold"]
            if not answer.get("waiting"):
                return answer
            print(f"place {answer['place']} in the queue: {answer['why']}", file=sys.stderr, flush=True)
            time.sleep(ASK_EVERY)

    def heartbeats(self, session, done):
        """Says that the session is used. Where it is no more, the hold has a successor, which acquire tells."""
        while not done.is_set():
            try:
                self.call("/v1/touch", target=session)
            except Refused:
                session = self.acquire()["session"]
            except OSError:
                pass  # The daemon starts anew; the lease outlasts that.
            done.wait(TOUCH_EVERY)

    def release(self):
        if self.hold:
            self.call("/v1/release", hold=self.hold, client=self.name)


def main():
    if len(sys.argv) < 4:
        sys.exit(f"usage: {sys.argv[0]} POOL CLIENT COMMAND [ARGUMENT…]")
    pool, name, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    client, done = Client(os.environ["LEASEKEEPER_SOCKET"], pool, name), threading.Event()
    try:
        held = client.acquire()
        threading.Thread(target=client.heartbeats, args=(held["session"], done), daemon=True).start()
        address = held["address"]
        place = {"RENDERING_HOST": address["hostname"], "RENDERING_PORT": str(address.get("handshake_port", ""))}
        return subprocess.run(command, env={**os.environ, **place}, check=False).returncode
    except Refused as refused:
        return f"error: {refused}"
    finally:
        done.set()
        client.release()


if __name__ == "__main__":
    sys.exit(main())
