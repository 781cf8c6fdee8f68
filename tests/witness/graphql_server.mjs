// A GraphQL server as the documentation of graphql-sse shows one, on node's own http.
//
// node tests/witness/graphql_server.mjs [FAULT]      prints its address and serves until it is terminated
//
// FAULT: lost-complete, twice, held-by-gzip

import { EventEmitter, on } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createGzip } from "node:zlib";

import { buildSchema } from "graphql";
import { createHandler } from "graphql-sse/lib/use/http";

const schema = buildSchema(`
  type Query { hello: String }
  type Mutation { say(text: String!): String }
  type Subscription { said: String, count(to: Int!): Int }
`);
const room = new EventEmitter({ captureRejections: true }).setMaxListeners(0);

schema.getMutationType().getFields().say.resolve = (_, { text }) => (room.emit("said", text), text);
Object.assign(schema.getSubscriptionType().getFields(), {
  said: { ...schema.getSubscriptionType().getFields().said, subscribe: hear, resolve: (text) => text },
  count: { ...schema.getSubscriptionType().getFields().count, subscribe: count, resolve: (n) => n },
});

async function* hear() {
  for await (const [text] of on(room, "said")) yield text;
}

async function* count(_, { to }) {
  for (let n = 1; n <= to; n++) {
    yield n;
    await sleep(50);
  }
}

// Each fault is a wrapper of the response, as a middleware or a proxy would be; the library knows nothing of it.
const FAULTS = {
  "lost-complete": (_, res) => changed(res, (text) => (text.startsWith("event: complete") ? ":\n\n" : text)),
  twice: (_, res) => changed(res, (text) => (text.startsWith("event: next") ? text + text : text)),
  "held-by-gzip": (req, res) => /\bgzip\b/.test(req.headers["accept-encoding"] ?? "") && zip(res),
};

function changed(res, change) {
  const write = res.write.bind(res);
  res.write = (text, done) => write(change(text), done);
}

function zip(res) {
  const [write, end, gzip] = [res.write.bind(res), res.end.bind(res), createGzip()];
  gzip.on("data", write).on("end", () => end());
  const writeHead = res.writeHead.bind(res);
  res.writeHead = (status, text, headers) => writeHead(status, text, { ...headers, "content-encoding": "gzip" });
  res.write = (text, done) => gzip.write(text, done);
  res.end = (text, done) => gzip.end(typeof text === "string" ? text : undefined, done);
}

const handler = createHandler({ schema });
const fault = FAULTS[process.argv[2]] ?? (() => {});
const server = createServer((req, res) => {
  fault(req, res);
  handler(req, res).catch((error) => res.headersSent ? res.destroy(error) : res.writeHead(500).end());
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
