/**
 * The whole server in its own process, as `npm start` runs it: `product-process.js <database>`. Exits with its parent.
 */
import { startServer } from '../src/server/server.ts';
import { productConfig, silentLogger } from './product.ts';

const server = await startServer(productConfig(process.argv[2] ?? ''), silentLogger());
process.on('disconnect', async () => {
  await server.stop();
  process.exit(0);
});
process.send?.({ url: server.url });
