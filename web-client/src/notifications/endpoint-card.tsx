/** One endpoint: where it leads, what it gets, what became of its newest message, and its log. */
import { useId, useState } from 'react';
import type { WebhookDelivery } from '#contract/webhook.ts';
import type { WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { messageOf } from '../api.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Fact } from '../ui/facts.tsx';
import { DayAndTime } from '../ui/time.tsx';
import { DeliveryList } from './delivery-list.tsx';
import { eventsText, kindName, organizationsText, outcomeOf, stateOf, targetText } from './labels.ts';
import type { NotificationApi } from './notification-api.ts';
import { OutcomePill } from './outcome-pill.tsx';

export interface EndpointCardProps {
  api: NotificationApi;
  endpoint: WebhookEndpoint;
  names: ReadonlyMap<number, string>;
  onChanged(): void;
  onEdit(): void;
  onRemove(): void;
}

export function EndpointCard({ api, endpoint, names, onChanged, onEdit, onRemove }: EndpointCardProps) {
  const { id, kind, quiet_hours: quiet, latest } = endpoint;
  const [isOpen, setIsOpen] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const headingId = useId();
  const logId = useId();
  const name = kindName(kind);
  const test = (): void => {
    setError(null);
    api.test(id).then(onChanged, (failure: unknown) => setError(messageOf(failure)));
  };
  return (
    <section className="card endpoint" aria-labelledby={headingId}>
      <div className="card-head">
        <h2 id={headingId}>{name}</h2>
        <OutcomePill outcome={stateOf(endpoint)} />
      </div>
      <dl className="endpoint-facts">
        <Fact term="Address">
          <bdi>{targetText(endpoint)}</bdi>
        </Fact>
        <Fact term="Clinics">
          <bdi>{organizationsText(endpoint.organizations, names)}</bdi>
        </Fact>
        <Fact term="When">{eventsText(endpoint.events)}</Fact>
        <Fact term="How">
          {endpoint.digest ? 'Together, five minutes after the first' : 'Each event at once'}
          {quiet !== null && `; not from ${quiet.from} to ${quiet.to} (${quiet.time_zone})`}
        </Fact>
      </dl>
      <p className="soft endpoint-latest" role="status">
        {latest === null ? '' : <Latest delivery={latest} />}
      </p>
      {error !== null && <ErrorNotice words={error} />}
      <div className="endpoint-actions">
        <button type="button" className="btn" onClick={test} aria-label={`Send a test to ${name}`}>
          Send a test
        </button>
        <button
          type="button"
          className="btn"
          aria-expanded={isOpen}
          aria-controls={logId}
          onClick={() => setIsOpen(!isOpen)}
        >
          {isOpen ? 'Hide the log' : 'Show the log'}
        </button>
        <button type="button" className="btn" onClick={onEdit} aria-label={`Change ${name}`}>
          Change
        </button>
        <button
          type="button"
          className="btn btn-quiet-danger"
          onClick={onRemove}
          aria-label={`Delete ${name}`}
        >
          Delete
        </button>
      </div>
      <div id={logId}>
        {isOpen && <DeliveryList api={api} endpoint={endpoint} onChanged={onChanged} onError={setError} />}
      </div>
    </section>
  );
}

function Latest({ delivery }: { delivery: WebhookDelivery }) {
  const { state, last_error, created_at } = delivery;
  return (
    <>
      Newest message <DayAndTime at={created_at} />: {outcomeOf(delivery).words.toLowerCase()}
      {state !== 'delivered' && last_error !== null && `. ${last_error}`}
    </>
  );
}
