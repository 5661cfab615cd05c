import { newID, SylkError } from './sylkrtc.js';
import { Trickle } from './trickle.js';

/**
 * One call, from its beginning to its end, on the connection it began on. It is used once.
 *
 * States: `calling` (we call), `progress` (the other side is being asked), `ringing` (we are called), `answering`,
 * `accepted`, `established` (sound goes both ways) and `terminated`.
 *
 * Events: `change` when the state is another; `stream` (detail: MediaStream) when the other side's sound or picture comes.
 */
export class Call extends EventTarget {
  state;
  /** Why it ended, in the gateway's words; empty when it was our wish. */
  reason = '';
  /** The gateway's refusal of a request of ours, if that is what ended it. */
  error = null;
  #connection;
  #account;
  #offered;
  #peer;
  #trickle;
  /** The request that makes an outgoing call known to the gateway, which its end waits for; null before it is sent. */
  #known = null;

  /** Somebody to be called: `dial` does it. @param {string} uri without a scheme */
  static outgoing(connection, account, uri, iceServers) {
    return new Call(connection, account, { state: 'calling', session: newID(), remote: { uri, display_name: '' } }, iceServers);
  }

  /** Somebody who calls, as the gateway's `incoming_session` has it. */
  static incoming(connection, account, { session, data }, iceServers) {
    const { originator = {}, sdp = '' } = data ?? {};
    return new Call(connection, account, { state: 'ringing', session, remote: originator, offered: String(sdp) }, iceServers);
  }

  constructor(connection, account, { state, session, remote, offered = '' }, iceServers) {
    super();
    this.state = state;
    this.session = session;
    this.remote = remote;
    this.isOutgoing = state === 'calling';
    this.#connection = connection;
    this.#account = account;
    this.#offered = offered;
    this.#peer = new RTCPeerConnection({ iceServers });
    this.#trickle = new Trickle(this.#peer, (candidates) => connection.request('session-trickle', { session, candidates }));
    this.#peer.addEventListener('connectionstatechange', this.#mediaChanged);
    this.#peer.addEventListener('track', ({ streams, track }) => this.#tell('stream', streams[0] ?? new MediaStream([track])));
    connection.addEventListener('event', this.#heard);
    connection.addEventListener('closed', this.#lost);
  }

  get isOver() {
    return this.state === 'terminated';
  }

  /** Whether the caller offers a picture. */
  get offersVideo() {
    return /^m=video [1-9]/m.test(this.#offered);
  }

  /** For what is measured in it. */
  get peer() {
    return this.#peer;
  }

  /** Where tones are inserted, or null as long as there is nothing to insert them into. */
  get tones() {
    return this.#peer.getSenders().find((sender) => sender.track?.kind === 'audio')?.dtmf ?? null;
  }

  /** @param {import('./callmedia.js').CallMedia} media what we send */
  async dial(media) {
    const stream = new MediaStream();
    for (const kind of ['audio', 'video']) {
      const track = media.track(kind);
      if (track) this.#peer.addTransceiver(track, { direction: 'sendrecv', streams: [stream] });
    }
    await this.#attempt(async () => {
      await this.#peer.setLocalDescription();
      if (this.isOver) return;
      const { sdp } = this.#peer.localDescription;
      await this.#ask('session-create', { account: this.#account, session: this.session, uri: this.remote.uri, sdp });
    });
  }

  /** @param {import('./callmedia.js').CallMedia} media what we send; a picture is only sent where one is offered */
  async answer(media) {
    this.#become('answering');
    await this.#attempt(async () => {
      await this.#peer.setRemoteDescription({ type: 'offer', sdp: this.#offered });
      for (const transceiver of this.#peer.getTransceivers()) {
        const track = media.track(transceiver.receiver.track.kind);
        if (!track) continue;
        await transceiver.sender.replaceTrack(track);
        transceiver.direction = 'sendrecv';
      }
      await this.#peer.setLocalDescription();
      if (this.isOver) return;
      await this.#ask('session-answer', { session: this.session, sdp: this.#peer.localDescription.sdp });
    });
  }

  /** Ends it, gives it up or declines it. It is over here at once, whatever the gateway says to it. */
  hangUp() {
    if (this.isOver) return;
    this.#end('');
    this.#terminate();
  }

  #heard = ({ detail: message }) => {
    if (message.sylkrtc !== 'session_event' || message.session !== this.session || message.event !== 'state') return;
    const { state, sdp, reason } = message.data ?? {};
    switch (state) {
      case 'progress':
        if (this.state === 'calling') this.#become('progress');
        return;
      case 'accepted':
        return this.#accepted(sdp);
      case 'established':
        // The one who calls sees for himself when sound can flow.
        if (!this.isOutgoing) this.#become('established');
        return;
      case 'terminated':
        return this.#end(String(reason ?? '') || 'reason unspecified');
      default:
      // Later gateways may say more; the protocol asks clients to ignore what they do not know.
    }
  };

  #lost = () => this.#end('connection lost');

  async #accepted(sdp) {
    if (!this.isOutgoing) return this.#become('accepted');
    await this.#attempt(async () => {
      await this.#peer.setRemoteDescription({ type: 'answer', sdp });
      this.#become(this.#peer.connectionState === 'connected' ? 'established' : 'accepted');
    });
  }

  #mediaChanged = () => {
    if (this.#peer.connectionState === 'failed') this.#give(new SylkError('media', 'media failed'));
    else if (this.#peer.connectionState === 'connected' && this.isOutgoing && this.state === 'accepted') this.#become('established');
    else if (!this.isOver) this.#tell('change');
  };

  /** A step of ours; what goes wrong in it ends the call, on both sides. */
  async #attempt(step) {
    try {
      await step();
    } catch (error) {
      this.#give(error);
    }
  }

  #give(error) {
    if (this.isOver) return;
    if (error.kind === 'refused') this.error = error;
    this.#end(error.message || 'media failed');
    this.#terminate();
  }

  async #ask(type, members) {
    const answered = this.#connection.request(type, members);
    if (this.isOutgoing) this.#known = answered;
    await answered;
    if (!this.isOver) this.#trickle.start();
  }

  /** A session the gateway has not heard of yet cannot be ended; one that it refused need not be. */
  async #terminate() {
    if (this.isOutgoing && !this.#known) return;
    try {
      await this.#known;
      await this.#connection.request('session-terminate', { session: this.session });
    } catch {
      // It has ended there already, or the connection has, which ends it there.
    }
  }

  #become(state) {
    if (this.isOver || this.state === state) return;
    // What is late changes nothing: an answered call does not go back to being answered.
    if (this.state === 'established' && state === 'accepted') return;
    this.state = state;
    this.#tell('change');
  }

  #end(reason) {
    if (this.isOver) return;
    this.state = 'terminated';
    this.reason = reason;
    this.#connection.removeEventListener('event', this.#heard);
    this.#connection.removeEventListener('closed', this.#lost);
    this.#trickle.stop();
    this.#peer.close();
    this.#tell('change');
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
