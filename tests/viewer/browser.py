"""Headless Chromium over its DevTools websocket: no driver, no further dependency."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--remote-debugging-port=0",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)


def find_chromium() -> str | None:
    """Return the browser's program; None: there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def write_y4m(path: Path, pictures: np.ndarray, fps: int = 30) -> Path:
    """Write pictures ``[T, H, W, 3]`` as the uncompressed video that a fake camera shows."""
    height, width = pictures.shape[1:3]
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420mpeg2\n".encode())
        for picture in pictures.astype(np.float64) / 255:
            red, green, blue = np.moveaxis(picture, -1, 0)
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            parts = [16 + 219 * luma]
            for color, factor in ((blue, 1.772), (red, 1.402)):
                chroma = 128 + 224 * (color - luma) / factor
                parts.append(chroma.reshape(height // 2, 2, width // 2, 2).mean((1, 3)))
            file.write(b"FRAME\n")
            file.writelines(np.round(part).astype(np.uint8).tobytes() for part in parts)
    return path


class Tab:
    """A page in the browser.

    Attributes:
        errors: what went wrong in it: exceptions, refused resources, errors of the console.
    """

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session, self.errors = browser, session, []

    def ask(self, method: str, **values):
        return self.browser.ask(method, session=self.session, **values)

    def run(self, script: str):
        """Return what an expression gives (awaited), as JSON would hold it."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 30.0):
        """Return what an expression gives once it is true."""
        end = time.monotonic() + seconds
        while not (found := self.run(script)):
            if time.monotonic() > end:
                raise AssertionError(f"still not true after {seconds} s: {script}; {self.errors}")
            time.sleep(0.03)
        return found

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def resize(self, width: int, height: int, *, phone: bool = False, scale: float = 1) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=phone,
            deviceScaleFactor=scale,
        )  # fmt: skip

    def theme(self, name: str) -> None:
        self.ask(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": name}],
        )

    def picture(self, *, whole: bool = False) -> bytes:
        """Return a screenshot as PNG."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def mouse(self, kind: str, x: float, y: float) -> None:
        self.ask(
            "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1
        )

    def close(self) -> None:
        self.ask("Page.close")


class Browser:
    """A running browser."""

    def __init__(self, socket) -> None:
        self.socket, self.number, self.tabs = socket, 0, {}

    def ask(self, method: str, session: str = "", **values):
        """Send a command and return its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": values}
        self.socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            heard = json.loads(self.socket.recv(timeout=20))
            if heard.get("id") == self.number:
                if "error" in heard:
                    raise AssertionError(f"{method}: {heard['error']}")
                return heard["result"]
            self._note(heard)

    def open(self, address: str, width: int = 1280, height: int = 900) -> Tab:
        """Open a page."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self.tabs[session] = Tab(self, session)
        for domain in ("Page", "Runtime", "Log"):
            tab.ask(f"{domain}.enable")
        tab.resize(width, height)
        tab.ask("Page.navigate", url=address)
        tab.wait("document.readyState === 'complete'")
        return tab

    def _note(self, heard) -> None:
        tab = self.tabs.get(heard.get("sessionId"))
        values = heard.get("params", {})
        if tab is None:
            return
        if heard["method"] == "Runtime.exceptionThrown":
            tab.errors.append(values["exceptionDetails"].get("exception", {}).get("description"))
        elif heard["method"] == "Log.entryAdded" and values["entry"]["level"] == "error":
            tab.errors.append(values["entry"]["text"])
        elif heard["method"] == "Runtime.consoleAPICalled" and values["type"] == "error":
            tab.errors.append(str(values["args"]))


@contextlib.contextmanager
def chromium(program: str, folder: Path, camera: Path):
    """Run a browser whose camera shows a video; yield it."""
    flags = [f"--use-file-for-fake-video-capture={camera}", f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [program, *FLAGS, *flags, "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
        start_new_session=True,
    )
    try:
        found = folder / "DevToolsActivePort"
        end = time.monotonic() + 30
        while not (found.is_file() and len(found.read_text().split()) == 2):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{program} did not start (exit code {process.poll()}).")
            time.sleep(0.05)
        port, path = found.read_text().split()
        address = f"ws://127.0.0.1:{port}{path}"
        with connect(address, max_size=1 << 26, compression=None) as socket:
            yield Browser(socket)
            with contextlib.suppress(Exception):
                socket.send(json.dumps({"id": 0, "method": "Browser.close"}))
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        process.kill()
        process.wait()
