/** SIP addresses as people type them, the credentials that go with them, and callers as they may be shown. */
import { md5 } from './md5.js';

const LONGEST_NAME = 80; // characters shown of what a caller calls himself
// Controls, and what turns the direction of text: a caller's name must not rearrange ours.
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** {user, domain, address}, or null for what is no `user@domain`; a scheme may stand before it. */
export function account(typed) {
  const [, user, domain] = /^(?:sips?:)?([^\s@:;<>"]+)@([^\s@:;<>"]+)$/i.exec(typed.trim()) ?? [];
  return user ? { user, domain: domain.toLowerCase(), address: `${user}@${domain.toLowerCase()}` } : null;
}

/** Whom to call: what is typed, without a scheme; a bare name or number is taken to be in our own domain. Null if it is nothing. */
export function destination(typed, ownDomain) {
  const text = typed.trim().replace(/^sips?:/i, '');
  if (!text || /[\s<>"]/.test(text)) return null;
  if (text.includes('@')) return text;
  // Numbers are often written with what nobody dials.
  const bare = /^\+?[\d().\-/]+$/.test(text) ? text.replace(/[().\-/]/g, '') : text;
  return `${bare}@${ownDomain}`;
}

/** What a registrar keeps instead of the password (RFC 2617 §3.2.2.2), and all that leaves this page of it. */
export function ha1(user, realm, password) {
  return md5(`${user}:${realm}:${password}`);
}

/** {name, address} of somebody, in plain and short text: to be shown as text and never as anything else. */
export function shown({ uri, display_name: name }) {
  const address = plain(String(uri ?? '')) || 'unknown';
  return { name: plain(String(name ?? '')) || address, address };
}

function plain(text) {
  const characters = Array.from(text.replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim());
  return characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME).join('')}…` : characters.join('');
}
