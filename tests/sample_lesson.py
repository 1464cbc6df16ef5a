# ruff: noqa: E501 (nbgrader's metadata stand on the cell's one line)
"""A tiny lesson for the tests of release, execute, nbval and the browser: an answer, a check, a picture."""

from pathlib import Path

SOURCE = '''# %% [markdown]
# # 90 · A sample lesson
#
# One exercise and one picture.

# %%
import os

from IPython.display import display


def check(name, answer):
    """As the course's own check: an unfinished answer is replaced, so that Run All goes on."""
    try:
        answer(1)
        print(f"{name}: right")
        return answer
    except NotImplementedError as error:
        print(error)
        return lambda x: 2 * x

# %% nbgrader={"grade": false, "grade_id": "sample-double", "locked": false, "schema_version": 3, "solution": true, "task": false}
def double(x: float) -> float:
    """Twice x."""
    if x == 0:
        ### BEGIN SOLUTION
        return 0
        ### END SOLUTION
    ### BEGIN SOLUTION
    secret = 2 * x
    return secret
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "sample-double-check", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
double = check("sample/double", double)

# %%
# NBVAL_CHECK_OUTPUT
double(21)

# %% tags=["kept-picture"]
import base64
import io

from PIL import Image

file = io.BytesIO()
Image.linear_gradient("L").save(file, "PNG")
code, alt = base64.b64encode(file.getvalue()).decode(), "a grey ramp [0, 255]"
forms = {"text/html": f'<img alt="{alt}" src="data:image/png;base64,{code}">', "image/png": code, "text/plain": alt}
live = display({"text/plain": "nothing yet"}, raw=True, display_id=True)
live.update(forms, metadata={"image/png": {"alt": alt}}, raw=True)

# %% tags=["solution-only"]
print("for teachers:", os.environ.get("COURSE_TIER"), os.getcwd())

# %%
print("the end")
'''


def write_sample(root: Path, source: str = SOURCE, name: str = "90_sample") -> Path:
    """A course with this one lesson under `root`; returns `root`."""
    (root / "lessons").mkdir(parents=True, exist_ok=True)
    (root / "solutions").mkdir(exist_ok=True)
    (root / "solutions" / f"{name}.py").write_text(source, "utf-8")
    return root
