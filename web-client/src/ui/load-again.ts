/**
 * Loads a page again whose files did not arrive: the server was updated between the page and its files, a server of
 * another version was asked for them, or the connection was lost. Without its script a page would stay empty.
 *
 * It is part of the page itself (packaging/release/inline-script.ts), so it needs no other file. There is no loop: each
 * attempt waits longer, and after the last one the person decides. A page in which a person has typed stays.
 */
import { keep, readKept } from '../browser-storage.ts';
import { PART_MISSING } from './part-missing.ts';

const KEY = 'patient-sync.attempts-to-load';
const DELAYS_MS = [0, 2_000, 5_000, 15_000, 30_000, 60_000];
/** Then a failure is a new one. */
const FORGOTTEN_AFTER_MS = 300_000;

const page = document.createElement('main');
page.className = 'noscript';
const title = document.createElement('h1');
title.textContent = 'This page did not load completely';
const notice = document.createElement('p');
notice.setAttribute('role', 'alert');
page.append(title, notice);

let isPlanned = false;
let hasTyped = false;

window.addEventListener('input', () => (hasTyped = true), true);
window.addEventListener('error', ({ target }) => isFileOfPage(target) && loadAgain(), true);
window.addEventListener(PART_MISSING, loadAgain);

/** Extensions and translators of browsers add files of other origins, which the Content-Security-Policy refuses each time. */
function isFileOfPage(target: EventTarget | null): boolean {
  const isOwn = (address: string): boolean => address.startsWith(`${window.location.origin}/`);
  if (target instanceof HTMLScriptElement) return target.type === 'module' && isOwn(target.src);
  return target instanceof HTMLLinkElement && target.rel === 'stylesheet' && isOwn(target.href);
}

/** The events of one page may be many: its script, its style and its parts. */
function loadAgain(): void {
  if (isPlanned || hasTyped) return;
  const attempts = attemptsUntilNow();
  const delay = DELAYS_MS[attempts];
  if (delay === undefined || !isKept(attempts + 1)) {
    tell('Reload it in a minute. If that does not help, tell the administrator of this server.');
    return;
  }
  isPlanned = true;
  tell('It loads again by itself.');
  setTimeout(async () => {
    // The browser's own page about a server that does not answer would never load again.
    const isThere = await serverAnswers();
    isPlanned = false;
    if (hasTyped) return;
    if (isThere) window.location.reload();
    else loadAgain();
  }, delay);
}

function attemptsUntilNow(): number {
  const [attempts = 0, at = 0] = (readKept('sessionStorage', KEY) ?? '').split(' ').map(Number);
  return Date.now() - at < FORGOTTEN_AFTER_MS ? attempts : 0;
}

/** A browser that keeps nothing would load the page again without an end. */
function isKept(attempts: number): boolean {
  const text = `${attempts} ${Date.now()}`;
  keep('sessionStorage', KEY, text);
  return readKept('sessionStorage', KEY) === text;
}

async function serverAnswers(): Promise<boolean> {
  try {
    return (await fetch(window.location.href, { cache: 'no-store' })).status < 500;
  } catch {
    return false;
  }
}

/** Only in an empty page. */
function tell(words: string): void {
  const root = document.getElementById('root');
  // The style may fail before the browser has read the body.
  if (root === null) document.addEventListener('DOMContentLoaded', () => tell(words), { once: true });
  else if (root.firstElementChild === null || root.firstElementChild === page) {
    notice.textContent = words;
    root.replaceChildren(page);
  }
}
