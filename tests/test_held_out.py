"""No training face shows a combination that is held out, and those asked for later all do."""

import pytest
import torch

from course_lib.data.faces import ATTRIBUTES, faces, random_faces
from course_lib.data.held_out import HELD_OUT, SHARE, held_out, seen_faces, seen_people, unseen_people


def test_every_value_is_seen_and_every_pair_is_not():
    data = seen_faces(3_000, size=8, seed=3)
    for name, values in ATTRIBUTES.items():
        assert set(data[name].tolist()) == set(range(len(values)))
    for pair in HELD_OUT:
        shown = [data[name] == ATTRIBUTES[name].index(value) for name, value in pair.items()]
        assert all(one.any() for one in shown) and not torch.stack(shown).all(0).any(), pair
    assert not held_out(data).any()


def test_the_share_that_is_held_out():
    found = held_out(random_faces(40_000, torch.Generator().manual_seed(0))).float().mean().item()
    assert abs(found - SHARE) < 0.01  # four standard errors


def test_seen_faces_are_the_seeds_own_in_their_order():
    whole, some = faces(60, size=8, seed=5), seen_faces(30, size=8, seed=5)
    keep = ~held_out(whole)
    assert keep.sum() >= 30
    for name in ("image", "pose", *ATTRIBUTES):
        assert torch.equal(some[name], whole[name][keep][:30])
    more = seen_faces(200, size=8, seed=5)
    assert torch.equal(more["image"][:30], some["image"]) and len(more["image"]) == 200


def test_people_to_ask_for():
    g = torch.Generator().manual_seed(0)
    assert not held_out(seen_people(300, g)).any() and held_out(unseen_people(300, g)).all()
    assert len(unseen_people(300, g)["mouth"]) == 300
    with pytest.raises(ValueError, match="n >= 1 faces, got 0"):
        seen_people(0)
