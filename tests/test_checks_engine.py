"""What the checks say to answers of every kind, and that nothing of the engine shows through."""

import functools
import json
import linecache
import re
import sys
import textwrap

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import nn

import course_lib.checks
from course_lib.checks import check, engine, progress
from course_lib.checks.engine import find_exercise, observe_all, verdict_on
from course_lib.checks.exercise import Case, Exercise, Network, Optimizer
from course_lib.checks.judge import Oracle
from course_lib.checks.observe import Observation, observe

KL = find_exercise("vae/kl")


def cell(source: str, name: str = "kl"):
    """The function `name` of a notebook's cell with this source, as IPython would define it."""
    source, file = textwrap.dedent(source).strip() + "\n", "/tmp/ipykernel_7/1234567.py"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {"torch": torch, "nn": nn, "np": np}
    exec(compile(source, file, "exec"), space)
    return space[name]


def said_about(source: str, name: str = "kl", exercise: Exercise = KL):
    return verdict_on(exercise, cell(source, name))


# ------------------------------------------------------------------------------------ it does not run


@pytest.mark.parametrize(
    "body", ["raise NotImplementedError", "raise NotImplementedError('kl is yours')", "...", "pass"]
)
def test_a_stub_is_not_written_yet(body, capsys):
    going_on = check("vae/kl", cell(f"def kl(mean, logvar):\n    {body}"))
    assert going_on is KL.reference
    said = capsys.readouterr()
    assert said.out.strip() == "○ vae/kl — not written yet: going on with the library's version."
    assert said.err == ""


def test_ellipsis_and_a_missing_return():
    assert said_about("kl = lambda mean, logvar: ...").code == "not written"
    verdict = said_about("def kl(mean, logvar):\n    loss = (mean ** 2).sum(dim=1)")
    assert verdict.code == "returns nothing" and "return" in verdict.words


def test_an_exception_names_the_line_and_the_inputs():
    verdict = said_about("""
        def kl(mean, logvar):
            square = mean ** 2
            return square.sum(dim=2)
        """)
    assert verdict.code == "raises"
    assert verdict.words.startswith(
        "line 3 of your cell, `return square.sum(dim=2)`, raises IndexError: Dimension out"
    )
    assert "mean (" in verdict.words and "logvar (" in verdict.words


def test_noise_in_float32_beside_numbers_in_float64_is_told_by_the_check_not_by_a_later_cell():
    verdict = said_about(
        """
        def draw_gaussian(mean, covariance, n):
            return mean + torch.randn(n, len(mean)) @ torch.linalg.cholesky(covariance).T
        """,
        "draw_gaussian",
        find_exercise("start/sample"),
    )
    assert verdict.code == "raises" and "dtype" in verdict.words
    assert re.search(r"mean \(\d,\) float64", verdict.words), verdict.words


def test_an_exception_in_a_helper_names_the_helpers_line():
    verdict = said_about("""
        def helper(x):
            return x @ x

        def kl(mean, logvar):
            return helper(mean)
        """)
    assert "line 2 of your cell, `return x @ x`, raises RuntimeError" in verdict.words


def test_a_kernel_that_torch_lacks_is_no_stub():
    verdict = said_about("""
        def kl(mean, logvar):
            return torch.linalg.cholesky(mean.half().T @ mean.half())
        """)
    assert verdict.code == "raises", verdict


@pytest.mark.parametrize(
    "error", ["SystemExit(3)", "BaseException('no')", "Exception()", "Mute()", "MemoryError()"]
)
def test_every_kind_of_exception_is_caught(error):
    verdict = said_about(f"""
        class Mute(Exception):
            def __str__(self):
                raise ValueError
        def kl(mean, logvar):
            raise {error}
        """)
    assert verdict.code == "raises" and error.split("(")[0] in verdict.words


def test_endless_recursion_and_an_endless_loop_of_torch_calls():
    verdict = said_about("def kl(mean, logvar):\n    return kl(mean, logvar)")
    assert verdict.code == "raises" and "RecursionError" in verdict.words
    verdict = said_about("""
        def kl(mean, logvar):
            while True:
                try:
                    mean = mean + 1
                except Exception:
                    pass
        """)
    assert "3,001 times" in verdict.words


@pytest.mark.parametrize("arguments", ["mean", "", "mean, logvar, beta", "mean, *, logvar"])
def test_wrong_arguments(arguments):
    verdict = said_about(f"def kl({arguments}):\n    return mean")
    assert f"takes ({arguments.replace('*, ', '') or 'no arguments'})" in verdict.words
    assert "called with (mean, logvar)" in verdict.words


