/** What is kept in this tab or in this browser. A browser may forbid a page to store anything: then nothing is kept. */

type Place = 'sessionStorage' | 'localStorage';

export function readKept(place: Place, key: string): string | null {
  try {
    return window[place].getItem(key);
  } catch {
    return null;
  }
}

/** @param text null: nothing */
export function keep(place: Place, key: string, text: string | null): void {
  try {
    if (text === null) window[place].removeItem(key);
    else window[place].setItem(key, text);
  } catch {
    // See above.
  }
}
