"""What the benches share: starting servers, running the crawler and measuring it alone. Standard library only."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SERVERS = Path(os.environ.get("CONTRAIL_TEST_SERVERS", ROOT / "target" / "test-servers"))
MIB = 1 << 20
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1"}


def release_binary():
    """The release binary. Not built here: that takes a quarter of an hour, which nobody should be surprised by."""
    binary = Path(os.environ.get("CONTRAIL_BINARY", TARGET / "release" / "contrail"))
    if not binary.exists():
        sys.exit(f"{binary} is not there: run `cargo build --release --locked` first, or set CONTRAIL_BINARY")
    return binary


@contextmanager
def process(arguments, **options):
    """A child process that is ended, by its own id, when the block is left."""
    child = subprocess.Popen([str(argument) for argument in arguments], **options)
    try:
        yield child
    finally:
        if child.stdin:
            child.stdin.close()
        child.terminate()
        child.wait()


@contextmanager
def upstreams(**options):
    """The simulated upstreams, in a process of their own: its memory and CPU are not the crawler's."""
    script = [sys.executable, ROOT / "benches" / "upstreams.py", json.dumps(options)]
    with process(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        yield child.stdout.readline().strip()


@contextmanager
def moto():
    """moto, an S3 server that we did not write, with one bucket."""
    program = SERVERS / "venv" / "bin" / "moto_server"
    if not program.exists():
        sys.exit(f"{program} is not there: run `make servers` first, or set CONTRAIL_TEST_SERVERS")
    with tempfile.TemporaryFile() as log:
        port = free_port()
        with process([program, "-H", "127.0.0.1", "-p", port], stdout=log, stderr=log):
            url = f"http://127.0.0.1:{port}"
            for _ in range(600):
                try:
                    urllib.request.urlopen(urllib.request.Request(f"{url}/bench", method="PUT")).close()
                    break
                except OSError:
                    time.sleep(0.1)
            else:
                sys.exit("moto did not start")
            yield url


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def workspace():
    directory = Path(tempfile.mkdtemp(prefix="contrail-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def get_json(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


# moto asks who is there and does not check the signature.
WHO = "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"


def head(url):
    with urllib.request.urlopen(urllib.request.Request(url, method="HEAD", headers={"Authorization": WHO})) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}


def put(url, file, headers):
    """Puts a file, piece by piece: what this process holds would count as the crawler's."""
    headers = {"Authorization": WHO, "Content-Type": "application/gzip", "Content-Length": str(os.path.getsize(file)), **headers}
    with open(file, "rb") as body:
        urllib.request.urlopen(urllib.request.Request(url, method="PUT", data=body, headers=headers)).close()


class Measured:
    """What a child process used, from wait4: the child alone, with nothing of ours."""

    def __init__(self, status, usage, wall):
        self.code = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.user, self.system, self.wall = usage.ru_utime, usage.ru_stime, wall
        # Kilobytes on Linux, bytes on macOS.
        self.peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def run(arguments, directory, environment=None, stdin=None, stdout=None):
    """Runs a program to its end and measures it.

    Linux counts what the parent held when it forked as the child's, so the parent must stay small; `floor` tells.
    """
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "NO_PROXY": "*", **(environment or {})}
    with open(directory / "log", "ab") as log:
        start = time.monotonic()
        child = subprocess.Popen(
            [str(argument) for argument in arguments], cwd=directory, env=environment,
            stdin=stdin or subprocess.DEVNULL, stdout=stdout or log, stderr=log,
        )
        _, status, usage = os.wait4(child.pid, 0)
        measured = Measured(status, usage, time.monotonic() - start)
        child.returncode = measured.code
    if measured.code != 0:
        sys.exit((directory / "log").read_text(errors="replace")[-4000:] + f"\n{arguments[0]} ended in {measured.code}")
    return measured


def floor():
    """The least peak that a child of this process can show."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def crawl(binary, directory, config, *flags):
    """Crawls once, and measures the crawler alone: tables are built by a child of it, which would count as the crawler's."""
    (directory / "contrail.toml").write_text(config)
    arguments = [binary, "crawler", "--once", "--config", directory / "contrail.toml", *flags]
    return run(arguments, directory, {**CREDENTIALS, "CONTRAIL_TABLES__BUILD": "never"})


def report(title, rows, result):
    """A table for people on stderr, one line of JSON for machines on stdout."""
    width = max(len(name) for name, _ in rows)
    print(f"\n{title}", file=sys.stderr)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}", file=sys.stderr)
    print(json.dumps(result), flush=True)
