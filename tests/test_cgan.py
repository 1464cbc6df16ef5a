"""The condition reaches both networks, by every way; the CGAN's game, and the VAE/GAN's, by hand."""

import copy
import itertools

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from course_lib.models.cgan import (
    Attributes,
    ConditionalDiscriminator,
    ConditionalGenerator,
    OneHot,
    another_class,
    another_row,
    append_planes,
    append_vector,
    cgan_players,
    class_grid,
    make_attribute_dcgan,
    make_cgan,
    make_conditional_dcgan,
    make_embedded_cgan,
    matching_loss,
    matching_players,
    sample_cgan,
)
from course_lib.models.dcgan import make_generator
from course_lib.models.gan import Game, draw_codes
from course_lib.models.vaegan import (
    Encoder,
    FeatureDiscriminator,
    decoder_loss,
    discriminator_loss,
    encoder_loss,
    feature_nll,
    reconstruct,
    vaegan_players,
)
from course_lib.training.loop import train


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_vectors_and_planes():
    y = OneHot(3)(torch.tensor([2, 0]))
    assert y.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert append_vector(torch.tensor([[5.0], [6.0]]), y).tolist() == [[5, 0, 0, 1], [6, 1, 0, 0]]
    x = torch.randn(2, 1, 4, 5)
    joined = append_planes(x, y)
    assert joined.shape == (2, 4, 4, 5) and torch.equal(joined[:, :1], x)
    assert joined[0, 3].eq(1).all() and joined[0, 1:3].eq(0).all() and joined[1, 1].eq(1).all()
    both = Attributes((2, 3))(torch.tensor([[1, 0], [0, 2]]))
    assert both.tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]


def by_one_hot():
    return make_cgan(4, 10)


def by_embedding():
    return make_embedded_cgan(4, 10, e=5)


def by_planes():
    return make_conditional_dcgan(4, lambda: OneHot(10), 10, maps=4)


def by_embedded_planes():
    return make_conditional_dcgan(4, lambda: nn.Embedding(10, 3), 3, maps=4)


WAYS = [by_one_hot, by_embedding, by_planes, by_embedded_planes]


@pytest.mark.parametrize("way", WAYS)
def test_both_networks_listen_to_the_label(way):
    G, D = way()
    zeros, ones = torch.zeros(3, dtype=torch.long), torch.ones(3, dtype=torch.long)
    z = draw_codes(3, 4)
    x = sample_cgan(G, zeros, 4, z)
    assert x.shape == (3, 1, 28, 28) and not torch.equal(x, sample_cgan(G, ones, 4, z))
    D.eval()
    assert D(x, zeros).shape == (3,) and not torch.equal(D(x, zeros), D(x, ones))


@pytest.mark.parametrize("way", WAYS)
def test_a_step_moves_every_weight(way):
    G, D = way()
    before = [copy.deepcopy(net.state_dict()) for net in (G, D)]
    batch = {"image": torch.rand(20, 1, 28, 28) * 2 - 1, "label": torch.arange(20) % 10}
    for _ in train(cgan_players(G, D, Game(d=4)), iter([batch] * 3), 3):
        pass
    for net, old in zip((G, D), before, strict=True):
        assert all(not torch.equal(weight, old[name]) for name, weight in net.named_parameters())


def test_faces_are_conditioned_on_several_attributes():
    G, D = make_conditional_dcgan(4, lambda: Attributes((3, 5)), 8, channels=3, size=32, maps=4)
    y = torch.tensor([[0, 4], [2, 1]])
    x = sample_cgan(G, y, 4)
    assert x.shape == (2, 3, 32, 32) and D(x, y).shape == (2,)
    batch = {"image": torch.rand(8, 3, 32, 32), "attributes": torch.randint(3, (8, 2))}
    steps = list(train(cgan_players(G, D, Game(d=4), "attributes"), iter([batch] * 2), 2))
    assert set(steps[-1].losses) == {"D", "G"}


def test_a_d_that_is_told_late_listens_to_every_attribute():
    G, D = make_attribute_dcgan(4, (3, 5), maps=4)
    G.eval(), D.eval()
    x, z = torch.rand(1, 3, 32, 32) * 2 - 1, draw_codes(1, 4)
    start = torch.tensor([[0, 0]])
    for other in ([1, 0], [0, 1]):
        y = torch.tensor([other])
        assert not torch.equal(D(x, start), D(x, y)) and not torch.equal(G(z, start), G(z, y))
    assert D.head[0].in_channels == D.head[0].out_channels + 3 + 5
    assert D(G(z, start), start).shape == (1,)


