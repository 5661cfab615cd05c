/**
 * The telephone: one line, at most one call, and what is shown of them. It knows nothing of rooms.
 */
import { Call } from './call.js';
import { CallCard } from './callcard.js';
import { CallMedia } from './callmedia.js';
import { readServers, recallServers, rememberServers } from './iceservers.js';
import { Line } from './line.js';
import { MissedCalls } from './missed.js';
import { RingingDialog } from './ringing.js';
import { account, destination, ha1, shown } from './sipaddress.js';
import { received } from './statistics.js';

const ADDRESS_KEY = 'continuo.phone';

const LINE_STATES = {
  off: 'Not registered.',
  connecting: 'Connecting…',
  registering: 'Registering…',
  registered: 'Registered: others can call you.',
};

/** Event: `invited` (detail: as the gateway's `conference_invite` has it), when the account is invited to a room. */
export class Phone extends EventTarget {
  #panel;
  #say;
  #line;
  #card;
  #ringing;
  #missed;
  #call = null;
  #media = null;
  #muted = false;
  #iceServers = [];
  #domain = '';

  /** @param {{panel: HTMLElement, ringing: HTMLDialogElement, template: HTMLTemplateElement, url: string, say: (text: string) => void}} parts */
  constructor({ panel, ringing, template, url, say }) {
    super();
    this.#panel = panel;
    this.#say = say;
    this.#card = new CallCard(this.#part('.call'), { hangUp: () => this.hangUp(), mute: () => this.setMuted(!this.#muted) });
    this.#ringing = new RingingDialog(ringing);
    this.#missed = new MissedCalls(this.#part('.missed'), template, (uri) => this.dial(uri));
    this.#line = new Line(url);
    this.#line.addEventListener('change', ({ detail }) => this.#lineChanged(detail));
    this.#line.addEventListener('incoming', ({ detail }) => this.#called(detail));
    this.#line.addEventListener('missed', ({ detail }) => this.#missedOne(detail));
    this.#line.addEventListener('invited', ({ detail }) => this.dispatchEvent(new CustomEvent('invited', { detail })));
    this.#bind();
    this.#lineChanged({ state: 'off' });
  }

  /** What the form says; the password leaves it as a hash. Returns whether it could begin. */
  register() {
    const { address, password, displayname, realm, ice } = this.#accountForm.elements;
    const who = account(address.value);
    if (!who) return this.#showLine('That is not an address. One looks like name@example.org.');
    try {
      this.#iceServers = readServers(ice.value);
    } catch (error) {
      return this.#showLine(error.message);
    }
    rememberServers(ice.value);
    remember(who.address);
    this.#domain = who.domain;
    const hash = ha1(who.user, realm.value.trim() || who.domain, password.value);
    password.value = '';
    this.#line.start({ account: who.address, ha1: hash, displayName: displayname.value.trim() });
  }

  unregister() {
    this.#line.stop();
  }

