"""The page for the instructor: how the class did, which exercises are hard, and what was misunderstood."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean, median

from course_lib.grading.histogram import histogram
from course_lib.grading.marks import ExerciseMark, StudentMarks, exercises_in_order
from course_lib.grading.page import VERDICTS, counted, number, page, prose, text

STYLE = """
.stack { display: flex; height: .9rem; min-width: 10rem; border-radius: .2rem; overflow: hidden;
  background: var(--soft); }
.stack div { background: var(--tone); } .stack div + div { border-left: 1px solid var(--paper); }
.key span { margin-right: 1.25rem; white-space: nowrap; }
li.mistake { display: grid; grid-template-columns: 4.5rem 1fr; gap: 0 1rem; padding: .8rem 0;
  border-bottom: 1px solid var(--line); }
.count { font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; text-align: right; }
.count small { display: block; font-size: .8rem; color: var(--quiet); }
.share { height: .45rem; background: var(--wrong); border-radius: .2rem; margin: .1rem 0 .4rem;
  min-width: 3px; }
td.mark { text-align: center; color: var(--tone); font-weight: 600; }
.notice { border: 1px solid var(--wrong); border-radius: .4rem; padding: .25rem 1rem .75rem;
  margin-top: 1.5rem; }
.notice h2 { margin-top: .75rem; }
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 1rem 0 0; padding: 0; }
.figures div { display: flex; flex-direction: column-reverse; } .figures dd { margin: 0; font-size: 1.5rem; }
.figures dt { color: var(--quiet); }
"""
Words = Mapping[tuple[str, str], str]  # (exercise, mistake) -> what its author is told
Links = Mapping[str, str]  # student -> address of the feedback page
Maker = tuple[str, ExerciseMark]  # a student, and the mark in question


def class_page(marks: Sequence[StudentMarks], title: str, words: Words, links: Links) -> str:
    """One self-contained HTML page. `title` is the lesson's."""
    graded = [student for student in marks if student.problem is None]
    lost = [student for student in marks if student.problem is not None]
    parts = [
        f'<header><p class="quiet">{text(title)}</p><h1>The class</h1>{figures(graded, lost)}</header>',
        problems(lost, links),
    ]
    if graded:
        parts += [
            distribution(graded),
            rates(graded),
            misconceptions(graded, words, links),
            uncatalogued(graded, links),
        ]
    parts += [noted(marks, links), everybody(marks, links)]
    return page(f"{title}: the class", "\n".join(part for part in parts if part), STYLE, wide=True)


def figures(graded: Sequence[StudentMarks], lost: Sequence[StudentMarks]) -> str:
    shown = {"submissions": str(len(graded) + len(lost))}
    if graded:
        points, most = [student.points for student in graded], max(student.out_of for student in graded)
        whole = sum(student.points == student.out_of for student in graded)
        shown |= {
            f"mean, of {number(most)} points": number(round(mean(points), 1)),
            "median": number(median(points)),
            "with all points": str(whole),
        }
    if lost:
        shown["not graded"] = str(len(lost))
    pairs = "".join(f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in shown.items())
    return f'<dl class="figures">{pairs}</dl>'


def problems(lost: Sequence[StudentMarks], links: Links) -> str:
    if not lost:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{who(student.student, links)}</th><td>{prose(student.problem or "")}</td></tr>'
        for student in lost
    )
    return (
        f'<section class="notice"><h2>{counted(len(lost), "submission")} could not be graded</h2>'
        f"<p>Their cells in the gradebooks are empty, not zero.</p><table>{rows}</table></section>"
    )


def distribution(graded: Sequence[StudentMarks]) -> str:
    most = max(student.out_of for student in graded)
    return f"<section><h2>Points</h2>{histogram([student.points for student in graded], most)}</section>"


# ------------------------------------------------------------------------------------------ exercises