def test_the_conditional_game_equals_a_loop_written_by_hand():
    G = ConditionalGenerator(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2)), OneHot(3))
    G.net.append(nn.Unflatten(1, (1, 1, 2)))
    net = nn.Sequential(nn.Linear(5, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Flatten(0))
    D = ConditionalDiscriminator(net, OneHot(3), append_vector)
    G2, D2 = copy.deepcopy(G.net), copy.deepcopy(net)

    def batches():
        for k in itertools.count():
            g = torch.Generator().manual_seed(k)
            yield {
                "image": torch.randn(9, 1, 1, 2, generator=g),
                "label": torch.randint(3, (9,), generator=g),
            }

    torch.manual_seed(1)
    game = Game(d=3, generator_rate=1e-2, discriminator_rate=1e-2)
    for _ in train(cgan_players(G, D, game), batches(), 20):
        pass

    torch.manual_seed(1)
    adam_G, adam_D = (torch.optim.Adam(n.parameters(), lr=1e-2, betas=(0.5, 0.999)) for n in (G2, D2))
    for batch in itertools.islice(batches(), 20):
        x, y = batch["image"].flatten(1), torch.eye(3)[batch["label"]]

        def judge(x, y):
            return D2(torch.cat([x, y], dim=1))

        def fake(y):
            return G2(torch.cat([torch.randn(9, 3), y], dim=1)).flatten(1)

        adam_D.zero_grad()
        (bce(judge(x, y), torch.ones(9)) + bce(judge(fake(y).detach(), y), torch.zeros(9))).backward()
        adam_D.step()
        adam_G.zero_grad()
        bce(judge(fake(y), y), torch.ones(9)).backward()
        adam_G.step()
    for mine, theirs in ((G.net, G2), (net, D2)):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-6)


def test_the_matching_loss_and_its_wrong_labels():
    real, fake, wrong = torch.randn(3, 6).unbind()
    found = matching_loss(real, fake, wrong)
    ones, zeros = torch.ones(6), torch.zeros(6)
    torch.testing.assert_close(found["real"], bce(real, ones))
    torch.testing.assert_close(
        found["fake"] + found["mismatched"], (bce(fake, zeros) + bce(wrong, zeros)) / 2
    )
    label = torch.arange(10).repeat(1_000)
    other = another_class(label, 10)
    assert (other != label).all() and torch.bincount((other - label) % 10)[1:].min() > 950
    rows = torch.arange(6).view(3, 2)
    assert another_row(rows).tolist() == [[4, 5], [0, 1], [2, 3]]


def test_the_matching_turn_teaches_d_alone_what_a_label_means():
    """D sees real pairs and wrong pairs: without one good fake it learns which belong together."""
    G, D = by_planes()
    x = torch.full((40, 1, 28, 28), -1.0)
    label = torch.arange(40) % 10
    for i, k in enumerate(label.tolist()):
        x[i, :, 2 * k : 2 * k + 2] = 1
    batch = {"image": x, "label": label}
    d_player, _ = matching_players(G, D, Game(d=4))
    list(train([d_player], iter([batch] * 60), 60))
    right, wrong = D(x, label), D(x, another_class(label, 10))
    assert (right > 0).float().mean() > 0.8 and (wrong < 0).float().mean() > 0.8
    assert all(weight.grad is None for weight in G.parameters())


def test_a_grid_has_a_row_per_class_and_one_code_per_column():
    class Echo(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(()))

        def forward(self, z, y):
            return torch.stack([z[:, 0], y.float()], dim=1)[:, :, None, None]

    grid = class_grid(Echo(), 3, 4, d=2).view(3, 4, 2)
    assert grid[..., 1].tolist() == [[0] * 4, [1] * 4, [2] * 4]
    assert torch.equal(grid[0, :, 0], grid[2, :, 0]) and len(set(grid[0, :, 0].tolist())) == 4


# ------------------------------------------------------------------------------------------------ VAE/GAN


def hybrid():
    return Encoder(4, width=4), make_generator(4, 1, 28, 4), FeatureDiscriminator(maps=4)


def test_features_are_what_the_verdict_is_made_of():
    D, x = FeatureDiscriminator(maps=4).eval(), torch.randn(3, 1, 28, 28)
    assert D(x).shape == (3,) and D.features(x).shape == (3, 8 * 7 * 7)
    torch.testing.assert_close(D.verdict(D.features(x).view(3, 8, 7, 7)), D(x))
    assert feature_nll(torch.zeros(2, 3), torch.tensor([[1.0, 1, 1], [0, 0, 2]])).item() == pytest.approx(
        1.75
    )


def test_each_of_the_three_players_moves_itself_only():
    E, G, D = hybrid()
    x, z = torch.rand(5, 1, 28, 28) * 2 - 1, draw_codes(5, 4)
    turns = {
        "E": lambda: encoder_loss(E, G, D, x),
        "G": lambda: decoder_loss(E, G, D, x, z),
        "D": lambda: discriminator_loss(E, G, D, x, z),
    }
    for name, turn in turns.items():
        for net in (E, G, D):
            net.zero_grad()
        sum(turn().values()).backward()
        for mover, net in {"E": E, "G": G, "D": D}.items():
            moved = [weight.grad is not None and bool(weight.grad.any()) for weight in net.parameters()]
            assert any(moved) == (mover == name), (name, mover)
            # the verdict on one batch says nothing of a weight only where its gradient vanishes
            assert mover != name or sum(moved) >= len(moved) - 1


def test_the_hybrid_learns_to_rebuild_what_its_discriminator_sees():
    E, G, D = hybrid()
    x = torch.full((8, 1, 28, 28), -1.0)
    for k in range(8):
        x[k, :, 3 * k : 3 * k + 4] = 1
    game = Game(d=4, generator_rate=1e-2)
    encoder, generator, _ = vaegan_players(E, G, D, game, gamma=1.0)
    seen = [
        step.losses["G"]["alike"].item()
        for step in train([encoder, generator], iter([{"image": x}] * 60), 60)
    ]
    assert seen[-1] < 0.4 * seen[0]
    assert reconstruct(E, G, x).shape == x.shape and E.training and G.training
