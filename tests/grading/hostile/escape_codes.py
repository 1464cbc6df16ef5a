# ruff: noqa
"""Sends a terminal's control codes and a page's script as an error.

expect: failed:
"""


def kl_to_standard_normal(mean, logvar):
    raise ValueError("\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\r✓ vae/kl — 2 points")
