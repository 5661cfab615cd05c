/** The few numbers that say whether media flows, read from a peer connection. */

/** @returns {Promise<{framesDecoded, audioPackets, audioEnergy, width, height, fps}>} what a feed or call has received */
export async function received(peer) {
  const numbers = { framesDecoded: 0, audioPackets: 0, audioEnergy: 0, width: 0, height: 0, fps: 0 };
  for (const report of (await peer.getStats()).values()) {
    if (report.type !== 'inbound-rtp') continue;
    if (report.kind === 'audio') {
      numbers.audioPackets += report.packetsReceived ?? 0;
      numbers.audioEnergy += report.totalAudioEnergy ?? 0;
    }
    if (report.kind === 'video') {
      numbers.framesDecoded += report.framesDecoded ?? 0;
      numbers.width = report.frameWidth ?? 0;
      numbers.height = report.frameHeight ?? 0;
      numbers.fps = Math.round(report.framesPerSecond ?? 0);
    }
  }
  return numbers;
}

/** @returns {Promise<{framesEncoded, audioPackets, width, height, fps, level}>} what we have sent, and how loud we are (0 to 1) */
export async function sent(peer) {
  const numbers = { framesEncoded: 0, audioPackets: 0, width: 0, height: 0, fps: 0, level: 0 };
  for (const report of (await peer.getStats()).values()) {
    if (report.type === 'media-source' && report.kind === 'audio') numbers.level = report.audioLevel ?? 0;
    if (report.type !== 'outbound-rtp') continue;
    if (report.kind === 'audio') numbers.audioPackets += report.packetsSent ?? 0;
    if (report.kind === 'video') {
      numbers.framesEncoded += report.framesEncoded ?? 0;
      numbers.width = report.frameWidth ?? 0;
      numbers.height = report.frameHeight ?? 0;
      numbers.fps = Math.round(report.framesPerSecond ?? 0);
    }
  }
  return numbers;
}
