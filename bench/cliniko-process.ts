/**
 * The simulated Cliniko in its own process, like the real one: `cliniko-process.js <options as JSON>`. Exits when its
 * input ends.
 */
import { startClinikoSimulator } from '../src/cliniko-simulator/server.ts';

const simulator = await startClinikoSimulator({
  requestsPerMinute: Number.POSITIVE_INFINITY,
  ...JSON.parse(process.argv[2] ?? '{}'),
});
process.stdout.write(`${JSON.stringify({ url: simulator.url, apiKey: simulator.apiKey })}\n`);
process.stdin.resume().on('end', () => simulator.close());
