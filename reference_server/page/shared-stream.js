/**
 * One connection a task for all tabs of a browser, and never all of the browser's connections.
 *
 * Over HTTP/1.1 a browser opens about six connections to a host, for all its tabs together. A stream
 * holds one for as long as it lives: with six streams open no page of that host would load any more.
 *
 * - Of the tabs that follow the same task one leads. It holds a Web Lock and the connection and tells
 *   the others each state over a BroadcastChannel. When it goes away, however it goes, the browser
 *   gives the lock to the next tab, which connects and is told the current state by the server.
 * - Of all leaders at most SLOTS hold a stream; the others poll until one of these is free.
 */
const HELLO = "hello"; // a new tab asks the leader for the current state
const SLOTS = 4; // leaves two of six connections for pages and requests

/**
 * Leads when it is this tab's turn, and follows the leader until then.
 * @param key names the task; @param lead (publish, state) => {close()}; @returns {close()}
 */
export function shareStream(key, lead, state, publish) {
  const name = `progress ${key}`;
  const channel = new BroadcastChannel(name);
  const turn = new AbortController();
  let stream = null;
  let release = () => {};

  const take = (next) => {
    state = next;
    publish(next);
  };
  const tell = (next) => {
    channel.postMessage(next);
    take(next);
  };
  channel.onmessage = ({ data }) => {
    if (data !== HELLO) take(data);
    else if (stream) channel.postMessage(state);
  };
  channel.postMessage(HELLO);
  navigator.locks
    .request(name, { signal: turn.signal }, () => {
      if (turn.signal.aborted) return undefined;
      const held = new Promise((resolve) => (release = resolve));
      stream = lead(tell, state);
      return held;
    })
    .catch((reason) => {
      if (!turn.signal.aborted) throw reason; // aborted: closed while waiting for its turn
    });

  return {
    close() {
      turn.abort();
      stream?.close();
      release();
      channel.close();
    },
  };
}

/** Takes one of the connections kept for streams; resolves to the function that gives it back, or null. */
export async function takeSlot(base) {
  for (let slot = 0; slot < SLOTS; slot += 1) {
    const release = await tryLock(`progress slot ${slot} of ${base}`);
    if (release) return release;
  }
  return null;
}

function tryLock(name) {
  return new Promise((resolve) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null);
      return new Promise((release) => resolve(release));
    });
  });
}
