/**
 * The keys of a telephone. A press sends a tone (RFC 4733) through the browser's sender; where that cannot be, the keys are off and
 * a sentence says why.
 */
const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
const NAMES = { '*': 'star', '#': 'hash' };
const TONE = 120; // milliseconds
const PAUSE = 80; // between two
const LOOK = 300; // milliseconds between two looks whether tones can be sent by now, of which the browser does not tell

export class Keypad {
  #element;
  #reason;
  #call = null;
  #timer = null;

  constructor(element, reason) {
    this.#element = element;
    this.#reason = reason;
    for (const key of KEYS) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = key;
      button.dataset.key = key;
      button.setAttribute('aria-label', `Tone ${NAMES[key] ?? key}`);
      button.addEventListener('click', () => this.press(key));
      element.append(button);
    }
    this.follow(null);
  }

  /** @param {?import('./call.js').Call} call whose keys these are from now on; to be told again when it changes */
  follow(call) {
    this.#call = call;
    const why = this.#whyNot();
    for (const button of this.#element.children) button.disabled = why !== '';
    // Assistive technology reads what changes in a live region: leave the words alone while they stay the same.
    if (this.#reason.textContent !== why) this.#reason.textContent = why;
    clearTimeout(this.#timer);
    if (why !== '' && call && !call.isOver) this.#timer = setTimeout(() => this.follow(call), LOOK);
  }

  /** Tones that are still to be sent are not lost when another key follows quickly. */
  press(key) {
    if (!KEYS.includes(key) || this.#whyNot()) return;
    const { tones } = this.#call;
    tones.insertDTMF(tones.toneBuffer + key, TONE, PAUSE);
  }

  #whyNot() {
    if (!this.#call || this.#call.isOver) return 'Keys work in a call.';
    if (!['accepted', 'established'].includes(this.#call.state)) return 'Keys work once the call is answered.';
    if (!this.#call.tones) return 'This browser sends no tones.';
    if (this.#call.peer.connectionState !== 'connected') return 'Keys work once the sound is connected.';
    return this.#call.tones.canInsertDTMF ? '' : 'The other side takes no tones.';
  }
}