def test_interrupting_is_left_to_the_person():
    with pytest.raises(KeyboardInterrupt):
        said_about("def kl(mean, logvar):\n    raise KeyboardInterrupt")


@pytest.mark.parametrize("change", ["logvar.exp_()", "logvar[0] = 0", "logvar += 1", "logvar.data.mul_(2)"])
def test_an_input_changed_in_place(change):
    verdict = said_about(f"def kl(mean, logvar):\n    {change}\n    return mean.sum(dim=1)")
    assert verdict.code == "changes its input" and "`logvar`" in verdict.words


def test_backward_inside_the_function():
    verdict = said_about("""
        def kl(mean, logvar):
            loss = -0.5 * (1 + logvar - mean ** 2 - logvar.exp()).sum(dim=1)
            loss.sum().backward()
            return loss
        """)
    assert verdict.code == "ran backward" and "training loop" in verdict.words


@pytest.mark.parametrize(
    "thing, kind", [(3, "int"), ("kl", "str"), (None, "NoneType"), (torch.zeros(2), "Tensor")]
)
def test_check_of_something_else_than_a_function(thing, kind, capsys):
    assert check("vae/kl", thing) is KL.reference
    assert f"it got {kind}" in capsys.readouterr().out


# -------------------------------------------------------------------------------------------- its form

RIGHT = "-0.5 * (1 + logvar - mean ** 2 - logvar.exp()).sum(dim=1)"


@pytest.mark.parametrize(
    "result, code, words",
    [
        (f"({RIGHT}).detach().numpy()", "wrong type", "a NumPy array, it should be a tensor"),
        (f"({RIGHT}).sum().item()", "wrong type", "a Python number, it should be a tensor"),
        ("mean, logvar", "wrong type", "several values (a tuple or a list), it should be a tensor"),
        (f"[k for k in {RIGHT}]", "wrong type", "torch.stack"),
        ("'the KL'", "wrong type", "returns text"),
        ("(k for k in mean)", "wrong type", "generator"),
        ("{'kl': mean}", "wrong type", "a dictionary"),
        ("type", "wrong type", "a class"),
        ("{'kl': {'a': 'b'}}", "wrong type", "dict"),
        (f"({RIGHT})[:, None]", "wrong shape", "drop dimension 1"),
        ("(mean + logvar)[:, :1].squeeze() * torch.ones(3, 1)", "wrong shape", "should be ("),
        (f"({RIGHT})[:0]", "wrong shape", "has shape (0,)"),
        (f"({RIGHT}).double()", "wrong dtype", "float64, it should be float32"),
        (f"{RIGHT} / 0", "not finite", "infinite"),
        ("(mean - mean).sum(dim=1) / 0", "not finite", "NaN at [0]"),
        (f"0.25 * {RIGHT}", "wrong value", "Everywhere it is 0.25 times the right value"),
        (f"{RIGHT} + 1", "wrong value", "the result at [0] is"),
    ],
)  # fmt: skip
def test_the_form_of_a_result(result, code, words):
    verdict = said_about(f"def kl(mean, logvar):\n    return {result}")
    assert verdict.code == code, verdict
    assert words in verdict.words, verdict.words


def test_a_case_that_alone_is_wrong_is_named():
    verdict = said_about(f"def kl(mean, logvar):\n    return {RIGHT} + (len(mean) == 1)")
    assert verdict.case == "a batch of one" and "The other cases are right." in verdict.words


# ------------------------------------------------------------------------------------------- its loops


def test_loops_over_rows_and_over_numbers():
    rows = said_about("""
        def kl(mean, logvar):
            return torch.stack([-0.5 * (1 + l - m ** 2 - l.exp()).sum() for m, l in zip(mean, logvar)])
        """)
    numbers = said_about("""
        def kl(mean, logvar):
            out = []
            for i in range(mean.shape[0]):
                total = 0
                for j in range(mean.shape[1]):
                    total = total - 0.5 * (1 + logvar[i, j] - mean[i, j] ** 2 - torch.exp(logvar[i, j]))
                out.append(total)
            return torch.stack(out)
        """)
    for verdict in (rows, numbers):
        assert not verdict.passed and "without the loop" in verdict.words, verdict
    assert "3,001" in numbers.words and "mean (64, 17)" in numbers.words


