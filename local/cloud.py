"""Serves the local cloud: MiniStack on loopback, with the few patches that this project needs.

Started by local-cloud.ts, which also stops it; not meant to be run by hand.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

LOOPBACK = "127.0.0.1"


def keep_on_loopback():
    """No listener of this process can leave the machine, whatever address a service asks for.

    Some emulated services open ports of their own on all interfaces (MQTT, SFTP, database proxies); their bind
    address cannot be configured in every case, so the one call they all make is narrowed.
    """
    bind = socket.socket.bind

    def bind_loopback(self, address):
        if self.family == socket.AF_INET and address[0] in ("", "0.0.0.0"):
            address = (LOOPBACK, *address[1:])
        elif self.family == socket.AF_INET6 and address[0] in ("", "::"):
            address = ("::1", *address[1:])
        return bind(self, address)

    socket.socket.bind = bind_loopback


def with_identity(app, identity):
    """The app, plus one page that says which start this server belongs to."""
    body = json.dumps(identity).encode()

    async def identified(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/_weir/local":
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return identified


def count_loopback_as_tls(ministack_app):
    """Policies that refuse plain HTTP (``aws:SecureTransport``) let loopback through: CDK's own staging bucket has one,
    and so has every bucket that enforces TLS. Plain HTTP is what the local cloud speaks."""
    pin = ministack_app.pin_request_origin
    ministack_app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


def answer_without_waiting_for_logs(lambda_runtime):
    """After each invocation MiniStack waits 50 ms for a first log line, unless one is there. Node writes its lines
    before its answer, so a few milliseconds for the reading thread are enough; a line that is later than that is shown
    with the next invocation."""
    first_line_wait, idle_confirm, hard_cap = 0.005, 0.005, 0.25
    lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (first_line_wait, idle_confirm, hard_cap)


def raise_open_file_limit():
    try:
        import resource

        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ImportError, ValueError, OSError):
        pass


async def serve(app, port):
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{LOOPBACK}:{port}"]
    # A connection that the server closes is an error to the client that is just using it (over HTTP/2 above all):
    # it closes none, neither after a pause nor after so many requests.
    config.keep_alive_timeout = 24 * 3600
    config.keep_alive_max_requests = 2**62
    config.graceful_timeout = 1
    config.shutdown_timeout = 3
    config.backlog = 1024
    config.loglevel = "WARNING"

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    await hypercorn_serve(app, config, shutdown_trigger=stopping.wait)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--token", required=True, help="names this start; shown by /_weir/local")
    options = arguments.parse_args()

    keep_on_loopback()
    raise_open_file_limit()

    # Only now: importing MiniStack reads its settings from the environment.
    from ministack import app as ministack_app
    from ministack.core import lambda_runtime

    import athena
    import event_sources
    import kinesis_streams
    import named_queries
    import s3_tables

    count_loopback_as_tls(ministack_app)
    answer_without_waiting_for_logs(lambda_runtime)
    athena.install(options.port)
    kinesis_streams.install()
    named_queries.install()
    s3_tables.install()
    event_sources.install()

    identity = {"token": options.token, "pid": os.getpid(), "auth": ministack_app.AUTH}
    try:
        asyncio.run(serve(with_identity(ministack_app.app, identity), options.port))
    finally:
        lambda_runtime.reset()
        # Threads that wait in a query or a Lambda function must not keep the process, and the port, alive.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
