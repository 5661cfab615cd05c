import { shown } from './sipaddress.js';

/**
 * The question whether to take a call, and a bell. Escape does not answer it: a call that rings is not declined by accident.
 */
export class RingingDialog {
  #dialog;
  #bell = new Bell();
  #take = () => {};
  #decline = () => {};
  #open = false;

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.querySelector('.ringing-answer').addEventListener('click', () => this.#take(false));
    dialog.querySelector('.ringing-video').addEventListener('click', () => this.#take(true));
    dialog.querySelector('.ringing-decline').addEventListener('click', () => this.#decline());
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    // Browsers take a second Escape for a close all the same.
    dialog.addEventListener('close', () => this.#open && dialog.showModal());
  }

  /** @param {{take: (video: boolean) => void, decline: () => void}} answers what each answer does; either may come several times */
  show(call, { take, decline }) {
    this.#take = take;
    this.#decline = decline;
    const { name, address } = shown(call.remote);
    this.#text('.ringing-who', `${name} is calling.`);
    this.#text('.ringing-from', address);
    this.say('');
    this.#dialog.querySelector('.ringing-video').hidden = !call.offersVideo;
    this.#open = true;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#bell.ring();
  }

  say(text) {
    this.#text('.message', text);
  }

  close() {
    this.#bell.stop();
    this.#open = false;
    this.#dialog.close();
  }

  #text(selector, text) {
    this.#dialog.querySelector(selector).textContent = text;
  }
}

const RING = 1_000; // milliseconds of sound
const EVERY = 3_000;
const NOTES = [440, 480]; // Hz

/** Rings where the browser lets it; the dialogue is there in any case. */
class Bell {
  #context = null;
  #timer = null;

  ring() {
    this.stop();
    this.#context = new AudioContext();
    this.#once();
    this.#timer = setInterval(() => this.#once(), EVERY);
  }

  stop() {
    clearInterval(this.#timer);
    this.#context?.close();
    this.#context = null;
  }

  #once() {
    const volume = this.#context.createGain();
    volume.gain.value = 0.06;
    volume.connect(this.#context.destination);
    for (const frequency of NOTES) {
      const note = this.#context.createOscillator();
      note.frequency.value = frequency;
      note.connect(volume);
      note.start();
      note.stop(this.#context.currentTime + RING / 1_000);
    }
  }
}