def test_a_loop_over_python_numbers_hears_of_the_gradient():
    verdict = said_about("""
        import math
        def kl(mean, logvar):
            rows = zip(mean.tolist(), logvar.tolist())
            each = lambda m, l: 0.5 * (m * m + math.exp(l) - 1 - l)
            return torch.tensor([sum(map(each, a, b)) for a, b in rows])
        """)
    assert verdict.mistake == "kl_without_gradient"


def test_torch_calls_are_counted_in_the_widest_case_which_comes_first():
    cases, order = KL.inputs(0), []

    def kl(mean, logvar):
        order.append(len(mean))
        return KL.reference(mean, logvar)

    assert [seen.operations is None for seen in observe_all(kl, cases)] == [True, True, False]
    assert order[0] == 64 and sorted(order) == sorted(len(case.args["mean"]) for case in cases)


@pytest.mark.parametrize("wrong", ["len(mean) == 1", "len(mean) > 1"])
def test_an_exception_is_told_with_the_inputs_it_came_from(wrong):
    verdict = said_about(f"""
        def kl(mean, logvar):
            if {wrong}:
                raise ValueError(f"rows: {{len(mean)}}")
            return {RIGHT}
        """)
    rows = 1 if "==" in wrong else 64
    assert f"rows: {rows}. The inputs were mean ({rows}, " in verdict.words


# ------------------------------------------------------------------------------------- other right forms


class CallableObject:
    def __call__(self, mean, logvar):
        return KL.reference(mean, logvar)


@pytest.mark.parametrize(
    "answer",
    [
        lambda mean, logvar: -0.5 * (1 + logvar - mean**2 - logvar.exp()).sum(1),
        CallableObject(),
        functools.partial(lambda scale, m, l: scale * (1 + l - m**2 - l.exp()).sum(1), -0.5),
        functools.wraps(KL.reference)(lambda *codes: KL.reference(*codes)),
        torch.compiler.disable(lambda m, l: KL.reference(m, l)),
        lambda a, b, beta=1.0: beta * KL.reference(a, b),
    ],
)
def test_a_right_answer_may_be_any_callable(answer, capsys):
    assert check("vae/kl", answer) is answer
    assert capsys.readouterr().out == "✓ vae/kl — 2 points\n"


@pytest.mark.parametrize("execution", ["autograde", "validate"])
def test_a_wrong_answer_gets_no_points_from_nbgrader(execution, monkeypatch, capsys):
    """nbgrader gives a cell its points unless it raises; the words stay one line, and the last of them."""
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    without_half = KL.mistakes[5]
    for answer, words in [
        (without_half.answer, without_half.words),
        (lambda mean, logvar: ..., "not written yet"),
        (lambda mean, logvar: mean.nothing, "'nothing'"),
        (lambda mean, logvar: KL.reference(mean, logvar).to_sparse(), "vae/kl: "),
    ]:
        with pytest.raises(AssertionError) as raised:
            check("vae/kl", answer)
        assert words in str(raised.value) and "\n" not in str(raised.value)
    assert check("vae/kl", KL.reference) is KL.reference
    monkeypatch.setenv("NBGRADER_EXECUTION", "")
    assert check("vae/kl", without_half.answer) is KL.reference


def test_prints_are_kept_to_one_line(capsys):
    answer = cell(f"def kl(mean, logvar):\n    print('mean', mean.shape)\n    print('b')\n    return {RIGHT}")
    assert check("vae/kl", answer) is answer
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[1].startswith("  Your function printed: mean torch.Size([")
    assert said[1].endswith("(and 1 more line)")


def test_what_is_said_is_short(capsys):
    for mistake in KL.mistakes:
        assert check("vae/kl", mistake.answer) is KL.reference
        *said, last = capsys.readouterr().out.splitlines()
        assert " ".join(map(str.strip, said)) == f"✗ vae/kl — {mistake.words}"
        assert last == "  Until it is right, the notebook goes on with the library's version."
        assert len(said) <= 3 and max(map(len, said)) <= 96


def test_the_random_state_is_given_back():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    check("vae/reparameterize", lambda mean, logvar: mean + torch.randn_like(mean))
    assert torch.equal(torch.rand(3), expected)


def test_an_answer_that_switches_gradients_off_for_good_is_contained():
    verdict = said_about(
        "def kl(mean, logvar):\n    torch.set_grad_enabled(False)\n    return mean.sum(dim=1)"
    )
    assert not verdict.passed and torch.is_grad_enabled()


# ------------------------------------------------------------------------------------ two mistakes at once


