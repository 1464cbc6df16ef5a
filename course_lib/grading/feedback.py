"""The page that a student gets: the points, and for each exercise what is right and what to look at."""

from course_lib.grading.marks import ExerciseMark, StudentMarks
from course_lib.grading.page import VERDICTS, counted, number, page, prose, text

STYLE = """
header { border-bottom: 1px solid var(--line); padding-bottom: 1.25rem; margin-bottom: 1.5rem; }
.total { font-size: 1.15rem; margin-top: .75rem; } .total strong { font-size: 1.75rem; }
.meter { height: .6rem; border-radius: .3rem; background: var(--line); overflow: hidden;
  margin: .5rem 0 .75rem; }
.meter div { height: 100%; background: var(--right); }
li.exercise { border-left: .25rem solid var(--tone); padding: .1rem 0 .1rem 1rem; margin: 0 0 1.4rem; }
li.exercise h2 { margin: 0; font-size: 1.05rem; display: flex; gap: 1rem; justify-content: space-between; }
li.exercise h2 .points { white-space: nowrap; font-weight: 400; font-variant-numeric: tabular-nums; }
.notice { border: 1px solid var(--wrong); border-radius: .4rem; padding: .75rem 1rem; margin: 0 0 1.5rem; }
.notice h2 { margin: 0; font-size: 1.05rem; }
"""


def feedback_page(marks: StudentMarks, title: str) -> str:
    """One self-contained HTML page. `title` is the lesson's."""
    parts = [header(marks, title)]
    if marks.problem is not None:
        parts.append(
            f'<section class="notice"><h2>This submission could not be graded</h2>{prose(marks.problem)}'
            "<p>Mend that and hand the notebook in again, or ask your instructor.</p></section>"
        )
    elif marks.exercises:
        rows = "\n".join(exercise(mark) for mark in marks.exercises)
        parts.append(f'<main><ol class="plain">\n{rows}\n</ol></main>')
    if marks.notes:
        items = "".join(f"<li>{prose(note)}</li>" for note in marks.notes)
        parts.append(f"<section><h2>What was noticed on the way</h2><ul>{items}</ul></section>")
    parts.append(
        '<footer class="quiet"><p>Graded by running each answer on inputs that were drawn for this run, and '
        "comparing its values and gradients with the right ones.</p></footer>"
    )
    return page(f"{marks.student}: {title}", "\n".join(parts), STYLE)


def header(marks: StudentMarks, title: str) -> str:
    total = ""
    if marks.problem is None:
        share = 100 * marks.points / marks.out_of if marks.out_of else 0
        total = (
            f'<p class="total"><strong>{number(marks.points)}</strong> of {number(marks.out_of)} points</p>'
            f'<div class="meter" aria-hidden="true"><div style="width: {share:.1f}%"></div></div>'
            f"<p>{summary(marks)}</p>"
        )
    return f'<header><p class="quiet">{text(title)}</p><h1>{text(marks.student)}</h1>{total}</header>'


def summary(marks: StudentMarks) -> str:
    open_ones = [mark for mark in marks.exercises if mark.verdict != "right"]
    if not open_ones:
        return "All exercises are right."
    right = len(marks.exercises) - len(open_ones)
    names = ", ".join(f"<code>{text(mark.exercise)}</code>" for mark in open_ones[:8])
    verb = "is" if right == 1 else "are"
    return f"{right} of {counted(len(marks.exercises), 'exercise')} {verb} right. To look at again: {names}."


def exercise(mark: ExerciseMark) -> str:
    sign, words = VERDICTS[mark.verdict]
    return (
        f'<li class="exercise {mark.verdict}"><h2><span><code>{text(mark.exercise)}</code></span>'
        f'<span class="points">{number(mark.points)} of {number(mark.out_of)}</span></h2>'
        f'<p class="tone"><span aria-hidden="true">{sign}</span> {words}</p>{prose(mark.words)}</li>'
    )
