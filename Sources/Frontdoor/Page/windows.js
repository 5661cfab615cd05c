/**
 * Is another window of this browser in the same room?
 *
 * Two of them with open microphones in front of one pair of loudspeakers howl. A Web Lock per room answers the question in one
 * atomic step, even for two windows that join in the same moment, and the browser frees it however a window ends. Locks exist
 * in secure contexts only; so do microphones, so without the one there is nothing to protect from the other.
 */
export class RoomWindow {
  #release = () => {};
  #abort = new AbortController();

  /**
   * Resolves with true when this is the first window in the room.
   * Otherwise `onfree` is called when all windows before this one have left.
   */
  async enter(room, onfree) {
    if (!navigator.locks) return true;
    const name = `continuo:${room}`;
    const held = new Promise((resolve) => {
      this.#release = resolve;
    });
    const first = await new Promise((resolve) => {
      navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock === null ? undefined : held;
      });
    });
    if (!first) {
      navigator.locks
        .request(name, { signal: this.#abort.signal }, () => {
          onfree();
          return held;
        })
        .catch(() => {}); // aborted: we left while waiting
    }
    return first;
  }

  leave() {
    this.#abort.abort();
    this.#release();
  }
}
