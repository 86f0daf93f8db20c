// Skeletons: what both the picture and the view in space share.

export const CONFIDENT = 0.05; // joints less trusted than this are left out

// Sides of the body on a picture: told apart by people who confuse red and green.
export const ON_PICTURE = { left: "#ff9f1c", right: "#2ec4ff", middle: "#f0f0f0", rim: "#101218" };

let kept = null; // what the style sheet says: asking for it anew for every frame costs too much

export function forgetStyle() {
  kept = null;
}

export function fromStyle() {
  if (kept) return kept;
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  kept = {
    font: getComputedStyle(document.body).fontFamily,
    left: color("left"), right: color("right"), middle: color("middle"), rim: color("card"),
    line: color("line"), faint: color("faint"), soft: color("soft"), ink: color("ink"),
    trough: color("trough"), tasks: [0, 1, 2, 3].map((n) => color(`task-${n}`)),
  };
  return kept;
}

export function boneSide(layout, [a, b]) {
  const sides = new Set([layout.sides[a], layout.sides[b]]);
  sides.delete("middle");
  return sides.size === 1 ? [...sides][0] : "middle";
}

export function shown(joint) {
  return joint !== null && joint[joint.length - 1] >= CONFIDENT;
}

// Pixels of the screen per CSS pixel; more than two nobody sees, and they cost time.
export function pixelRatio() {
  return Math.min(window.devicePixelRatio || 1, 2);
}

// Gives a canvas as many pixels as the screen shows of it; returns the pixels per CSS pixel.
export function fit(canvas) {
  const ratio = pixelRatio();
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return ratio;
}
