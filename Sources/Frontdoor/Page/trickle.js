/**
 * Sends a peer connection's ICE candidates once the gateway knows the session they belong to.
 *
 * Candidates come in bursts; those of one burst share a request, since each request costs the gateway a round trip to Janus.
 * A refused trickle is not fatal here: ICE itself finds out whether enough candidates arrived.
 */
const BURST = 20; // milliseconds

export class Trickle {
  #send;
  #waiting = [];
  #complete = false;
  #started = false;
  #timer = null;

  /** @param {(candidates: object[]) => Promise} send an empty list means "no more candidates" */
  constructor(peer, send) {
    this.#send = send;
    peer.addEventListener('icecandidate', ({ candidate }) => this.#gathered(candidate));
  }

  start() {
    this.#started = true;
    this.#schedule();
  }

  stop() {
    this.#started = false;
    clearTimeout(this.#timer);
  }

  #gathered(candidate) {
    if (candidate === null) this.#complete = true;
    // An empty candidate ends one generation of one transport; the `null` that follows ends them all.
    else if (candidate.candidate !== '') this.#waiting.push(wireForm(candidate));
    this.#schedule();
  }

  #schedule() {
    if (!this.#started || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, BURST);
  }

  #flush() {
    const ignore = () => {};
    if (this.#waiting.length > 0) this.#send(this.#waiting.splice(0)).catch(ignore);
    if (this.#complete) {
      this.#complete = false;
      this.#send([]).catch(ignore);
    }
  }
}

/** The gateway requires exactly these three members, and a string and an integer where browsers may say `null`. */
function wireForm({ candidate, sdpMid, sdpMLineIndex }) {
  return { candidate, sdpMLineIndex: sdpMLineIndex ?? 0, sdpMid: sdpMid ?? '' };
}
