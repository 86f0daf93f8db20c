// The picture and, on it, the skeleton: both drawn at once, so that they are of one frame.

import { ON_PICTURE, boneSide, pixelRatio, shown } from "./draw.js";

export class Stage {
  constructor(frame, canvas) {
    this.frame = frame;
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.bones = true;
    this.last = null; // the picture, what is said of it, the layouts
    new ResizeObserver(() => this.redraw()).observe(frame);
  }

  // Draws what is said of a frame on its picture.
  show(picture, told, skeletons) {
    if (this.last && this.last.picture !== picture) this.last.picture.close?.();
    this.last = { picture, told, skeletons };
    this.redraw();
  }

  redraw() {
    if (!this.last) return;
    const { picture, told, skeletons } = this.last;
    const ratio = `${told.width} / ${told.height}`;
    if (this.frame.style.aspectRatio !== ratio) this.frame.style.aspectRatio = ratio;
    this.#fit(told.width, told.height);
    const { pen, canvas } = this;
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    if (!this.bones) return;
    for (const pose of Object.values(told.poses)) {
      // A pixel's center lies at i + 0.5 here and there: one factor is the whole map.
      if (pose.unit === "px") this.#skeleton(pose, skeletons[pose.skeleton], canvas.width / told.width);
    }
  }

  #fit(width, height) {
    const { clientWidth, clientHeight } = this.frame;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const ratio = pixelRatio();
    const pixels = [Math.round(width * scale * ratio), Math.round(height * scale * ratio)];
    if (this.canvas.width !== pixels[0] || this.canvas.height !== pixels[1]) {
      [this.canvas.width, this.canvas.height] = pixels;
      this.canvas.style.width = `${width * scale}px`;
      this.canvas.style.height = `${height * scale}px`;
    }
  }

  #skeleton(pose, layout, scale) {
    const { pen, canvas } = this;
    const width = Math.max(Math.min(canvas.width, canvas.height) / 120, 2.4 * pixelRatio());
    const at = (j) => [pose.joints[j][0] * scale, pose.joints[j][1] * scale];
    pen.lineCap = "round";
    const bones = layout.bones.filter(([a, b]) => shown(pose.joints[a]) && shown(pose.joints[b]));
    for (const rim of [true, false]) {
      for (const bone of bones) {
        pen.strokeStyle = rim ? ON_PICTURE.rim : ON_PICTURE[boneSide(layout, bone)];
        pen.lineWidth = rim ? width * 1.7 : width;
        pen.globalAlpha = rim ? 0.75 : 1;
        pen.beginPath();
        pen.moveTo(...at(bone[0]));
        pen.lineTo(...at(bone[1]));
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    pose.joints.forEach((joint, j) => {
      if (!shown(joint)) return;
      pen.beginPath();
      pen.arc(...at(j), width * 0.95, 0, 2 * Math.PI);
      pen.fillStyle = ON_PICTURE[layout.sides[j]];
      pen.strokeStyle = ON_PICTURE.rim;
      pen.lineWidth = width * 0.35;
      pen.fill();
      pen.stroke();
    });
  }
}
