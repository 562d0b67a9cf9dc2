/**
 * Listeners of nudges in their own process, each with a connection of its own: `nudge-listeners.js notify|nats <address> <count>`.
 * With NATS each listens to its share of the organizations, and the first one to all, like a server with a console.
 */
import { connect as connectNats } from '@nats-io/transport-node';
import { connect } from '../src/database/driver.ts';
import { CHANNEL } from '../src/events/notify-payload.ts';
import { ORGANIZATIONS, subjectOf } from './nudge-subjects.ts';

const [kind, address = '', listeners = ''] = process.argv.slice(2);
/** Of the first listener, which receives everything. */
let received = 0;
const count = (): void => {
  received += 1;
};
const ignore = (): void => {};

async function listenToNotify(isFirst: boolean): Promise<void> {
  const sql = connect(address, { max: 1, onnotify: isFirst ? count : ignore });
  await sql.unsafe(`listen ${CHANNEL}`);
}

async function listenToNats(index: number): Promise<void> {
  const connection = await connectNats({ servers: address });
  const callback = index === 0 ? count : ignore;
  if (index === 0) connection.subscribe(subjectOf('*'), { callback });
  else
    for (let id = index; id < ORGANIZATIONS; id += Number(listeners))
      connection.subscribe(subjectOf(id), { callback });
  await connection.flush();
}

for (let index = 0; index < Number(listeners); index++) {
  await (kind === 'nats' ? listenToNats(index) : listenToNotify(index === 0));
}
process.on('disconnect', () => process.exit(0));
process.on('message', () => process.send?.({ received }));
process.send?.({ received });
