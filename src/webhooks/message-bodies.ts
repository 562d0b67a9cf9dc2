/**
 * The bodies of messages for people, in the form that each service takes. Names of organizations are text, not markup: no name
 * formats a message, links, or mentions a person.
 */
import { z } from 'zod';
import type { WebhookKind } from '#contract/webhook-endpoint.ts';
import { type Line, type Summary, shortened } from './summary.ts';

export type KindForPeople = Exclude<WebhookKind, 'standard'>;

/** What is stored of an email; its addresses are those of the settings. */
export const EmailBody = z.object({ subject: z.string(), text: z.string() });

/** @returns the text of a body */
export function bodyFor(kind: KindForPeople, summary: Summary): string {
  return JSON.stringify(MAKERS[kind](summary));
}

const MAKERS: Record<KindForPeople, (summary: Summary) => object> = {
  slack: slackBody,
  teams: teamsBody,
  discord: discordBody,
  email: emailBody,
};

/** Slack recommends at most 4,000 characters. */
const SLACK_MAX = 4_000;

/**
 * Slack shows the blocks, whose texts have no markup. `text` is what its notifications and old clients show: there Slack formats
 * marks and links addresses, also those of a name.
 */
function slackBody(summary: Summary): object {
  const lines = summary.lines.map(({ text, url }) => `${escapeSlack(text)} <${escapeSlack(url)}|Open>`);
  const rest = (left: number) => `And ${left} more. <${escapeSlack(summary.url)}|Open>`;
  const sections = summary.lines.map(({ text, url }) => ({
    type: 'rich_text_section',
    elements: [
      { type: 'text', text: `${text} ` },
      { type: 'link', url, text: 'Open' },
    ],
  }));
  return {
    text: joined(lines, SLACK_MAX, rest),
    blocks: [{ type: 'rich_text', elements: sections }],
    unfurl_links: false,
    unfurl_media: false,
  };
}

/** The three characters that Slack reads as control characters: mentions and links begin with `<`. */
const escapeSlack = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A flow of the Workflows app takes an adaptive card as the attachment of a message. A `TextRun` has no markup. */
function teamsBody({ lines, url }: Summary): object {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    fallbackText: lines.map(({ text }) => text).join('\n'),
    body: lines.map(({ text }) => ({ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text }] })),
    actions: [{ type: 'Action.OpenUrl', title: 'Open', url }],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content }],
  };
}

const DISCORD_MAX = 2_000;
/** Of a message: links get no preview. */
const SUPPRESS_EMBEDS = 4;

function discordBody(summary: Summary): object {
  const lines = summary.lines.map(({ text, url }) => `${escapeDiscord(text)} ${url}`);
  const rest = (left: number) => `And ${left} more. ${summary.url}`;
  return {
    content: joined(lines, DISCORD_MAX, rest),
    allowed_mentions: { parse: [] },
    flags: SUPPRESS_EMBEDS,
  };
}

/** Markdown: marks anywhere, headings and lists at the beginning, and the colon of an address. */
const escapeDiscord = (text: string) => text.replace(/[\\*_~`|<[\]()]|:(?=\/)|^[#>-]/g, '\\$&');

const SUBJECT_MAX = 150;

function emailBody({ lines, url }: Summary): z.infer<typeof EmailBody> {
  const [first, ...others] = lines.map(({ text }) => text);
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  const subject = `${shortened(first ?? '', SUBJECT_MAX)}${more}`;
  const paragraphs = lines.map((line: Line) => `${line.text}\n${line.url}`);
  const end = lines.length > 1 ? [`All clinics: ${url}`] : [];
  return { subject, text: `${[...paragraphs, ...end, 'Sent by Patient Sync.'].join('\n\n')}\n` };
}

/** As many lines as fit, and how many others there are. */
function joined(lines: readonly string[], max: number, rest: (left: number) => string): string {
  for (let shown = lines.length; shown > 0; shown -= 1) {
    const left = lines.length - shown;
    const text = [...lines.slice(0, shown), ...(left > 0 ? [rest(left)] : [])].join('\n');
    if (text.length <= max) return text;
  }
  return rest(lines.length);
}
