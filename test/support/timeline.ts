/** The timeline of a run as the server sends it, with the text of each event. The soak uses it too. */
import type { Sql } from 'postgres';
import { readTimelinePart } from '../../src/events/event-queries.ts';
import { streamTimeline } from '../../src/events/timeline-stream.ts';

export async function readTimeline(
  sql: Sql,
  organizationId: number,
  syncLogId: number,
): Promise<{ events: string[]; trimmed: boolean }> {
  const events: string[] = [];
  const readPart = async (after: string, limit: number) => {
    const part = await readTimelinePart(sql, { organizationId, syncLogId, after, limit });
    events.push(...part.map(({ json }) => json));
    return part;
  };
  const stream = await streamTimeline(readPart, (error) => {
    throw error;
  });
  const { trimmed }: { trimmed: boolean } = await new Response(stream).json();
  return { events, trimmed };
}
