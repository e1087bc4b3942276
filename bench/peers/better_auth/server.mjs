// The server that its documentation names for Node.
import http from "node:http";
import { toNodeHandler } from "better-auth/node";
import { auth, statements } from "./auth.mjs";

process.on("SIGTERM", () => {
  if (process.env.BENCH_COUNT) console.log(`statements ${statements}`);
  process.exit(0);
});
http.createServer(toNodeHandler(auth)).listen(Number(process.env.BENCH_PORT), "127.0.0.1");
