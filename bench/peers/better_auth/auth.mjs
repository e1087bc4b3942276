// better-auth as its documentation sets it up: phone numbers, durable commits, a message sink that answers at once.
import fs from "node:fs";
import { betterAuth } from "better-auth";
import { phoneNumber } from "better-auth/plugins";
import Database from "better-sqlite3";
import pg from "pg";

export const SECRET = "bench-0123456789abcdef0123456789abcdef";

export let statements = 0;

function open(url) {
  if (!url.startsWith("sqlite:///")) return new pg.Pool({ connectionString: url, max: 16 });
  const counting = process.env.BENCH_COUNT ? { verbose: () => (statements += 1) } : {};
  const database = new Database(url.slice("sqlite:///".length), counting);
  database.pragma("journal_mode = WAL");
  database.pragma("synchronous = FULL");
  return database;
}

export const database = open(process.env.BENCH_DATABASE);

const sink = process.env.BENCH_PIPE ? fs.openSync(process.env.BENCH_PIPE, "w") : -1;

export const options = {
  database,
  secret: SECRET,
  baseURL: "http://127.0.0.1",
  trustedOrigins: ["http://127.0.0.1"],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
  plugins: [phoneNumber({ sendOTP: ({ phoneNumber, code }) => void fs.writeSync(sink, `${phoneNumber} ${code}\n`) })],
};

export const auth = betterAuth(options);
