import { newID, SylkError } from './sylkrtc.js';
import { Trickle } from './trickle.js';

const LIVE_WITHIN = 20_000; // milliseconds from feed-attach to media

/**
 * One subscription: the media of one publisher, received over a peer connection of its own.
 *
 * Events: `stream` (detail: the MediaStream, before its first frame), `established`, `broken` (detail: a `SylkError`). A broken
 * feed is not mended; the conference makes a new one.
 */
export class Feed extends EventTarget {
  id = newID();
  stream = new MediaStream();
  #publisher;
  #control;
  #peer = new RTCPeerConnection();
  #trickle;
  #deadline = null;
  #closed = false;

  /** @param control sends a `videoroom-ctl`: `(option, parameters, session?) => Promise` */
  constructor(publisher, control) {
    super();
    this.#publisher = publisher;
    this.#control = control;
    this.#trickle = new Trickle(this.#peer, (candidates) => control('trickle', { session: this.id, candidates }));
    this.#peer.addEventListener('track', ({ track }) => {
      this.stream.addTrack(track);
      this.dispatchEvent(new CustomEvent('stream', { detail: this.stream }));
    });
    this.#peer.addEventListener('connectionstatechange', () => {
      if (this.#peer.connectionState === 'failed') this.#broke(new SylkError('media', 'the media connection failed'));
    });
  }

  get peer() {
    return this.#peer;
  }

  async attach() {
    // When Janus refuses a subscription late, the protocol has no event for it: silence is all we would hear.
    this.#deadline = setTimeout(() => this.#broke(new SylkError('deadline', 'the feed did not start')), LIVE_WITHIN);
    try {
      await this.#control('feed-attach', { session: this.id, publisher: this.#publisher });
    } catch (error) {
      this.#broke(error);
    }
  }

  /** `feed_attached`: Janus offers, we answer. */
  async offered(sdp) {
    try {
      await this.#peer.setRemoteDescription({ type: 'offer', sdp });
      await this.#peer.setLocalDescription();
      const answered = this.#control('feed-answer', { session: this.id, sdp: this.#peer.localDescription.sdp });
      // Requests of one connection are worked through in order, so candidates may follow the answer at once.
      this.#trickle.start();
      await answered;
    } catch (error) {
      this.#broke(error instanceof SylkError ? error : new SylkError('media', error.message));
    }
  }

  established() {
    clearTimeout(this.#deadline);
    this.dispatchEvent(new Event('established'));
  }

  /** Asks the gateway to stop (or resume) sending the picture; sound goes on. */
  setPaused(paused) {
    return this.#control('update', { video: !paused }, this.id);
  }

  /** How loud it is, 0 to 1. Read from RTP, so it needs no audio graph and no user gesture. */
  get level() {
    const receiver = this.#peer.getReceivers().find(({ track }) => track?.kind === 'audio');
    return receiver?.getSynchronizationSources?.()[0]?.audioLevel ?? 0;
  }

  /** For feeds that the gateway still has. Of a publisher who left, it has ended them itself. */
  detach() {
    this.close();
    return this.#control('feed-detach', { session: this.id });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#deadline);
    this.#trickle.stop();
    this.#peer.close();
  }

  #broke(error) {
    if (this.#closed) return;
    this.close();
    this.dispatchEvent(new CustomEvent('broken', { detail: error }));
  }
}
