"""Checkpoints: bit-equal after a kill, whole or not at all, and one sentence when something is wrong."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from kill_me import TinyVAE, live
from torch import nn

from course_lib.errors import CourseError
from course_lib.training.checkpoint import Checkpoint
from course_lib.training.ema import EMA
from course_lib.training.loop import Player, Step, seconds, train
from course_lib.training.same_run import tensors

posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and SIGKILL")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ended(folder: Path) -> dict[str, torch.Tensor]:
    return dict(tensors(torch.load(folder / "end.pt", weights_only=True)))


def assert_same_end(a: Path, b: Path) -> None:
    one, other = ended(a), ended(b)
    assert one.keys() == other.keys() and len(one) > 20
    for name in one:
        assert torch.equal(one[name], other[name]), f"{name} differs"


@posix
@pytest.mark.parametrize(("every", "seed"), [(1, 0), (1, 1), (7, 2)])
def test_killed_at_random_moments_it_ends_bit_equal(tmp_path, every, seed):
    """Each life is a new process that builds everything anew; with every=1 most kills fall into a save."""
    steps, rng = 120, random.Random(seed)
    fork = multiprocessing.get_context("fork")
    for name in ("warm-up", "whole"):
        (tmp_path / name).mkdir()
        began = time.perf_counter()
        live(tmp_path / name, steps, every)
    a_life = time.perf_counter() - began
    folder, lives = tmp_path / "killed", 0
    folder.mkdir()
    while not (folder / "end.pt").exists():
        child = fork.Process(target=live, args=(folder, steps, every))
        child.start()
        child.join(a_life * rng.uniform(0.03, 0.25) if lives < 12 else None)
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
        child.join()
        lives += 1
    assert lives >= 3, "the run ended before it could be killed often enough"
    assert_same_end(folder, tmp_path / "whole")


@posix
def test_killed_and_started_again_from_the_shell(tmp_path):
    (tmp_path / "whole").mkdir()
    live(tmp_path / "whole", 300, 10)
    script = [sys.executable, str(Path(__file__).with_name("kill_me.py")), str(tmp_path), "300", "10"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True, env=environment) as first:
        while int(first.stdout.readline()) < 37:
            pass
        first.kill()
    assert first.returncode == -signal.SIGKILL and not (tmp_path / "end.pt").exists()
    again = subprocess.run(script, capture_output=True, text=True, env=environment, check=True)
    assert int(again.stdout.split()[0]) >= 30, "it began again from the start"
    assert_same_end(tmp_path, tmp_path / "whole")


class Run:
    """A run in a folder whose weights say which step they are of."""

    def __init__(self, folder: Path, settings: object = None, net: nn.Module | None = None):
        self.net = net or nn.Linear(2, 2)
        self.checkpoint = Checkpoint(folder / "run", {"net": self.net}, settings)

    def steps(self, n: int, start: int = 0):
        for index in range(start, n):
            with torch.no_grad():
                self.net.bias.fill_(index + 1)
            yield Step(index, {}, {}, (index + 1) / n)

    def train(self, n: int, **how) -> None:
        for _ in self.checkpoint.keep(self.steps(n, self.checkpoint.step), **how):
            pass


def test_nothing_there_is_step_0(tmp_path):
    assert Run(tmp_path).checkpoint.restore() == 0


@pytest.mark.parametrize("moment", ["write", "first replace", "second replace", "sync"])
def test_death_in_the_middle_of_a_save_leaves_a_good_checkpoint(tmp_path, monkeypatch, moment):
    """Wherever a save is cut, what is restored is the step before or the step itself, whole."""
    Run(tmp_path).train(3)

    class Death(BaseException):
        pass

    replaced = []
    replace, module = os.replace, "course_lib.training.checkpoint"

    def dying_replace(a, b):
        if len(replaced) == ["first replace", "second replace"].index(moment):
            raise Death
        replaced.append(a)
        replace(a, b)

    def dying_write(state, path):
        path.write_bytes(b"half a file")
        raise Death

    def dying_sync(folder):
        raise Death

    with monkeypatch.context() as patch:
        if moment == "write":
            patch.setattr(f"{module}.write", dying_write)
        elif moment == "sync":
            patch.setattr(f"{module}.sync_folder", dying_sync)
        else:
            patch.setattr("os.replace", dying_replace)
        run = Run(tmp_path)
        run.checkpoint.restore()
        with pytest.raises(Death):
            run.train(4)
    again = Run(tmp_path)
    assert again.checkpoint.restore() == (4 if moment == "sync" else 3)
    assert (again.net.bias == again.checkpoint.step).all()
    again.train(6)
    assert Run(tmp_path).checkpoint.restore() == 6


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "not a checkpoint"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(tmp_path, capsys, damage):
    Run(tmp_path).train(4, every=2)
    last = tmp_path / "run" / "last.pt"
    whole = last.read_bytes()
    half = len(whole) // 2
    flipped = whole[:half] + bytes([whole[half] ^ 0xFF]) + whole[half + 1 :]
    last.write_bytes(
        {"cut": whole[:half], "empty": b"", "flipped": flipped, "not a checkpoint": b"hello"}[damage]
    )
    run = Run(tmp_path)
    assert run.checkpoint.restore() == 2 and (run.net.bias == 2).all()
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "cut short or damaged" in said and "step 2" in said
    last.write_bytes(whole[:half])
    with pytest.raises(CourseError, match="there is no earlier checkpoint: delete the folder"):
        Run(tmp_path).checkpoint.restore()


def test_a_file_that_would_run_code_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harm"),))

    (tmp_path / "run").mkdir()
    torch.save(Evil(), tmp_path / "run" / "last.pt")
    with pytest.raises(CourseError, match="damaged"):
        Run(tmp_path).checkpoint.restore()
    assert not (tmp_path / "harm").exists()


@dataclass(frozen=True)
class Settings:
    beta: float = 1.0
    maps: tuple[int, ...] = (8, 16)


def test_other_settings_are_named(tmp_path):
    Run(tmp_path, Settings()).train(2)
    assert Run(tmp_path, Settings()).checkpoint.restore() == 2
    with pytest.raises(CourseError, match=r"its beta is 1\.0, yours is 4\.0"):
        Run(tmp_path, Settings(beta=4.0)).checkpoint.restore()


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (nn.Linear(3, 2), r"its net\.weight has shape \(2, 2\), yours \(2, 3\)"),
        (nn.Linear(2, 2, bias=False), r"it has the weights 'net\.bias', yours has not"),
        (nn.Sequential(nn.Linear(2, 2)), r"it has not the weights 'net\.0\.bias', yours has"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused_and_nothing_is_loaded(tmp_path, net, words):
    Run(tmp_path).train(2)
    before = [weight.clone() for weight in net.parameters()]
    with pytest.raises(CourseError, match=words):
        Run(tmp_path, net=net).checkpoint.restore()
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_other_parts_and_other_optimizers_are_named(tmp_path):
    net = nn.Linear(2, 2)
    Checkpoint(tmp_path, {"net": net, "adam": torch.optim.Adam(net.parameters())}).save()
    with pytest.raises(CourseError, match="it has the part 'adam', yours has not"):
        Checkpoint(tmp_path, {"net": net}).restore()
    with pytest.raises(CourseError, match="its adam moves 2 tensors, yours 1"):
        Checkpoint(tmp_path, {"net": net, "adam": torch.optim.Adam([net.weight])}).restore()
    with pytest.raises(CourseError, match="it has not the part 'ema', yours has"):
        Checkpoint(
            tmp_path, {"net": net, "adam": torch.optim.Adam(net.parameters()), "ema": EMA(net)}
        ).restore()


@posix
def test_a_full_disk_is_one_sentence_and_the_last_checkpoint_stays(tmp_path):
    import resource

    run = Run(tmp_path)
    run.train(2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))  # a write beyond it fails as on a full disk
    try:
        with pytest.raises(CourseError) as error:
            run.train(3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    sentence = str(error.value)
    assert "Step 3 could not be saved" in sentence and "File too large" in sentence and "\n" not in sentence
    assert "the checkpoint of step 2 is still there" in sentence
    assert not (tmp_path / "run" / "new.pt").exists()
    run.checkpoint.save()  # after making room
    assert Run(tmp_path).checkpoint.restore() == 3


def test_weights_that_are_nan_do_not_replace_good_ones(tmp_path):
    run = Run(tmp_path)
    run.train(2)
    with torch.no_grad():
        run.net.weight.fill_(float("nan"))
    with pytest.raises(CourseError, match=r"net\.weight holds NaN.*step 2 is still there"):
        run.train(3)
    assert Run(tmp_path).checkpoint.restore() == 2


def test_saves_come_after_the_body_at_the_given_pace_and_at_the_end(tmp_path, monkeypatch):
    run, saved = Run(tmp_path), []
    save = run.checkpoint.save
    monkeypatch.setattr(run.checkpoint, "save", lambda: (saved.append(run.net.weight[0, 0].item()), save()))
    for step in run.checkpoint.keep(run.steps(7), every=3):
        with torch.no_grad():
            run.net.weight.fill_(step.index)  # the loop's body
    assert saved == [2, 5, 6]


def test_saves_by_the_clock(tmp_path, monkeypatch):
    run, saved = Run(tmp_path), []
    monkeypatch.setattr(run.checkpoint, "save", lambda: saved.append(run.checkpoint.step))
    for _ in run.checkpoint.keep(run.steps(20), every=None, every_seconds=0.05):
        time.sleep(0.01)
    assert 2 <= len(saved) <= 6 and saved[-1] == 20


def test_after_break_the_last_checkpoint_stands(tmp_path):
    run = Run(tmp_path)
    for step in run.checkpoint.keep(run.steps(9), every=2):
        if step.index == 4:
            break
    assert Run(tmp_path).checkpoint.restore() == 4


@posix
def test_an_interrupt_ends_the_loop_after_its_step_and_saves(tmp_path, capsys):
    run, bodies = Run(tmp_path), []
    before = signal.getsignal(signal.SIGINT)
    for step in run.checkpoint.keep(run.steps(9), every=100):
        if step.index == 4:
            signal.raise_signal(signal.SIGINT)
        bodies.append(step.index)
    assert bodies == [0, 1, 2, 3, 4] and signal.getsignal(signal.SIGINT) == before
    assert "Stopped after step 5" in capsys.readouterr().out
    assert Run(tmp_path).checkpoint.restore() == 5


@posix
def test_a_second_interrupt_is_the_usual_one(tmp_path):
    run = Run(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        for _ in run.checkpoint.keep(run.steps(9)):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
    assert not (tmp_path / "run").exists()


def test_a_time_budget_goes_on_where_it_was(tmp_path):
    torch.manual_seed(0)

    def run_for(total: float) -> tuple[Checkpoint, int]:
        vae = TinyVAE()
        player = Player("VAE", vae.loss, torch.optim.SGD(vae.parameters(), lr=1e-4))
        run = Checkpoint(tmp_path, {"vae": vae})
        start = run.restore()
        endless = iter(lambda: {"image": torch.zeros(2, 1, 8, 8)}, None)
        loop = train([player], endless, seconds(total, used=run.used), start=start)
        for _ in run.keep(loop):
            time.sleep(0.002)
        return run, run.step - start

    first, _ = run_for(0.2)
    assert first.progress == 1.0 and 0.2 <= first.used < 0.6
    again, steps = run_for(0.2)
    assert steps == 0 and again.step == first.step
    longer, steps = run_for(first.used + 0.1)
    assert steps > 0 and longer.used >= first.used + 0.1 and longer.step == first.step + steps


def test_a_finished_run_is_not_trained_again(tmp_path):
    Run(tmp_path).train(5)
    run = Run(tmp_path)
    before = (tmp_path / "run" / "last.pt").stat().st_mtime_ns
    assert run.checkpoint.restore() == 5
    run.train(5)
    assert (tmp_path / "run" / "last.pt").stat().st_mtime_ns == before


def test_random_numbers_go_on_where_they_were(tmp_path):
    run = Run(tmp_path)
    torch.manual_seed(7)
    run.train(1)
    expected = torch.randn(4)
    torch.manual_seed(8)
    Run(tmp_path).checkpoint.restore()
    assert torch.equal(torch.randn(4), expected)
