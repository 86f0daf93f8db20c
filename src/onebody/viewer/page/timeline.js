// What happened in the last minute, a lane per task, and a list of the last events.

import { fit, fromStyle } from "./draw.js";

const SPAN_S = 60;
const LISTED = 9;
const LANE = 34; // CSS pixels
const EVERY_MS = 200; // a minute moves by less than a pixel between two frames

export class Timeline {
  constructor(canvas, list, quiet) {
    this.canvas = canvas;
    this.list = list;
    this.quiet = quiet;
    this.pen = canvas.getContext("2d");
    this.events = new Map(); // by number
    this.tasks = [];
    this.now = 0;
    this.drawn = -Infinity;
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  clear() {
    this.events.clear();
    this.now = 0;
    this.#relist();
    this.redraw();
  }

  // Takes in events that are new or have changed.
  add(events) {
    for (const event of events) this.events.set(event.number, event);
    while (this.events.size > 200) this.events.delete(this.events.keys().next().value);
    if (events.length) this.#relist();
  }

  show(now, tasks) {
    this.now = now;
    for (const task of tasks) if (!this.tasks.includes(task)) this.tasks.push(task);
    if (performance.now() - this.drawn > EVERY_MS) this.redraw();
  }

  redraw() {
    this.drawn = performance.now();
    const { canvas, pen, tasks } = this;
    const height = LANE * Math.max(tasks.length, 1) + 22;
    if (canvas.style.height !== `${height}px`) canvas.style.height = `${height}px`;
    const ratio = fit(canvas);
    const colors = fromStyle();
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const width = canvas.width / ratio;
    pen.clearRect(0, 0, width, height);
    const { font } = colors;
    pen.textBaseline = "middle";
    pen.font = `12px ${font}`;
    const from = Math.max(0, ...tasks.map((task) => pen.measureText(task).width)) + 14;
    const x = (time) => from + ((time - this.now + SPAN_S) / SPAN_S) * (width - from);
    this.#ruler(x, height, width, colors);
    tasks.forEach((task, lane) => this.#lane(task, lane, x, [from, width], colors, font));
  }

  #ruler(x, height, width, colors) {
    const { pen } = this;
    const step = width < 560 ? 20 : 10;
    pen.fillStyle = colors.faint;
    pen.strokeStyle = colors.line;
    pen.lineWidth = 1;
    for (let back = 0; back <= SPAN_S; back += step) {
      const at = x(this.now - back);
      pen.beginPath();
      pen.moveTo(at, 0);
      pen.lineTo(at, height - 20);
      pen.stroke();
      pen.textAlign = back === 0 ? "right" : back === SPAN_S ? "left" : "center";
      pen.fillText(back === 0 ? "now" : `-${back} s`, at, height - 8);
    }
    pen.textAlign = "left";
  }

  #lane(task, lane, x, [from, width], colors, font) {
    const { pen } = this;
    const [top, tall] = [lane * LANE + 4, LANE - 8];
    const color = colors.tasks[lane % colors.tasks.length];
    pen.font = `12px ${font}`;
    pen.fillStyle = colors.soft;
    pen.fillText(task, 0, top + tall / 2);
    pen.fillStyle = colors.trough;
    pen.globalAlpha = 0.55;
    pen.beginPath();
    pen.roundRect(from, top, width - from, tall, 6);
    pen.fill();
    pen.globalAlpha = 1;
    pen.font = `600 12px ${font}`;
    for (const event of this.events.values()) {
      if (event.task !== task) continue;
      const end = event.end_s ?? this.now;
      if (end < this.now - SPAN_S || event.start_s > this.now) continue;
      const left = Math.max(x(event.start_s), from);
      const right = Math.max(x(Math.min(end, this.now)), left + 3);
      pen.fillStyle = color;
      pen.globalAlpha = 0.35 + 0.65 * event.confidence;
      pen.beginPath();
      pen.roundRect(left, top, right - left, tall, 6);
      pen.fill();
      pen.globalAlpha = 1;
      if (right - left > pen.measureText(event.label).width + 14) {
        pen.fillStyle = colors.rim;
        pen.fillText(event.label, left + 7, top + tall / 2 + 0.5);
      }
    }
  }

  #relist() {
    const latest = [...this.events.values()].sort((a, b) => b.start_s - a.start_s).slice(0, LISTED);
    this.quiet.hidden = latest.length > 0;
    this.list.replaceChildren(...latest.map((event) => this.#row(event)));
  }

  #row(event) {
    if (!this.tasks.includes(event.task)) this.tasks.push(event.task);
    const row = document.createElement("li");
    row.style.setProperty("--color", `var(--task-${this.tasks.indexOf(event.task) % 4})`);
    const lasted = event.end_s === null ? "goes on" : `${(event.end_s - event.start_s).toFixed(1)} s`;
    const parts = [
      ["i", ""], ["time", clock(event.start_s)], ["strong", event.label],
      ["span", `${lasted} · ${Math.round(100 * event.confidence)} %`],
    ];
    for (const [name, text] of parts) {
      const part = document.createElement(name);
      part.textContent = text;
      if (name === "span") part.className = "more";
      row.append(part);
    }
    row.title = `${event.task}: ${event.label}`;
    return row;
  }
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
