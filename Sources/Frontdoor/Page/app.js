/**
 * The page: what was asked for, what is published, what is shown. Each of these is a module of its own; here they meet.
 */
import { Attendance } from './attendance.js';
import { bindCamera, bindKeys, bindMicrophone, bindPhone } from './controls.js';
import { guestAddress, remember, roomLink, roomName, roomURI, wishes } from './identity.js';
import { IncomingDialog, InviteDialog } from './invitations.js';
import { LocalMedia } from './media.js';
import { Banner, Notices } from './notices.js';
import { Phone } from './phone.js';
import { Reachability } from './reachable.js';
import { received, sent } from './statistics.js';
import { Tiles } from './tiles.js';
import { RoomWindow } from './windows.js';
import { explainDevices } from './words.js';

const element = (id) => document.getElementById(id);

const media = new LocalMedia();
const tiles = new Tiles(element('grid'), element('tile-template'), element('invitation'));
const notices = new Notices(element('notices'), element('notice-template'));
const banner = new Banner(element('banner'));
const preview = new MediaStream();
const inviteDialog = new InviteDialog(element('invite-dialog'), (address) => visit.attendance.invite(address));
const incoming = new IncomingDialog(element('incoming'));
const gatewayURL = new URL('ws', document.baseURI).href.replace(/^http/, 'ws');
const reachability = new Reachability(gatewayURL);

const phone = new Phone({
  panel: element('phone'),
  ringing: element('ringing'),
  template: element('missed-template'),
  url: gatewayURL,
  say,
});

/** The visit under way, or null on the way in: {attendance, roomWindow, name, room, direct, mutedByUs}. */
let visit = null;
let account = null;

// The way in and out.

const form = element('join-form');
const { name: nameField, room: roomField } = form.elements;

function joinPressed() {
  if (visit) return leave();
  const name = nameField.value.trim();
  const room = roomField.value.trim();
  if (!name || !room) return form.reportValidity();
  remember({ name, room });
  join(name, room);
}

async function join(name, room, { direct = false } = {}) {
  const uri = roomURI(room);
  account ??= guestAddress(name);
  reachability.stop();
  media.name = name;
  media.activate();
  showLobbyMessage('');

  const roomWindow = new RoomWindow();
  const attendance = new Attendance({
    url: gatewayURL,
    account,
    displayName: name,
    room: uri,
    tracks: () => ({ audio: media.audio, video: media.video }),
  });
  visit = { attendance, roomWindow, name, room, direct, mutedByUs: false };
  follow(attendance);
  setStage('joining');

  const first = await roomWindow.enter(uri, otherWindowsLeft);
  if (visit?.attendance !== attendance) return roomWindow.leave();
  if (!first && !media.muted) {
    media.setMuted(true);
    visit.mutedByUs = true;
  }
  attendance.run();
}

/** Back to the way in, with a reason when it was not our wish. */
function leave(reason = '') {
  const { attendance, roomWindow, mutedByUs } = visit;
  visit = null;
  attendance.leave();
  roomWindow.leave();
  if (mutedByUs) media.setMuted(false);
  tiles.clear();
  notices.clear();
  banner.hide();
  inviteDialog.close();
  setStage('lobby');
  beReachable();
  showLobbyMessage(reason);
  element('join').focus();
}

function follow(attendance) {
  const on = (type, react) =>
    attendance.addEventListener(type, ({ detail }) => {
      // Events of a visit that was given up may still arrive.
      if (visit?.attendance === attendance) react(detail);
    });
  on('change', attendanceChanged);
  on('roster', (participants) => {
    tiles.setActive([]);
    tiles.regain(participants);
    peopleChanged();
  });
  on('arrived', (participant) => {
    tiles.add(participant);
    peopleChanged(`${participant.name} has joined`);
  });
  on('left', (id) => {
    const { name } = tiles.list.find((tile) => tile.id === id) ?? {};
    tiles.remove(id);
    peopleChanged(name ? `${name} has left` : '');
  });
  on('invited', invited);
  on('stream', ({ id, stream }) => tiles.setStream(id, stream));
  on('live', (id) => tiles.setLive(id));
  on('interrupted', (id) => tiles.setInterrupted(id));
  on('active', (ids) => tiles.setActive(ids));
}

function attendanceChanged({ state, text, resumesAt }) {
  const inRoom = document.documentElement.dataset.stage === 'room';
  switch (state) {
    case 'connecting':
    case 'joining':
      if (inRoom) banner.resume();
      break;
    case 'joined':
      banner.hide();
      showLobbyMessage('');
      if (inRoom) say('Back in the room');
      else enterRoom();
      break;
    case 'waiting':
      tiles.lose();
      if (inRoom) banner.show(text, resumesAt);
      else showLobbyMessage(text);
      break;
    case 'refused':
      leave(text);
      break;
    case 'left':
      break;
  }
}

