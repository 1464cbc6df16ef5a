"""Two domains: disjoint people with a known truth, folders of any pictures, archives by download, batches."""

import contextlib
import http.server
import io
import itertools
import re
import threading
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.data import archives, download
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.data.unpaired import (
    PARTS,
    PairedBatches,
    UnpairedBatches,
    cropped,
    face_domains,
    face_pairs,
    images_of,
    named_domains,
    read_domains,
    read_picture,
)
from course_lib.errors import CourseError

RED, BLUE = (200, 30, 40), (20, 60, 220)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No test reads or writes the user's folders, or asks a real server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


# ------------------------------------------------------------------------------------------------- faces


def test_nobody_is_in_two_parts():
    domains = face_domains(40, test=10, seed=3)
    people = torch.cat([one["shape"] for one in (*domains.train, *domains.test)])
    assert len(people) == 100 and len(people.unique(dim=0)) == 100


def test_the_truth_is_the_same_person_in_the_other_style():
    domains = face_domains(8, test=6, size=16, seed=1, styles=("photo", "night"))
    for test, truth, style in zip(domains.test, domains.truth, ("night", "photo"), strict=True):
        assert all(torch.equal(test[name], truth[name]) for name in (*ATTRIBUTES, "pose", "shape"))
        assert not torch.equal(test["image"], truth["image"])
        start = 16 if style == "night" else 22
        assert torch.equal(truth["image"], faces(6, size=16, seed=1, style=style, start=start)["image"])


def test_pairs_are_the_people_of_x():
    domains, (x, y) = face_domains(5, test=2, seed=4), face_pairs(5, seed=4)
    assert torch.equal(x["image"], domains.train[0]["image"])
    assert torch.equal(x["shape"], y["shape"]) and not torch.equal(x["image"], y["image"])


# ----------------------------------------------------------------------------------------------- folders


def put(folder, name, picture, **options):
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / name, **options)


def put_domains(root, count=3):
    for k, part in enumerate(PARTS):
        for i in range(count):
            put(root / part, f"{i}.png", Image.new("RGB", (20 + i, 16 + k), (40 * i, 50 * k, 9)))
    return root


def test_a_folder_of_four_parts(tmp_path):
    root = put_domains(tmp_path / "mine")
    (root / "trainA" / "notes.txt").write_text("not a picture")
    (root / "trainA" / ".hidden.png").write_bytes(b"")
    domains = read_domains(root, size=12)
    assert domains.truth is None
    for k, one in enumerate((*domains.train, *domains.test)):
        assert one["image"].shape == (3, 3, 12, 12) and one["image"].dtype == torch.uint8
        assert one["image"][2, :, 5, 5].tolist() == [80, 50 * k, 9]
    assert len(read_domains(root, size=12, most=2).test[1]["image"]) == 2


@pytest.mark.parametrize("gone", [["testB"], ["trainA", "testA"]])
def test_a_folder_that_lacks_a_part_says_which(tmp_path, gone):
    root = put_domains(tmp_path / "mine")
    for part in gone:
        (root / part).rename(tmp_path / part)
    with pytest.raises(CourseError, match=re.escape(f"lacks {' and '.join(gone)}:")) as caught:
        read_domains(root)
    assert "\n" not in str(caught.value)


def test_other_folders_say_what_is_wrong(tmp_path):
    with pytest.raises(CourseError, match="There is no folder"):
        read_domains(tmp_path / "nowhere")
    root = put_domains(tmp_path / "mine")
    for path in (root / "testA").iterdir():
        path.unlink()
    with pytest.raises(CourseError, match=r"testA holds no picture: put \.jpg"):
        read_domains(root)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", "half"])
def test_a_picture_that_cannot_be_read_is_named(tmp_path, content):
    if content == "half":
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(noise).save(file, "PNG")
        content = file.getvalue()[:2000]
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(CourseError, match=r"broken\.png is not a picture that can be read") as caught:
        read_picture(tmp_path / "broken.png", 8)
    assert "\n" not in str(caught.value)


def two_halves(mode="RGB"):
    """Left red, right blue, twice as wide as high."""
    pixels = np.empty((20, 40, 3), np.uint8)
    pixels[:, :20], pixels[:, 20:] = RED, BLUE
    return Image.fromarray(pixels).convert(mode)


