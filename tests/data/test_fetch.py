"""data/fetch against a server on this machine, with data sets of a few bytes."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

FETCH = Path(__file__).resolve().parents[2] / "data" / "fetch"
MNIST = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
         "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")


def md5(content):
    return "md5:" + hashlib.md5(content).hexdigest()


def sha1(content):
    return "sha1:" + hashlib.sha1(content).hexdigest()


class Server:
    """Serves `files` by name and remembers the requests as (name, range header)."""

    def __init__(self):
        self.files, self.requests = {}, []
        self.cut_after = {}  # name: list of byte counts after which the next answers break off
        self.resumes = True
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.rsplit("/", 1)[-1]
                wanted = self.headers.get("Range")
                owner.requests.append((name, wanted))
                if name not in owner.files:
                    self.send_error(404)
                    return
                content = owner.files[name]
                start = int(wanted.split("=")[1].split("-")[0]) if wanted and owner.resumes else 0
                if start and start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.end_headers()
                cuts = owner.cut_after.get(name)
                end = start + cuts.pop(0) if cuts else len(content)
                self.wfile.write(content[start:end])

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/files"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server():
    running = Server()
    yield running
    running.close()


@pytest.fixture
def mnist(server, tmp_path):
    """A fake MNIST on the server, with its checksums in a file."""
    for name in MNIST:
        server.files[name] = gzip.compress(name.encode() * 50, mtime=0) + os.urandom(5000)
    return write_checksums(tmp_path, {"mnist": {name: md5(server.files[name]) for name in MNIST}})


@pytest.fixture
def cifar(server, tmp_path):
    """A fake CIFAR-100 archive on the server; the members are returned too."""
    members = {"train.bin": b"train" * 700, "test.bin": b"test" * 300}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in members.items():
            header = tarfile.TarInfo("cifar-100-binary/" + name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    server.files["cifar-100-binary.tar.gz"] = packed.getvalue()
    checksums = {name: sha1(content) for name, content in members.items()}
    checksums["cifar-100-binary.tar.gz"] = md5(packed.getvalue())
    return write_checksums(tmp_path, {"cifar-100": checksums}), members


def write_checksums(folder, checksums):
    path = folder / "checksums.json"
    path.write_text(json.dumps(checksums))
    return path


def run(*arguments, prefix=(), **environment):
    kept = {key: value for key, value in os.environ.items() if key.lower() not in ("http_proxy", "telltale_data")}
    return subprocess.run([*prefix, sys.executable, str(FETCH), *map(str, arguments)], capture_output=True, text=True,
                          timeout=600, env={**kept, "no_proxy": "127.0.0.1", **environment})


def fetch(server, checksums, name, to):
    return run(name, "--to", to, "--mirror", server.url, "--checksums", checksums)


def test_files_keep_their_official_names_and_bytes(server, mnist, tmp_path):
    result = fetch(server, mnist, "mnist", tmp_path / "d")
    assert result.returncode == 0, result.stderr
    assert {p.name: p.read_bytes() for p in (tmp_path / "d/mnist").iterdir()} == server.files
    assert str(tmp_path / "d") in result.stdout  # what to set TELLTALE_DATA to


def test_second_run_downloads_nothing(server, mnist, tmp_path):
    fetch(server, mnist, "mnist", tmp_path / "d")
    server.requests.clear()
    assert fetch(server, mnist, "mnist", tmp_path / "d").returncode == 0
    assert server.requests == []


def test_only_the_damaged_file_is_downloaded_again(server, mnist, tmp_path):
    fetch(server, mnist, "mnist", tmp_path / "d")
    damaged = tmp_path / "d/mnist" / MNIST[1]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    server.requests.clear()
    assert fetch(server, mnist, "mnist", tmp_path / "d").returncode == 0
    assert [name for name, _ in server.requests] == [MNIST[1]]
    assert damaged.read_bytes() == server.files[MNIST[1]]


def test_corrupted_download_never_gets_the_final_name(server, mnist, tmp_path):
    server.files[MNIST[0]] = server.files[MNIST[0]][:-1] + b"\0\0"
    result = fetch(server, mnist, "mnist", tmp_path / "d")
    assert result.returncode == 1
    assert "checksum mismatch" in result.stderr and MNIST[0] in result.stderr
    assert list((tmp_path / "d/mnist").iterdir()) == []


def test_missing_file_names_the_url_and_the_answer(server, mnist, tmp_path):
    del server.files[MNIST[2]]
    result = fetch(server, mnist, "mnist", tmp_path / "d")
    assert result.returncode == 1
    assert f"{server.url}/{MNIST[2]}" in result.stderr and "404" in result.stderr


def test_unreachable_server_is_a_clear_error(server, mnist, tmp_path):
    server.close()
    result = fetch(server, mnist, "mnist", tmp_path / "d")
    assert result.returncode == 1
    assert "cannot be reached" in result.stderr and "Traceback" not in result.stderr


def test_broken_connection_is_resumed_within_one_run(server, mnist, tmp_path):
    server.cut_after[MNIST[0]] = [1000]
    assert fetch(server, mnist, "mnist", tmp_path / "d").returncode == 0
    assert [r for name, r in server.requests if name == MNIST[0]] == [None, "bytes=1000-"]
    assert (tmp_path / "d/mnist" / MNIST[0]).read_bytes() == server.files[MNIST[0]]


def test_interrupted_download_is_resumed_by_the_next_run(server, mnist, tmp_path):
    server.cut_after[MNIST[0]] = [1000, 500, 200]
    first = fetch(server, mnist, "mnist", tmp_path / "d")
    assert first.returncode == 1 and "start again" in first.stderr
    server.requests.clear()
    assert fetch(server, mnist, "mnist", tmp_path / "d").returncode == 0
    assert server.requests[0] == (MNIST[0], "bytes=1700-")
    assert (tmp_path / "d/mnist" / MNIST[0]).read_bytes() == server.files[MNIST[0]]


def test_server_that_cannot_resume_is_read_from_the_start(server, mnist, tmp_path):
    server.resumes = False
    server.cut_after[MNIST[0]] = [1000]
    assert fetch(server, mnist, "mnist", tmp_path / "d").returncode == 0
    assert (tmp_path / "d/mnist" / MNIST[0]).read_bytes() == server.files[MNIST[0]]


@pytest.mark.parametrize("size", [1000, 50000])  # shorter and longer than the file
def test_foreign_partial_file_is_discarded(server, mnist, tmp_path, size):
    folder = tmp_path / "d/mnist"
    folder.mkdir(parents=True)
    (folder / (MNIST[0] + ".part")).write_bytes(b"x" * size)
    assert fetch(server, mnist, "mnist", tmp_path / "d").returncode == 0
    assert (folder / MNIST[0]).read_bytes() == server.files[MNIST[0]]


def test_archive_is_unpacked_verified_and_removed(server, cifar, tmp_path):
    checksums, members = cifar
    assert fetch(server, checksums, "cifar-100", tmp_path / "d").returncode == 0
    assert {p.name: p.read_bytes() for p in (tmp_path / "d/cifar-100").iterdir()} == members
    server.requests.clear()
    assert fetch(server, checksums, "cifar-100", tmp_path / "d").returncode == 0
    assert server.requests == []


def test_wrong_archive_member_is_refused(server, cifar, tmp_path):
    checksums, _ = cifar
    content = json.loads(checksums.read_text())
    content["cifar-100"]["test.bin"] = sha1(b"something else")
    result = fetch(server, write_checksums(tmp_path, content), "cifar-100", tmp_path / "d")
    assert result.returncode == 1 and "test.bin" in result.stderr
    assert not (tmp_path / "d/cifar-100/test.bin").exists()


def test_destination_that_cannot_be_written_is_a_clear_error(server, mnist, tmp_path):
    (tmp_path / "file").write_text("")
    result = fetch(server, mnist, "mnist", tmp_path / "file")
    assert result.returncode == 1
    assert "Not a directory" in result.stderr and "Traceback" not in result.stderr


def test_file_that_cannot_grow_is_a_clear_error(server, mnist, tmp_path):
    limit = ("bash", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "limited")
    result = run("mnist", "--to", tmp_path / "d", "--mirror", server.url, "--checksums", mnist, prefix=limit)
    assert result.returncode == 1
    assert "File too large" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "d/mnist" / MNIST[0]).exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full to stand for a full disk")
def test_full_disk_is_said(server, mnist, tmp_path):
    (tmp_path / "d/mnist").mkdir(parents=True)
    (tmp_path / "d/mnist" / (MNIST[0] + ".part")).symlink_to("/dev/full")
    result = fetch(server, mnist, "mnist", tmp_path / "d")
    assert result.returncode == 1
    assert "the disk is full" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "d/mnist" / MNIST[0]).exists()


def test_unknown_name_is_wrong_usage(tmp_path):
    result = run("mnits", "--to", tmp_path)
    assert result.returncode == 2 and "mnits" in result.stderr and "fashion-mnist" in result.stderr


def test_destination_comes_from_the_environment_or_is_demanded(server, mnist, tmp_path):
    arguments = ("mnist", "--mirror", server.url, "--checksums", mnist)
    assert "--to" in run(*arguments).stderr
    assert run(*arguments, TELLTALE_DATA=f"{tmp_path}/first:{tmp_path}/second").returncode == 0
    assert (tmp_path / "first/mnist" / MNIST[0]).is_file()


def test_published_checksums_agree_with_the_reader():
    """The catalogue of the C++ reader pins the same hashes for the CIFAR members."""
    reader = (FETCH.parents[1] / "src/data/catalog.cpp").read_text()
    script = FETCH.read_text()
    pinned = [line.split('"')[3].removeprefix("sha1:") for line in script.splitlines() if '"sha1:' in line]
    assert len(pinned) == 8
    assert all(f'"{digest}"' in reader for digest in pinned)


def test_readme_lists_the_checksums_that_are_verified():
    readme = (FETCH.parent / "README.md").read_text()
    known = FETCH.read_text() + (FETCH.parents[1] / "src/data/catalog.cpp").read_text()
    listed = re.findall(r"(?:md5|sha1) ([0-9a-f]{32,40})", readme)
    assert len(listed) == 26
    assert all(digest in known for digest in listed)
