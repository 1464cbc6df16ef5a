"""The table of lessons. One name, two files: solutions/NAME.py and the student's lessons/NAME.ipynb."""

from dataclasses import dataclass
from pathlib import Path

from course_lib.bootstrap import ROOT
from course_lib.errors import CourseError


@dataclass(frozen=True)
class Lesson:
    """A lesson by its name, and where its files lie in a clone (`root`)."""

    name: str  # "01_vae"
    title: str
    minutes: int = 0  # of the computer at the cpu tier, on two cores, as measured; 0: not measured

    def source(self, root: Path = ROOT) -> Path:
        return root / "solutions" / f"{self.name}.py"

    def solution(self, root: Path = ROOT) -> Path:
        return root / "solutions" / f"{self.name}.ipynb"

    def notebook(self, root: Path = ROOT) -> Path:
        return root / "lessons" / f"{self.name}.ipynb"


LESSONS = (
    Lesson("00_start_here", "Start here: images, data, a first model, and a score", 1),
    Lesson("01_vae", "The variational autoencoder", 5),
    Lesson("02_gan", "The generative adversarial network", 4),
    Lesson("03_dcgan", "The deep convolutional GAN", 6),
    Lesson("04_cgan", "The conditional GAN", 6),
    Lesson("05_cyclegan", "CycleGAN", 5),
    Lesson("06_ddpm", "Denoising diffusion", 8),
    Lesson("07_latent", "Latent diffusion", 15),
    Lesson("08_bakeoff", "The bake-off", 7),
)


def find_lesson(name: str) -> Lesson:
    """The lesson of that name, or the only one that begins so: "01" is enough."""
    found = [lesson for lesson in LESSONS if lesson.name == name]
    found = found or [lesson for lesson in LESSONS if name and lesson.name.startswith(name)]
    if len(found) != 1:
        names = ", ".join(lesson.name for lesson in LESSONS)
        raise CourseError(f"There is no one lesson {name!r}: choose from {names}.")
    return found[0]
