"""The line of text above a watched training: in a notebook, in a terminal, or nowhere."""

import _thread
import html
import sys
import uuid
from typing import Any, Protocol, runtime_checkable

from course_lib.notebook.show import in_notebook


@runtime_checkable
class Panel(Protocol):
    """Something that shows a line while it is renewed, and leaves a last one."""

    def update(self, line: str, progress: float) -> None: ...

    def close(self, line: str) -> None: ...


def open_panel(label: str) -> Panel:
    """The panel that suits the place: a Stop button where one works, text elsewhere, a terminal's bar."""
    if in_notebook():
        return ButtonPanel() if buttons_work() else TextPanel()
    return Bar(label) if sys.stderr.isatty() else Silent()


def buttons_work() -> bool:
    """True where a click reaches a busy kernel: JupyterLab (4.4 or newer) in front of ipykernel 7 or newer.

    JupyterLab sends clicks past the running cell, to a subshell of the kernel. Older kernels see them only
    when the cell is over: there ■ stops a training.
    """
    from IPython import get_ipython

    kernel = get_ipython().kernel
    return getattr(kernel, "_supports_kernel_subshells", False) and "deletedCells" in request_metadata()


def front_end_is_there() -> bool:
    """True where somebody can move a slider: JupyterLab, VS Code, Colab.

    What runs notebooks without a front end (nbclient, nbval) sends a bare request, without the ids of cells
    that front ends add; a widget shown to it would be written into the notebook's metadata and be broken when
    it is opened.
    """
    return "google.colab" in sys.modules or not {"deletedCells", "cellId"}.isdisjoint(request_metadata())


def keep_to_its_subshell(comm: Any) -> None:
    """Let clicks stay on the subshell that JupyterLab sends them to.

    ipykernel from 7.4 hands a comm's messages to the thread that wrote to it last, which is the busy one.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda data, subshell_id: subshell_id


def request_metadata() -> dict[str, Any]:
    """What the front end said about the cell that is running."""
    from IPython import get_ipython

    try:
        return get_ipython().kernel.get_parent("shell").get("metadata", {})
    except Exception:  # an old kernel, or another one
        return {}


class Silent:
    """No panel: a script, or a test."""

    def update(self, line: str, progress: float) -> None:
        pass

    def close(self, line: str) -> None:
        pass


class Bar:
    """A terminal's progress bar."""

    def __init__(self, label: str):
        from tqdm import tqdm

        self.bar = tqdm(total=1.0, desc=label, bar_format="{percentage:3.0f}%|{bar:20}| {desc}", leave=False)

    def update(self, line: str, progress: float) -> None:
        self.bar.n = progress
        self.bar.set_description_str(line)

    def close(self, line: str) -> None:
        self.bar.close()
        if line:
            print(line, file=sys.stderr)


class TextPanel:
    """One output that is renewed in place."""

    def __init__(self):
        self.id, self.shown = uuid.uuid4().hex, False

    def update(self, line: str, progress: float) -> None:
        bar = f'<progress value="{progress:.3f}" max="1" aria-hidden="true"></progress> '
        self._put({"text/html": bar + html.escape(line), "text/plain": line})

    def close(self, line: str) -> None:
        if line or self.shown:
            self._put({"text/plain": line})

    def _put(self, data: dict[str, Any]) -> None:
        from IPython.display import publish_display_data

        publish_display_data(data, transient={"display_id": self.id}, update=self.shown)
        self.shown = True


class ButtonPanel(TextPanel):
    """A Stop button and the line beside it, until the end, when text takes their place."""

    def __init__(self):
        super().__init__()
        import ipywidgets

        self.button = ipywidgets.Button(description="Stop", icon="stop", tooltip="Stop after this step")
        self.text = ipywidgets.HTML()
        self.box = ipywidgets.HBox([self.button, self.text])
        self.button.on_click(lambda _: self._stop())
        keep_to_its_subshell(self.button.comm)
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        self._put({"application/vnd.jupyter.widget-view+json": view, "text/plain": "Stop"})

    def _stop(self) -> None:
        """Runs in the subshell's thread: does what ■ does, once."""
        if not self.button.disabled:
            self.button.disabled, self.button.description = True, "Stopping"
            _thread.interrupt_main()

    def update(self, line: str, progress: float) -> None:
        self.text.value = f'<progress value="{progress:.3f}" max="1"></progress> {html.escape(line)}'

    def close(self, line: str) -> None:
        self.button.disabled = True
        super().close(line)
        for widget in (self.box, self.button, self.text):
            for trait in ("layout", "style"):
                if getattr(widget, trait, None) is not None:
                    getattr(widget, trait).close()
            widget.close()
