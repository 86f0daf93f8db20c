// The pose in space, turned with the mouse, a finger, or the arrow keys.

import { boneSide, fit, fromStyle, shown } from "./draw.js";

const RADIUS_MM = 1080; // what is seen around the middle of a body
const AWAY_MM = 4200; // how far the eye is
const START = { yaw: -0.6, pitch: 0.16 };

export class Space {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.view = { ...START };
    this.mirrored = false; // as the picture is
    this.pose = null;
    this.layout = null;
    this.middle = null; // of the body, in mm, smoothed so that the view is steady
    this.floor = null;
    new ResizeObserver(() => this.redraw()).observe(canvas);
    this.#listen();
  }

  show(pose, layout) {
    this.pose = pose;
    this.layout = layout;
    const known = pose ? pose.joints.filter(shown) : [];
    if (known.length) {
      const middle = [0, 1, 2].map((axis) => {
        const values = known.map((joint) => joint[axis]);
        return (Math.min(...values) + Math.max(...values)) / 2;
      });
      const low = Math.max(...known.map((joint) => joint[1])); // y points down
      const keep = this.middle && Math.hypot(...middle.map((v, i) => v - this.middle[i])) < 800 ? 0.9 : 0;
      this.middle = middle.map((value, i) => keep * (this.middle?.[i] ?? 0) + (1 - keep) * value);
      this.floor = keep * (this.floor ?? 0) + (1 - keep) * low;
    }
    this.redraw();
  }

  redraw() {
    const { pen, canvas } = this;
    const ratio = fit(canvas);
    const colors = fromStyle();
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.middle) return;
    this.#grid(colors, ratio);
    if (!this.pose || !this.layout) return;
    const zoom = this.#zoom();
    const thick = Math.max(2.5, 44 * zoom);
    const places = this.pose.joints.map((joint) => (shown(joint) ? this.#project(joint) : null));
    this.#shadow(places, colors);
    const parts = [];
    for (const bone of this.layout.bones) {
      const [a, b] = bone.map((j) => places[j]);
      if (a && b) parts.push({ depth: (a[2] + b[2]) / 2, a, b, color: colors[boneSide(this.layout, bone)] });
    }
    places.forEach((a, j) => {
      if (a) parts.push({ depth: a[2] - 1, a, color: colors[this.layout.sides[j]] });
    });
    parts.sort((first, second) => second.depth - first.depth); // the farthest first
    pen.lineCap = "round";
    for (const { a, b, color } of parts) {
      pen.fillStyle = pen.strokeStyle = color;
      pen.beginPath();
      if (b) {
        pen.lineWidth = (thick * (a[3] + b[3])) / 2;
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
        pen.stroke();
      } else {
        pen.arc(a[0], a[1], thick * a[3] * 0.8, 0, 2 * Math.PI);
        pen.fill();
        pen.strokeStyle = colors.rim;
        pen.lineWidth = thick * 0.18;
        pen.stroke();
      }
    }
  }

  #zoom() {
    return Math.min(this.canvas.width, this.canvas.height) / (2 * RADIUS_MM);
  }

  // Returns x, y on the canvas, the distance from the eye, and how large things look there.
  #project([x, y, z]) {
    const { yaw, pitch } = this.view;
    const [ahead, dy, dz] = [x - this.middle[0], y - this.middle[1], z - this.middle[2]];
    const dx = this.mirrored ? -ahead : ahead;
    const side = Math.cos(yaw) * dx + Math.sin(yaw) * dz;
    const deep = -Math.sin(yaw) * dx + Math.cos(yaw) * dz;
    const up = Math.cos(pitch) * dy - Math.sin(pitch) * deep;
    const away = AWAY_MM + Math.sin(pitch) * dy + Math.cos(pitch) * deep;
    const size = AWAY_MM / Math.max(away, 500);
    const zoom = this.#zoom() * size;
    return [this.canvas.width / 2 + zoom * side, this.canvas.height / 2 + zoom * up, away, size];
  }

  #grid(colors, ratio) {
    const { pen } = this;
    const [step, reach] = [300, 900];
    const [x0, z0] = [this.middle[0], this.middle[2]];
    pen.strokeStyle = colors.line;
    pen.lineWidth = ratio;
    for (let k = -reach; k <= reach; k += step) {
      for (const [from, to] of [
        [[x0 + k, this.floor, z0 - reach], [x0 + k, this.floor, z0 + reach]],
        [[x0 - reach, this.floor, z0 + k], [x0 + reach, this.floor, z0 + k]],
      ]) {
        const [a, b] = [this.#project(from), this.#project(to)];
        pen.beginPath();
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
        pen.stroke();
      }
    }
  }

  // Where the bones would throw a shadow from straight above: it makes depth readable.
  #shadow(places, colors) {
    const { pen } = this;
    pen.strokeStyle = colors.trough;
    pen.lineCap = "round";
    pen.lineWidth = Math.max(2, 40 * this.#zoom());
    for (const [a, b] of this.layout.bones) {
      if (!places[a] || !places[b]) continue;
      const ends = [a, b].map((j) => {
        const [x, , z] = this.pose.joints[j];
        return this.#project([x, this.floor, z]);
      });
      pen.beginPath();
      pen.moveTo(ends[0][0], ends[0][1]);
      pen.lineTo(ends[1][0], ends[1][1]);
      pen.stroke();
    }
  }

  #turn(yaw, pitch) {
    this.view.yaw += yaw;
    this.view.pitch = Math.min(1.4, Math.max(-0.5, this.view.pitch + pitch));
    this.redraw();
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.classList.add("held");
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!canvas.hasPointerCapture(event.pointerId)) return;
      // the side that faces the viewer goes where the hand goes
      this.#turn(event.movementX / 110, event.pointerType === "touch" ? 0 : event.movementY / 160);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => canvas.classList.remove("held"));
    }
    canvas.addEventListener("dblclick", () => {
      this.view = this.view.yaw === 0 ? { ...START } : { yaw: 0, pitch: 0 };
      this.redraw();
    });
    canvas.addEventListener("keydown", (event) => {
      const turns = {
        ArrowLeft: [-0.12, 0], ArrowRight: [0.12, 0], ArrowUp: [0, -0.08], ArrowDown: [0, 0.08],
      };
      if (!turns[event.key]) return;
      event.preventDefault();
      this.#turn(...turns[event.key]);
    });
  }
}
