import { shown } from './sipaddress.js';

const KEPT = 20;

/** The calls nobody took, the latest first. */
export class MissedCalls {
  #section;
  #list;
  #template;
  #callBack;

  /** @param {(uri: string) => void} callBack what the button of an entry does */
  constructor(section, template, callBack) {
    this.#section = section;
    this.#list = section.querySelector('ul');
    this.#template = template;
    this.#callBack = callBack;
    section.querySelector('.missed-clear').addEventListener('click', () => this.clear());
    this.clear();
  }

  add(originator) {
    const { name, address } = shown(originator);
    const entry = this.#template.content.firstElementChild.cloneNode(true);
    entry.querySelector('.missed-name').textContent = name;
    entry.querySelector('.missed-name').title = address;
    const time = entry.querySelector('time');
    const now = new Date();
    time.dateTime = now.toISOString();
    time.textContent = now.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    const button = entry.querySelector('button');
    button.setAttribute('aria-label', `Call ${name} back`);
    button.addEventListener('click', () => this.#callBack(String(originator.uri ?? '')));
    this.#list.prepend(entry);
    while (this.#list.children.length > KEPT) this.#list.lastElementChild.remove();
    this.#section.hidden = false;
    return name;
  }

  clear() {
    this.#list.replaceChildren();
    this.#section.hidden = true;
  }
}
