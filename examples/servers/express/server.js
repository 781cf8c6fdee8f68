// A feed with Express: GET /events tells everybody what POST /publish says.
//
// node server.js PORT
import express from "express";

const KEPT = 1000;
const HEARTBEAT_MS = 10_000;
const BEHIND_BYTES = 1 << 20; // a reader who is this far behind is let go, and comes back where it was

const log = []; // the newest events: [id, bytes]
let last = Date.now(); // ids count on over restarts, so that none is ever another event's
const readers = new Set();

function send(reader, text) {
  if (reader.writableLength > BEHIND_BYTES) reader.destroy();
  else reader.write(text);
}

function publish(text) {
  last += 1;
  const event = `id: ${last}\ndata: ${JSON.stringify({ text, at: Date.now() })}\n\n`;
  log.push([String(last), event]);
  if (log.length > KEPT) log.shift();
  for (const reader of readers) send(reader, event);
}

// What came after the event with this id; nothing for a newcomer, or where it is no longer known.
function missed(id) {
  const at = log.findIndex(([one]) => one === id);
  return at < 0 ? "" : log.slice(at + 1).map(([, event]) => event).join("");
}

const app = express();
app.disable("x-powered-by");

app.get("/events", (request, response) => {
  response.set({
    "Content-Type": "text/event-stream", // as text, Express would add a charset
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
  });
  if (request.method === "HEAD") return response.end();
  response.write("retry: 2000\n\n" + missed(request.get("Last-Event-ID")));
  readers.add(response);
  response.on("close", () => readers.delete(response));
});

app.post("/publish", express.json(), (request, response) => {
  const text = request.body?.text;
  if (typeof text !== "string") return response.status(400).json({ error: "text is missing" });
  publish(text);
  response.sendStatus(202);
});

app.all("/events", (request, response) => response.set("Allow", "GET, HEAD").sendStatus(405));
app.use((error, request, response, next) => response.status(error.status ?? 500).json({ error: error.type ?? "internal" }));

// A comment, so that no proxy takes the stream for dead.
setInterval(() => readers.forEach((reader) => send(reader, ": keep-alive\n\n")), HEARTBEAT_MS);

app.listen(Number(process.argv[2]), "127.0.0.1");
