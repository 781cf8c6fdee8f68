/**
 * Follows one task's progress: `progress`, `error`, `isConnected`, and how it `ended`.
 *
 *     const client = new ProgressClient(taskId);
 *     const unsubscribe = client.subscribe((state) => render(state)); // at once, then on every change
 *     client.close(); // when the view goes away; a client whose task has ended closes by itself
 *
 * `state` is frozen and replaced as a whole:
 *
 *     progress     TaskProgress | null  the last known state; kept while the connection is lost
 *     error        string | null        what to tell the reader; null again once it no longer holds
 *     isConnected  boolean              updates are arriving
 *     ended        null                 still followed, or closed by the caller
 *                  "completed" "failed" the task's own end; a failed task's reason is in `error` too
 *                  "unknown"            the server does not know the task: it restarted, or forgot it
 *                  "refused"            the server refuses this client (401, 403, a malformed id)
 *                  "unreachable"        gave up: no answer `attempts` times in a row; the task may go on
 *
 * A loss shorter than `graceMs` changes `isConnected` alone. After `ended` nothing is requested again.
 * Tabs of one browser that follow the same task share one connection (shared-stream.js).
 */
import { shareStream, takeSlot } from "./shared-stream.js";
import { TaskStream } from "./task-stream.js";

export const IDLE = Object.freeze({ progress: null, error: null, isConnected: false, ended: null });

const DEFAULTS = Object.freeze({
  base: "/api/brand-monitor", // a path, or a URL of another origin
  withCredentials: false, // send cookies to that other origin
  share: true, // one connection a task in all tabs
  graceMs: 5_000, // a shorter loss raises no error
  silenceMs: 30_000, // without news for so long, ask whether the stream still lives
  pollMs: 1_000, // between questions while no connection is free
  answerMs: 10_000, // the longest wait for one answer
  retryMs: 1_000, // before the first own reconnect, doubled for each further one ...
  maxRetryMs: 30_000, // ... up to this
  attempts: 10, // questions in a row without an answer before giving up
});

/** Whether this browser can share; Web Locks exist in secure contexts only (HTTPS, localhost). */
const canShare = () => Boolean(globalThis.navigator?.locks && globalThis.BroadcastChannel);

/** The settings of one client. @throws TypeError for an unknown option or a base that is no URL */
function complete(options) {
  for (const name of Object.keys(options)) {
    if (!(name in DEFAULTS)) throw new TypeError(`ProgressClient has no option "${name}"`);
  }
  const settings = { ...DEFAULTS, ...options };
  return { ...settings, base: new URL(settings.base, globalThis.location.href).href };
}

export class ProgressClient {
  #state = IDLE;
  #listeners = new Set();
  #stop;

  constructor(taskId, options = {}) {
    if (!taskId) throw new TypeError("ProgressClient needs the id of a task");
    encodeURIComponent(taskId); // throws URIError here, not later, for half a surrogate pair
    const { share, ...settings } = complete(options);
    const isShared = share && canShare();
    const lead = (publish, state) =>
      new TaskStream(taskId, { ...settings, takeSlot: isShared ? takeSlot : null }, state, publish);
    const publish = (state) => this.#publish(state);
    this.taskId = taskId;
    this.#stop = isShared ? shareStream(`${settings.base} ${taskId}`, lead, IDLE, publish) : lead(publish, IDLE);
  }

  get state() {
    return this.#state;
  }

  get progress() {
    return this.#state.progress;
  }

  get error() {
    return this.#state.error;
  }

  get isConnected() {
    return this.#state.isConnected;
  }

  get ended() {
    return this.#state.ended;
  }

  /** Calls `listener(state)` now and on every change; returns the function that stops it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }

  close() {
    this.#stop.close();
    this.#listeners.clear();
    this.#state = Object.freeze({ ...this.#state, isConnected: false });
  }

  #publish(state) {
    if (this.#state.ended) return;
    this.#state = state;
    if (state.ended) this.#stop.close();
    for (const listener of this.#listeners) listener(state);
  }
}