def test_two_mistakes_hear_of_the_first_wrong_term():
    elbo = find_exercise("vae/elbo")
    by_name = {mistake.name: mistake for mistake in elbo.mistakes}
    pixels, sign = by_name["elbo_averages_pixels"], by_name["elbo_with_negative_kl"]

    def both(*args):
        return {"recon": pixels.answer(*args)["recon"], "kl": sign.answer(*args)["kl"]}

    assert verdict_on(elbo, both).words == pixels.words


def test_missing_and_extra_terms():
    elbo = find_exercise("vae/elbo")
    verdict = verdict_on(elbo, lambda *args: {"recon": elbo.reference(*args)["recon"]})
    assert verdict.code == "wrong keys" and "lacks 'kl'" in verdict.words
    verdict = verdict_on(elbo, lambda *args: elbo.reference(*args) | {"total": args[0].sum()})
    assert "holds 'total', which does not belong there" in verdict.words


def test_other_noise_than_the_seeded_one_is_right():
    draw = find_exercise("vae/reparameterize")
    with_numpy = lambda mean, logvar: (  # noqa: E731
        mean + torch.exp(logvar / 2) * torch.from_numpy(np.random.randn(*mean.shape)).float()
    )
    assert all(verdict_on(draw, with_numpy).passed for _ in range(50))


@pytest.mark.parametrize("seed", [335751874, 1318079418])
def test_chance_alone_does_not_fail_a_right_loss(seed):
    """Inputs on which the loss of one call to the next changed by more than its tolerance, by chance."""
    exercise = find_exercise("ddpm/loss")

    def noise_first(net, x0, abar):
        eps, t = torch.randn_like(x0), torch.randint(1, len(abar), (len(x0),))
        signal = abar[t].view(-1, 1)
        xt = signal.sqrt() * x0 + (1 - signal).sqrt() * eps
        guess = net(torch.cat([xt, t[:, None] / (len(abar) - 1)], dim=1))
        return {"noise": (guess - eps).square().mean()}

    oracle = Oracle(exercise, seed)
    verdict = oracle.judge(observe_all(noise_first, oracle.cases))
    assert verdict.passed, verdict.words


def test_noise_of_another_distribution_is_found():
    draw = find_exercise("vae/reparameterize")
    uniform = lambda mean, logvar: mean + torch.exp(logvar / 2) * (torch.rand_like(mean) - 0.5) * 12**0.5  # noqa: E731
    verdict = verdict_on(draw, uniform)
    assert not verdict.passed and "beyond two standard deviations" in verdict.words, verdict


# ------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda d: nn.Linear(d, 784), "lacks weights of shape"),
        (
            lambda d: nn.Sequential(nn.Linear(d + 1, 4)),
            "the network that your function returns raises RuntimeError",
        ),
        (lambda d: nn.Sequential, "a class, it should be a network"),
        (lambda d: [nn.Linear(d, 3)], "it should be a network"),
        (lambda d: nn.Sequential(*find_exercise("vae/decoder").reference(d), nn.Dropout(0.5)), "dropout"),
        (lambda d: nn.Module(), 'missing the required "forward" function'),
    ],
)
def test_wrong_networks(answer, words):
    verdict = verdict_on(find_exercise("vae/decoder"), answer)
    assert not verdict.passed and words in verdict.words, verdict.words


def lazy_discriminator(channels, maps):
    net = nn.Sequential()
    for width in (maps, 2 * maps, 4 * maps, 8 * maps):
        net.extend([nn.LazyConv2d(width, 4, 2, 1, bias=False), nn.LazyBatchNorm2d(), nn.LeakyReLU(0.2)])
    return net.extend([nn.LazyConv2d(1, 4, bias=False), nn.Flatten(0)])


def tried_discriminator(channels, maps):
    """Its author sends a picture through it, to see that it runs."""
    net = find_exercise("dcgan/discriminator").reference(channels, maps)
    net(torch.randn(3, channels, 64, 64))
    return net


@pytest.mark.parametrize("answer", [lazy_discriminator, tried_discriminator])
def test_what_ran_through_a_network_before_the_probe_does_not_count(answer):
    verdict = verdict_on(find_exercise("dcgan/discriminator"), answer)
    assert verdict.passed, verdict.words


def test_a_network_that_raises_leaves_torchs_kernels_as_they_were():
    assert verdict_on(find_exercise("vae/decoder"), lambda d: nn.Linear(d + 1, 4)).code == "raises"
    assert torch.backends.mkldnn.enabled


