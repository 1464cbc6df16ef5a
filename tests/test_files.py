"""Samples in files: what is read, and the sentence for what cannot be."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.cli import main
from course_lib.errors import CourseError
from course_lib.images import from_uint8
from course_lib.metrics.files import load_images, save_npz


def pixels(n=30, size=28, channels=1):
    return np.random.default_rng(0).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def test_an_npz_and_a_folder_of_pngs_give_the_images_back(tmp_path):
    for channels in (1, 3):
        given = pixels(5, 8, channels)
        expected = from_uint8(torch.from_numpy(given).permute(0, 3, 1, 2).contiguous())
        save_npz(tmp_path / "x.npz", given, labels=np.arange(5))
        torch.testing.assert_close(load_images(tmp_path / "x.npz"), expected, rtol=0, atol=0)
        folder = tmp_path / f"folder{channels}"
        folder.mkdir()
        for k, image in enumerate(given):
            Image.fromarray(image.squeeze()).save(folder / f"{k}.png")
        torch.testing.assert_close(load_images(folder), expected, rtol=0, atol=0)


def test_a_palette_png_is_colour(tmp_path):
    Image.fromarray(pixels(1, 8, 3)[0]).convert("P").save(tmp_path / "a.png")
    assert load_images(tmp_path).shape == (1, 3, 8, 8)


def cut_short(folder):
    save_npz(folder / "x.npz", pixels())
    whole = (folder / "x.npz").read_bytes()
    (folder / "x.npz").write_bytes(whole[: len(whole) // 2])


def write(**arrays):
    return lambda folder: np.savez(folder / "x.npz", **arrays)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: None, "There is nothing at"),
        (cut_short, "cut short or damaged"),
        (write(pictures=pixels()), "has no array `images`, only pictures"),
        (write(images=pixels().astype(np.float32)), "must be uint8 .* got float32"),
        (write(images=pixels()[..., 0]), "must be uint8"),
        (write(images=np.array([None, "x"], dtype=object)), "cut short or damaged"),
        (lambda folder: (folder / "x.npz").mkdir(), "holds no .png file"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, make, says):
    make(tmp_path)
    with pytest.raises(CourseError, match=says):
        load_images(tmp_path / "x.npz")


def test_pngs_of_two_sizes_and_half_a_png_are_named(tmp_path):
    Image.fromarray(pixels(1, 8)[0, :, :, 0]).save(tmp_path / "a.png")
    Image.fromarray(pixels(1, 9)[0, :, :, 0]).save(tmp_path / "b.png")
    with pytest.raises(CourseError, match=r"b\.png is \(9, 9, 1\) but a\.png"):
        load_images(tmp_path)
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError, match=r"b\.png is not a whole PNG"):
        load_images(tmp_path)


def test_course_evaluate_prints_the_numbers_and_says_in_what(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    save_npz(tmp_path / "x.npz", pixels(100))
    assert main(["evaluate", str(tmp_path / "x.npz"), "--json", str(tmp_path / "s.json")]) == 0
    seen = capsys.readouterr()
    assert "FID (digits-LeNet, 100 v " in seen.out and "note: 100 samples are few" in seen.err
    assert json.loads((tmp_path / "s.json").read_text())["n"] == 100


@pytest.mark.parametrize(("n", "reference"), [("1", "digits"), ("30", "cats")])
def test_course_evaluate_refuses_in_one_line(tmp_path, capsys, n, reference, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    save_npz(tmp_path / "x.npz", pixels())
    assert main(["evaluate", str(tmp_path / "x.npz"), "-n", n, "--reference", reference]) == 2
    assert capsys.readouterr().err.count("\n") == 1
