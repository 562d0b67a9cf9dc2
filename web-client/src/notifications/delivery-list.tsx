/** What an endpoint was sent, newest first, and what became of each message. */
import { formatCount } from '#contract/count.ts';
import type { WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { messageOf } from '../api.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { DayAndTime } from '../ui/time.tsx';
import { EVENT_NAMES, outcomeOf } from './labels.ts';
import type { NotificationApi } from './notification-api.ts';
import { OutcomePill } from './outcome-pill.tsx';
import { useDeliveries } from './use-deliveries.ts';

export interface DeliveryListProps {
  api: NotificationApi;
  endpoint: WebhookEndpoint;
  onChanged(): void;
  onError(words: string): void;
}

export function DeliveryList({ api, endpoint, onChanged, onError }: DeliveryListProps) {
  const { id, latest } = endpoint;
  const newest = `${latest?.id} ${latest?.state} ${latest?.attempts}`;
  const { deliveries, error, readAgain } = useDeliveries(api, id, newest);
  const sendAgain = (deliveryId: number): void => {
    api.redeliver(id, deliveryId).then(
      () => {
        readAgain();
        onChanged();
      },
      (failure: unknown) => onError(messageOf(failure)),
    );
  };
  if (error !== null) return <ErrorNotice words={error} onAgain={readAgain} />;
  if (deliveries === null) return <p className="soft">Reading…</p>;
  if (deliveries.length === 0) return <p className="soft">Nothing was sent in the last 30 days.</p>;
  return (
    <ul className="deliveries">
      {deliveries.map((delivery) => (
        <li key={delivery.id}>
          <div className="delivery-words">
            <p>{EVENT_NAMES[delivery.event]}</p>
            <p className="soft">
              <DayAndTime at={delivery.created_at} />
              {delivery.attempts > 1 && ` · ${formatCount(delivery.attempts)} attempts`}
              {delivery.last_error !== null && ` · ${delivery.last_error}`}
            </p>
          </div>
          <OutcomePill outcome={outcomeOf(delivery)} />
          <button
            type="button"
            className="btn btn-small"
            aria-label={`Send again: ${EVENT_NAMES[delivery.event]}, message ${delivery.id}`}
            onClick={() => sendAgain(delivery.id)}
          >
            Send again
          </button>
        </li>
      ))}
    </ul>
  );
}
