/** Microphone and camera, and in one word why there is none. */
export const CAMERA = { width: { ideal: 960 }, height: { ideal: 540 }, frameRate: { ideal: 24, max: 30 } };
export const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

export function request(constraints) {
  // Absent from pages that are not secure contexts.
  if (!navigator.mediaDevices?.getUserMedia) return Promise.reject(new DOMException('', 'SecurityError'));
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** @returns {'insecure'|'denied'|'missing'|'busy'|'broken'} what an error of `request` means */
export function causeOf({ name }) {
  switch (name) {
    case 'SecurityError':
      return 'insecure';
    case 'NotAllowedError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'broken';
  }
}
