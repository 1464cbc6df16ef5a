"""cyclegan/pool: which fakes D is shown, new ones or old ones."""

import torch

from course_lib.checks.draws import generator, pick
from course_lib.checks.exercise import Case, Exercise
from course_lib.models.cyclegan import exchange


def pools(seed: int) -> list[Case]:
    g = generator(seed)

    def draw(n, coin):
        b = len(coin)
        return {
            "pool": torch.randn(n, 2, generator=g),
            "fakes": torch.randn(b, 2, generator=g) + 3,
            "coin": torch.tensor(coin),
            "place": torch.randperm(n, generator=g)[:b],
        }

    data = ("pool", "fakes")
    mixed = [True, False, True, *(torch.rand(pick(1, 2, g), generator=g) < 0.5).tolist()]
    return [
        Case("a mixed batch", draw(pick(6, 8, g), mixed), seed, data),
        Case("only new ones", draw(5, [False, False]), seed + 1, data),
        Case("a batch of one, old", draw(4, [True]), seed + 2, data),
    ]


POOL = Exercise("cyclegan/pool", points=2, reference=exchange, inputs=pools)


@POOL.accept
def exchange_in_a_loop(pool, fakes, coin, place):
    shown, pool = fakes.clone(), pool.clone()
    for i in range(len(fakes)):
        if coin[i]:
            shown[i] = pool[place[i]].clone()
            pool[place[i]] = fakes[i]
    return shown, pool


@POOL.accept
def exchange_by_where(pool, fakes, coin, place):
    column = coin.view(-1, *[1] * (fakes.ndim - 1))
    old, after = pool[place], pool.clone()
    after[place] = torch.where(column, fakes, old)
    return torch.where(column, old, fakes), after


@POOL.accept
def exchange_of_rows(pool, fakes, coin, place):
    rows = [pool[p] if c else f for f, c, p in zip(fakes, coin, place, strict=True)]
    return torch.stack(rows), pool.index_copy(0, place[coin], fakes[coin])


@POOL.mistake
def exchange_with_nothing_left(pool, fakes, coin, place):
    """The old fake is shown, but the new one does not take its seat: the pool would never change. Put it
    there: pool[place] = fake."""
    return exchange(pool, fakes, coin, place)[0], pool.clone()


@POOL.mistake
def exchange_of_new_ones(pool, fakes, coin, place):
    """D is shown the new fakes always. Where the coin shows True it is shown the old one at `place`: read it,
    with .clone(), before the new one takes its seat."""
    return fakes.clone(), exchange(pool, fakes, coin, place)[1]


@POOL.mistake
def exchange_with_the_other_side(pool, fakes, coin, place):
    """The coin is read the wrong way around: True means an old fake, False the new one."""
    return exchange(pool, fakes, ~coin, place)


@POOL.mistake
def exchange_always(pool, fakes, coin, place):
    """D is shown old fakes only, and you do not look at the coin. Half of what it sees should be new."""
    return exchange(pool, fakes, torch.ones_like(coin), place)


@POOL.mistake
def exchange_that_keeps_all(pool, fakes, coin, place):
    """Every new fake enters the pool, also one that is shown at once. Where the coin shows False the pool
    stays as it is."""
    return exchange(pool, fakes, coin, place)[0], exchange(pool, fakes, torch.ones_like(coin), place)[1]


@POOL.mistake
def exchange_in_the_wrong_seat(pool, fakes, coin, place):
    """Old fakes are taken from the first seats of the pool. Fake i changes places with seat place[i]."""
    return exchange(pool, fakes, coin, torch.arange(len(fakes)))


@POOL.mistake
def exchange_of_both(pool, fakes, coin, place):
    """The result comes in the wrong order: first what D is shown, then the pool."""
    return exchange(pool, fakes, coin, place)[::-1]


@POOL.mistake
def exchange_that_shrinks(pool, fakes, coin, place):
    """D is shown the old fakes only where the coin shows True, and nothing in the other places. It sees as
    many as came in."""
    return pool[place[coin]], exchange(pool, fakes, coin, place)[1]


@POOL.mistake
def exchange_that_grows(pool, fakes, coin, place):
    """The new fakes are appended, so that the pool grows. A full pool keeps its size: the new one takes the
    seat of the one that leaves."""
    return exchange(pool, fakes, coin, place)[0], torch.cat([pool, fakes[coin]])