function enterRoom() {
  const { name, room, mutedByUs, direct } = visit;
  const link = roomLink(room);
  element('room-name').textContent = room;
  element('second-window').href = link;
  // Reloading then leads back here, and the address bar can be copied as it is.
  const address = new URL(location.href);
  address.searchParams.set('room', room);
  history.replaceState(null, '', address);
  setStage('room');
  tiles.showSelf(name);
  showOurselves();
  peopleChanged(`You are in the room ${room}`);
  if (mutedByUs) {
    notices.show('other-window', 'Muted, because another window on this computer is in the room; both microphones together would echo.', {
      action: { label: 'Unmute', run: () => setMuted(false) },
    });
  }
  // Who came by way of the form has read it there.
  const missing = direct && explainDevices(media.problems);
  if (missing) notices.show('devices', missing, { lasts: 12_000 });
}

function otherWindowsLeft() {
  if (!visit?.mutedByUs) return;
  notices.show('other-window', 'The other window has left the room. You are still muted.', {
    action: { label: 'Unmute', run: () => setMuted(false) },
  });
}

// Invitations.

/** On the way in nobody is there for invitations but who has an address that others know. */
function beReachable() {
  if (wished.account) reachability.start(wished.account);
}

function invited(invitation) {
  // Who is in that room already, or about to be, needs no word of it.
  if (visit && roomURI(visit.room) === invitation.room) return;
  incoming.show(invitation, () => {
    const name = visit?.name ?? (nameField.value.trim() || 'Guest');
    const room = roomName(invitation.room);
    if (visit) leave();
    nameField.value = name;
    roomField.value = room;
    remember({ name, room });
    join(name, room);
  });
}

// What we publish.

function setMuted(muted) {
  media.setMuted(muted);
  // From here on it is the person's own choice, and no longer ours to explain or to take back.
  if (visit) visit.mutedByUs = false;
  notices.dismiss('other-window');
  say(muted ? 'Microphone off' : 'Microphone on');
}

const toggleMicrophone = () => setMuted(!media.muted);

async function toggleCamera() {
  const wanted = !media.cameraOn;
  const on = await media.setCamera(wanted);
  say(on ? 'Camera on' : 'Camera off');
  if (wanted && !on && visit) notices.show('devices', explainDevices(media.problems), { lasts: 12_000 });
}

function showOurselves() {
  const [shown] = preview.getVideoTracks();
  if (shown !== media.video) {
    if (shown) preview.removeTrack(shown);
    if (media.video) preview.addTrack(media.video);
  }
  element('preview').classList.toggle('mirrored', media.cameraOn);
  tiles.setSelf({ stream: preview, mirrored: media.cameraOn, muted: media.muted });
  element('device-message').textContent = explainDevices(media.problems) ?? '';
}

media.addEventListener('change', showOurselves);
media.addEventListener('track', ({ detail: { kind, track } }) => {
  visit?.attendance.conference?.replaceTrack(kind, track).catch(() => {}); // the conference ended meanwhile
});

// What is shown.

/** `lobby`, `joining` or `room`, for the style sheet and for tests. */
function setStage(stage) {
  document.documentElement.dataset.stage = stage;
  element('lobby').inert = stage === 'room';
  element('stage').inert = stage !== 'room';
  element('join-label').textContent = stage === 'joining' ? 'Cancel' : 'Join';
  nameField.disabled = roomField.disabled = stage === 'joining';
  document.title = stage === 'room' ? `${visit.room} · Continuo` : 'Continuo';
}

function showLobbyMessage(text) {
  element('lobby-message').textContent = text;
}

function peopleChanged(text = '') {
  const count = tiles.size + 1;
  element('people').textContent = count === 1 ? 'only you' : `${count} people`;
  if (text) say(text);
}

/** For screen readers. */
function say(text) {
  element('status').textContent = text;
}

async function copyLink() {
  const link = roomLink(visit.room);
  try {
    await navigator.clipboard.writeText(link);
    notices.show('link', 'The link to this room is copied. Send it to whom you want to meet.', { lasts: 5_000 });
  } catch {
    // No clipboard without a secure context; the link can still be marked and copied by hand.
    notices.show('link', link);
  }
}

setInterval(async () => {
  const conference = visit?.attendance.conference;
  if (!conference) return;
  const levels = conference.levels;
  if (!media.muted) levels.set('self', (await sent(conference.peers.publisher)).level);
  tiles.setLevels(levels);
}, 250);

// Diagnostics: a line in each tile, and a hook for tests and curious people.

let diagnosing = false;

