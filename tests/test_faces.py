"""Faces: pure in (seed, i), aligned across styles, every value visible where it belongs, captions."""

import itertools

import pytest
import torch

from course_lib.data.captions import caption, captions
from course_lib.data.faces import ATTRIBUTES, draw_faces, faces, random_faces
from course_lib.data.sdf import box, circle, coverage, ellipse
from course_lib.images import to_uint8

STYLES = ("photo", "sketch", "painting", "night")


def plain(**values):
    """One face that looks straight ahead, with these attributes and otherwise the first of each."""
    attributes = {name: torch.tensor([values.get(name, 0)]) for name in ATTRIBUTES}
    return attributes | {"pose": torch.zeros(1, 3), "shape": torch.zeros(1, 10)}


def changed(a, b, size=64, style="photo"):
    """Which pixels differ between two faces: (h, w)."""
    return (draw_faces(a, size, style) - draw_faces(b, size, style)).abs().amax(1)[0] > 0.02


def inside(mask, top, bottom, left=-1.0, right=1.0):
    """Does the mask lie within these heights and widths of the picture, in [-1, 1]?"""
    y, x = mask.nonzero(as_tuple=True)
    y, x = (y + 0.5) * 2 / len(mask) - 1, (x + 0.5) * 2 / len(mask) - 1
    return bool(((y > top) & (y < bottom) & (x > left) & (x < right)).all()) and len(y) > 0


# --- what they are --------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_a_set_of_faces(style):
    data = faces(5, size=16, style=style)
    assert data["image"].shape == (5, 3, 16, 16) and data["image"].dtype == torch.uint8
    assert data.keys() == {"image", *ATTRIBUTES, "pose", "shape"}
    for name, values in ATTRIBUTES.items():
        assert data[name].dtype == torch.int64 and data[name].min() >= 0 and data[name].max() < len(values)
    assert data["pose"].shape == (5, 3) and data["pose"].dtype == torch.float32
    pictures = draw_faces(data, 16, style)
    assert pictures.dtype == torch.float32 and pictures.min() >= -1 and pictures.max() <= 1
    assert torch.equal(to_uint8(pictures), data["image"])  # the attributes are the whole truth


def test_face_i_of_a_seed_depends_on_nothing_else():
    many, few, late = faces(300, seed=3), faces(7, seed=3), faces(20, seed=3, start=250)
    for name in many:  # 300 faces are three chunks
        assert torch.equal(many[name][:7], few[name]) and torch.equal(many[name][250:270], late[name])
    for other in (faces(7, seed=3, style="night"), faces(7, seed=3, size=48)):
        assert all(torch.equal(few[name], other[name]) for name in few if name != "image")
    assert not torch.equal(few["pose"], faces(7, seed=4)["pose"])


