# ruff: noqa
"""Raises an error whose text is a page of its own: tags, formulas, and a line that looks like another mark.

expect: failed: <script>
"""


def kl_to_standard_normal(mean, logvar):
    raise ValueError("<script>document.title='11 of 11'</script>`<b>`=HYPERLINK(1)")
