// The browser's own camera: one picture on its way at a time, always the newest.

const LONGEST_SIDE = 640;
const QUALITY = 0.85;
const LOST_MS = 1000; // a picture that got no answer for so long never will

export class Camera {
  // `send` gets a number and a JPEG's bytes.
  constructor(video, send) {
    this.video = video;
    this.send = send;
    this.stream = null;
    this.open = false; // does the server wait for pictures?
    this.number = 0;
    this.sent = null; // the picture that is on its way: number, picture, time
    this.busy = false;
    this.work = document.createElement("canvas");
  }

  async start(device) {
    const wanted = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 60 } };
    if (device) wanted.deviceId = { exact: device };
    this.stop();
    this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    this.stream.getVideoTracks()[0].addEventListener("ended", () => this.onend?.());
    this.video.srcObject = this.stream;
    await this.video.play();
    this.#wait();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    this.sent?.picture.close();
    this.sent = null;
  }

  // Returns the picture that an answer is of, and how long the answer took; null: it is of none.
  answered(number) {
    const sent = this.sent;
    if (!sent || sent.number !== number) return null;
    this.sent = null;
    return { picture: sent.picture, delay: performance.now() - sent.time };
  }

  #wait() {
    const stream = this.stream;
    const next = () => {
      if (!stream || stream !== this.stream) return;
      this.#capture();
      this.#wait();
    };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(next);
    else requestAnimationFrame(next);
  }

  async #capture() {
    const { video, work } = this;
    if (this.sent && performance.now() - this.sent.time > LOST_MS) {
      this.sent.picture.close();
      this.sent = null;
    }
    if (!this.open || this.busy || this.sent || !video.videoWidth) return;
    this.busy = true;
    try {
      const time = performance.now();
      const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
      work.width = Math.round(video.videoWidth * scale);
      work.height = Math.round(video.videoHeight * scale);
      work.getContext("2d").drawImage(video, 0, 0, work.width, work.height);
      const picture = await createImageBitmap(work);
      const blob = await new Promise((done) => work.toBlob(done, "image/jpeg", QUALITY));
      const bytes = blob && (await blob.arrayBuffer());
      if (!bytes || !this.stream) return picture.close();
      this.number = (this.number + 1) >>> 0;
      this.sent = { number: this.number, picture, time };
      this.send(this.number, bytes);
    } finally {
      this.busy = false;
    }
  }
}
