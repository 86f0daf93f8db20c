// Joins the parts of the page with the server.

import { Camera } from "./camera.js";
import { forgetStyle } from "./draw.js";
import { Now } from "./now.js";
import { Space } from "./space.js";
import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const FULL = 1013;
const REFUSED = 1008;

const stage = new Stage($("frame"), $("picture"));
const space = new Space($("space"));
const now = new Now($("now"));
const timeline = new Timeline($("timeline"), $("events"), $("quiet"));
const camera = new Camera($("video"), sendPicture);

let socket = null;
let hello = null;
let status = { state: "idle", yours: false, said: "" };
let wanted = false; // does the user want the camera on?
let retry = 1;
let order = Promise.resolve(); // results are shown in the order in which they came

// What tests and curious people may look at; nothing reads it.
const seen = { frames: 0, answered: 0, delay: 0, last: null, events: timeline.events, space };
window.onebody = seen;

function connect() {
  socket = new WebSocket(`ws://${location.host}/live`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => (retry = 1);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") hear(JSON.parse(data));
    else order = order.then(() => take(data)).catch((error) => console.error(error));
  };
  socket.onclose = (event) => {
    if (wanted) stopCamera();
    hello = null;
    const final = event.code === FULL || event.code === REFUSED;
    const why = event.reason || "The server has gone. Is onebody live still running?";
    say("bad", final ? "not connected" : "trying to reach the server");
    veil(why, { small: final ? "Reload the page to try again." : "", over: Boolean(stage.last) });
    if (!final) setTimeout(connect, 1000 * (retry = Math.min(2 * retry, 10)));
  };
}

function tell(command) {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(command));
}

function sendPicture(number, bytes) {
  if (socket.readyState !== WebSocket.OPEN) return;
  const message = new Uint8Array(4 + bytes.byteLength);
  new DataView(message.buffer).setUint32(0, number, true);
  message.set(new Uint8Array(bytes), 4);
  socket.send(message);
}

function hear(message) {
  if (message.type === "hello") greet(message);
  else if (message.type === "status") follow(message);
  else if (message.type === "events") timeline.add(message.events), timeline.redraw();
  else if (message.type === "clear") timeline.clear();
  else if (message.type === "note") {
    $("veil-small").textContent = message.text;
    $("status").textContent = message.text;
  }
}

function greet(message) {
  hello = message;
  timeline.clear();
  $("notice").textContent = message.notice;
  $("notice").hidden = !message.notice;
  $("model").textContent = message.model;
  $("version").textContent = `onebody ${message.version}`;
  $("space-note").textContent = message.space;
  timeline.show(0, nothing());
  timeline.redraw();
  $("rec").hidden = !message.record;
  $("rec").title = message.record;
  $("blur").hidden = !message.blur;
  if (message.source === "browser" && recall("mirror") === null) setMirror(true);
}

// Shows that nothing goes on; returns the names of the tasks.
function nothing() {
  return now.show(Object.fromEntries(hello.tasks.map((task) => [task, []])), {});
}

function follow(message) {
  const before = status;
  status = message;
  camera.open = wanted && status.yours;
  const { state, said } = status;
  const browser = hello.source === "browser";
  if (wanted && before.yours && !status.yours) stopCamera();
  $("stop").hidden = !(browser && status.yours);
  $("again").hidden = !(!browser && state === "ended");
  $("chips").hidden = state !== "live";
  if (state === "live") {
    say("live", browser ? (status.yours ? "live, your camera" : "live, camera of another page") : hello.name);
    $("veil").hidden = seen.frames > 0;
    veilText("Waiting for the first picture.");
    $("begin").hidden = true;
  } else if (browser) {
    say("idle", "ready");
    nothing();
    veil("Stand back until all of you is in the picture.", {
      button: true,
      small: said || "Pictures go to the program on this computer and nowhere else.",
    });
  } else {
    say("idle", `${hello.name}: ended`);
    nothing();
    if (!stage.last || said) veil(said || "The end.", { over: Boolean(stage.last) });
  }
}

