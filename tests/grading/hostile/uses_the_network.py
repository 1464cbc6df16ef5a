# ruff: noqa
"""Calls home by every kind of socket.

expect: failed: reached nothing
"""

import socket
import urllib.request


def kl_to_standard_normal(mean, logvar):
    reached = []
    for address in (("127.0.0.1", 22), ("10.0.0.1", 80), ("169.254.169.254", 80), ("1.1.1.1", 53)):
        try:
            with socket.create_connection(address, timeout=1):
                reached.append(address)
        except OSError:
            pass
    for family in range(1, 45):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                socket.socket(family, kind).close()
                reached.append(f"a socket of family {family}")
            except OSError:
                pass
    try:
        urllib.request.urlopen("http://pypi.org", timeout=1)
        reached.append("pypi.org")
    except OSError:
        pass
    raise RuntimeError(f"reached {reached or 'nothing'}"[:150])