function toggleDiagnostics() {
  diagnosing = !diagnosing;
  element('diagnostics').setAttribute('aria-pressed', diagnosing);
  element('grid').classList.toggle('diagnosing', diagnosing);
  diagnose();
}

async function diagnose() {
  if (!diagnosing || !visit) return;
  const { self, tiles: others } = await stats();
  const line = ({ width, height, fps, audioPackets }, frames) => `${width}×${height} ${fps} fps · ${frames} frames · ${audioPackets} audio packets`;
  const lines = new Map(others.map((tile) => [tile.id, line(tile, tile.framesDecoded)]));
  if (self) lines.set('self', line(self, self.framesEncoded));
  tiles.setDiagnostics(lines);
}

setInterval(diagnose, 1_000);

/**
 * state: `lobby`, or that of the attendance (connecting, joining, joined, waiting).
 * self: what we send, or null. tiles: everybody else, in the order of the grid; tile state is connecting, live or lost.
 */
async function stats() {
  const peers = visit?.attendance.conference?.peers;
  const others = tiles.list.map(async (tile) => {
    const peer = peers?.feeds.get(tile.id);
    const nothing = { framesDecoded: 0, audioPackets: 0, width: 0, height: 0, fps: 0 };
    return { ...tile, ...(peer ? await received(peer) : nothing) };
  });
  return {
    state: visit?.attendance.state ?? 'lobby',
    self: peers ? { active: tiles.active.includes('self'), muted: media.muted, cameraOn: media.cameraOn, ...(await sent(peers.publisher)) } : null,
    tiles: await Promise.all(others),
  };
}

window.continuo = {
  stats,
  join: (name, room) => {
    if (!visit) join(name, room, { direct: true });
  },
  leave: () => {
    if (visit) leave();
  },
  setMuted,
  phone,
};

// Beginning.

element('preview').srcObject = preview;
bindMicrophone(element('lobby-microphone'), media, toggleMicrophone);
bindMicrophone(element('microphone'), media, toggleMicrophone);
bindCamera(element('lobby-camera'), media, toggleCamera);
bindCamera(element('camera'), media, toggleCamera);
bindKeys({ m: toggleMicrophone, v: toggleCamera });
form.addEventListener('submit', (event) => {
  event.preventDefault();
  joinPressed();
});
nameField.addEventListener('input', () => {
  media.name = nameField.value;
});
element('leave').addEventListener('click', () => leave());
element('copy-link').addEventListener('click', copyLink);
element('invite').addEventListener('click', () => inviteDialog.open(account));
reachability.addEventListener('invited', ({ detail }) => invited(detail));
phone.addEventListener('invited', ({ detail }) => invited(detail));
bindPhone([element('lobby-phone'), element('room-phone')], phone);
element('invite-link').addEventListener('click', copyLink);
element('diagnostics').addEventListener('click', toggleDiagnostics);
element('retry').addEventListener('click', () => visit?.attendance.retryNow());
tiles.addEventListener('pause', ({ detail: { id, paused } }) => {
  visit?.attendance.conference?.setPaused(id, paused).catch(() => {}); // the feed ended meanwhile
});
tiles.addEventListener('spotlight', ({ detail: id }) => {
  const active = tiles.active;
  const wanted = active.includes(id) ? active.filter((other) => other !== id) : [...active, id].slice(-2);
  visit?.attendance.conference?.setActive(wanted).catch(() => {}); // somebody has left meanwhile; we are told who is in it
});
tiles.addEventListener('blocked', () => {
  notices.show('blocked', 'Your browser keeps the sound back until you click.', { action: { label: 'Click to hear', run: () => tiles.unblock() } });
});
document.addEventListener('pointerdown', () => media.activate());
document.addEventListener('keydown', () => media.activate());
window.addEventListener('online', () => {
  visit?.attendance.retryNow();
  phone.retryNow();
});
// A page that is put aside keeps its connections for a while; the others should see at once that we are gone.
window.addEventListener('pagehide', () => {
  if (visit) leave();
  reachability.stop();
  phone.leave();
});
window.addEventListener('pageshow', ({ persisted }) => {
  if (persisted && !visit) beReachable();
});

const wished = wishes();
nameField.value = wished.name;
roomField.value = wished.room;
media.name = wished.name;
account = wished.account;
beReachable();
setStage('lobby');
showOurselves();
const opened = media.open();
if (wished.join && wished.room) {
  // Devices that answer at once save everybody a change of picture; a permission prompt may take for ever.
  await Promise.race([opened, new Promise((resolve) => setTimeout(resolve, 1_500))]);
  if (!visit) join(wished.name || 'Guest', wished.room, { direct: true });
} else {
  (wished.name ? (wished.room ? element('join') : roomField) : nameField).focus();
}