def middle(pixels, x):
    return pixels[:, pixels.shape[1] // 2, x].astype(int).tolist()


def test_the_middle_square_of_any_size(tmp_path):
    for size in ((40, 20), (400, 200), (41, 21)):
        put(tmp_path, "a.png", two_halves().resize(size, Image.Resampling.NEAREST))
        pixels = read_picture(tmp_path / "a.png", 16)
        assert pixels.shape == (3, 16, 16)
        assert middle(pixels, 2) == list(RED) and middle(pixels, 13) == list(BLUE)


def test_grey_palette_and_transparent_pictures(tmp_path):
    put(tmp_path, "grey.png", Image.new("L", (9, 9), 77))
    assert middle(read_picture(tmp_path / "grey.png", 8), 4) == [77] * 3
    put(tmp_path, "bit.png", Image.new("1", (9, 9), 1))
    assert middle(read_picture(tmp_path / "bit.png", 8), 4) == [255] * 3
    put(tmp_path, "deep.png", Image.fromarray(np.full((9, 9), 300 * 256 // 2, np.uint16)))
    assert middle(read_picture(tmp_path / "deep.png", 8), 4) == [150] * 3
    put(tmp_path, "palette.png", two_halves().quantize(4))
    assert middle(read_picture(tmp_path / "palette.png", 16), 2) == list(RED)
    put(tmp_path, "clear.png", Image.new("RGBA", (9, 9), (0, 0, 0, 0)))
    assert middle(read_picture(tmp_path / "clear.png", 8), 4) == [255] * 3
    put(tmp_path, "half.png", Image.new("RGBA", (9, 9), (0, 100, 200, 128)))
    assert np.abs(np.array(middle(read_picture(tmp_path / "half.png", 8), 4)) - [127, 177, 227]).max() <= 1
    put(tmp_path, "ga.png", Image.new("LA", (9, 9), (10, 0)))
    assert middle(read_picture(tmp_path / "ga.png", 8), 4) == [255] * 3
    palette = Image.new("P", (9, 9), 0)
    palette.putpalette([5, 6, 7, 8, 9, 10])
    put(tmp_path, "hole.png", palette, transparency=0)
    assert middle(read_picture(tmp_path / "hole.png", 8), 4) == [255] * 3
    put(tmp_path, "ink.jpg", Image.new("CMYK", (16, 16), (0, 255, 255, 0)))
    red, green, blue = middle(read_picture(tmp_path / "ink.jpg", 8), 4)
    assert red > 200 and max(green, blue) < 60


@pytest.mark.parametrize(("orientation", "left"), [(1, RED), (2, BLUE), (3, BLUE), (4, RED)])
def test_a_camera_held_otherwise(tmp_path, orientation, left):
    exif = Image.Exif()
    exif[0x0112] = orientation
    put(tmp_path, "a.png", two_halves(), exif=exif)
    assert middle(read_picture(tmp_path / "a.png", 16), 2) == list(left)


@pytest.mark.parametrize(("orientation", "top"), [(6, RED), (8, BLUE)])
def test_a_camera_held_upright(tmp_path, orientation, top):
    exif = Image.Exif()
    exif[0x0112] = orientation
    put(tmp_path, "a.png", two_halves(), exif=exif)
    assert read_picture(tmp_path / "a.png", 16)[:, 2, 8].tolist() == list(top)


# ---------------------------------------------------------------------------------------------- archives


@contextlib.contextmanager
def serve(folder, most=None):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def copyfile(self, source, outputfile):
            outputfile.write(source.read()[:most])

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def online(tmp_path, monkeypatch):
    """A server's folder with horse2zebra.zip, and an empty data folder."""
    put_domains(tmp_path / "source" / "horse2zebra")
    (tmp_path / "server").mkdir()
    with zipfile.ZipFile(tmp_path / "server" / "horse2zebra.zip", "w") as file:
        for path in sorted((tmp_path / "source").rglob("*.png")):
            file.write(path, path.relative_to(tmp_path / "source"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_OFFLINE", "0")
    return tmp_path / "server"


def left_over(tmp_path):
    return [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_an_archive_is_fetched_once(online, tmp_path, monkeypatch, capsys):
    with serve(online) as url:
        monkeypatch.setattr(archives, "SERVER", url)
        domains = named_domains("horse2zebra", size=8)
    assert domains.names == ("A", "B") and domains.train[1]["image"].shape == (3, 3, 8, 8)
    assert len(left_over(tmp_path)) == 12 and "fetching" in capsys.readouterr().out
    assert torch.equal(
        named_domains("horse2zebra", size=8).test[0]["image"], domains.test[0]["image"]
    )  # the server is gone
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.unlink(), "its server does not answer"),
        (lambda path: path.write_bytes(b"<html>404</html>"), "its download failed (File is not a zip file;"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "its download failed ("),
    ],
)
def test_a_failed_download_names_the_fallback_and_leaves_nothing(
    online, tmp_path, monkeypatch, capsys, spoil, says
):
    spoil(online / "horse2zebra.zip")
    with serve(online) as url:
        monkeypatch.setattr(archives, "SERVER", url)
        domains = named_domains("horse2zebra", size=24, most=20)
    assert domains.names == ("photo", "sketch") and domains.train[0]["image"].shape == (20, 3, 24, 24)
    line = capsys.readouterr().out.splitlines()[-1]
    assert line.startswith(f"horse2zebra: {says}") and line.endswith("faces, photo and sketch.")
    assert left_over(tmp_path) == []


def test_a_download_that_breaks_off(online, tmp_path, monkeypatch, capsys):
    with serve(online, most=700) as url:
        monkeypatch.setattr(archives, "SERVER", url)
        named_domains("horse2zebra", size=16, most=20)
    assert "its download failed (it broke off after 700 of" in capsys.readouterr().out
    assert left_over(tmp_path) == []


def test_a_zip_cannot_write_outside_its_folder(online, tmp_path, monkeypatch):
    with zipfile.ZipFile(online / "horse2zebra.zip", "a") as file:
        file.writestr("../../escaped.png", b"x")
    with serve(online) as url:
        monkeypatch.setattr(archives, "SERVER", url)
        named_domains("horse2zebra", size=8)
    assert not list(tmp_path.rglob("escaped.png")) and len(left_over(tmp_path)) == 12


def test_offline_asks_nobody_and_an_unknown_name_is_an_error(monkeypatch, capsys):
    monkeypatch.setattr(download, "answers", None)
    assert named_domains("maps", size=16, most=20).names == ("photo", "sketch")
    assert capsys.readouterr().out.startswith("maps: COURSE_OFFLINE is set; going on with faces")
    with pytest.raises(CourseError, match="There is no archive 'horse': choose from horse2zebra, "):
        named_domains("horse")


# ----------------------------------------------------------------------------------------------- batches


def numbered(n, side=6):
    """Image i is all i."""
    return {"image": torch.arange(n, dtype=torch.uint8)[:, None, None, None].repeat(1, 3, side, side)}


def numbers(x):
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_unpaired_batches_shuffle_each_domain_by_itself():
    batches = UnpairedBatches((numbered(40), numbered(60)), 10, seed=1, device="cpu")
    seen = [next(batches) for _ in range(12)]
    xs, ys = [numbers(b["image"]) for b in seen], [numbers(b["other"]) for b in seen]
    assert sorted(itertools.chain(*xs[:4])) == list(range(40))  # an epoch each
    assert sorted(itertools.chain(*ys[:6])) == list(range(60))
    assert sum(a == b for x, y in zip(xs, ys, strict=True) for a, b in zip(x, y, strict=True)) < 12
    again = batches.starting_at(3)
    assert numbers(next(again)["image"]) == xs[3] and numbers(next(again)["other"]) == ys[4]
    assert numbers(batches.batch(0)["other"]) == ys[0] and batches.next == 12
    other = UnpairedBatches((numbered(40), numbered(60)), 10, seed=2, device="cpu")
    assert numbers(next(other)["image"]) != xs[0]


def test_paired_batches_keep_the_pairs():
    batches = PairedBatches((numbered(40), numbered(40)), 8, seed=1, device="cpu")
    for _ in range(9):
        batch = next(batches)
        assert torch.equal(batch["image"], batch["other"])
    with pytest.raises(ValueError, match="40 images and 41 others"):
        PairedBatches((numbered(40), numbered(41)), 8, device="cpu")


def test_crops_are_pure_in_seed_and_k_and_stay_inside():
    rows = torch.linspace(-1, 1, 9).view(1, 1, 1, 9).expand(200, 3, 9, 9)
    cut = cropped(rows, 5, torch.Generator().manual_seed(0))
    assert cut.shape == (200, 3, 5, 5)
    first = cut[:, 0, 0, 0]
    assert {round(v, 2) for v in first.tolist()} == {round(v, 2) for v in torch.linspace(-1, 1, 9).tolist()}
    rising = (cut[:, 0, 0, 1] > first).float().mean().item()
    assert rising == pytest.approx(0.5, abs=0.15)
    sets = (numbered(20, 9), numbered(20, 9))
    a, b = (UnpairedBatches(sets, 4, seed=5, device="cpu", crop=6) for _ in range(2))
    assert torch.equal(a.batch(7)["image"], b.batch(7)["image"])
    assert a.batch(7)["other"].shape == (4, 3, 6, 6)
    with pytest.raises(ValueError, match="a crop from 1 to 9"):
        cropped(rows, 10, torch.Generator())


def test_what_is_known_about_the_faces_stays_out_of_the_batches():
    domains = face_domains(8, test=2)
    assert set(UnpairedBatches(domains.train, 4, device="cpu").batch(0)) == {"image", "other"}
    assert images_of(domains.test[0], slice(0, 1)).shape == (1, 3, 32, 32)