async function take(data) {
  const words = new DataView(data).getUint32(0, true);
  const told = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, words)));
  const jpeg = new Uint8Array(data, 4 + words);
  const own = told.number === undefined ? null : camera.answered(told.number);
  seen.delay = own ? own.delay : told.delay_ms;
  if (own) seen.answered += 1;
  let picture = null;
  if (jpeg.length) picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  else if (!hello?.blur) picture = own?.picture ?? null;
  if (own && picture !== own.picture) own.picture.close();
  tell({ do: "seen" });
  if (!hello || status.state !== "live") return picture?.close();
  if (picture) stage.show(picture, told, hello.skeletons);
  tellNumbers(told);
}

function tellNumbers(told) {
  seen.frames += 1;
  seen.last = told;
  $("veil").hidden = true;
  timeline.add(told.events);
  timeline.show(told.time_s, now.show(told.classes, told.current));
  const solid = Object.values(told.poses).find((pose) => pose.unit === "mm");
  $("space-card").hidden = !solid && Object.keys(told.poses).length > 0;
  if (solid) space.show(solid, hello.skeletons[solid.skeleton]);
  $("nobody").hidden = space.middle !== null;
  if (seen.frames % 5 === 1) {
    $("fps").textContent = Math.round(told.fps);
    $("delay").textContent = Math.round(seen.delay);
    const stages = Object.entries(told.stages_ms).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
    $("stages").textContent = stages.length ? `ms: ${stages.join(", ")}` : "";
  }
}

function say(kind, text) {
  $("dot").className = `dot ${kind}`;
  $("status").textContent = text;
}

function veilText(text, small = "") {
  $("veil-text").textContent = text;
  $("veil-small").textContent = small;
}

function veil(text, { button = false, small = "", over = false } = {}) {
  veilText(text, small);
  $("begin").hidden = !button;
  $("veil").classList.toggle("over", over);
  $("veil").hidden = false;
}

async function startCamera() {
  wanted = true;
  $("begin").hidden = true;
  veilText("The browser asks whether this page may use the camera.");
  try {
    await camera.start($("cameras").value);
    seen.frames = 0;
    tell({ do: "start" });
    await listCameras();
  } catch (error) {
    wanted = false;
    camera.stop();
    const why = {
      NotAllowedError: "The browser does not let this page use the camera. Allow it beside the address.",
      NotFoundError: "There is no camera.",
      NotReadableError: "Another program is using the camera.",
    };
    veil(why[error.name] ?? `The camera cannot be opened: ${error.message}`, { button: true });
  }
}

function stopCamera() {
  wanted = false;
  camera.stop();
  tell({ do: "stop" });
}

async function listCameras() {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
  const chosen = camera.stream?.getVideoTracks()[0].getSettings().deviceId;
  $("cameras").replaceChildren(
    ...found.map((device, i) => new Option(device.label || `camera ${i + 1}`, device.deviceId)),
  );
  if (chosen) $("cameras").value = chosen;
  $("cameras").hidden = found.length < 2;
}

function setMirror(on) {
  $("mirror").checked = on;
  $("picture").classList.toggle("mirrored", on);
  space.mirrored = on;
  space.redraw();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  forgetStyle();
  space.redraw();
  timeline.redraw();
}

// A browser may keep nothing for pages; then choices last as long as the page.
function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // it is not kept
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
setTheme(recall("theme") ?? (dark.matches ? "dark" : "light"));
dark.addEventListener("change", () => {
  if (recall("theme") === null) setTheme(dark.matches ? "dark" : "light");
});
setMirror(recall("mirror") === "true");
$("theme").onclick = () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  keep("theme", theme);
  setTheme(theme);
};
$("mirror").onchange = () => {
  keep("mirror", $("mirror").checked);
  setMirror($("mirror").checked);
};
$("bones").onchange = () => {
  stage.bones = $("bones").checked;
  stage.redraw();
};
$("begin").onclick = startCamera;
$("stop").onclick = stopCamera;
$("again").onclick = () => tell({ do: "again" });
$("cameras").onchange = () => wanted && camera.start($("cameras").value);
camera.onend = stopCamera;
connect();
