/**
 * The page: starts analyses and shows each one's state as ProgressClient tells it.
 *
 * What is watched stands in the address (#id=brand&id=brand), so a reload, a bookmark or another tab
 * shows the same. Text from outside reaches the page as textContent alone.
 */
import { offerFaults } from "./faults.js";
import { ProgressClient } from "./progress-client.js";
import { showRaw } from "./raw.js";
import { renderResults } from "./results.js";

const TASKS = "/api/brand-monitor/tasks";
const PROGRESS = "/api/brand-monitor/progress";
const STEPS = 10;
const FAILING_STEP = 6;

// status or ending -> its word, its tone (tasks.css), the title of its notice
const STATUS = {
  pending: ["Waiting", "quiet"],
  running: ["Running", "info"],
  completed: ["Completed", "good"],
  failed: ["Failed", "bad", "The analysis failed"],
  unknown: ["Not found", "bad", "The server does not know this analysis"],
  refused: ["No access", "bad", "The server refused"],
  unreachable: ["No answer", "bad", "The server does not answer"],
};
const AGAIN = { failed: "Start again", unknown: "Start again", unreachable: "Try again" };

const $ = (id) => document.getElementById(id);
const watched = new Map(); // task id -> {brand, card, client, stage}

/* What is watched ------------------------------------------------------------------------------- */

function watch(taskId, brand) {
  if (watched.has(taskId)) return;
  const task = { taskId, brand, card: newCard(taskId, brand), client: null, stage: "" };
  watched.set(taskId, task);
  $("tasks").prepend(task.card.root);
  follow(task);
  rememberWatched();
}

function follow(task) {
  task.client?.close();
  task.client = new ProgressClient(task.taskId);
  task.client.subscribe((state) => show(task, state));
}

function unwatch(task) {
  task.client.close();
  task.card.raw.open = false; // ends its stream
  task.card.root.remove();
  watched.delete(task.taskId);
  rememberWatched();
  $("tasks-title").focus();
}

function rememberWatched() {
  const pairs = [...watched.values()].map(({ taskId, brand }) => [taskId, brand]);
  history.replaceState(null, "", `#${new URLSearchParams(pairs)}`);
  $("empty").hidden = pairs.length > 0;
  tally();
}

/** Watches what the address names; anything else in it, such as the skip link's target, is no task. */
function watchAddress() {
  for (const [taskId, brand] of new URLSearchParams(location.hash.slice(1))) {
    if (taskId && brand) watch(taskId, brand);
  }
  rememberWatched();
}

/* Starting -------------------------------------------------------------------------------------- */

async function start(brand, pace, isFailing) {
  const wish = { brand, steps: STEPS, interval_ms: Number(pace), ...(isFailing && { fail_at: FAILING_STEP }) };
  const answer = await fetch(TASKS, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wish),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.message);
  watch(body.taskId, brand);
}

async function submit(event) {
  event.preventDefault();
  const { brand, pace, ending } = event.target.elements;
  await attempt(() => start(brand.value.trim(), pace.value, ending.value === "fails"));
  brand.select();
}

/** Runs a request; what goes wrong is told beside the form. */
async function attempt(request) {
  const problem = $("start-problem");
  problem.hidden = true;
  try {
    await request();
  } catch (reason) {
    const isNetwork = reason instanceof TypeError;
    problem.textContent = isNetwork
      ? "The server does not answer. Check that it runs, then try again."
      : reason.message;
    problem.hidden = false;
  }
}

/* Showing --------------------------------------------------------------------------------------- */

function newCard(taskId, brand) {
  const root = $("task").content.firstElementChild.cloneNode(true);
  const card = { root };
  for (const part of root.querySelectorAll("[data-field]")) card[part.dataset.field] = part;
  card.brand.textContent = brand;
  card.id.textContent = taskId;
  card.bar.setAttribute("aria-label", `Progress of ${brand}`);
  root.querySelector("[data-action=remove]").setAttribute("aria-label", `Remove ${brand}`);
  showRaw(card.raw, `${PROGRESS}/${encodeURIComponent(taskId)}`);
  root.addEventListener("click", ({ target }) => act(watched.get(taskId), target.dataset.action));
  return card;
}

async function act(task, action) {
  if (action === "remove") unwatch(task);
  if (action === "again" && task.client.ended === "unreachable") follow(task);
  else if (action === "again") await attempt(() => start(task.brand, $("start").elements.pace.value, false));
}

function show(task, state) {
  const { card } = task;
  showStatus(card, state);
  showProgress(card, state);
  showNotice(card, state);
  if (state.ended === "completed") renderResults(card.results, state.progress.results);
  announce(task, state);
  tally();
}

function showStatus(card, { progress, error, isConnected, ended }) {
  const [word, tone] = STATUS[ended ?? progress?.status ?? "pending"];
  card.status.textContent = word;
  card.root.dataset.tone = tone;
  const [connection, connectionTone] = isConnected
    ? ["Live", "good"]
    : error
      ? ["Reconnecting", "warn"]
      : ["Connecting", "quiet"];
  card.connection.textContent = ended ? "" : connection;
  card.connection.dataset.tone = connectionTone;
}

function showProgress(card, { progress, error, ended }) {
  const isMoot = ended === "failed" || (ended && !progress); // the notice says it all
  card.now.hidden = card.bar.hidden = card.more.hidden = Boolean(isMoot);
  card.stage.textContent = progress?.stage ?? "Connecting to the server";
  card.message.textContent = progress?.message ?? "";
  card.percent.textContent = progress ? `${Math.round(progress.progress)} %` : "";
  card.left.textContent = ended || error ? "" : timeLeft(progress?.estimatedTimeRemaining);
  if (progress) card.bar.value = progress.progress;
}

function showNotice(card, { error, ended }) {
  card.notice.hidden = !error;
  card.notice.dataset.tone = ended ? "bad" : "warn";
  card.noticeTitle.textContent = STATUS[ended]?.[2] ?? "Trying to reconnect";
  card.error.textContent = error ?? "";
  const again = card.root.querySelector("[data-action=again]");
  again.textContent = AGAIN[ended] ?? "";
  again.hidden = !AGAIN[ended];
}

function timeLeft(seconds) {
  if (seconds === undefined) return "";
  if (seconds < 1) return "almost done";
  return seconds < 90 ? `about ${Math.ceil(seconds)} s left` : `about ${Math.round(seconds / 60)} min left`;
}

/** Screen readers hear stages, losses and ends; every percent would drown them. */
function announce(task, { progress, error, ended }) {
  const stage = ended ? `${STATUS[ended][0]}. ${error ?? ""}` : (error ?? progress?.stage ?? "");
  if (stage === task.stage) return;
  task.stage = stage;
  if (stage) $("announcer").textContent = `${task.brand}: ${stage}`;
}

function tally() {
  const going = [...watched.values()].filter(({ client }) => client && !client.ended).length;
  $("tally").textContent = going ? `${going} in progress` : "";
  document.title = going ? `(${going}) Brand analysis` : "Brand analysis";
}

$("start").addEventListener("submit", submit);
window.addEventListener("hashchange", watchAddress);
watchAddress();
offerFaults();
