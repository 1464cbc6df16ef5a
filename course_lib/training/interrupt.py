"""Ctrl-C, or the notebook's stop button ■, ends a training between two steps not in the middle of one."""

import signal
import threading


class StopAfterStep:
    """While entered, the first interrupt only sets `asked`; the second is the usual KeyboardInterrupt.

    A step that is cut in two leaves some players moved and others not; a loop that looks at `asked` after
    each step ends on whole steps, and what it saves can be resumed exactly. Where no signal handler can be
    set (in a thread), `asked` stays what the caller makes it.
    """

    def __init__(self):
        self.asked = False
        self._before = None

    def __enter__(self) -> "StopAfterStep":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(self, *_) -> None:
        mine = threading.current_thread() is threading.main_thread()
        if mine and self._before is not None and signal.getsignal(signal.SIGINT) == self._interrupted:
            signal.signal(signal.SIGINT, self._before)
        self._before = None

    def _interrupted(self, signum: int, frame: object) -> None:
        if self.asked or self._before is None:
            raise KeyboardInterrupt
        self.asked = True
