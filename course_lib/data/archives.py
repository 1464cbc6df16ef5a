"""The CycleGAN paper's sets of two domains, as their authors publish them: found, or fetched whole.

Each is one zip with a folder of the set's name that holds trainA, trainB, testA and testB.
"""

import http.client
import os
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from course_lib.data import download
from course_lib.data.folders import data_folders

SERVER = "https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/"
ARCHIVES = (
    "horse2zebra",
    "apple2orange",
    "summer2winter_yosemite",
    "monet2photo",
    "cezanne2photo",
    "ukiyoe2photo",
    "vangogh2photo",
    "maps",
    "facades",
)
PIECE = 1 << 20  # bytes read at a time


def find_archive(name: str) -> Path | None:
    """Where the unpacked set lies: NAME/ in COURSE_DATA or in the cache folder; None if nowhere."""
    places = [folder / name for folder in data_folders()]
    return next((place for place in places if place.is_dir()), None)


def fetch_archive(name: str) -> tuple[Path | None, str]:
    """Fetch and unpack the set into the first data folder, whole or not at all.

    Returns where it lies and "", or None and why it could not be had, as the end of a sentence.
    `COURSE_OFFLINE=1` skips it.
    """
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        return None, "COURSE_OFFLINE is set"
    url = f"{SERVER}{name}.zip"
    if not download.answers(url):
        return None, "its server does not answer"
    folder = data_folders()[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="downloading-") as part:
            archive = Path(part) / "archive.zip"
            save(url, archive)
            with zipfile.ZipFile(archive) as file:
                file.extractall(part)  # which keeps every path below it
            (Path(part) / name).replace(folder / name)
    except (OSError, EOFError, zipfile.BadZipFile, http.client.HTTPException, ValueError) as error:
        mend = f"run this again, or unpack {url} into COURSE_DATA"
        return None, f"its download failed ({reason(error)}; {mend})"
    return folder / name, ""


def save(url: str, path: Path) -> None:
    """Write what the address gives to a file. OSError if less comes than was announced."""
    with urllib.request.urlopen(url, timeout=download.READ_SECONDS) as answer, path.open("wb") as file:
        announced = int(answer.headers.get("Content-Length") or 0)
        print(f"fetching {url} ({announced / 1e6:.0f} MB)")
        while piece := answer.read(PIECE):
            file.write(piece)
        if announced and file.tell() != announced:
            raise OSError(f"it broke off after {file.tell():,} of {announced:,} bytes")


def reason(error: Exception) -> str:
    if number := getattr(error, "errno", None):
        return os.strerror(number)
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip(".")
