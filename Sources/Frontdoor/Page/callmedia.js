import { CAMERA, MICROPHONE, causeOf, request } from './devices.js';
import { explainNoDevice } from './callwords.js';

/**
 * Our own sound and picture in one call: opened for it and closed with it, so that muting a call is not muting a room, and the
 * microphone's light says the truth.
 */
export class CallMedia {
  #tracks = [];

  /** @throws {Error} in plain words, when a device that is wanted does not come; then none stays open */
  async open({ video = false } = {}) {
    for (const [kind, wanted] of [['audio', MICROPHONE], ['video', video && CAMERA]]) {
      if (!wanted) continue;
      try {
        this.#tracks.push(...(await request({ [kind]: wanted })).getTracks());
      } catch (error) {
        this.close();
        throw new Error(explainNoDevice(kind, causeOf(error)));
      }
    }
  }

  track(kind) {
    return this.#tracks.find((track) => track.kind === kind) ?? null;
  }

  setMuted(muted) {
    const microphone = this.track('audio');
    if (microphone) microphone.enabled = !muted;
  }

  close() {
    for (const track of this.#tracks.splice(0)) track.stop();
  }
}
