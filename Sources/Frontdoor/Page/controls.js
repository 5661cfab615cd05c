/**
 * Buttons that show and change what we publish, and the phone's. There are two sets, on the way in and in the room; both follow the same media.
 */
export function bindMicrophone(button, media, toggle) {
  const update = () => {
    describe(button, !media.muted, media.muted ? 'Unmute' : 'Mute', 'm', media.muted ? '#icon-mic-off' : '#icon-mic');
  };
  button.addEventListener('click', toggle);
  media.addEventListener('change', update);
  update();
}

export function bindCamera(button, media, toggle) {
  const update = () => {
    const on = media.cameraOn;
    describe(button, on, on ? 'Turn camera off' : 'Turn camera on', 'v', on ? '#icon-camera' : '#icon-camera-off');
  };
  button.addEventListener('click', toggle);
  media.addEventListener('change', update);
  update();
}

/** Buttons that open and close the phone; who closes it is back where it was opened. */
export function bindPhone(buttons, phone) {
  let opener = null;
  for (const button of buttons) {
    button.addEventListener('click', () => {
      opener = button;
      phone.toggle();
    });
  }
  const update = () => {
    for (const button of buttons) button.setAttribute('aria-expanded', phone.isOpen);
  };
  phone.addEventListener('shown', update);
  phone.addEventListener('hidden', () => {
    update();
    opener?.focus();
  });
}

/** Single keys, but never while somebody types or presses them together with others. */
export function bindKeys(actions) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest?.('input, textarea, select, [contenteditable]')) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** The label says what a press will do; `off` is for the eye only, so that nothing is said twice. */
function describe(button, on, label, key, icon) {
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-keyshortcuts', key);
  button.title = `${label} (${key})`;
  button.classList.toggle('off', !on);
  button.querySelector('use').setAttribute('href', icon);
}
