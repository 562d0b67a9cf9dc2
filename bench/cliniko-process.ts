/** The simulated Cliniko as a process of its own, as the real one is: `cliniko-process.js <options as JSON>`. Ends with its input. */
import { startClinikoSimulator } from '../src/cliniko-simulator/server.ts';

const simulator = await startClinikoSimulator({
  requestsPerMinute: Number.POSITIVE_INFINITY,
  ...JSON.parse(process.argv[2] ?? '{}'),
});
process.stdout.write(`${JSON.stringify({ url: simulator.url, apiKey: simulator.apiKey })}\n`);
process.stdin.resume().on('end', () => simulator.close());