# ------------------------------------------------------- losses of two networks, as lesson 02 will have


def hinge_free_loss(G, D, x, z):
    """D's loss: G must not feel it."""
    real, fake = D(x), D(G(z).detach())
    return {"real": nn.functional.softplus(-real).mean(), "fake": nn.functional.softplus(fake).mean()}


def two_players(seed):
    g = torch.Generator().manual_seed(seed)
    args = {
        "G": Network((("Linear", 3, 4), ("Tanh",), ("Linear", 4, 2)), seed),
        "D": Network((("Linear", 2, 4), ("Tanh",), ("Linear", 4, 1)), seed + 1),
        "x": torch.randn(5, 2, generator=g),
        "z": torch.randn(5, 3, generator=g),
    }
    return [Case("a small batch", args, seed, constants=("x", "z"))]


PLAYER = Exercise("toy/discriminator", points=1, reference=hinge_free_loss, inputs=two_players)


def test_a_missing_detach_is_found():
    def without_detach(G, D, x, z):
        real, fake = D(x), D(G(z))
        return {"real": nn.functional.softplus(-real).mean(), "fake": nn.functional.softplus(fake).mean()}

    verdict = verdict_on(PLAYER, without_detach)
    assert verdict.code == "wrong gradient"
    assert "gradient of `fake` with respect to `G." in verdict.words and ".detach()" in verdict.words
    assert "training would move `G` too" in verdict.words


def test_no_grad_does_as_well_as_detach():
    def under_no_grad(G, D, x, z):
        with torch.no_grad():
            fake = G(z)
        return {"fake": -torch.sigmoid(-D(fake)).log().mean(), "real": -torch.sigmoid(D(x)).log().mean()}

    assert verdict_on(PLAYER, under_no_grad).passed


def test_a_detached_player_and_a_changed_one():
    def detached(G, D, x, z):
        return {name: term.detach() for name, term in hinge_free_loss(G, D, x, z).items()}

    def stepping(G, D, x, z):
        with torch.no_grad():
            next(D.parameters()).mul_(0.5)
        return hinge_free_loss(G, D, x, z)

    assert "with respect to `D.0.weight` is lost" in verdict_on(PLAYER, detached).words
    assert verdict_on(PLAYER, stepping).code == "changes its input"


def gan_step(G, D, opt_D, batch):
    """D's step alone, on a batch: it is to change D and nothing else."""
    fake = G(batch["z"]).detach()
    loss = (nn.functional.softplus(-D(batch["image"])) + nn.functional.softplus(D(fake))).mean()
    opt_D.zero_grad()
    loss.backward()
    opt_D.step()


def one_step(seed):
    players = two_players(seed)[0].args
    args = {"G": players["G"], "D": players["D"], "opt_D": Optimizer("SGD", of="D", lr=0.5)}
    batch = {"image": players["x"], "z": players["z"]}
    return [Case("a small batch", {**args, "batch": batch}, seed, constants=("batch",), changes=("G", "D"))]


STEP = Exercise("toy/step", points=1, reference=gan_step, inputs=one_step)


def test_a_function_that_is_to_change_a_network_is_judged_by_the_weights_it_leaves():
    def by_hand(G, D, opt_D, batch):
        real, fake = D(batch["image"]), D(G(batch["z"]))
        loss = -(torch.sigmoid(real).log() + (1 - torch.sigmoid(fake)).log()).mean()
        with torch.no_grad():
            for weight, slope in zip(
                D.parameters(), torch.autograd.grad(loss, [*D.parameters()]), strict=True
            ):
                weight -= 0.5 * slope

    def no_step(G, D, opt_D, batch):
        (D(batch["image"]).mean() - D(G(batch["z"])).mean()).backward()

    def moves_g_too(*args):
        gan_step(*args)
        with torch.no_grad():
            next(args[0].parameters()).add_(1.0)

    def spoils_the_batch(G, D, opt_D, batch):
        batch["image"].mul_(2)
        gan_step(G, D, opt_D, batch)

    assert verdict_on(STEP, gan_step).passed and verdict_on(STEP, by_hand).passed
    assert verdict_on(STEP, lambda *args: None).code == "not written"
    assert "the weight D.0.weight after the call at [0, 0] is" in verdict_on(STEP, no_step).words
    assert "batch['image'] (5, 2)" in verdict_on(STEP, no_step).words
    assert "the weight G.0.weight after the call" in verdict_on(STEP, moves_g_too).words
    assert "changes its input `batch`" in verdict_on(STEP, spoils_the_batch).words


