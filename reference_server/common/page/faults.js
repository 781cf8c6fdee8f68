/**
 * Lets one choose a fault, and opens a copy of the server that has it; the copy's page says so.
 *
 * Servers that offer no copies (not on this machine, with a token, broken themselves) show nothing of it: a page has an
 * empty `<details id="faults" hidden>`, which is filled where they do.
 */

const $ = (id) => document.getElementById(id);
const FORM = `
  <summary>Break it on purpose</summary>
  <form id="break">
    <label for="fault">Fault</label>
    <select id="fault" name="fault"></select>
    <button type="submit">Start a broken copy</button>
  </form>
  <p id="about-fault" class="muted"></p>
  <p id="copy" aria-live="polite" hidden>
    The copy runs at <a id="copy-link" target="_blank" rel="noopener"></a>; this server stays healthy.
  </p>
  <p class="problem" id="break-problem" role="alert" hidden></p>`;

export async function offerFaults() {
  const broken = new URLSearchParams(location.search).get("fault");
  if (broken) {
    $("broken-on-purpose").textContent = `This copy is broken on purpose: ${broken}. What it does wrong is for clients and checks to find.`;
    $("broken-on-purpose").hidden = false;
    return;
  }
  const answer = await fetch("/faults").catch(() => null);
  if (!answer?.ok) return;
  const { faults } = await answer.json();
  const about = Object.fromEntries(faults.map((fault) => [fault.code, fault.about]));
  $("faults").innerHTML = FORM;
  $("fault").append(...grouped(faults));
  $("fault").addEventListener("change", () => tell(about));
  $("break").addEventListener("submit", open);
  $("faults").hidden = false;
  tell(about);
}

function grouped(faults) {
  const groups = new Map();
  for (const { code } of faults) {
    const name = code.split("/")[0];
    if (!groups.has(name)) groups.set(name, Object.assign(document.createElement("optgroup"), { label: name }));
    groups.get(name).append(new Option(code));
  }
  return groups.values();
}

function tell(about) {
  $("about-fault").textContent = about[$("fault").value];
  $("copy").hidden = $("break-problem").hidden = true;
}

async function open(event) {
  event.preventDefault();
  const code = $("fault").value;
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ code }) };
  try {
    const answer = await fetch("/faults", request);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.message);
    $("copy-link").href = `${body.url}/?${new URLSearchParams({ fault: code })}`;
    $("copy-link").textContent = body.url;
    $("copy").hidden = false;
  } catch (reason) {
    $("break-problem").textContent = `No copy. ${reason.message}`;
    $("break-problem").hidden = false;
  }
}
