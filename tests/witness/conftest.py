"""Servers that this project did not write, as processes of their own."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import wait_until

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def witness() -> Iterator[str]:
    """The base URL of FastAPI's and sse-starlette's own examples."""
    with subprocess.Popen([sys.executable, str(HERE / "app.py")], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            base_url = server.stdout.readline().strip()
            assert base_url.startswith("http"), "the witness did not start"
            yield base_url
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def nginx_path() -> str:
    """Debian's nginx; without it the test is skipped, but fails where CI promises to have it."""
    path = shutil.which("nginx", path=f"/usr/sbin{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("install nginx (Debian: apt-get install nginx-light)")
    return path


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def behind_nginx(nginx_path: str, tmp_path: Path) -> Iterator[object]:
    """Start nginx, as Debian configures it, before a server; give the base URL of the way through it."""
    running: list[subprocess.Popen[bytes]] = []

    def start(upstream: str) -> str:
        port = free_port()
        (tmp_path / "nginx.conf").write_text(CONFIGURATION.format(folder=tmp_path, port=port, upstream=upstream))
        command = [
            nginx_path,
            "-e",
            str(tmp_path / "error.log"),
            "-c",
            str(tmp_path / "nginx.conf"),
            "-p",
            str(tmp_path),
        ]
        running.append(subprocess.Popen(command))
        wait_until(lambda: listens(port), "nginx listens")
        return f"http://127.0.0.1:{port}"

    yield start
    for server in running:
        server.terminate()
        server.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


CONFIGURATION = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    gzip on;
    gzip_types text/event-stream;
    gzip_proxied any;
    gzip_min_length 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
