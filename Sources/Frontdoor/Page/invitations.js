import { roomName } from './identity.js';
import { explain } from './words.js';

/** The form with which somebody is invited into the room. `invite` sends an address and resolves when the gateway has it. */
export class InviteDialog {
  #dialog;
  #invite;

  /** @param {HTMLDialogElement} dialog @param {(address: string) => Promise} invite */
  constructor(dialog, invite) {
    this.#dialog = dialog;
    this.#invite = invite;
    dialog.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    dialog.querySelector('.dialog-cancel').addEventListener('click', () => dialog.close());
  }

  open(ownAddress) {
    this.#say('');
    this.#dialog.querySelector('.own-address').textContent = ownAddress;
    this.#dialog.showModal();
    this.#field.select();
  }

  close() {
    this.#dialog.close();
  }

  get #field() {
    return this.#dialog.querySelector('input');
  }

  async #submit() {
    const address = this.#field.value.trim();
    if (!address) return;
    this.#say('');
    try {
      await this.#invite(address);
      this.#field.value = '';
      // Whether anybody is there is not told: that would tell strangers who is connected.
      this.#say(`${address} is invited, on every device that is connected.`);
    } catch (error) {
      this.#say(/invalid uri/i.test(error.message) ? 'That is not an address. One looks like name@example.org.' : explain(error).text);
    }
    this.#field.focus();
  }

  #say(text) {
    this.#dialog.querySelector('.message').textContent = text;
  }
}

/** The question whether to follow an invitation. A newer one takes the place of one that is not answered. */
export class IncomingDialog {
  #dialog;
  #accepted = () => {};

  constructor(dialog) {
    this.#dialog = dialog;
    dialog.querySelector('.incoming-join').addEventListener('click', () => {
      dialog.close();
      this.#accepted();
    });
    dialog.querySelector('.incoming-decline').addEventListener('click', () => dialog.close());
  }

  /** `accepted` is called when the answer is yes; nobody is told of a no. */
  show({ originator, room }, accepted) {
    this.#accepted = accepted;
    const name = originator.display_name || originator.uri;
    this.#dialog.querySelector('.incoming-text').textContent = `${name} invites you to the room ${roomName(room)}.`;
    this.#dialog.querySelector('.incoming-from').textContent = originator.uri;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  close() {
    this.#dialog.close();
  }
}
