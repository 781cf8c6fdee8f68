/**
 * One task over one EventSource, and what to do when that stops.
 *
 *   what happens                          readyState   who acts
 *   an event                              OPEN         publish it; a terminal one closes for good
 *   the connection breaks or ends         CONNECTING   the browser reconnects, with Last-Event-ID
 *   404, 204, 502, wrong content type     CLOSED       the browser has given up: ask, then reconnect
 *   an `error` event                      any          the server gave up: ask, then reconnect
 *   no news for `silenceMs`               any          ask; reconnect only if the answer knew more
 *   no free connection in this browser    none         ask every `pollMs`
 *
 * To ask is to GET the task's snapshot, the polling endpoint. It tells a task that is over (end) from one
 * that is unknown (end) and from a server that is away (try again). An own reconnect cannot send
 * Last-Event-ID, and need not: the server tells the current state first, and every state is whole.
 *
 * Source: WHATWG HTML, "Server-sent events", #sse-processing-model ("fail" and "reestablish the connection").
 */
const TERMINAL = new Set(["completed", "failed"]);

const REFUSALS = {
  400: ["refused", "The server does not accept this task id. Check the link, or start the analysis again."],
  401: ["refused", "You are not signed in. Sign in and reload the page."],
  403: ["refused", "You may not see this task. Ask its owner for access."],
  404: ["unknown", "The server no longer knows this task: it restarted or the task is too old. Start it again."],
  410: ["unknown", "This task has been removed. Start it again."],
};
const LOST = "Connection lost. Reconnecting; the analysis itself goes on.";
const UNREACHABLE = "The server cannot be reached. Check your connection and try again; the analysis may still go on.";
const UNREADABLE = "The server sent an update that cannot be read. Waiting for the next one.";

/** A timer that holds at most one pending call. */
class Alarm {
  #id;

  set(delay, call) {
    this.clear();
    this.#id = setTimeout(call, delay);
  }

  clear() {
    clearTimeout(this.#id);
  }
}

export class TaskStream {
  #taskId;
  #settings;
  #state;
  #publish;
  #source = null;
  #releaseSlot = null;
  #grace = new Alarm();
  #next = new Alarm(); // the one thing to do next: reconnect, poll, or doubt the silence
  #lost = false;
  #closed = false;
  #reconnects = 0; // own ones since the last news
  #unanswered = 0; // questions in a row
  #news = 0;

  /** Starts at once. `publish` gets each new frozen state and closes at `ended`; `state` is what is known. */
  constructor(taskId, settings, state, publish) {
    this.#taskId = taskId;
    this.#settings = settings;
    this.#state = state;
    this.#publish = publish;
    this.#lose();
    this.#open();
  }

  close() {
    this.#closed = true;
    this.#grace.clear();
    this.#drop();
  }

  async #open() {
    const { takeSlot } = this.#settings;
    if (takeSlot) {
      const release = await takeSlot(this.#settings.base);
      if (this.#closed) return release?.();
      if (!release) return this.#poll();
      this.#releaseSlot = release;
    }
    this.#listen(new EventSource(this.#url("progress"), { withCredentials: this.#settings.withCredentials }));
  }

  #listen(source) {
    this.#source = source;
    source.onopen = () => this.#regain();
    source.onmessage = (event) => this.#receive(event.data);
    source.onerror = () => {
      this.#lose();
      if (source.readyState === EventSource.CLOSED) this.#recover();
    };
    this.#doubtLater();
  }

  #receive(data) {
    const event = parse(data);
    if (!event) return this.#set({ error: UNREADABLE });
    if (event.taskId !== this.#taskId) return;
    if (event.type === "progress") this.#apply(event.progress);
    if (event.type === "error") {
      this.#lose();
      this.#set({ error: event.message });
      this.#recover(event.message);
    }
  }

