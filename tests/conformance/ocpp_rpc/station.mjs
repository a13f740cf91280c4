// A station on the package ocpp-rpc in strict mode: it sends what it is told to, and answers what it was told before.
//
//   node station.mjs ENDPOINT IDENTITY SUBPROTOCOL
//
// One JSON object a line. In: {"call": action, "payload": {…}}, or {"answers": {action: payload, …}} for the commands that
// come. Out: {"connected": subprotocol}, {"answer": payload} or {"error": code}, {"command": action}, and {"fault": text}
// for everything that strict mode finds wrong, in either direction.

import { createInterface } from 'node:readline';
import { RPCClient } from 'ocpp-rpc';

const [endpoint, identity, subprotocol] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let answers = {};

const client = new RPCClient({ endpoint, identity, protocols: [subprotocol], strictMode: true, reconnect: false });
client.on('strictValidationFailure', ({ method, outbound, error }) =>
  say({ fault: `${method} ${outbound ? 'out' : 'in'}: ${error.message}` }));
client.on('badMessage', ({ error }) => say({ fault: `bad message: ${error.message}` }));
client.handle(({ method }) => {
  say({ command: method });
  return answers[method];
});

await client.connect();
say({ connected: client.protocol });
for await (const line of createInterface({ input: process.stdin })) {
  const told = JSON.parse(line);
  if (told.answers) {
    answers = told.answers;
    say({ answer: {} });
    continue;
  }
  try {
    say({ answer: await client.call(told.call, told.payload) });
  } catch (error) {
    say({ error: error.rpcErrorCode ?? String(error) });
  }
}
await client.close();
