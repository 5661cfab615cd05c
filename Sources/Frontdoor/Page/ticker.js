// Runs as a worker: timers of a window that is not in front are slowed down to one a second, those of a worker are not.
let timer = null;

self.onmessage = ({ data: interval }) => {
  clearInterval(timer);
  timer = interval ? setInterval(() => self.postMessage(null), interval) : null;
};
