/** Shows a stream as it comes over the wire, for as long as the <details> is open: EventSource shows no bytes. */

const KEPT = 20_000; // characters

export function showRaw(details, url) {
  let going = null;
  details.addEventListener("toggle", () => {
    going?.abort();
    going = details.open ? new AbortController() : null;
    if (going) read(details.querySelector("pre"), url, going.signal);
  });
}

async function read(into, url, signal) {
  into.textContent = "";
  try {
    const answer = await fetch(url, { headers: { Accept: "text/event-stream" }, cache: "no-store", signal });
    add(into, `HTTP ${answer.status}, ${answer.headers.get("Content-Type")}\n\n`);
    for (const text = answer.body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
      const { done, value } = await text.read();
      if (done) break;
      add(into, value);
    }
    add(into, "\n(the server ended the stream)");
  } catch (reason) {
    if (!signal.aborted) add(into, `\n(the stream broke off: ${reason.message})`);
  }
}

function add(into, text) {
  const isAtEnd = into.scrollTop + into.clientHeight >= into.scrollHeight - 4;
  into.textContent = (into.textContent + text).slice(-KEPT);
  if (isAtEnd) into.scrollTop = into.scrollHeight;
}