def test_gradients_reach_the_tensors_of_a_batch():
    def draw(seed):
        return [Case("a batch", {"batch": {"image": torch.ones(2, 3), "label": torch.tensor([0, 1])}}, seed)]

    mean = Exercise("toy/mean", points=1, reference=lambda batch: batch["image"].mean(dim=1), inputs=draw)
    assert verdict_on(mean, lambda b: b["image"].sum(1) / 3).passed
    words = verdict_on(mean, lambda b: b["image"].detach().mean(dim=1)).words
    assert "with respect to `batch['image']` is lost" in words


def test_python_numbers_as_answers():
    def sizes(seed):
        return [Case("one layer", {"side": 7 + seed % 3, "kernel": 4, "stride": 2}, seed)]

    size = Exercise("toy/size", points=1, reference=lambda side, k, s: (side - 1) * s + k, inputs=sizes)
    assert verdict_on(size, lambda side, k, s: side * s - s + k).passed
    verdict = verdict_on(size, lambda side, k, s: side * s)
    assert "is 14, it should be 16" in verdict.words and "side = 7" in verdict.words


# ------------------------------------------------------------------------------- for a grader elsewhere


@pytest.mark.parametrize("name", engine.catalogue())
def test_an_observation_travels_as_tensors_and_json(name):
    """The verdict is the same when what was observed has gone through safetensors and JSON."""
    exercise, seed = find_exercise(name), 4_321
    oracle = Oracle(exercise, seed)
    raising = lambda *args: args[0].nothing  # noqa: E731
    answers = [exercise.reference, *(m.answer for m in exercise.mistakes), raising, lambda *args: None]
    for answer in answers:
        here = observe_all(answer, oracle.cases)
        there = []
        for seen in here:
            tensors, facts = seen.to_data()
            there.append(Observation.from_data(load(save(tensors)), json.loads(json.dumps(facts))))
        assert oracle.judge(there) == oracle.judge(here)


def test_the_same_case_is_observed_alike_twice():
    for name, exercise in engine.catalogue().items():
        for one, two in zip(exercise.inputs(9), exercise.inputs(9), strict=True):
            first, second = observe(exercise.reference, one), observe(exercise.reference, two)
            assert all(torch.equal(first.outputs[k], second.outputs[k]) for k in first.outputs), name


def test_an_unknown_exercise_is_one_sentence():
    with pytest.raises(ValueError, match="did you mean 'vae/kl'"):
        check("vae/kll", KL.reference)
    with pytest.raises(ValueError, match="there is no exercise 'engine/x'"):
        check("engine/x", KL.reference)
    for name in ("../x/y", "__init__/x", "draws/x", "", "kl"):
        with pytest.raises(ValueError, match=f"there is no exercise '{re.escape(name)}'"):
            check(name, KL.reference)


@pytest.mark.parametrize("file", ["toy_lesson.py", "toy_lesson/__init__.py"])
def test_a_lesson_may_be_a_file_or_a_folder(file, tmp_path, monkeypatch):
    source = """
        from course_lib.checks.exercise import Case, Exercise
        EXERCISES = (Exercise("toy_lesson/one", 1, lambda n: n, lambda seed: [Case("one", {"n": 1})]),)
        """
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(textwrap.dedent(source))
    monkeypatch.setattr(course_lib.checks, "__path__", [*course_lib.checks.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "course_lib.checks.toy_lesson", raising=False)
    assert find_exercise("toy_lesson/one").name in engine.catalogue()


def test_an_answer_that_cannot_be_compared_does_not_stop_the_notebook(capsys):
    sparse = lambda mean, logvar: KL.reference(mean, logvar).to_sparse()  # noqa: E731
    assert check("vae/kl", sparse) is KL.reference
    assert capsys.readouterr().out.startswith("✗ vae/kl — ")


def test_progress_is_short(capsys, monkeypatch):
    monkeypatch.setattr(engine, "_verdicts", {})
    progress()
    assert capsys.readouterr().out == "No exercise has been checked yet.\n"
    check("vae/kl", KL.reference)
    check("vae/interpolate", lambda a, b, steps: None)
    capsys.readouterr()
    progress()
    said = capsys.readouterr().out
    assert said.startswith("vae: 1 of 6 exercises, 2 of 11 points; still open: ") and said.count("\n") <= 2
    assert "vae/interpolate" in said and "vae/kl" not in said
