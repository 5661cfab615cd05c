/**
 * The ICE servers that calls use, as the person gives them: one a line, for TURN with user name and password behind it.
 *
 * They are kept for as long as this window is open, and go nowhere: they may hold a password.
 */
const KEY = 'continuo.ice';

/** @returns {RTCIceServer[]} @throws {Error} in plain words, when a line is none */
export function readServers(text) {
  const servers = text.split('\n').map((line) => line.trim()).filter(Boolean).map(readLine);
  try {
    new RTCPeerConnection({ iceServers: servers }).close();
  } catch {
    throw new Error('The browser does not take these ICE servers.');
  }
  return servers;
}

export function rememberServers(text) {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    // Storage may be switched off; then they are forgotten when the page is loaded again.
  }
}

export function recallServers() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

function readLine(line) {
  const [urls, username, credential, ...more] = line.split(/\s+/);
  const isRelay = /^turns?:\S/.test(urls);
  if (!isRelay && !/^stuns?:\S/.test(urls)) throw new Error(`An ICE server begins with stun: or turn:, and “${urls}” does not.`);
  if (isRelay && credential === undefined) throw new Error(`“${urls}” needs a user name and a password behind it.`);
  if (more.length > 0 || (!isRelay && username !== undefined)) throw new Error(`There is too much behind “${urls}”.`);
  return isRelay ? { urls, username, credential } : { urls };
}
