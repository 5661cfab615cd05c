import { Backoff } from './backoff.js';
import { Feed } from './feed.js';
import { newID, SylkError } from './sylkrtc.js';
import { Trickle } from './trickle.js';

const ACCEPT_WITHIN = 20_000; // milliseconds from the ack of the join to Janus's answer

/**
 * One membership of one room on one connection: our publisher session and a feed for everybody else.
 *
 * It is used once. When it has ended, by whatever cause, a new membership is a new Conference with a new session id.
 *
 * Events, all with a detail:
 *   `roster`      [participant]         everybody who was there before us
 *   `arrived`     participant           {id, account, name}
 *   `left`        id
 *   `stream`      {id, stream}
 *   `live`        id                    the feed's media is up
 *   `interrupted` id                    the feed broke and is being made anew
 *   `established`                       our own media is up
 *   `active`      [id]                  who is in the spotlight from now on; ourselves as `self`
 */
export class Conference extends EventTarget {
  #connection;
  #account;
  #room;
  #session = newID();
  #peer = new RTCPeerConnection();
  #trickle;
  #participants = new Map();
  #accepted = withResolvers();
  #ended = withResolvers();
  #over = false;

  /** @param {{audio: ?MediaStreamTrack, video: ?MediaStreamTrack}} tracks what to publish */
  constructor({ connection, account, room, tracks }) {
    super();
    this.#connection = connection;
    this.#account = account;
    this.#room = room;
    this.#trickle = new Trickle(this.#peer, (candidates) => this.#control('trickle', { candidates }));
    const stream = new MediaStream();
    for (const track of [tracks.audio, tracks.video]) {
      if (track) this.#peer.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    }
    this.#peer.addEventListener('connectionstatechange', () => {
      if (this.#peer.connectionState === 'failed') this.#end(new SylkError('media', 'the media connection failed'));
    });
    // An ending before the join is through is reported by join() itself; nobody else has to look at this promise.
    this.#accepted.promise.catch(() => {});
  }

