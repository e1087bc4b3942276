// Makes the tables and fills them; writes the signed-in people as JSON. Arguments: active passive old new passive-prefix
import crypto from "node:crypto";
import { getMigrations } from "better-auth/db/migration";
import { database, options, SECRET } from "./auth.mjs";

const [active, passive] = process.argv.slice(2, 4).map(Number);
const [OLD, NEW, OTHER] = process.argv.slice(4);
const onSqlite = typeof database.pragma === "function";
const now = Date.now();
const time = (ms) => new Date(ms).toISOString();
const id = () => crypto.randomBytes(24).toString("base64url");
const verified = onSqlite ? 1 : true;

await (await getMigrations(options)).runMigrations();

const TABLES = {
  user: ["id", "name", "email", "emailVerified", "createdAt", "updatedAt", "phoneNumber", "phoneNumberVerified"],
  session: ["id", "expiresAt", "token", "createdAt", "updatedAt", "userId"],
};

async function insert(table, rows) {
  const columns = TABLES[table];
  const names = columns.map((name) => `"${name}"`).join(", ");
  if (onSqlite) {
    const statement = database.prepare(`INSERT INTO "${table}" (${names}) VALUES (${columns.map(() => "?").join(", ")})`);
    database.transaction(() => rows.forEach((row) => statement.run(...row)))();
    return;
  }
  for (let at = 0; at < rows.length; at += 2000) {
    const some = rows.slice(at, at + 2000);
    const holes = some.map((row, i) => `(${row.map((_, j) => `$${i * columns.length + j + 1}`).join(", ")})`);
    await database.query(`INSERT INTO "${table}" (${names}) VALUES ${holes.join(", ")}`, some.flat());
  }
}

function person(place, prefix) {
  const [user, token] = [id(), id()];
  const number = prefix + String(place).padStart(8, "0");
  return {
    token,
    number,
    user: [user, `person ${place}`, `${number}@example.com`, verified, time(now), time(now), number, verified],
    session: [id(), time(now + 7 * 86400e3), token, time(now), time(now), user],
  };
}

for (const [count, prefix] of [[active, OLD], [passive, OTHER]]) {
  for (let from = 0; from < count; from += 20000) {
    const people = Array.from({ length: Math.min(20000, count - from) }, (_, i) => person(from + i, prefix));
    await insert("user", people.map((one) => one.user));
    await insert("session", people.map((one) => one.session));
    if (prefix !== OLD) continue;
    for (const [i, { token, number }] of people.entries()) {
      const signature = crypto.createHmac("sha256", SECRET).update(token).digest("base64");
      const credential = `better-auth.session_token=${encodeURIComponent(`${token}.${signature}`)}`;
      console.log(JSON.stringify({ old: number, new: NEW + String(from + i).padStart(8, "0"), credential }));
    }
  }
}
if (onSqlite) database.exec("ANALYZE");
else await database.query("ANALYZE");
// Not at once: what a pipe has not taken yet would be lost, and people with it.
process.stdout.write("", () => process.exit(0));