  /** Takes a TaskProgress over; returns whether it was news. */
  #apply(progress) {
    if (!progress?.status) return false;
    const isNews = JSON.stringify(progress) !== JSON.stringify(this.#state.progress);
    if (isNews) {
      this.#news += 1;
      this.#reconnects = this.#unanswered = 0;
      if (this.#source) this.#doubtLater();
    }
    if (TERMINAL.has(progress.status)) this.#end(progress.status, progress.error ?? null, progress);
    else this.#set({ progress, error: this.#lost ? this.#state.error : null });
    return isNews;
  }

  #lose() {
    if (this.#lost) return;
    this.#lost = true;
    if (this.#state.isConnected) this.#set({ isConnected: false });
    this.#grace.set(this.#settings.graceMs, () => this.#set({ error: this.#state.error ?? LOST }));
  }

  #regain() {
    if (!this.#lost) return;
    this.#lost = false;
    this.#grace.clear();
    this.#set({ isConnected: true, error: null });
  }

  async #poll() {
    const snapshot = await this.#ask();
    if (this.#closed) return;
    if (!snapshot) {
      this.#lose();
      return this.#retry();
    }
    this.#regain();
    this.#apply(snapshot);
    if (!this.#closed) this.#next.set(this.#settings.pollMs, () => this.#open());
  }

  #doubtLater() {
    this.#next.set(this.#settings.silenceMs, () => this.#doubt());
  }

  /**
   * A connection can die without a word, and heartbeats are comments that no script sees. An answer that
   * overtakes a live stream costs one needless reconnect.
   */
  async #doubt() {
    const [source, news] = [this.#source, this.#news];
    const snapshot = await this.#ask();
    if (this.#closed || this.#source !== source || this.#news !== news) return; // overtaken by the stream
    const isStreamAlive = snapshot && !this.#apply(snapshot);
    if (this.#closed) return;
    if (isStreamAlive) return this.#doubtLater();
    this.#lose();
    this.#retry();
  }

  async #recover(why) {
    this.#drop();
    const snapshot = await this.#ask(why);
    if (this.#closed) return;
    if (snapshot) this.#apply(snapshot);
    if (!this.#closed) this.#retry();
  }

  #retry() {
    const { attempts, retryMs, maxRetryMs } = this.#settings;
    this.#drop();
    if (this.#unanswered >= attempts) return this.#end("unreachable", UNREACHABLE);
    const longest = Math.min(maxRetryMs, retryMs * 2 ** this.#reconnects);
    this.#reconnects += 1;
    this.#next.set(longest * (0.5 + Math.random() / 2), () => this.#open()); // jitter: no herd after a restart
  }

  /** The task's snapshot, or null when there was no usable answer. Ends the stream on a refusal. */
  async #ask(why) {
    const { withCredentials, answerMs } = this.#settings;
    this.#unanswered += 1;
    try {
      const answer = await fetch(this.#url("tasks"), {
        cache: "no-store",
        credentials: withCredentials ? "include" : "same-origin",
        signal: AbortSignal.timeout(answerMs),
      });
      const refusal = REFUSALS[answer.status];
      const body = parse(await answer.text());
      if (refusal && !this.#closed) this.#end(refusal[0], why ?? body?.message ?? refusal[1]);
      if (!answer.ok) return null;
      this.#unanswered = 0;
      return body;
    } catch {
      return null; // network error or no answer in time: the caller tries again
    }
  }

  #end(ended, error, progress = this.#state.progress) {
    this.#set({ progress, error, isConnected: false, ended }); // who is told so closes
  }

  #drop() {
    this.#next.clear();
    this.#source?.close();
    this.#source = null;
    this.#releaseSlot?.();
    this.#releaseSlot = null;
  }

  #set(change) {
    if (this.#closed) return; // a listener may close while a state is told
    this.#state = Object.freeze({ ...this.#state, ...change });
    this.#publish(this.#state);
  }

  #url(kind) {
    return `${this.#settings.base}/${kind}/${encodeURIComponent(this.#taskId)}`;
  }
}

/** The object a JSON text holds, or null. */
function parse(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
