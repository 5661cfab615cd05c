import { Backoff } from './backoff.js';
import { Conference } from './conference.js';
import { addAccount, invitationIn } from './reachable.js';
import { Connection, SylkError } from './sylkrtc.js';
import { explain } from './words.js';

const SETTLED = 10_000; // milliseconds in the room after which its next loss is a new one, with short pauses again

/**
 * The wish to be in a room, kept alive until it is taken back or refused.
 *
 * Connections break and workers go away; each of them ends one Conference. This is the loop around them: connect, add the
 * account, join, and after any loss that may heal pause and begin again. What of it is still good (the connection, after the
 * loss of a worker) is used again.
 *
 * Events: those of every Conference, passed on; `invited` (detail: as the gateway's `conference_invite` has it); and `change` with a detail by state:
 *   `connecting`, `joining`
 *   `joined`                          Janus has accepted us
 *   `waiting`  {text, resumesAt}      something failed that may heal; next attempt at that time (milliseconds, Date.now())
 *   `refused`  {text}                 it will not heal; over
 *   `left`                            over by our own wish
 */
export class Attendance extends EventTarget {
  state = 'connecting';
  #options;
  #connection = null;
  #accountAdded = false;
  #conference = null;
  #backoff = new Backoff();
  #wanted = true;
  #wake = () => {};
  #quit;
  #quitting = new Promise((resolve) => {
    this.#quit = resolve;
  });

  /** @param {{url, account, displayName, room, tracks: () => {audio, video}}} options `tracks` is asked at each join */
  constructor(options) {
    super();
    this.#options = options;
  }

  /** The present membership, or null between two. */
  get conference() {
    return this.#conference;
  }

  /** Rejects with a `SylkError` between two memberships, too. */
  async invite(address) {
    if (!this.#conference) throw new SylkError('closed', 'not in the room');
    await this.#conference.invite(address);
  }

  /** Returns when the wish is over. */
  async run() {
    while (this.#wanted) {
      let error;
      try {
        error = await this.#attend();
      } catch (thrown) {
        error = thrown;
      }
      this.#conference = null;
      if (!this.#wanted) break;
      const { text, temporary } = explain(error);
      if (!temporary) {
        this.#wanted = false;
        this.#connection?.close();
        return this.#changed('refused', { text });
      }
      // Only a room that is lost leaves the connection sound. After anything else a fresh one is the surest beginning.
      if (error.kind !== 'terminated') this.#connection?.close();
      await this.#pause(text);
    }
    this.#changed('left');
  }

  /** Ends the pause between two attempts, e.g. because the network came back. */
  retryNow() {
    this.#wake();
  }

  async leave() {
    this.#wanted = false;
    this.#quit(null);
    this.#wake();
    await Promise.race([this.#conference?.leave(), new Promise((resolve) => setTimeout(resolve, 500))]);
    this.#connection?.close();
  }

  /** One membership from its beginning to its end. Resolves with what ended it; rejects with what prevented it. */
  async #attend() {
    await this.#connect();
    if (!this.#wanted) return null;
    this.#changed('joining');
    const conference = new Conference({
      connection: this.#connection,
      account: this.#options.account,
      room: this.#options.room,
      tracks: this.#options.tracks(),
    });
    this.#conference = conference;
    for (const type of ['roster', 'arrived', 'left', 'stream', 'live', 'interrupted', 'established', 'active']) {
      conference.addEventListener(type, ({ detail }) => this.dispatchEvent(new CustomEvent(type, { detail })));
    }
    await conference.join();
    this.#changed('joined');
    const settled = setTimeout(() => this.#backoff.reset(), SETTLED);
    const error = await Promise.race([conference.ended, this.#quitting]);
    clearTimeout(settled);
    return error;
  }

  async #connect() {
    if (!this.#connection?.ready) {
      this.#changed('connecting');
      this.#connection?.close();
      this.#connection = new Connection(this.#options.url);
      this.#accountAdded = false;
      this.#connection.addEventListener('event', ({ detail }) => {
        const invitation = invitationIn(detail);
        if (invitation) this.dispatchEvent(new CustomEvent('invited', { detail: invitation }));
      });
      await this.#connection.open();
    }
    if (this.#accountAdded) return;
    await addAccount(this.#connection, this.#options.account, this.#options.displayName);
    this.#accountAdded = true;
  }

  #pause(text) {
    const length = this.#backoff.next();
    this.#changed('waiting', { text, resumesAt: Date.now() + length });
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, length);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #changed(state, detail = {}) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('change', { detail: { state, ...detail } }));
  }
}
