/**
 * A sylkRTC-1 client connection: one WebSocket, from opening to closing.
 *
 * It knows the envelope (transactions, answers, events) and nothing about rooms, media or the page. It does not reconnect:
 * the protocol starts from nothing on every connection, so what to do after a loss is for whoever knows what was wanted
 * (attendance.js) to decide, in one place and with one backoff.
 */

const SUBPROTOCOL = 'sylkRTC-1';

/** Why something did not work. `kind` is closed; `message` is the gateway's own text where it gave one. */
export class SylkError extends Error {
  /** @param {'refused'|'deadline'|'unavailable'|'closed'|'terminated'|'media'} kind */
  constructor(kind, message) {
    super(message);
    this.name = 'SylkError';
    this.kind = kind;
  }
}

/** A random UUID. `crypto.randomUUID` exists in secure contexts only, and this page also has to work over plain HTTP. */
export function newID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * Events: `event` (detail: any message of the gateway that is not an answer) and `closed` (detail: a `SylkError`), the
 * latter exactly once and only for a connection that had become ready and was not closed from here.
 */
export class Connection extends EventTarget {
  #url;
  #socket = null;
  #pending = new Map();
  #ready = false;
  #refuseOpening = () => {};
  #openWithin;
  #answerWithin;

  /** Both times in milliseconds. The gateway's own deadlines are shorter: missing ours means that nobody is there. */
  constructor(url, { openWithin = 10_000, answerWithin = 30_000 } = {}) {
    super();
    this.#url = url;
    this.#openWithin = openWithin;
    this.#answerWithin = answerWithin;
  }

  get ready() {
    return this.#ready;
  }

  /** Resolves with the gateway's `ready`; the protocol allows nothing to be sent before it. */
  open() {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(this.#url, SUBPROTOCOL);
      this.#socket = socket;
      const timer = setTimeout(() => this.#discard(new SylkError('unavailable', 'no answer in time')), this.#openWithin);

      this.#refuseOpening = (error) => {
        clearTimeout(timer);
        reject(error);
      };

      socket.onmessage = ({ data }) => {
        const message = parse(data);
        if (!message) return;
        if (!this.#ready && message.sylkrtc === 'event' && message.event === 'ready') {
          clearTimeout(timer);
          this.#ready = true;
          resolve();
          return;
        }
        this.#received(message);
      };

      socket.onclose = ({ code, reason }) => {
        const wasReady = this.#ready;
        // Browsers hide the HTTP status of a refused handshake, so before `ready` every cause looks the same.
        const error = new SylkError(wasReady ? 'closed' : 'unavailable', reason || `closed with code ${code}`);
        this.#discard(error);
        if (wasReady) this.dispatchEvent(new CustomEvent('closed', { detail: error }));
      };
    });
  }

  /** Sends a request and resolves with its `ack`; rejects with a `SylkError` otherwise. */
  request(type, members = {}) {
    if (!this.#ready) return Promise.reject(new SylkError('closed', 'not connected'));
    const transaction = newID();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(transaction);
        reject(new SylkError('deadline', `no answer to ${type}`));
        // A gateway that owes an answer for this long will not send the next one either.
        this.#socket?.close(3001, 'no answer');
      }, this.#answerWithin);
      this.#pending.set(transaction, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ sylkrtc: type, transaction, ...members }));
    });
  }

  close() {
    this.#discard(new SylkError('closed', 'closed by this page'));
  }

  #received(message) {
    if (message.sylkrtc !== 'ack' && message.sylkrtc !== 'error') {
      this.dispatchEvent(new CustomEvent('event', { detail: message }));
      return;
    }
    const waiting = this.#pending.get(message.transaction);
    if (!waiting) return;
    this.#pending.delete(message.transaction);
    clearTimeout(waiting.timer);
    if (message.sylkrtc === 'ack') waiting.resolve(message);
    else waiting.reject(new SylkError('refused', String(message.error ?? 'refused without a reason')));
  }

  #discard(error) {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#refuseOpening(error);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
  }
}

function parse(data) {
  if (typeof data !== 'string') return null;
  try {
    const message = JSON.parse(data);
    return message !== null && typeof message === 'object' && !Array.isArray(message) ? message : null;
  } catch {
    return null;
  }
}
