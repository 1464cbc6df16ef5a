"""Pages that need nothing but themselves: one file, no script; for light, dark and paper."""

import html
import re

from course_lib.grading.names import clean

# Text in these colours has a contrast of at least 4.5 with the paper, in light and in dark.
STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2128; --quiet: #57606a; --line: #d5dae0;
  --soft: #f3f5f7; --bar: #2b6cb0; --right: #1a7444; --wrong: #b23a22; --missing: #755c00;
  --failed: #6b3fa0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec; --quiet: #a0a9b3;
  --line: #363d46; --soft: #1e242b; --bar: #6aa6e0; --right: #5cc98c; --wrong: #f08a72; --missing: #d9b84a;
  --failed: #bd9af0; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb;
  --soft: #f3f5f7; --bar: #2b6cb0; --right: #1a7444; --wrong: #b23a22; --missing: #755c00;
  --failed: #6b3fa0; }
  * { print-color-adjust: exact; } li, tr, svg, section.keep { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 46rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  overflow-wrap: break-word; }
body.wide { max-width: 62rem; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
p { margin: .4rem 0; }
a { color: inherit; text-underline-offset: .15em; }
code { font: .9em ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; background: var(--soft);
  padding: .1em .3em; border-radius: .2em; }
.quiet { color: var(--quiet); }
.right { --tone: var(--right); } .wrong { --tone: var(--wrong); }
.missing { --tone: var(--missing); } .failed { --tone: var(--failed); }
.tone { color: var(--tone); font-weight: 600; }
ul.plain, ol.plain { list-style: none; margin: 0; padding: 0; }
summary { cursor: pointer; color: var(--quiet); }
summary:focus-visible, a:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink); }
svg text.quiet { fill: var(--quiet); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th.number, td.number { text-align: right; white-space: nowrap; }
td p:first-child { margin-top: 0; } td p:last-child { margin-bottom: 0; }
details { margin: .4rem 0; }
thead th { font-weight: 600; color: var(--quiet); font-size: .9rem; }
.scroll { overflow-x: auto; }
"""
# A browser then refuses scripts and everything from elsewhere, whatever a name or an error message holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"

CODE = re.compile(r"`([^`]+)`")
VERDICTS = {  # verdict -> (sign, words for the student)
    "right": ("✓", "right"),
    "wrong": ("✗", "not right yet"),
    "missing": ("○", "not written yet"),
    "failed": ("!", "did not run to the end"),
}


def page(title: str, body: str, style: str = "", wide: bool = False) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{text(title)}</title>
<style>{STYLE}{style}</style>
</head>
<body{' class="wide"' if wide else ""}>
{body}
</body>
</html>
"""


def text(value: object, longest: int = 4_000) -> str:
    """Text of whatever origin, on one line, for a page or an attribute."""
    return html.escape(clean(str(value), longest))


def prose(value: str) -> str:
    """Paragraphs, one a line, with `code` set as code."""
    lines = [text(line) for line in value.splitlines() if line.strip()][:40]
    return "".join("<p>" + CODE.sub(r"<code>\1</code>", line) + "</p>" for line in lines)


def number(value: int | float) -> str:
    """2 and 2.5, never 2.0."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def counted(n: int, thing: str) -> str:
    """'1 student', '2 students'."""
    return f"{n} {thing}{'' if n == 1 else 's'}"
