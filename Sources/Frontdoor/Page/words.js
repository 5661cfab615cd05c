/**
 * Failures in plain words, and whether trying again by itself makes sense.
 *
 * The gateway's texts are fixed by the protocol, Janus's own texts pass through it unchanged; both are matched by pattern here
 * and nowhere else. A text that is not known is shown as it is: better foreign words than none.
 */
const TEXTS = [
  [/not allowed to join room/i, 'This room does not let you in. Ask its host, or choose another room.', false],
  [/maximum number of publishers|\bfull\b|\b432\b/i, 'This room is full. Try again when somebody has left, or choose another room.', false],
  [/domain not allowed/i, 'This gateway does not take guests.', false],
  [/invalid uri/i, 'That is not a usable room name. Letters, digits and dashes always work.', false],
  [/kicked/i, 'You were removed from the room.', false],
  [/account .* already added/i, 'Your guest address is in use on this connection. Starting afresh.', true],
  [/unknown account/i, 'The gateway has forgotten you. Starting afresh.', true],
  [/session id .* already in use/i, 'The room still remembers an earlier visit of yours. Trying again with a new one.', true],
  [/not available yet|not (yet )?implemented|not supported/i, 'This gateway does not offer that yet.', false],
  [/dns lookup error/i, 'An address could not be looked up. Trying again.', true],
  [/too many|limit/i, 'The gateway is very busy just now. Trying again.', true],
  [/deadline|timed? ?out|timeout|no answer|did not answer/i, 'The gateway took too long to answer. Trying again.', true],
  [/worker|incarnation|abandoned|drain/i, 'The server that carried this room went away. Coming back by itself.', true],
  [/janus|backend|media server/i, 'The media server went away. Coming back by itself.', true],
  [/no such room|room .*destroyed|destroyed/i, 'The room was closed for a moment. Coming back by itself.', true],
  [/dtls|ice failed|reason unspecified/i, 'The media connection broke. Coming back by itself.', true],
  [/internal error/i, 'The gateway made a mistake. Trying again.', true],
];

/** @param {import('./sylkrtc.js').SylkError} error */
export function explain(error) {
  switch (error.kind) {
    case 'unavailable':
      return { text: 'The gateway is not available just now. Trying again.', temporary: true };
    case 'closed':
      return { text: 'The connection was interrupted. Coming back by itself.', temporary: true };
    case 'media':
      return { text: 'The media connection broke. Coming back by itself.', temporary: true };
  }
  for (const [pattern, text, temporary] of TEXTS) {
    if (pattern.test(error.message)) return { text, temporary };
  }
  if (error.kind === 'terminated') {
    const text = error.message ? `The room ended your visit: ${error.message}. Coming back by itself.` : 'The room ended your visit. Coming back by itself.';
    return { text, temporary: true };
  }
  return { text: error.message, temporary: false };
}

const CAUSES = {
  insecure: 'browsers give them to secure pages only (https, or this computer’s own address)',
  denied: 'this page may not use them',
  missing: 'none was found',
  busy: 'another program is using them',
  broken: 'they could not be started',
};

const SINGULAR = {
  insecure: 'browsers give it to secure pages only (https, or this computer’s own address)',
  denied: 'this page may not use it',
  missing: 'none was found',
  busy: 'another program is using it',
  broken: 'it could not be started',
};

/** One sentence for what stands in for which device. Null when camera and microphone both work. */
export function explainDevices({ video, audio }) {
  if (video && audio) {
    const cause = video === audio ? CAUSES[video] : `${SINGULAR[video]}, and for the microphone ${SINGULAR[audio]}`;
    return `No camera and no microphone: ${cause}. You can join all the same, with a moving picture and silence.`;
  }
  if (video) return `No camera: ${SINGULAR[video]}. Others will see a moving picture instead, and hear you.`;
  if (audio) return `No microphone: ${SINGULAR[audio]}. Others will see you, but hear silence.`;
  return null;
}
