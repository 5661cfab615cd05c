import { hue, initials } from './identity.js';
import { tileWidth } from './layout.js';

/**
 * The grid of people: one tile each, ours first.
 *
 * When the room is lost its tiles stay, dimmed, with their last picture: people come back under the same address, though under
 * new session ids, and then take over their old tile. A short loss so moves nothing on the screen.
 *
 * Events: `pause` (detail: {id, paused}) when somebody's picture is to be paused or resumed; `spotlight` (detail: id) when somebody
 * is to come into the spotlight or out of it, ourselves as `self`; `blocked` when the browser does
 * not play sound before a click.
 */
const GONE_AFTER = 8_000; // milliseconds that a lost tile waits for its owner after we are back

export class Tiles extends EventTarget {
  #grid;
  #template;
  #invitation;
  #tiles = new Map();
  #self = null;
  #active = new Set();
  #sweep = null;

  /** @param invitation shown beside our own tile while nobody else is there */
  constructor(grid, template, invitation) {
    super();
    this.#grid = grid;
    this.#template = template;
    this.#invitation = invitation;
    new ResizeObserver(() => this.#layOut()).observe(grid);
  }

  get size() {
    return this.#tiles.size;
  }

  /** Our own tile. `stream` is shown mirrored when it comes from a camera, as people know themselves. */
  showSelf(name) {
    this.#self = this.#make({ id: 'self', account: '', name });
    this.#self.element.classList.add('tile-self');
    this.#self.video.muted = true;
    this.#self.element.querySelector('.tile-pause').remove();
    this.#state(this.#self, 'live');
    this.#grid.prepend(this.#self.element);
    this.#layOut();
  }

  setSelf({ stream, mirrored, muted }) {
    if (!this.#self) return;
    const { element, video } = this.#self;
    element.classList.add('pictured');
    if (video.srcObject !== stream) video.srcObject = stream;
    element.classList.toggle('mirrored', mirrored);
    element.classList.toggle('muted', muted);
  }

  add({ id, account, name }) {
    const former = [...this.#tiles.values()].find((tile) => tile.awaited && tile.account === account);
    const tile = former ?? this.#make({ id, account, name });
    if (former) {
      this.#tiles.delete(former.id);
      former.awaited = false;
      former.id = former.element.dataset.id = id;
      this.#setPaused(former, false);
      this.#name(former, name);
    } else {
      this.#grid.insertBefore(tile.element, this.#invitation);
    }
    this.#tiles.set(id, tile);
    this.#showActive(tile);
    // A tile that is taken over keeps its last picture until the new one comes.
    this.#state(tile, former ? 'lost' : 'connecting');
    this.#layOut();
  }

  remove(id) {
    this.#tiles.get(id)?.element.remove();
    this.#tiles.delete(id);
    this.#layOut();
  }

  setStream(id, stream) {
    const tile = this.#tiles.get(id);
    if (!tile || tile.video.srcObject === stream) return;
    tile.element.classList.remove('pictured');
    tile.video.srcObject = stream;
    tile.video.addEventListener('loadeddata', () => tile.element.classList.add('pictured'), { once: true });
    this.#play(tile.video);
  }

  setLive(id) {
    const tile = this.#tiles.get(id);
    if (tile) this.#state(tile, 'live');
  }

  setInterrupted(id) {
    const tile = this.#tiles.get(id);
    if (tile) this.#lose(tile);
  }

  /** Who is in the spotlight, in order; perhaps somebody who has no tile. */
  get active() {
    return [...this.#active];
  }

  setActive(ids) {
    this.#active = new Set(ids);
    for (const tile of [this.#self, ...this.#tiles.values()]) if (tile) this.#showActive(tile);
  }

  /** We are out of the room: everybody waits. */
  lose() {
    clearTimeout(this.#sweep);
    for (const tile of this.#tiles.values()) {
      tile.awaited = true;
      this.#lose(tile);
    }
  }

  /** We are back in the room, which holds `participants`. */
  regain(participants) {
    for (const participant of participants) this.add(participant);
    this.#sweep = setTimeout(() => {
      for (const { id, awaited } of [...this.#tiles.values()]) if (awaited) this.remove(id);
    }, GONE_AFTER);
  }

  clear() {
    clearTimeout(this.#sweep);
    for (const tile of [...this.#tiles.values(), this.#self]) tile?.element.remove();
    this.#tiles.clear();
    this.#active.clear();
    this.#self = null;
  }

  /** @param {Map<string, number>} levels loudness by id, 0 to 1; ours as `self` */
  setLevels(levels) {
    for (const tile of [this.#self, ...this.#tiles.values()]) {
      tile?.element.classList.toggle('speaking', (levels.get(tile.id) ?? 0) > 0.02);
    }
  }

  /** @param {Map<string, string>} lines a line of numbers by id; ours as `self` */
  setDiagnostics(lines) {
    for (const tile of [this.#self, ...this.#tiles.values()]) {
      if (tile) tile.element.querySelector('.tile-diagnostics').textContent = lines.get(tile.id) ?? '';
    }
  }

  /** To be called on a click: what the browser held back may now sound. */
  unblock() {
    for (const { video } of this.#tiles.values()) {
      video.muted = false;
      this.#play(video);
    }
  }

  /** Id, name and state of everybody else, in the order in which they came. */
  get list() {
    return [...this.#tiles.values()].map(({ id, name, state }) => ({ id, name, state, active: this.#active.has(id) }));
  }

  #make({ id, account, name }) {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    const tile = { id, account, name, element, video: element.querySelector('video'), state: '', paused: false, awaited: false };
    element.dataset.id = id;
    this.#name(tile, name);
    this.#setPaused(tile, false);
    this.#showActive(tile);
    element.querySelector('.tile-spotlight').addEventListener('click', () => {
      this.dispatchEvent(new CustomEvent('spotlight', { detail: tile.id }));
    });
    element.querySelector('.tile-pause').addEventListener('click', () => {
      this.#setPaused(tile, !tile.paused);
      this.dispatchEvent(new CustomEvent('pause', { detail: { id: tile.id, paused: tile.paused } }));
    });
    return tile;
  }

  #name(tile, name) {
    tile.name = name;
    tile.element.setAttribute('aria-label', name);
    tile.element.querySelector('.tile-name').textContent = name;
    tile.element.querySelector('.tile-avatar').textContent = initials(name);
    tile.element.style.setProperty('--hue', hue(name));
  }

  #lose(tile) {
    keepPicture(tile);
    tile.element.classList.remove('pictured');
    this.#state(tile, 'lost');
  }

  #state(tile, state) {
    tile.state = tile.element.dataset.state = state;
  }

  #setPaused(tile, paused) {
    tile.paused = paused;
    tile.element.classList.toggle('paused', paused);
    const button = tile.element.querySelector('.tile-pause');
    if (!button) return;
    const label = `${paused ? 'Resume' : 'Pause'} ${tile.name}’s video`;
    button.setAttribute('aria-label', label);
    button.title = label;
    button.querySelector('use').setAttribute('href', paused ? '#icon-play' : '#icon-pause');
  }

  #showActive({ id, name, element }) {
    const active = this.#active.has(id);
    element.classList.toggle('spotlit', active);
    const button = element.querySelector('.tile-spotlight');
    button.setAttribute('aria-pressed', active);
    button.setAttribute('aria-label', `${name} in the spotlight`);
    button.title = active ? `Take ${name} out of the spotlight` : `Put ${name} in the spotlight`;
  }

  #play(video) {
    video.play().catch(({ name }) => {
      if (name !== 'NotAllowedError') return; // replaced by a later stream
      // The picture may always move; only sound needs a click.
      video.muted = true;
      video.play().catch(() => {});
      this.dispatchEvent(new Event('blocked'));
    });
  }

  #layOut() {
    const alone = this.#tiles.size === 0;
    this.#invitation.hidden = !alone;
    const count = this.#tiles.size + (alone ? 2 : 1);
    const style = getComputedStyle(this.#grid);
    const width = this.#grid.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const height = this.#grid.clientHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
    if (width <= 0 || height <= 0) return;
    this.#grid.style.setProperty('--tile-width', `${tileWidth(count, width, height, parseFloat(style.columnGap))}px`);
  }
}

/** A video element turns black with the end of its tracks; what it shows in this moment is copied beside it. */
function keepPicture({ element, video }) {
  if (!element.classList.contains('pictured') || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
  const still = element.querySelector('.tile-still');
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext('2d').drawImage(video, 0, 0);
}