def test_random_faces_follow_their_generator():
    one, same = (random_faces(9, torch.Generator().manual_seed(5)) for _ in range(2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["pose"], random_faces(9, torch.Generator().manual_seed(6))["pose"])


def test_values_are_equally_likely_and_independent():
    data = faces(4000, size=8, seed=1)
    for name, values in ATTRIBUTES.items():
        share = data[name].bincount(minlength=len(values)) / 4000
        assert (share - 1 / len(values)).abs().max() < 0.03, name
    for continuous in (data["pose"], data["shape"]):
        assert continuous.abs().max() <= 1 and continuous.mean(0).abs().max() < 0.05
        assert (continuous.std(0) - 3**-0.5).abs().max() < 0.02  # uniform on [-1, 1]
    columns = torch.column_stack([data[name].float() for name in ATTRIBUTES] + [data["pose"], data["shape"]])
    assert (torch.corrcoef(columns.T) - torch.eye(columns.shape[1])).abs().max() < 0.08


def test_the_callers_threads_are_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    faces(3, size=8)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


# --- each attribute where it belongs --------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_two_values_differ_visibly(name, style):
    """At 32x32 each pair of values differs in at least 4 pixels by at least 25 of 255."""
    if style == "sketch" and name in ("background", "skin", "hair_colour"):
        pytest.skip("a pencil has no hue")
    pictures = [draw_faces(plain(**{name: value}), 32, style) for value in range(len(ATTRIBUTES[name]))]
    for (i, a), (j, b) in itertools.combinations(enumerate(pictures), 2):
        differs = (a - b).abs().amax(1) > 0.2
        assert differs.sum() >= 4, (ATTRIBUTES[name][i], ATTRIBUTES[name][j], int(differs.sum()))


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_glasses_change_the_band_of_the_eyes_only(kind):
    assert inside(changed(plain(), plain(glasses=kind)), -0.20, 0.32, -0.62, 0.62)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_a_mouth_changes_the_mouth_only(kind):
    assert inside(changed(plain(), plain(mouth=kind)), 0.20, 0.66, -0.30, 0.30)


@pytest.mark.parametrize("kind", [1, 2, 3, 4])
def test_a_hat_changes_the_top_only(kind):
    assert inside(changed(plain(), plain(hat=kind)), -1, -0.05)


def test_a_background_changes_neither_head_nor_hat():
    mask = changed(plain(hat=1), plain(hat=1, background=3))
    assert mask[0, 0] and mask[0, -1] and mask[20, 2]  # the corners and the side
    assert not mask[16:44, 20:44].any()  # the middle of the face


def test_skin_changes_the_face_and_hair_the_hair():
    skin, hair = changed(plain(), plain(skin=4)), changed(plain(), plain(hair_colour=2))
    assert skin[36, 32] and not skin[14, 32] and not skin[0].any() and not skin[63, 10]
    assert hair[12, 32] and not hair[44, 32] and not hair[0].any() and not hair[63].any()


def test_hair_shows_beside_every_hat():
    """Its colour can be told under each hat, in each style of hair."""
    for style, hat in itertools.product(range(5), range(5)):
        mask = changed(plain(hair_style=style, hat=hat), plain(hair_style=style, hat=hat, hair_colour=2), 32)
        assert mask.sum() >= 12, (ATTRIBUTES["hair_style"][style], ATTRIBUTES["hat"][hat])


def test_turning_moves_the_features_and_is_smooth():
    attributes = {name: rows.repeat(9) for name, rows in plain().items() if name in ATTRIBUTES}
    pose = torch.zeros(9, 3)
    pose[:, 0] = torch.linspace(-1, 1, 9)
    pictures = draw_faces(attributes | {"pose": pose, "shape": torch.zeros(9, 10)}, 64)
    red = (pictures[:, 0] - pictures[:, 1])[:, 40:54, 16:48].clamp(min=0)  # the lips
    columns = (red.sum(1) * torch.arange(16, 48)).sum(1) / red.sum((1, 2))
    assert (columns.diff() > 0.3).all()  # to the right, step by step
    steps = (pictures[1:] - pictures[:-1]).abs().mean((1, 2, 3))
    assert steps.max() < 3 * steps.min()


def test_a_straight_face_is_the_mirror_of_itself_up_to_light_and_parting():
    """The eyes and the jaw, drawn flat by the pencil's outline."""
    picture = draw_faces(plain(hair_style=1), 64, "sketch")[0].mean(0)
    edge = (picture < 0.0)[46:58]
    assert (edge == edge.flip(-1)).float().mean() > 0.9


# --- styles and sizes -----------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["sketch", "painting", "night"])
def test_styles_are_aligned_pixel_by_pixel(style):
    """Where the photo changes with an attribute, every style does (a pencil line is half outside)."""
    least = 0.6 if style == "sketch" else 0.75
    for name, value in [("glasses", 2), ("hat", 3), ("mouth", 1), ("hair_style", 2)]:
        photo = changed(plain(), plain(**{name: value}))
        other = changed(plain(), plain(**{name: value}), style=style)
        assert (other & photo).sum() / (other | photo).sum() > least, name


def test_styles_are_different_pictures():
    pictures = [faces(8, style=style)["image"].float() for style in STYLES]
    for a, b in itertools.combinations(pictures, 2):
        assert (a - b).abs().mean() > 10


@pytest.mark.parametrize("style", ["photo", "night"])
def test_a_large_picture_shrunk_is_the_small_one(style):
    """Edges are smooth at every size: a 32x32 face is what a 128x128 one averages to."""
    attributes = random_faces(16, torch.Generator().manual_seed(0))
    small = draw_faces(attributes, 32, style)
    shrunk = torch.nn.functional.avg_pool2d(draw_faces(attributes, 128, style), 4)
    assert (small - shrunk).abs().mean() < 0.035


def test_shapes_know_their_distance():
    x, y = torch.tensor([[0.0, 3.0, 1.0]]), torch.tensor([[0.0, 4.0, 0.0]])
    assert torch.allclose(circle(x, y, 1.0), torch.tensor([[-1.0, 4.0, 0.0]]))
    assert torch.allclose(box(x, y, 1.0, 1.0), torch.tensor([[-1.0, 13**0.5, 0.0]]))
    assert ellipse(x, y, 1.0, 2.0)[0, 2].abs() < 1e-5 and ellipse(x, y, 1.0, 2.0)[0, 1] > 0
    assert coverage(torch.tensor([-1.0, 0.0, 1.0]), 0.1).tolist() == [1.0, 0.5, 0.0]


# --- captions -------------------------------------------------------------------------------------


def every_combination():
    values = torch.cartesian_prod(*(torch.arange(len(values)) for values in ATTRIBUTES.values()))
    return dict(zip(ATTRIBUTES, values.unbind(1), strict=True))


def test_captions_are_one_sentence_for_each_combination():
    attributes = every_combination()
    sentences = captions(attributes)
    assert len(set(sentences)) == len(sentences) == 5 * 5 * 5 * 5 * 4 * 5 * 6
    words = {"smile": "smiling", "grin": "grinning", "cap": "blue cap", "beanie": "red beanie"}
    for i in range(0, len(sentences), 997):
        for name, values in ATTRIBUTES.items():
            value = values[attributes[name][i]]
            assert value == "none" or words.get(value, value) in sentences[i], (value, sentences[i])
        assert sentences[i].startswith("a ") and sentences[i].count(" and ") == 1 and "  " not in sentences[i]


def test_captions_read_well():
    attributes = plain(skin=1, hair_colour=3, hair_style=2, glasses=1, hat=1, background=1)
    expected = (
        "a smiling person with light skin, long red hair, round glasses and a blue cap on a green background"
    )
    assert caption(attributes, 0) == expected
    assert (
        caption(plain(hair_style=1), 0)
        == "a smiling person with pale skin and a black bob on a blue background"
    )
    assert "black pigtails and sunglasses on" in caption(plain(hair_style=4, glasses=3), 0)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [{"n": 0}, {"n": 1, "size": 4}])
def test_a_set_that_cannot_be_is_one_sentence(call):
    with pytest.raises(ValueError, match="expected n >= 1 faces, size >= 8"):
        faces(**call)


def test_attributes_that_lack_one_or_do_not_exist_are_one_sentence():
    attributes = plain()
    del attributes["hat"]
    with pytest.raises(ValueError, match=r"lack \['hat'\]"):
        draw_faces(attributes)
    with pytest.raises(ValueError, match=r"hat from 0 to 4 .* got 5"):
        draw_faces(plain(hat=5))
