/** Stand-ins for Slack, Teams and Discord: HTTP servers that refuse what those refuse, and keep what they would show. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished, vi } from 'vitest';
import { z } from 'zod';

export type ChatKind = 'slack' | 'teams' | 'discord';

export interface ChatService {
  url: string;
  /** What a reader sees: text, and links as `[text](address)` or plain. */
  shown: string[];
  /** The bytes of every request. */
  bytes: string[];
  /** Answered to the next requests, before anything is read. */
  next: { status: number; headers?: Record<string, string> }[];
  until(count: number): Promise<string[]>;
}

interface Verdict {
  status: number;
  shown?: string;
}

export async function startChatService(kind: ChatKind): Promise<ChatService> {
  const service: ChatService = {
    url: '',
    shown: [],
    bytes: [],
    next: [],
    until: (count) => shownUntil(service, count),
  };
  const server = createServer(async (request, response) => {
    const body = await text(request);
    service.bytes.push(body);
    const planned = service.next.shift();
    const verdict: Verdict = planned ?? judge(kind, request, body);
    if (verdict.shown !== undefined) service.shown.push(verdict.shown);
    response.writeHead(verdict.status, planned?.headers).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  service.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret/${kind}`;
  return service;
}

function shownUntil({ shown }: ChatService, count: number): Promise<string[]> {
  const enough = () => {
    if (shown.length < count) throw new Error(`Only ${shown.length} of ${count} messages are shown.`);
    return shown;
  };
  return vi.waitFor(enough, { timeout: 20_000, interval: 10 });
}

function judge(kind: ChatKind, request: IncomingMessage, body: string): Verdict {
  if (request.method !== 'POST') return { status: 405 };
  if (!request.headers['content-type']?.startsWith('application/json')) return { status: 400 };
  if (request.url !== `/secret/${kind}`) return { status: 404 };
  try {
    return JUDGES[kind](JSON.parse(body));
  } catch {
    return { status: 400 };
  }
}

const JUDGES: Record<ChatKind, (body: unknown) => Verdict> = { slack, teams, discord };

const SlackText = z.strictObject({ type: z.literal('text'), text: z.string().min(1) });
const SlackLink = z.strictObject({ type: z.literal('link'), url: z.url(), text: z.string().min(1) });
const SlackSection = z.strictObject({
  type: z.literal('rich_text_section'),
  elements: z.array(z.discriminatedUnion('type', [SlackText, SlackLink])).min(1),
});
/** `no_text` without a text; the documented length of a message, and at most 50 blocks. */
const SlackMessage = z.strictObject({
  text: z.string().min(1).max(40_000),
  blocks: z
    .array(z.strictObject({ type: z.literal('rich_text'), elements: z.array(SlackSection).min(1) }))
    .min(1)
    .max(50),
  unfurl_links: z.boolean(),
  unfurl_media: z.boolean(),
});

/** The blocks are shown, and `text` by notifications: there, what stands between < and > is a link or a mention. */
function slack(body: unknown): Verdict {
  const { text: mrkdwn, blocks } = SlackMessage.parse(body);
  if (/<[!@#]/.test(mrkdwn)) return { status: 200, shown: '(EVERY MEMBER IS NOTIFIED)' };
  const shown = blocks
    .flatMap(({ elements }) => elements)
    .map(({ elements }) =>
      elements.map((part) => (part.type === 'link' ? `[${part.text}](${part.url})` : part.text)).join(''),
    )
    .join('\n');
  return { status: 200, shown };
}

const TextRun = z.strictObject({ type: z.literal('TextRun'), text: z.string().min(1) });
const Card = z.strictObject({
  $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
  type: z.literal('AdaptiveCard'),
  version: z.enum(['1.2', '1.3', '1.4', '1.5']),
  fallbackText: z.string(),
  body: z
    .array(z.strictObject({ type: z.literal('RichTextBlock'), inlines: z.array(TextRun).min(1) }))
    .min(1),
  actions: z.array(z.strictObject({ type: z.literal('Action.OpenUrl'), title: z.string(), url: z.url() })),
});
const TeamsMessage = z.strictObject({
  type: z.literal('message'),
  attachments: z
    .array(
      z.strictObject({
        contentType: z.literal('application/vnd.microsoft.card.adaptive'),
        contentUrl: z.null(),
        content: Card,
      }),
    )
    .length(1),
});

function teams(body: unknown): Verdict {
  // A message of Teams is at most 28 KB.
  if (Buffer.byteLength(JSON.stringify(body)) > 28 * 1024) return { status: 413 };
  const [attachment] = TeamsMessage.parse(body).attachments;
  if (attachment === undefined) return { status: 400 };
  const lines = attachment.content.body.map(({ inlines }) => inlines.map((run) => run.text).join(''));
  const links = attachment.content.actions.map(({ title, url }) => `[${title}](${url})`);
  return { status: 202, shown: `${lines.join('\n')} ${links.join(' ')}` };
}

/** Flags: only those of a message that suppress its embeds or its notification may be set. */
const DiscordMessage = z.strictObject({
  content: z.string().min(1).max(2_000),
  allowed_mentions: z.strictObject({ parse: z.array(z.enum(['roles', 'users', 'everyone'])) }),
  flags: z.literal([0, 4, 4096, 4100]),
});

function discord(body: unknown): Verdict {
  const { content, allowed_mentions } = DiscordMessage.parse(body);
  if (/@(?:everyone|here)/.test(content) && allowed_mentions.parse.includes('everyone'))
    return { status: 204, shown: '(EVERY MEMBER IS NOTIFIED)' };
  if (/(?<!\\)(?:\*\S.*\S\*|\[[^\]]*\]\()/.test(content))
    return { status: 204, shown: `(FORMATTED) ${content}` };
  return { status: 204, shown: content.replace(/\\([^\w\s])/g, '$1') };
}
