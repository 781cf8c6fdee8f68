// Shows the feed as it comes. EventSource reconnects by itself and goes on after the last id that it saw.

import { offerFaults } from "./faults.js";
import { showRaw } from "./raw.js";

const SHOWN = 50;
const at = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
let seen = 0;

function tell(state, text) {
  at("state").dataset.state = state;
  at("state").textContent = text;
}

function part(name, className, text) {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text; // never as HTML: anybody may publish
  return element;
}

function show(event) {
  const { text, at: ms } = JSON.parse(event.data);
  const item = document.createElement("li");
  const time = part("time", "", clock.format(ms));
  time.dateTime = new Date(ms).toISOString();
  item.append(time, part("span", "text", text), part("span", "id", `#${event.lastEventId}`));
  at("events").prepend(item);
  while (at("events").children.length > SHOWN) at("events").lastChild.remove();
  seen += 1;
  at("tally").textContent = seen === 1 ? "1 event" : `${seen} events`;
  at("empty").hidden = true;
}

function listen() {
  const source = new EventSource("/events");
  source.onopen = () => tell("open", "Live");
  source.onmessage = show;
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      tell("closed", "The server refuses to stream. Reload this page to try again; it may ask for a token.");
    } else {
      tell("connecting", "Connection lost. Coming back …");
    }
  };
}

async function publish(text) {
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ text }) };
  const reply = await fetch("/publish", request);
  if (!reply.ok) throw new Error((await reply.json()).message);
}

at("publish").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = at("text");
  try {
    await publish(input.value);
    input.value = "";
    at("problem").hidden = true;
  } catch (error) {
    at("problem").textContent = `Not published. ${error.message}`;
    at("problem").hidden = false;
  }
  input.focus();
});

listen();
showRaw(at("raw"), "/events");
offerFaults();
