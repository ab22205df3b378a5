// Grades one site with the MDN HTTP Observatory: node observatory.mjs PACKAGE HOST HTTP HTTPS
// The published scan() takes no ports and no address, so sockets are led to loopback here.
import net from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [place, host, http, https] = process.argv.slice(2);
const ports = { 80: Number(http), 443: Number(https) };
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...args) {
  const given = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (given && given.host === host && ports[given.port]) {
    given.port = ports[given.port];
    given.host = "127.0.0.1";
    given.lookup = undefined;
  } else if (given && given.port && given.host !== "127.0.0.1") {
    throw new Error(`no traffic leaves this machine: ${given.host}:${given.port}`);
  }
  return connect.apply(this, args);
};

const scanner = pathToFileURL(path.join(place, "src/scanner/index.js"));
const { scan } = await import(scanner.href);
const found = await scan(host);
const failed = Object.values(found.tests)
  .filter((test) => test.scoreModifier < 0)
  .map((test) => test.result);
process.stdout.write(JSON.stringify({ ...found.scan, responseHeaders: undefined, failed }));
process.exit(0);
