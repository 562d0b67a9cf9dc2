/** @returns undefined when the text, which comes from outside, is not JSON */
export function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
