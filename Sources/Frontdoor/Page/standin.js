import { hue, initials } from './identity.js';

/**
 * What is published in place of a camera or a microphone: a picture that visibly moves, and silence.
 *
 * Silence is a real track and not the absence of one, so that the offer is the same with and without devices and a device
 * that appears later only replaces a track.
 */
const WIDTH = 640;
const HEIGHT = 360;
const RATE = 15; // frames a second

export class Picture {
  #canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  #context = this.#canvas.getContext('2d', { alpha: false });
  #ticker = null;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #track = null;
  name = '';

  /** The same track each time, or null where canvases cannot be streamed. Drawn while started. */
  get track() {
    if (!this.#track) {
      this.#draw();
      this.#track = this.#canvas.captureStream?.(RATE).getVideoTracks()[0] ?? null;
    }
    return this.#track;
  }

  start() {
    if (this.#ticker) return;
    this.#ticker = new Worker(new URL('./ticker.js', import.meta.url));
    this.#ticker.onmessage = () => this.#draw();
    this.#ticker.postMessage(1_000 / RATE);
  }

  stop() {
    this.#ticker?.terminate();
    this.#ticker = null;
  }

  #draw() {
    const context = this.#context;
    const now = new Date();
    const time = (now.getTime() / 1_000) * (this.#calm.matches ? 0.15 : 1);
    const base = hue(this.name);

    context.fillStyle = `hsl(${base} 26% 13%)`;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    // Starting from the hue, so that no two people move in step.
    this.#blob(time * 0.31, base, 320, `hsl(${base} 48% 42%`);
    this.#blob(time * 0.23, base + 2.1, 280, `hsl(${base + 38} 44% 36%`);
    this.#blob(time * 0.41, base + 4.2, 210, `hsl(${base - 34} 52% 54%`);

    const [x, y, radius] = [WIDTH / 2, HEIGHT / 2 - 12, 92];
    context.fillStyle = 'rgb(0 0 0 / 0.3)';
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    // A hand that goes round once a minute: movement that can be read even in a tiny tile.
    const angle = ((now.getSeconds() + now.getMilliseconds() / 1_000) / 60) * 2 * Math.PI;
    context.lineWidth = 5;
    context.lineCap = 'round';
    context.strokeStyle = 'rgb(255 255 255 / 0.16)';
    context.stroke();
    context.strokeStyle = 'rgb(255 255 255 / 0.85)';
    context.beginPath();
    context.arc(x, y, radius, -Math.PI / 2, angle - Math.PI / 2);
    context.stroke();

    context.fillStyle = 'rgb(255 255 255 / 0.95)';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.font = '600 62px system-ui, sans-serif';
    context.fillText(initials(this.name), x, y - 8);
    context.font = '500 21px ui-monospace, monospace';
    context.fillStyle = 'rgb(255 255 255 / 0.75)';
    context.fillText(now.toTimeString().slice(0, 8), x, y + 46);
  }

  #blob(time, phase, radius, color) {
    const context = this.#context;
    const x = WIDTH * (0.5 + 0.42 * Math.sin(time + phase));
    const y = HEIGHT * (0.5 + 0.46 * Math.cos(time * 1.27 + phase * 1.7));
    const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
    gradient.addColorStop(0, `${color} / 0.85)`);
    gradient.addColorStop(1, `${color} / 0)`);
    context.fillStyle = gradient;
    context.fillRect(0, 0, WIDTH, HEIGHT);
  }
}

export class Silence {
  #context = null;
  #track = null;

  /** The same track each time, or null where there is no Web Audio. */
  get track() {
    if (!this.#track && 'AudioContext' in self) {
      // Needs no loudspeaker, and must not wake one up.
      this.#context = new AudioContext({ sinkId: { type: 'none' } });
      const destination = this.#context.createMediaStreamDestination();
      // A destination that nothing flows into makes no packets at all, and the others would wait for the track.
      const zero = this.#context.createConstantSource();
      zero.offset.value = 0;
      zero.connect(destination);
      zero.start();
      this.#track = destination.stream.getAudioTracks()[0];
    }
    return this.#track;
  }

  /** Browsers let audio run only after a click or a key. Until then the track sends nothing, which nobody can hear either. */
  resume() {
    if (this.#context?.state === 'suspended') this.#context.resume().catch(() => {});
  }
}
