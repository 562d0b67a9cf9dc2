/**
 * Why nothing arrives, for the developer of the page. A browser does not tell a script that the server rejects its origin: the
 * request fails like one to a server that is off. Only the embed script is for all origins, so it tells the two apart.
 */
import type { Connection } from '../live/connection.ts';

/** @param baseUrl without a trailing slash; '' is the page's own origin */
export async function offlineReason(
  baseUrl: string,
  { refusedWith, refusal }: Connection,
): Promise<string | null> {
  const server = baseUrl === '' ? location.origin : baseUrl;
  if (refusal !== undefined) return `${server} refuses this page: ${refusal}`;
  if (refusedWith === 401) return `${server} asks for a token. Set "getStreamToken" of the element.`;
  if (refusedWith === 403) return `The token of the element is not for this organization.`;
  if (await answers(`${baseUrl}/healthz`)) return null;
  if (!(await answers(`${baseUrl}/embed/sync-progress.js`))) return `${server} does not answer.`;
  return `${server} does not allow pages of ${location.origin}. Add this origin to ALLOWED_ORIGINS of the server.`;
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', cache: 'no-store', credentials: 'omit' });
    return true;
  } catch {
    return false;
  }
}
