/**
 * MD5 (RFC 1321), for digest authentication only: SIP registrars keep the MD5 of `user:realm:password`, and the browser's own
 * cryptography leaves MD5 out for good reasons.
 */
const BLOCK = 64; // bytes
const ROTATIONS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]]; // §3.4, by round
const SINES = Uint32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32));
const BEGINNING = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]; // §3.3

/** What the round does with its three words, and which word of the block each of its steps takes. */
const ROUNDS = [
  { mix: (x, y, z) => (x & y) | (~x & z), word: (step) => step },
  { mix: (x, y, z) => (x & z) | (y & ~z), word: (step) => (5 * step + 1) % 16 },
  { mix: (x, y, z) => x ^ y ^ z, word: (step) => (3 * step + 5) % 16 },
  { mix: (x, y, z) => y ^ (x | ~z), word: (step) => (7 * step) % 16 },
];

/** @param {string} text taken as UTF-8 @returns {string} 32 hexadecimal digits in small letters */
export function md5(text) {
  const message = padded(new TextEncoder().encode(text));
  const state = Uint32Array.from(BEGINNING);
  for (let at = 0; at < message.byteLength; at += BLOCK) {
    const block = new DataView(message.buffer, at, BLOCK);
    takeBlock(state, (word) => block.getUint32(4 * word, true));
  }
  const digest = new DataView(new ArrayBuffer(16));
  state.forEach((word, index) => digest.setUint32(4 * index, word, true));
  return Array.from(new Uint8Array(digest.buffer), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** §3.1 and §3.2: a one bit, zeros up to eight bytes before the end of a block, and the length in bits. */
function padded(bytes) {
  const message = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK);
  message.set(bytes);
  message[bytes.length] = 0x80;
  new DataView(message.buffer).setBigUint64(message.length - 8, BigInt(bytes.length) * 8n, true);
  return message;
}

function takeBlock(state, wordAt) {
  let [a, b, c, d] = state;
  for (let step = 0; step < 64; step += 1) {
    const round = step >> 4;
    const { mix, word } = ROUNDS[round];
    const sum = (a + mix(b, c, d) + wordAt(word(step)) + SINES[step]) | 0;
    const rotation = ROTATIONS[round][step % 4];
    [a, d, c, b] = [d, c, b, (b + ((sum << rotation) | (sum >>> (32 - rotation)))) | 0];
  }
  [a, b, c, d].forEach((word, index) => {
    state[index] += word;
  });
}