def rates(graded: Sequence[StudentMarks]) -> str:
    rows = []
    for name, out_of in exercises_in_order(graded).items():
        seen = [mark for student in graded for mark in student.exercises if mark.exercise == name]
        count = {verdict: sum(mark.verdict == verdict for mark in seen) for verdict in VERDICTS}
        bars = "".join(f'<div class="{v}" style="flex: {n}"></div>' for v, n in count.items() if n)
        numbers = "".join(f'<td class="number">{n or "·"}</td>' for n in count.values())
        rows.append(
            f'<tr><th scope="row"><code>{text(name)}</code></th><td class="number">{number(out_of)}</td>'
            f'<td><div class="stack" aria-hidden="true">{bars}</div></td>'
            f'<td class="number">{100 * count["right"] / len(seen):.0f} %</td>{numbers}</tr>'
        )
    heads = "".join(
        f'<th scope="col" class="number"><span class="tone {v}">{sign} {v}</span></th>'
        for v, (sign, _) in VERDICTS.items()
    )
    return (
        '<section class="keep"><h2>Exercises</h2><div class="scroll"><table><thead><tr>'
        '<th scope="col">exercise</th><th scope="col" class="number">points</th><th scope="col">students</th>'
        f'<th scope="col" class="number">right</th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


# ------------------------------------------------------------------------------------ the mistakes


def misconceptions(graded: Sequence[StudentMarks], words: Words, links: Links) -> str:
    """The catalogued mistakes, the commonest first; those of single students folded."""
    makers: dict[tuple[str, str], list[Maker]] = defaultdict(list)
    for student in graded:
        for mark in student.exercises:
            if mark.mistake and mark.verdict != "right":
                makers[mark.exercise, mark.mistake].append((student.student, mark))
    if not makers:
        return "<section><h2>What was misunderstood</h2><p>No answer is a known mistake.</p></section>"
    ranked = sorted(makers.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    most = len(ranked[0][1])

    def item(key: tuple[str, str], found: list[Maker]) -> str:
        said = words.get(key) or found[0][1].words
        return mistake(key, found, said, len(found) / most, len(graded), links)

    common = [item(*pair) for pair in ranked if len(pair[1]) > 1]
    single = [item(*pair) for pair in ranked if len(pair[1]) == 1]
    students = len({student for found in makers.values() for student, _ in found})
    shown = f'<ol class="plain">{"".join(common)}</ol>' if common else ""
    if single:
        folded = f'<ol class="plain">{"".join(single)}</ol>'
        label = f"{counted(len(single), 'mistake')} that a single student made"
        shown += f"<details{'' if common else ' open'}><summary>{label}</summary>{folded}</details>"
    head = f"{counted(students, 'student')} made {counted(len(makers), 'known mistake')}"
    return (
        f"<section><h2>What was misunderstood</h2><p>{head}; the commonest first, with what its authors were "
        f"told.</p>{shown}</section>"
    )


def mistake(key: tuple[str, str], found: list[Maker], said: str, share: float, of: int, links: Links) -> str:
    exercise, name = key
    part = f"{100 * len(found) / of:.0f} %"
    return (
        f'<li class="mistake"><div class="count">{len(found)}<small>{part}</small></div>'
        f'<div><div class="share" style="width: {100 * share:.1f}%" aria-hidden="true"></div>'
        f"<p><code>{text(exercise)}</code> <strong>{text(name.replace('_', ' '))}</strong></p>{prose(said)}"
        f"{names([student for student, _ in found], links)}</div></li>"
    )


def uncatalogued(graded: Sequence[StudentMarks], links: Links) -> str:
    """Answers that are wrong in no known way, or did not run: by exercise, in the words that were said."""
    groups: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for student in graded:
        for mark in student.exercises:
            if mark.verdict in ("wrong", "failed") and not mark.mistake:
                groups[mark.exercise, mark.verdict][mark.words].append(student.student)
    if not groups:
        return ""
    rows = []
    order = list(exercises_in_order(graded))
    for (exercise, verdict), by_words in sorted(groups.items(), key=lambda pair: order.index(pair[0][0])):
        n = sum(map(len, by_words.values()))
        sign, said = VERDICTS[verdict]
        items = "".join(
            f"<li>{prose(words)}{names(students, links)}</li>"
            for words, students in sorted(by_words.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        )
        rows.append(
            f"<details><summary><code>{text(exercise)}</code> "
            f'<span class="tone {verdict}">{sign} {counted(n, "answer")}: {said}</span></summary>'
            f"<ul>{items}</ul></details>"
        )
    return (
        "<section><h2>Wrong in no known way</h2><p>Answers that the catalogue has no name for, or that did "
        f"not run: the places where it could grow.</p>{''.join(rows)}</section>"
    )


# ------------------------------------------------------------------------------------------ students


def noted(marks: Sequence[StudentMarks], links: Links) -> str:
    found = [student for student in marks if student.notes]
    if not found:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{who(student.student, links)}</th>'
        f"<td>{''.join(prose(note) for note in student.notes)}</td></tr>"
        for student in found
    )
    label = f"{counted(len(found), 'submission')} with notes: what was unusual and how it was read"
    return (
        f"<section><h2>Noticed on the way</h2><details><summary>{label}</summary><table>{rows}</table>"
        "</details></section>"
    )


def everybody(marks: Sequence[StudentMarks], links: Links) -> str:
    heads = exercises_in_order(marks)
    columns = "".join(f'<th scope="col">{text(name.rpartition("/")[2])}</th>' for name in heads)
    rows = "".join(row(student, list(heads), links) for student in marks)
    columns = f'<th scope="col">student</th><th scope="col" class="number">points</th>{columns}'
    return (
        "<section><h2>Students</h2><details><summary>everybody, exercise by exercise</summary>"
        f'<div class="scroll"><table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>'
        "</details></section>"
    )


def row(student: StudentMarks, heads: list[str], links: Links) -> str:
    of = {mark.exercise: mark for mark in student.exercises if student.problem is None}
    cells = "".join(
        f'<td class="mark {of[name].verdict}">{VERDICTS[of[name].verdict][0]}</td>'
        if name in of
        else "<td></td>"
        for name in heads
    )
    points = "" if student.problem is not None else number(student.points)
    return (
        f'<tr><th scope="row">{who(student.student, links)}</th><td class="number">{points}</td>{cells}</tr>'
    )


def names(students: Sequence[str], links: Links) -> str:
    linked = ", ".join(who(student, links) for student in students)
    return f"<details><summary>{counted(len(students), 'student')}</summary><p>{linked}</p></details>"


def who(student: str, links: Links) -> str:
    link = links.get(student)
    return f'<a href="{text(link)}">{text(student)}</a>' if link else text(student)
