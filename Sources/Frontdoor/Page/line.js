import { Backoff } from './backoff.js';
import { explainRegistration, explainRequest } from './callwords.js';
import { invitationIn } from './reachable.js';
import { Connection } from './sylkrtc.js';

/**
 * The wish to be registered, kept alive until it is taken back or refused: one connection with one account.
 *
 * Events: `change` with a detail by state:
 *   `off`, `connecting`, `registering`
 *   `registered`
 *   `failed`   {text}              it will not heal by itself; over, but for calls under way
 *   `waiting`  {text}              it may heal; tried again after a pause
 * and `incoming` (the gateway's message), `missed` (originator), `invited` (as the gateway's `conference_invite` has it).
 */
export class Line extends EventTarget {
  state = 'off';
  #url;
  #connection = null;
  #wish = null;
  #inUse = false;
  /** The wish that the connection's account was added for; null: it holds none. */
  #added = null;
  /** Connections of earlier wishes, on which a call goes on. */
  #left = [];
  #backoff = new Backoff({ first: 3_000, limit: 60_000 });
  #timer = null;

  constructor(url) {
    super();
    this.#url = url;
  }

  /** As the person has typed it, without a scheme; null without a line. */
  get account() {
    return this.#wish?.account ?? null;
  }

  /** What calls are made on; null unless the gateway has the account. */
  get connection() {
    return this.#added ? this.#connection : null;
  }

  /** @param {{account: string, ha1: string, displayName: string}} wish */
  start(wish) {
    this.#wish = wish;
    this.#backoff.reset();
    this.#connect();
  }

  /** Unregisters. A call that is under way goes on. */
  async stop() {
    const connection = this.#connection;
    const account = this.#wish?.account;
    this.#wish = null;
    clearTimeout(this.#timer);
    this.#changed('off');
    if (!connection) return;
    await connection.request('account-unregister', { account }).catch(() => {}); // the end of the connection does it, too
    if (this.#wish === null && this.#connection === connection) this.#release();
  }

  /** At once and without a word: the gateway sees it by itself. */
  abandon() {
    this.#wish = null;
    clearTimeout(this.#timer);
    this.inUse = false;
    this.state = 'off';
  }

  /** Whether a call needs its connection. */
  set inUse(inUse) {
    this.#inUse = inUse;
    if (!inUse) for (const connection of this.#left.splice(0)) connection.close();
    this.#release();
  }

  /** Ends a pause, e.g. because the network came back. */
  retryNow() {
    if (this.state === 'waiting') this.#connect();
  }

  #release() {
    if (this.#wish === null && !this.#inUse) this.#close();
  }

  async #connect() {
    clearTimeout(this.#timer);
    const wish = this.#wish;
    try {
      if (this.#added && !isSame(this.#added, wish)) this.#leave();
      if (!this.#connection?.ready) {
        this.#close();
        this.#changed('connecting');
        await this.#open();
      }
      if (this.#wish !== wish) return;
      if (!this.#added) await this.#add(wish);
      if (this.#wish !== wish) return;
      this.#changed('registering');
      await this.#connection?.request('account-register', { account: wish.account });
    } catch (error) {
      if (this.#wish !== wish) return;
      // The gateway and we disagree about what the connection holds.
      if (/unknown account|already added/i.test(error.message)) this.#leave();
      this.#stumbled(explainRequest(error));
    }
  }

  async #open() {
    const connection = new Connection(this.#url);
    this.#connection = connection;
    connection.addEventListener('event', ({ detail }) => {
      if (this.#connection === connection) this.#heard(detail);
    });
    connection.addEventListener('closed', (event) => {
      if (this.#connection !== connection) return;
      this.#close();
      if (this.#wish) this.#stumbled(explainRequest(event.detail));
    });
    await connection.open();
  }

  async #add(wish) {
    const { account, ha1, displayName } = wish;
    const name = displayName ? { display_name: displayName } : {};
    this.#added = wish;
    try {
      await this.#connection.request('account-add', { account, password: ha1, user_agent: 'Continuo', ...name });
    } catch (error) {
      if (this.#added === wish) this.#added = null;
      throw error;
    }
  }

  /** The connection is of no use for what is wished now. A call on it goes on, but nobody is called there any more. */
  #leave() {
    const connection = this.#connection;
    const account = (this.#added ?? this.#wish)?.account;
    this.#connection = null;
    this.#added = null;
    if (!this.#inUse) return connection?.close();
    connection?.request('account-unregister', { account }).catch(() => {}); // it may be unregistered already
    if (connection) this.#left.push(connection);
  }

  #heard(message) {
    const invitation = invitationIn(message);
    if (invitation) return this.#tell('invited', invitation);
    if (message.sylkrtc !== 'account_event' || message.account !== this.#wish?.account) return;
    switch (message.event) {
      case 'registration_state':
        return this.#registration(message.data ?? {});
      case 'incoming_session':
        return this.#tell('incoming', message);
      case 'missed_session':
        return this.#tell('missed', message.data?.originator ?? {});
      default:
      // Later gateways may say more; the protocol asks clients to ignore what they do not know.
    }
  }

  #registration({ state, reason }) {
    if (state === 'registering') this.#changed('registering');
    else if (state === 'registered') {
      clearTimeout(this.#timer);
      this.#backoff.reset();
      this.#changed('registered');
    } else if (state === 'failed') this.#stumbled(explainRegistration(String(reason ?? '')));
  }

  #stumbled({ text, temporary }) {
    clearTimeout(this.#timer);
    if (!temporary) {
      this.#wish = null;
      this.#release();
      return this.#changed('failed', { text });
    }
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.next());
    this.#changed('waiting', { text });
  }

  #close() {
    const connection = this.#connection;
    this.#connection = null;
    this.#added = null;
    connection?.close();
  }

  #changed(state, detail = {}) {
    this.state = state;
    this.#tell('change', { state, ...detail });
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function isSame(wish, other) {
  return wish.account === other.account && wish.ha1 === other.ha1 && wish.displayName === other.displayName;
}
