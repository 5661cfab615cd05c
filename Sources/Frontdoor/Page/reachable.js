import { Backoff } from './backoff.js';
import { Connection } from './sylkrtc.js';

/**
 * Being there for invitations without being in a room: one connection with one account, made anew for as long as that is wished.
 * Only for an address that others know; a guest's is made up by the page.
 *
 * Event: `invited` (detail: as the gateway's `conference_invite` has it).
 */
export class Reachability extends EventTarget {
  #url;
  #connection = null;
  #backoff = new Backoff();
  #timer = null;
  #account = null;

  constructor(url) {
    super();
    this.#url = url;
  }

  start(account) {
    this.stop();
    this.#account = account;
    this.#connect();
  }

  stop() {
    this.#account = null;
    clearTimeout(this.#timer);
    this.#connection?.close();
    this.#connection = null;
  }

  async #connect() {
    const connection = new Connection(this.#url);
    this.#connection = connection;
    connection.addEventListener('event', ({ detail }) => {
      const invitation = invitationIn(detail);
      if (invitation) this.dispatchEvent(new CustomEvent('invited', { detail: invitation }));
    });
    connection.addEventListener('closed', () => this.#again(connection));
    try {
      await connection.open();
      await addAccount(connection, this.#account);
      this.#backoff.reset();
    } catch {
      this.#again(connection);
    }
  }

  /** After a pause, unless the wish is over or another connection is under way. */
  #again(connection) {
    if (this.#account === null || this.#connection !== connection) return;
    this.#connection = null;
    connection.close();
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.next());
  }
}

/** `name` is what others will see. */
export function addAccount(connection, account, name) {
  return connection.request('account-add', {
    account,
    // Guests have no password, but the protocol wants an HA1. Nothing ever registers with it.
    password: '0'.repeat(32),
    display_name: name,
    user_agent: 'Continuo',
  });
}

/** {originator: {uri, display_name}, room}, or null when the message is something else. */
export function invitationIn(message) {
  if (message.sylkrtc !== 'account_event' || message.event !== 'conference_invite') return null;
  const { originator, room } = message.data ?? {};
  return typeof room === 'string' && typeof originator?.uri === 'string' ? { originator, room } : null;
}
