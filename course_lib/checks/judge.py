"""Compare what was observed with the oracle, and find the words. The verdict is plain data.

    cases = exercise.inputs(seed)
    verdict = Oracle(exercise, seed).judge(observe_all(fn, cases))

The oracle observes the reference, and, only for an answer that is wrong, the catalogued mistakes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from course_lib.checks import diagnose
from course_lib.checks.compare import (
    Behaviours,
    Tolerance,
    agree_on_gradient,
    agree_on_value,
    behaviour,
    same_behaviour,
    same_forms,
    same_values,
    wrong_gradients,
    wrong_values,
)
from course_lib.checks.exercise import Exercise, Mistake
from course_lib.checks.observe import Observation, observe_all


@dataclass(frozen=True)
class Verdict:
    exercise: str
    passed: bool
    points: int  # earned
    code: str  # "right", "not written", "raises", "mistake", "wrong shape", ...: to count over a class
    words: str = ""  # one or two sentences for the student
    mistake: str = ""  # the catalogued mistake's name
    case: str = ""  # the label of the case where it showed
    printed: str = ""  # what the function printed while it ran


class Oracle:
    """The right behaviour, and the wrong ones, on the cases of one seed."""

    def __init__(self, exercise: Exercise, seed: int):
        self.exercise, self.cases = exercise, exercise.inputs(seed)
        self.tolerance = Tolerance(exercise.tolerance, exercise.absolute)
        self.expected = observe_all(exercise.reference, self.cases)
        self.right = self.behaviours(self.expected)

    @cached_property
    def mistakes(self) -> list[tuple[Mistake, list[Observation]]]:
        return [(m, observe_all(m.answer, self.cases)) for m in self.exercise.mistakes]

    @cached_property
    def wrong(self) -> list[tuple[Mistake, Behaviours]]:
        return [(mistake, self.behaviours(observations)) for mistake, observations in self.mistakes]

    def behaviours(self, observations: Sequence[Observation]) -> Behaviours:
        return [behaviour(self.exercise, *pair) for pair in zip(self.cases, observations, strict=True)]

    def judge(self, observations: Sequence[Observation]) -> Verdict:
        printed = next((seen.printed for seen in observations if seen.printed), "")
        found = self.find(observations)
        if found is None:
            return Verdict(self.exercise.name, True, self.exercise.points, "right", printed=printed)
        return Verdict(self.exercise.name, False, 0, **found, printed=printed)

    def find(self, observations: Sequence[Observation]) -> dict | None:
        """What is wrong, or None. In this order: it does not run; a known mistake; its form; its values."""
        if found := self.first(diagnose.IT_DOES_NOT_RUN, observations):
            return found
        mine = self.behaviours(observations)
        if same_behaviour(mine, self.right, self.tolerance):
            return self.first((diagnose.wrong_dtype, diagnose.loops), observations)
        if mistake := self.recognise(mine):
            return {"code": "mistake", "words": mistake.words, "mistake": mistake.name}
        return self.first(diagnose.ITS_FORM, observations) or self.first_difference(mine, observations)

    def first(
        self, diagnoses: Sequence[diagnose.Diagnosis], observations: Sequence[Observation]
    ) -> dict | None:
        """The first diagnosis that has something to say about one of the cases."""
        for find in diagnoses:
            for case, seen, expected in zip(self.cases, observations, self.expected, strict=True):
                if words := find(case, seen, expected):
                    return {"code": find.__name__.replace("_", " "), "words": words, "case": case.label}
        return None

    def recognise(self, mine: Behaviours) -> Mistake | None:
        """The catalogued mistake that behaves the same, or that agrees on one thing that is wrong.

        An answer may hold two mistakes, or one in a single term of a loss: so after the whole behaviour we
        look at values alone, then at one output at a time, then at one gradient at a time.
        """
        for agree in (same_behaviour, same_values):
            for mistake, theirs in self.wrong:
                if agree(mine, theirs, self.tolerance) and not agree(theirs, self.right, self.tolerance):
                    return mistake
        if self.exercise.statistics or not same_forms(mine, self.right):
            return None
        comparable = [(m, theirs) for m, theirs in self.wrong if same_forms(theirs, self.right)]
        if keys := wrong_values(mine, self.right, self.tolerance):
            for mistake, theirs in comparable:
                if agree_on_value(keys[0], mine, theirs, self.tolerance) and not agree_on_value(
                    keys[0], theirs, self.right, self.tolerance
                ):
                    return mistake
            return None
        for pair in wrong_gradients(mine, self.right, self.tolerance):
            for mistake, theirs in comparable:
                if agree_on_gradient(pair, mine, theirs, self.tolerance) and same_values(
                    theirs, self.right, self.tolerance
                ):
                    return mistake
        return None

    def first_difference(self, mine: Behaviours, observations: Sequence[Observation]) -> dict:
        """No known mistake: say which value, or which gradient, differs first."""
        if keys := wrong_values(mine, self.right, self.tolerance):
            for case, a, b in zip(self.cases, mine, self.right, strict=True):
                if words := diagnose.wrong_value(keys[0], case, a, b, self.tolerance):
                    alone = diagnose.only_here(keys[0], mine, self.right, self.tolerance)
                    factor = diagnose.constant_factor(keys[0], mine, self.right, self.tolerance)
                    return {"code": "wrong value", "words": words + (factor or alone), "case": case.label}
        left_torch = [call for seen in observations for call in seen.left_torch]
        for pair in wrong_gradients(mine, self.right, self.tolerance):
            for case, a, b in zip(self.cases, mine, self.right, strict=True):
                if words := diagnose.wrong_gradient(pair, a, b, self.tolerance, left_torch):
                    return {"code": "wrong gradient", "words": words, "case": case.label}
        return {"code": "wrong value", "words": "the answer has another form than the right one."}


def judge(exercise: Exercise, seed: int, observations: Sequence[Observation]) -> Verdict:
    """The verdict on a function that was observed on `exercise.inputs(seed)`, here or in another process."""
    return Oracle(exercise, seed).judge(observations)
