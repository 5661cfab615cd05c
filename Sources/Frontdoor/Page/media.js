import { CAMERA, MICROPHONE, causeOf, request } from './devices.js';
import { Picture, Silence } from './standin.js';

/**
 * What we publish: one video and one audio track, always there.
 *
 * Both start as stand-ins and are replaced when the devices answer, so joining never waits for a permission prompt and works
 * on machines without devices. Switching the camera off ends it for real (its light goes out) and shows the stand-in.
 *
 * Events: `track` (detail: {kind, track}) when another track is to be published; `change` when anything else here changed.
 */
export class LocalMedia extends EventTarget {
  #picture = new Picture();
  #silence = new Silence();
  #camera = null;
  #microphone = null;
  #muted = false;
  /** Why there is no device, by kind: null, or insecure, denied, missing, busy, broken. */
  problems = { video: null, audio: null };

  constructor() {
    super();
    this.#picture.start();
  }

  get video() {
    return this.#camera ?? this.#picture.track;
  }

  get audio() {
    return this.#microphone ?? this.#silence.track;
  }

  get cameraOn() {
    return this.#camera !== null;
  }

  get muted() {
    return this.#muted;
  }

  /** Shown in the stand-in picture. */
  set name(name) {
    this.#picture.name = name;
  }

  /** Asks for both devices. Resolves when both are there or known not to come; never rejects. */
  async open() {
    const constraints = { video: CAMERA, audio: MICROPHONE };
    try {
      // Together first: the browser then asks the person one question and not two.
      this.#adopt(await request(constraints));
      return;
    } catch (error) {
      const cause = causeOf(error);
      this.problems = { video: cause, audio: cause };
      if (cause === 'insecure') return this.#changed();
    }
    for (const kind of ['video', 'audio']) {
      if (this.problems[kind] === 'denied' && !(await isGranted(kind))) continue;
      try {
        this.#adopt(await request({ [kind]: constraints[kind] }));
      } catch (error) {
        this.problems[kind] = causeOf(error);
      }
    }
    this.#changed();
  }

  setMuted(muted) {
    this.#muted = muted;
    if (this.audio) this.audio.enabled = !muted;
    this.#changed();
  }

  /** Resolves with whether the camera is on afterwards. When it could not be started, `problems.video` says why. */
  async setCamera(on) {
    if (!on) {
      this.#drop('video');
    } else if (!this.#camera) {
      try {
        this.#adopt(await request({ video: CAMERA }));
      } catch (error) {
        this.problems.video = causeOf(error);
        this.#changed();
      }
    }
    return this.cameraOn;
  }

  /** To be called on a click or key: browsers start audio only then. */
  activate() {
    this.#silence.resume();
  }

  #adopt(stream) {
    for (const track of stream.getTracks()) {
      this.problems[track.kind] = null;
      if (track.kind === 'video') {
        this.#camera?.stop();
        this.#camera = track;
        this.#picture.stop();
      } else {
        this.#microphone?.stop();
        this.#microphone = track;
        track.enabled = !this.#muted;
      }
      // Unplugged, or taken back in the browser's own menu.
      track.addEventListener('ended', () => {
        if (track !== this[track.kind]) return;
        this.problems[track.kind] = 'broken';
        this.#drop(track.kind);
      });
      this.#publish(track.kind);
    }
    this.#changed();
  }

  #drop(kind) {
    if (kind === 'video') {
      this.#picture.start();
      this.#camera?.stop();
      this.#camera = null;
    } else {
      this.#microphone?.stop();
      this.#microphone = null;
    }
    this.#publish(kind);
    this.#changed();
  }

  #publish(kind) {
    this.dispatchEvent(new CustomEvent('track', { detail: { kind, track: this[kind] } }));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

async function isGranted(kind) {
  try {
    const { state } = await navigator.permissions.query({ name: kind === 'video' ? 'camera' : 'microphone' });
    return state === 'granted';
  } catch {
    return false;
  }
}
