/** Registrations and calls in plain words. Texts of SIP and of Janus come through the gateway as they are; what is not known is shown as it is. */
import { explain } from './words.js';

const REQUESTS = [
  [/domain not allowed/i, 'This gateway does not take accounts of that domain.', false],
  [/dns lookup error: timeout/i, 'Looking up the domain took too long.', true],
  [/dns lookup error/i, 'There is no telephone service at that domain.', false],
  [/invalid uri/i, 'That is not an address. One looks like name@example.org.', false],
  [/already added/i, 'The gateway still remembers this account.', true],
  [/too many/i, 'That is more than the gateway takes at once.', false],
];

/** @param {import('./sylkrtc.js').SylkError} error of a request @returns {{text: string, temporary: boolean}} */
export function explainRequest(error) {
  if (error.kind === 'refused') {
    for (const [pattern, text, temporary] of REQUESTS) if (pattern.test(error.message)) return { text, temporary };
  }
  return explain(error);
}

const REGISTRATIONS = [
  [/^(401|403|407|904)\b/, 'The registrar does not accept this account or password', false],
  [/^404\b/, 'The registrar does not know this account', false],
  [/^(408|50\d)\b/, 'The registrar does not answer', true],
  // Of a registration that was lost: the gateway goes on trying, too.
  [/^(no worker|worker lost|request timed out|the registry|dns lookup)/i, 'The gateway cannot register just now', true],
];

/** @param {string} reason of a registration that failed */
export function explainRegistration(reason) {
  const [, text, temporary] = REGISTRATIONS.find(([pattern]) => pattern.test(reason)) ?? [null, 'Registering failed', false];
  return { text: reason ? `${text} (${reason}).` : `${text}.`, temporary };
}

const ENDINGS = [
  [/^200\b/, 'The call has ended.'],
  [/^(486|600)\b/, 'Busy.'],
  [/^603\b/, 'Declined.'],
  [/^(404|410|484|604)\b/, 'Nobody can be reached at this address.'],
  [/^480\b/, 'Not available just now.'],
  [/^408\b/, 'No answer.'],
  [/^487\b/, 'Given up before it was answered.'],
  [/^(488|606)\b/, 'The two ends have no kind of sound in common.'],
  [/^(401|403|407|904)\b/, 'The call is not allowed.'],
  [/^500 (worker|janus) lost/i, 'The server that carried the call went away.'],
  [/^connection lost/, 'The connection to the gateway was interrupted.'],
  [/^503\b/, 'The call could not be put through.'],
  // With the account or its registration, too.
  [/^reason unspecified/, 'The call has ended.'],
  [/dtls alert|ice failed|close pc|media/i, 'The sound connection broke.'],
];

/** @param {string} reason of a call that ended; empty when it was our own wish */
export function explainEnding(reason) {
  if (!reason) return 'The call has ended.';
  return ENDINGS.find(([pattern]) => pattern.test(reason))?.[1] ?? `The call has ended: ${reason}`;
}

const DEVICES = {
  insecure: 'browsers give it to secure pages only (https, or this computer’s own address)',
  denied: 'this page may not use it. Allow it in the browser’s address bar and try again',
  missing: 'none was found',
  busy: 'another program is using it',
  broken: 'it could not be started',
};

/** @param {'audio'|'video'} kind @param {string} cause as devices.js names it */
export function explainNoDevice(kind, cause) {
  return `${kind === 'audio' ? 'No microphone' : 'No camera'}: ${DEVICES[cause]}.`;
}