  /** Resolves when Janus has accepted us; rejects with the refusal. */
  async join() {
    this.#connection.addEventListener('event', this.#heard);
    this.#connection.addEventListener('closed', this.#lost);
    let timer;
    try {
      await this.#peer.setLocalDescription();
      await this.#connection.request('videoroom-join', {
        account: this.#account,
        session: this.#session,
        uri: this.#room,
        sdp: this.#peer.localDescription.sdp,
      });
      this.#trickle.start();
      timer = setTimeout(() => this.#accepted.reject(new SylkError('deadline', 'the room did not answer')), ACCEPT_WITHIN);
      await this.#accepted.promise;
    } catch (error) {
      this.#end(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves with a SylkError when we are out, and not by our own wish. */
  get ended() {
    return this.#ended.promise;
  }

  /** Says goodbye. The room is left here at once, whatever the gateway answers. */
  async leave() {
    if (this.#over) return;
    this.#close();
    await this.#terminate();
  }

  /** Camera to stand-in and back without the others noticing more than the picture. */
  async replaceTrack(kind, track) {
    const sender = this.#peer.getSenders().find((sender) => sender.track?.kind === kind);
    await sender?.replaceTrack(track);
  }

  async setPaused(id, paused) {
    const participant = this.#participants.get(id);
    if (!participant) return;
    participant.paused = paused;
    await participant.feed?.setPaused(paused);
  }

  /** Puts these participants in the spotlight, at most two and ourselves as `self`, for everybody in the room. */
  async setActive(ids) {
    const participants = ids.map((id) => (id === 'self' ? this.#session : id));
    await this.#control('configure-room', { active_participants: participants });
  }

  /** Invites the person with that address on every device that is connected; resolves when all of them have been told. */
  async invite(address) {
    await this.#control('invite-participants', { participants: [address] });
  }

  /** The peer connections behind the picture: ours and, by participant id, those of the feeds. */
  get peers() {
    const feeds = new Map();
    for (const [id, { feed }] of this.#participants) if (feed) feeds.set(id, feed.peer);
    return { publisher: this.#peer, feeds };
  }

  /** Loudness of everybody else by participant id, 0 to 1. */
  get levels() {
    const levels = new Map();
    for (const [id, { feed }] of this.#participants) if (feed) levels.set(id, feed.level);
    return levels;
  }

  #control = (option, parameters, session = this.#session) =>
    this.#connection.request('videoroom-ctl', { session, option, [option.replaceAll('-', '_')]: parameters });

  #lost = ({ detail: error }) => this.#end(error);

  #heard = ({ detail: message }) => {
    if (message.sylkrtc !== 'videoroom_event' || message.session !== this.#session) return;
    const data = message.data ?? {};
    switch (message.event) {
      case 'state':
        return this.#stateChanged(data);
      case 'initial_publishers':
        return this.#tell('roster', (data.publishers ?? []).map((entry) => this.#welcome(entry)).filter(Boolean));
      case 'publishers_joined':
        for (const entry of data.publishers ?? []) {
          const participant = this.#welcome(entry);
          if (participant) this.#tell('arrived', participant);
        }
        return;
      case 'publishers_left':
        for (const id of data.publishers ?? []) this.#dismiss(id);
        return;
      case 'feed_attached':
        return this.#feed(data.subscription)?.offered(data.sdp);
      case 'feed_established':
        return this.#feed(data.subscription)?.established();
      case 'configure-room':
        return this.#tell('active', (message.active_participants ?? []).map((id) => (id === this.#session ? 'self' : id)));
      default:
      // Later gateways may say more; the protocol asks clients to ignore what they do not know.
    }
  };

  #stateChanged({ state, sdp, reason }) {
    if (state === 'accepted') {
      this.#peer.setRemoteDescription({ type: 'answer', sdp }).then(this.#accepted.resolve, (error) => {
        this.#accepted.reject(new SylkError('media', error.message));
      });
    } else if (state === 'established') {
      this.#tell('established');
    } else if (state === 'terminated') {
      this.#end(new SylkError('terminated', reason ?? ''));
    }
  }

  #welcome({ id, uri, display_name: name }) {
    // After a cut the gateway may still list our own former session for a moment. It is not company.
    if (uri === this.#account || this.#participants.has(id)) return null;
    const participant = { id, account: uri, name: name || uri.replace(/^sips?:/, '').split('@')[0] };
    this.#participants.set(id, { feed: null, paused: false, backoff: new Backoff(), timer: null });
    // After this turn: whoever hears of the participant first has to hear of the stream second.
    queueMicrotask(() => this.#watch(id));
    return participant;
  }

  #watch(id) {
    const participant = this.#participants.get(id);
    if (!participant || this.#over) return;
    const feed = new Feed(id, this.#control);
    participant.feed = feed;
    feed.addEventListener('stream', ({ detail: stream }) => this.#tell('stream', { id, stream }));
    feed.addEventListener('established', () => {
      participant.backoff.reset();
      if (participant.paused) feed.setPaused(true).catch(() => {});
      this.#tell('live', id);
    });
    feed.addEventListener('broken', () => {
      // Detaching what the gateway no longer knows is an error without consequences.
      feed.detach().catch(() => {});
      if (this.#over || this.#participants.get(id) !== participant) return;
      participant.feed = null;
      participant.timer = setTimeout(() => this.#watch(id), participant.backoff.next());
      this.#tell('interrupted', id);
    });
    feed.attach();
  }

  #feed(subscription) {
    for (const { feed } of this.#participants.values()) if (feed?.id === subscription) return feed;
    return null;
  }

  #dismiss(id) {
    const participant = this.#participants.get(id);
    if (!participant) return;
    this.#participants.delete(id);
    clearTimeout(participant.timer);
    participant.feed?.close();
    this.#tell('left', id);
  }

  #end(error) {
    if (this.#over) return;
    this.#close();
    this.#accepted.reject(error);
    this.#ended.resolve(error);
    // These are endings that only we know of: the gateway would keep an unseen, unheard member.
    if (error.kind === 'media' || error.kind === 'deadline') this.#terminate();
  }

  #terminate() {
    return this.#connection.request('videoroom-terminate', { session: this.#session }).catch(() => {});
  }

  #close() {
    this.#over = true;
    this.#connection.removeEventListener('event', this.#heard);
    this.#connection.removeEventListener('closed', this.#lost);
    this.#trickle.stop();
    this.#peer.close();
    for (const { feed, timer } of this.#participants.values()) {
      clearTimeout(timer);
      feed?.close();
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** `Promise.withResolvers`, which browsers from before 2024 lack. */
function withResolvers() {
  const capability = {};
  capability.promise = new Promise((resolve, reject) => Object.assign(capability, { resolve, reject }));
  return capability;
}
