/** One webhook from a process of its own, which trusts NODE_EXTRA_CA_CERTS: `send-webhook.ts <url> <secret>`. */
import { sendWebhook } from '../../../src/webhooks/send.ts';

const [url = '', secret = ''] = process.argv.slice(2);
const message = {
  id: 'msg_tls',
  timestamp: Math.floor(Date.now() / 1_000),
  body: '{"type":"sync.completed"}',
};
const attempt = await sendWebhook(url, secret, message, {
  rules: { allowLoopback: true, ports: [443] },
  signal: new AbortController().signal,
});
process.stdout.write(JSON.stringify(attempt));
