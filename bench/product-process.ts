/**
 * The whole server in its own process, as `npm start` runs it: `product-process.js <database> [environment as JSON]`.
 * Exits with its parent.
 */
import { limitHeapGrowth } from '../src/server/heap-growth.ts';
import { startServer } from '../src/server/server.ts';
import { productConfig, silentLogger } from './product.ts';

limitHeapGrowth();
const [databaseUrl = '', environment = '{}'] = process.argv.slice(2);
const server = await startServer(productConfig(databaseUrl, JSON.parse(environment)), silentLogger());
process.on('disconnect', async () => {
  await server.stop();
  process.exit(0);
});
process.send?.({ url: server.url });