  /** @param {string} typed whom to call */
  async dial(typed, { video = false } = {}) {
    if (this.#call) return this.#showDial('One call at a time.');
    const uri = destination(typed, this.#domain);
    if (!uri) return this.#showDial('That is nothing one can call. An address looks like name@example.org.');
    if (!this.#line.connection) return this.#showDial('Register first.');
    this.#showDial('');
    const call = Call.outgoing(this.#line.connection, this.#line.account, uri, this.#iceServers);
    this.#begin(call);
    if (await this.#openMedia(call, video, (text) => this.#showDial(text))) call.dial(this.#media);
    else call.hangUp();
  }

  hangUp() {
    this.#call?.hangUp();
  }

  setMuted(muted) {
    this.#muted = muted;
    this.#media?.setMuted(muted);
    if (!this.#call) return;
    this.#card.show(this.#call, muted);
    this.#say(muted ? 'Microphone of the call off' : 'Microphone of the call on');
  }

  /** Before the window goes. */
  leave() {
    this.hangUp();
    this.#line.abandon();
  }

  retryNow() {
    this.#line.retryNow();
  }

  /** For tests and curious people: {registration, call: ?{state, isOutgoing, remote, muted, reason, audioPackets, audioEnergy}}. */
  async stats() {
    const call = this.#call;
    const { state, isOutgoing, remote, reason } = call ?? {};
    return {
      registration: this.#line.state,
      call: call && { state, isOutgoing, remote, reason, muted: this.#muted, ...(await received(call.peer)) },
    };
  }

  // The line.

  #lineChanged({ state, text }) {
    this.#panel.dataset.line = state;
    const isOff = state === 'off' || state === 'failed';
    this.#showLine(state === 'waiting' ? `${text} Trying again.` : text ?? LINE_STATES[state]);
    this.#part('.line-fields').disabled = !isOff;
    this.#part('.line-register').hidden = !isOff;
    this.#part('.line-unregister').hidden = isOff;
    this.#part('.dial-fields').disabled = state !== 'registered';
  }

  // Calls.

  #called(message) {
    const { connection, account: ours } = this.#line;
    const call = Call.incoming(connection, ours, message, this.#iceServers);
    if (this.#call) {
      // The gateway lets one call in at a time; this one met another that had just begun here.
      call.hangUp();
      return this.#missedOne(call.remote);
    }
    this.#begin(call);
    this.#say(`${shown(call.remote).name} is calling`);
    this.#ringing.show(call, { take: (video) => this.#take(call, video), decline: () => call.hangUp() });
  }

  async #take(call, video) {
    if (call.state !== 'ringing' || this.#media) return;
    // Without a microphone it goes on ringing: it may be allowed yet, or the call declined.
    if (await this.#openMedia(call, video, (text) => this.#ringing.say(text))) call.answer(this.#media);
  }

  #missedOne(originator) {
    this.#say(`Missed call from ${this.#missed.add(originator)}`);
  }

  #begin(call) {
    this.#call = call;
    this.#muted = false;
    this.#line.inUse = true;
    this.open({ focus: false });
    call.addEventListener('change', () => this.#callChanged(call));
    call.addEventListener('stream', ({ detail }) => this.#card.play(detail));
    this.#callChanged(call);
  }

  #callChanged(call) {
    if (this.#call !== call) return;
    if (call.state !== 'ringing') this.#ringing.close();
    this.#panel.dataset.call = call.state;
    this.#card.show(call, this.#muted);
    if (!call.isOver) return;
    this.#call = null;
    this.#media?.close();
    this.#media = null;
    this.#line.inUse = false;
  }

  async #openMedia(call, video, explain) {
    const media = new CallMedia();
    this.#media = media;
    try {
      await media.open({ video });
    } catch (error) {
      if (this.#media === media) this.#media = null;
      explain(error.message);
      return false;
    }
    if (!call.isOver && this.#media === media) {
      media.setMuted(this.#muted);
      return true;
    }
    media.close();
    return false;
  }

  // The panel.

  open({ focus = true } = {}) {
    if (this.#panel.hidden) {
      this.#panel.hidden = false;
      this.dispatchEvent(new Event('shown'));
    }
    if (focus) (this.#line.account ? this.#dialForm.elements.uri : this.#accountForm.elements.address).focus();
  }

  close() {
    this.#panel.hidden = true;
    this.dispatchEvent(new Event('hidden'));
  }

  toggle() {
    if (this.#panel.hidden) this.open();
    else this.close();
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  #bind() {
    const { address, ice } = this.#accountForm.elements;
    address.value = recall();
    ice.value = recallServers();
    this.#accountForm.addEventListener('submit', (event) => {
      event.preventDefault();
      this.register();
    });
    this.#part('.line-unregister').addEventListener('click', () => this.unregister());
    this.#dialForm.addEventListener('submit', (event) => {
      event.preventDefault();
      const { uri, video } = this.#dialForm.elements;
      this.dial(uri.value, { video: video.checked });
    });
    this.#part('.phone-close').addEventListener('click', () => this.close());
    this.#panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') return this.close();
      if (!this.#call || event.target.closest('input, textarea') || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      // In here the room's key mutes the call instead.
      if (event.key.toLowerCase() === 'm') {
        event.stopPropagation();
        this.setMuted(!this.#muted);
      } else {
        this.#card.press(event.key);
      }
    });
  }

  get #accountForm() {
    return this.#part('.line');
  }

  get #dialForm() {
    return this.#part('.dial');
  }

  #showLine(text) {
    this.#part('.line-state').textContent = text;
  }

  #showDial(text) {
    this.#part('.dial-message').textContent = text;
  }

  #part(selector) {
    return this.#panel.querySelector(selector);
  }
}

/** The address only; a password is kept by nobody but the browser itself, if its owner wants that. */
function remember(address) {
  try {
    localStorage.setItem(ADDRESS_KEY, address);
  } catch {
    // Storage may be switched off; the form then simply starts empty next time.
  }
}

function recall() {
  try {
    return localStorage.getItem(ADDRESS_KEY) ?? '';
  } catch {
    return '';
  }
}
