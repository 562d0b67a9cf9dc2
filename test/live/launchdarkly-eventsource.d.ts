/** As far as the test uses it; the package has no types of its own. */
declare module 'launchdarkly-eventsource' {
  export class EventSource {
    constructor(url: string, options: object);
    addEventListener(type: string, listener: (event: { lastEventId: string }) => void): void;
    close(): void;
  }
}
