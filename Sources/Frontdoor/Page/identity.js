/**
 * Who joins what: the page's parameters, what it remembers, and the addresses that the protocol needs.
 *
 * Parameters: `room` and `name` fill in the form, `join` (with or without a value) joins at once; `account` is an address under
 * which others can invite, instead of one that the page makes up.
 */
const DEFAULT_DOMAIN = 'conference.invalid'; // reserved (RFC 2606): can never be somebody's real domain
const NAME_KEY = 'continuo.name';
const ROOM_KEY = 'continuo.room';

export function wishes() {
  const parameters = new URLSearchParams(location.search);
  return {
    name: parameters.get('name') ?? recall(NAME_KEY) ?? '',
    room: parameters.get('room') ?? recall(ROOM_KEY) ?? '',
    join: parameters.has('join'),
    account: parameters.get('account') || null,
  };
}

export function remember({ name, room }) {
  try {
    localStorage.setItem(NAME_KEY, name);
    localStorage.setItem(ROOM_KEY, room);
  } catch {
    // Storage may be switched off; the form then simply starts empty next time.
  }
}

function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/**
 * A guest's address. Others see the display name; the address tells two people of one name apart, and our own former session
 * from company after a reconnect. So it is made once per page.
 */
export function guestAddress(name) {
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => 'abcdefghijklmnopqrstuvwxyz'[byte % 26]);
  return `${slug(name) || 'guest'}-${letters.join('')}@guest.invalid`;
}

/** What a person types as a room becomes a URI, the same for "Team Room" and "team room". A full URI stays as it is. */
export function roomURI(typed) {
  const text = typed.trim();
  if (text.includes('@')) return text;
  return `${encodeURIComponent(text.toLowerCase().replace(/\s+/g, '-'))}@${DEFAULT_DOMAIN}`;
}

/** What a person would type for a URI. */
export function roomName(uri) {
  const [name, domain] = [uri.slice(0, uri.lastIndexOf('@')), uri.slice(uri.lastIndexOf('@') + 1)];
  if (domain !== DEFAULT_DOMAIN) return uri;
  try {
    return decodeURIComponent(name);
  } catch {
    return uri; // not made here: its percent signs mean something else
  }
}

/** A link that fills in the room. */
export function roomLink(room) {
  const link = new URL(location.href);
  link.search = new URLSearchParams({ room }).toString();
  link.hash = '';
  return link.href;
}

/** One or two letters for a person without a picture. */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => Array.from(word)[0].toLocaleUpperCase()).join('') || '?';
}

/** A hue (0 to 359) that stays with a name. */
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 9973;
  // Steps of the golden angle keep similar names apart.
  return Math.round(hash * 137.508) % 360;
}

function slug(text) {
  return text.normalize('NFKD').toLowerCase().replace(/[\u0300-\u036f]/g, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 24);
}
