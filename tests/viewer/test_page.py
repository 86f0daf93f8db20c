"""The page in headless Chromium, before a camera that shows a known video."""

from __future__ import annotations

import base64
import io
import time

import av
import numpy as np
import pytest
from browser import chromium, find_chromium, write_y4m
from fake_stream import LAYOUT, FakeStream, running, standing
from PIL import Image

from onebody.inference.draw import SIDE_COLORS, joint_sides
from onebody.viewer.studio import Studio

HEIGHT, WIDTH = 240, 320
MARK = (220, 30, 220)

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="there is no Chromium (Debian: apt-get install chromium)"
)


def marked_pictures() -> np.ndarray:
    """Return pictures ``[T, H, W, 3]`` with a mark at each joint of the standing person."""
    picture = np.full((HEIGHT, WIDTH, 3), (60, 90, 70), np.uint8)
    for x, y in standing(HEIGHT, WIDTH)[:, :2].round().astype(int):
        picture[y - 4 : y + 4, x - 4 : x + 4] = MARK
    return np.repeat(picture[None], 4, axis=0)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    camera = write_y4m(folder / "camera.y4m", marked_pictures())
    with chromium(find_chromium(), folder / "profile", camera) as found:
        yield found


def studio(**changes) -> Studio:
    return Studio(**{"make_stream": lambda h, w: FakeStream((h, w)), **changes})


def started(browser, server, **size):
    """Open the page and start its camera."""
    tab = browser.open(server.address, **size)
    tab.wait("!document.getElementById('begin').hidden")
    tab.click("#begin")
    tab.wait("window.onebody.answered > 2")
    return tab


def canvas(tab) -> np.ndarray:
    """Return the pixels of the picture's canvas ``[H, W, 3]``, as they are before mirroring."""
    url = tab.run("document.getElementById('picture').toDataURL('image/png')")
    with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def colors_at(tab) -> np.ndarray:
    """Return ``[J, 3]`` the canvas's colors where the joints of the person are."""
    pixels = canvas(tab)
    scale = pixels.shape[1] / WIDTH
    assert pixels.shape[0] == pytest.approx(HEIGHT * scale, abs=1)
    places = (standing(HEIGHT, WIDTH)[:, :2] * scale).astype(int)
    return pixels[places[:, 1], places[:, 0]]


def test_frames_go_round_and_skeletons_lie_on_the_joints(browser):
    with running(studio(notice="demo weights: mind them", tasks=("action", "gesture"))) as server:
        tab = started(browser, server)
        expected = np.array([SIDE_COLORS[side] for side in joint_sides(LAYOUT)])
        assert np.abs(colors_at(tab) - expected).max() < 25
        tab.click("#bones")
        assert np.abs(colors_at(tab) - MARK).max() < 60  # the picture itself, compressed twice
        tab.click("#bones")
        tab.wait("document.querySelectorAll('#events li').length > 0")
        assert "wave" in tab.run("document.getElementById('events').textContent")
        said = tab.wait("document.querySelector('[data-task=gesture]:not(.nothing)')?.textContent")
        assert "wave" in said
        assert "92 %" in said
        assert tab.run("document.getElementById('notice').textContent") == "demo weights: mind them"
        assert tab.run("getComputedStyle(document.getElementById('notice')).display") == "block"
        tab.wait("Number(document.getElementById('fps').textContent) > 0")
        assert tab.run("document.getElementById('picture').classList.contains('mirrored')")
        turned(tab)
        tab.click("#stop")
        tab.wait("!document.getElementById('begin').hidden")
        assert tab.run("document.getElementById('video').srcObject === null")
        assert tab.errors == []
        tab.close()


def turned(tab) -> None:
    """The pose in space turns with the mouse and with keys."""
    before = tab.run("window.onebody.space.view.yaw")
    box = tab.run(
        "(() => { const r = document.getElementById('space').getBoundingClientRect();"
        " return [r.x + r.width / 2, r.y + r.height / 2] })()"
    )
    tab.mouse("mousePressed", *box)
    tab.mouse("mouseMoved", box[0] + 55, box[1])
    tab.mouse("mouseReleased", box[0] + 55, box[1])
    after = tab.run("window.onebody.space.view.yaw")
    assert after == pytest.approx(before + 0.5, abs=0.05)
    tab.run(
        "document.getElementById('space').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'ArrowLeft'}))"
    )
    assert tab.run("window.onebody.space.view.yaw") == pytest.approx(after - 0.12)


def test_a_phone_shows_all_of_it(browser):
    with running(studio()) as server:
        tab = started(browser, server, width=390, height=844)
        assert tab.run("document.documentElement.scrollWidth") <= 390
        colors = []
        for theme in ("light", "dark"):
            tab.theme(theme)
            tab.wait(f"document.documentElement.dataset.theme === '{theme}'")
            colors.append(tab.run("getComputedStyle(document.body).backgroundColor"))
        assert colors == ["rgb(244, 243, 239)", "rgb(13, 15, 19)"]
        assert tab.errors == []
        tab.close()


def test_blurred_faces_are_what_the_sender_sees(browser, tmp_path):
    record = tmp_path / "out.mp4"
    with running(studio(blur=True, record=record)) as server:
        tab = started(browser, server)
        tab.click("#bones")
        colors = colors_at(tab)
        head = LAYOUT.index("head_top")
        assert np.abs(colors[head] - MARK).max() > 80
        assert np.abs(colors[LAYOUT.index("l_knee")] - MARK).max() < 60
        tab.close()  # and the take ends
        end = time.monotonic() + 10
        while not server.said:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert server.said[0].startswith("Recorded ")
    with av.open(str(record)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    plays(browser.open(record.as_uri()))


def plays(tab) -> None:
    """The browser plays a video."""
    video = "document.querySelector('video')"
    tab.wait(f"{video}?.readyState >= 2 && {video}.videoWidth > 0")
    tab.run(f"{video}.muted = true; {video}.loop = true; {video}.play()")
    tab.wait(f"{video}.currentTime > 0.02")
    assert tab.run(f"{video}.error === null")
    tab.close()


def test_a_page_without_its_server_says_so_and_comes_back(browser):
    with running(studio()) as server:
        tab = browser.open(server.address)
        tab.wait("!document.getElementById('begin').hidden")
    tab.wait("document.getElementById('dot').classList.contains('bad')")
    assert "gone" in tab.run("document.getElementById('veil-text').textContent")
    tab.close()
