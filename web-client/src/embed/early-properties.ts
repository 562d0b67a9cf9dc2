/** Properties of `<sync-progress>` that a page sets before the script has defined the element. */

const PROPERTIES = ['getStreamToken', 'getToken', 'texts', 'org', 'src', 'label', 'start'] as const;

/** They set no attribute. */
const PLAIN_PROPERTIES: ReadonlySet<string> = new Set(['getStreamToken', 'getToken', 'texts']);

/**
 * A page may set properties before an async script has defined the element. They are own properties then, and would
 * hide the accessors of the class.
 *
 * Attributes among them are set later: a constructor must not add any.
 */
export function takeOverProperties(element: HTMLElement): void {
  for (const name of PROPERTIES) {
    if (!Object.hasOwn(element, name)) continue;
    const value: unknown = Reflect.get(element, name);
    Reflect.deleteProperty(element, name);
    if (PLAIN_PROPERTIES.has(name)) Reflect.set(element, name, value);
    else queueMicrotask(() => Reflect.set(element, name, value));
  }
}
