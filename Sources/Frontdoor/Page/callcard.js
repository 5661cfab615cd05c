import { explainEnding, explainRequest } from './callwords.js';
import { Keypad } from './keypad.js';
import { shown } from './sipaddress.js';

const STATES = {
  calling: 'Calling…',
  progress: 'Waiting for an answer…',
  ringing: 'Ringing…',
  answering: 'Answering…',
  accepted: 'Answered, connecting the sound…',
  established: 'In a call',
};

/** The call there is, or the last one: with whom, what becomes of it, and what can be done. */
export class CallCard {
  #element;
  #keypad;
  #call = null;

  /** @param {{hangUp: () => void, mute: () => void}} acts */
  constructor(element, { hangUp, mute }) {
    this.#element = element;
    this.#keypad = new Keypad(element.querySelector('.keys'), element.querySelector('.keys-reason'));
    element.querySelector('.call-end').addEventListener('click', hangUp);
    element.querySelector('.call-mute').addEventListener('click', mute);
  }

  /** Shows the call as it is now; again at each of its changes. */
  show(call, muted) {
    this.#call = call;
    this.#element.hidden = false;
    const { name, address } = shown(call.remote);
    this.#text('.call-who', name);
    this.#text('.call-address', name === address ? '' : address);
    this.#text('.call-state', this.#state());
    this.#element.dataset.state = call.state;
    // What rings has a dialogue of its own.
    const isIdle = call.isOver || call.state === 'ringing';
    for (const part of ['.call-buttons', '.call-keys']) this.#element.querySelector(part).hidden = isIdle;
    const mute = this.#element.querySelector('.call-mute');
    mute.setAttribute('aria-pressed', muted);
    mute.querySelector('use').setAttribute('href', muted ? '#icon-mic-off' : '#icon-mic');
    this.#keypad.follow(call);
    if (call.isOver) this.play(null);
  }

  /** @param {?MediaStream} stream what the other side sends */
  play(stream) {
    const video = this.#element.querySelector('video');
    video.srcObject = stream;
    video.hidden = !stream?.getVideoTracks().length;
  }

  /** For keys pressed on the keyboard. */
  press(key) {
    this.#keypad.press(key);
  }

  #state() {
    const { state, reason, error } = this.#call;
    if (state !== 'terminated') return STATES[state];
    return error ? explainRequest(error).text : explainEnding(reason);
  }

  #text(selector, text) {
    const element = this.#element.querySelector(selector);
    // Assistive technology reads what changes in a live region: leave the words alone while they stay the same.
    if (element.textContent !== text) element.textContent = text;
  }
}
