/** The dashboard as a person finds it: by its visible texts. */
import type { Locator, Page } from 'playwright-core';

export interface DashboardPage {
  startFull: Locator;
  bar: Locator;
  counter: Locator;
  step: Locator;
  connection: Locator;
  result: Locator;
  announcer: Locator;
  total(name: 'patients' | 'active' | 'archived' | 'missing-in-cliniko'): Locator;
  /** For the shown sync. */
  hasStatus(status: 'running' | 'completed' | 'failed'): Promise<void>;
  isConnected(kind: 'live' | 'polling' | 'offline'): Promise<void>;
}

export async function openDashboard(page: Page, url: string, organizationId = 123): Promise<DashboardPage> {
  await page.goto(`${url}/?org=${organizationId}`);
  return {
    startFull: page.getByRole('button', { name: 'Start Full Sync' }),
    bar: page.getByRole('progressbar', { name: 'Sync progress' }),
    counter: page.locator('.progress-text'),
    step: page.locator('.current-step'),
    connection: page.locator('.badge'),
    result: page.locator('.result'),
    announcer: page.getByTestId('announcer'),
    total: (name) => page.locator(`[data-total="${name}"] dd`),
    hasStatus: (status) => page.locator(`.sync-monitor[data-status="${status}"]`).waitFor(),
    isConnected: (kind) => page.locator(`.badge[data-connection="${kind}"]`).waitFor(),
  };
}

/** The focused element. Without focus, at the top of the page, ''. */
export function focusedText(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement, body } = document;
    return activeElement === body ? '' : (activeElement?.textContent ?? '');
  });
}

export function isFocused(field: Locator): Promise<boolean> {
  return field.evaluate((element) => element === document.activeElement);
}

/** The values of a bar, in order, from now on. */
export async function recordBar(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen: number[] = [];
    const look = (): void => {
      const value = document.querySelector('.sync-monitor [role=progressbar]')?.getAttribute('aria-valuenow');
      if (value != null && seen.at(-1) !== Number(value)) seen.push(Number(value));
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    look();
    Object.assign(globalThis, { barValues: seen });
  });
  return () => page.evaluate(() => Reflect.get(globalThis, 'barValues'));
}
