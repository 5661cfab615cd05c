/** Short messages over the room: hints that can be dismissed, and one banner for a room that is being regained. */

export class Notices {
  #list;
  #template;
  #shown = new Map();

  constructor(list, template) {
    this.#list = list;
    this.#template = template;
  }

  /**
   * Shows a hint, in place of an earlier one of the same key.
   * @param {{action?: {label, run}, lasts?: number}} options `lasts` in milliseconds; for ever without it
   */
  show(key, text, { action, lasts } = {}) {
    this.dismiss(key);
    const element = this.#template.content.firstElementChild.cloneNode(true);
    element.dataset.key = key;
    element.querySelector('.notice-text').textContent = text;
    const button = element.querySelector('.notice-action');
    if (action) {
      button.textContent = action.label;
      button.addEventListener('click', () => {
        this.dismiss(key);
        action.run();
      });
    } else {
      button.remove();
    }
    element.querySelector('.notice-close').addEventListener('click', () => this.dismiss(key));
    this.#list.append(element);
    this.#shown.set(key, { element, timer: lasts ? setTimeout(() => this.dismiss(key), lasts) : null });
  }

  dismiss(key) {
    const notice = this.#shown.get(key);
    if (!notice) return;
    this.#shown.delete(key);
    clearTimeout(notice.timer);
    notice.element.remove();
  }

  clear() {
    for (const key of [...this.#shown.keys()]) this.dismiss(key);
  }
}

export class Banner {
  #element;
  #timer = null;

  constructor(element) {
    this.#element = element;
  }

  /** `resumesAt` as in Date.now(); the seconds until then are counted down, unseen by screen readers. */
  show(text, resumesAt = 0) {
    clearInterval(this.#timer);
    // Assistive technology reads what changes in a live region: leave the words alone while they stay the same.
    const words = this.#element.querySelector('.banner-text');
    if (words.textContent !== text) words.textContent = text;
    const tick = () => {
      const seconds = Math.ceil((resumesAt - Date.now()) / 1_000);
      this.#element.querySelector('.banner-seconds').textContent = seconds > 0 ? `${seconds} s` : '';
    };
    tick();
    this.#timer = setInterval(tick, 250);
    this.#element.classList.add('shown');
  }

  /** The pause is over; the words stay until it is known what came of the attempt. */
  resume() {
    this.show(this.#element.querySelector('.banner-text').textContent);
  }

  hide() {
    clearInterval(this.#timer);
    this.#element.classList.remove('shown');
  }
}
