"""One training in two processes: the same steps, the same losses, and what cannot be shared."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_lib import bootstrap, cli
from course_lib.data.batches import Batches
from course_lib.errors import CourseError
from course_lib.recipes.many import Processes
from course_lib.recipes.run import Length, Run, Settings
from course_lib.recipes.table import find_recipe
from course_lib.recipes.worlds import find_world


def test_each_process_draws_its_own_noise_and_only_the_first_writes(tmp_path):
    """Alone here, but with the ranks of three: the same weights and batches, other codes."""
    states = []
    for rank in range(3):
        processes = Processes()
        processes.rank = rank
        made = Run(tmp_path / f"{rank}", Settings("vae", "digits", 0), processes)
        assert made.train(Length("steps", 1)) and (tmp_path / f"{rank}").exists() == (rank == 0)
        states.append(made.model.nets["vae"].state_dict())
    fresh = find_recipe("vae").build(find_world("digits")).nets["vae"].state_dict()

    def apart(one, other) -> float:
        return max((one[name].float() - other[name].float()).abs().max().item() for name in one)

    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert 0 < apart(states[one], states[other]) < 0.01 < apart(states[one], fresh)


def test_a_batch_that_cannot_be_shared_is_refused():
    many = Processes()
    many.many = 2
    data = {"image": torch.zeros(9, 1, 2, 2, dtype=torch.uint8)}
    with pytest.raises(CourseError, match="3 cannot be cut in 2 equal parts"):
        many.share(Batches(data, 3), 3)
    with pytest.raises(CourseError, match="pairs of sets, by one process"):
        many.share(iter([]), 4)


def test_the_second_process_takes_the_second_part_from_where_the_run_stands():
    many, data = Processes(), {"image": torch.arange(32, dtype=torch.uint8).view(32, 1, 1, 1)}
    many.many, many.rank = 2, 1
    part = many.share(Batches(data, 8, seed=3, start=1), 8)
    assert torch.equal(next(part)["image"], Batches(data, 8, seed=3).batch(1)["image"][4:])
    many.rank = 0
    part = many.share(Batches(data, 8, seed=3, start=1), 8)
    assert torch.equal(next(part)["image"], Batches(data, 8, seed=3).batch(1)["image"][:4])


def launched(*words: str) -> subprocess.CompletedProcess:
    launch = ["launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    env = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    env |= {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(bootstrap.ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "accelerate.commands.accelerate_cli", *launch, *words],
        cwd=bootstrap.ROOT, env=env, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_two_processes_take_the_steps_of_one():
    answer = launched(str(Path(__file__).parent / "two_processes.py"))
    result = next((line for line in answer.stdout.splitlines() if line.startswith("RESULT")), answer.stderr)
    _, many, apart, from_one, moved = result.split()
    assert int(many) == 2
    assert float(apart) == 0 and float(from_one) < 1e-5 < 0.01 < float(moved)


def test_two_processes_give_the_loss_curve_of_one(tmp_path):
    words = ["train", "vae", "--steps", "81", "--seed", "2"]
    assert cli.main([*words, "--out", str(tmp_path / "one")]) == 0
    answer = launched("-m", "course_lib.cli", *words, "--out", str(tmp_path / "two"))
    assert answer.returncode == 0, answer.stderr[-2000:]
    one, two = (
        [float(row["vae: recon"]) for row in csv.DictReader((tmp_path / name / "losses.csv").open())]
        for name in ("one", "two")
    )
    assert len(one) == len(two) == 5 and one[-1] < 0.6 * one[0]
    assert two == pytest.approx(one, rel=0.06)
