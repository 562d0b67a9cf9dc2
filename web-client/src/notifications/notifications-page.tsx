/** The page of notifications: which chat, address or program gets which events. For administrators. */
import { useState } from 'react';
import type { CreatedWebhookEndpoint, WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { useMay } from '../auth/rights.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { LazyConfirmDialog } from '../ui/lazy-confirm-dialog.tsx';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { EndpointCard } from './endpoint-card.tsx';
import { kindName, targetText } from './labels.ts';
import type { NotificationApi } from './notification-api.ts';
import { useEndpoints } from './use-endpoints.ts';

const EndpointDialog = loadOnDemand(() =>
  import('./endpoint-dialog.tsx').then(({ EndpointDialog: loaded }) => loaded),
);

export function NotificationsPage({ api }: { api: NotificationApi }) {
  const { list, names, error, isForbidden, readAgain } = useEndpoints(api, useMay('admin'));
  const [edited, setEdited] = useState<WebhookEndpoint | 'new' | null>(null);
  const [removed, setRemoved] = useState<WebhookEndpoint | null>(null);
  const [secrets, setSecrets] = useState<readonly NewSecret[]>([]);
  useDocumentTitle('Notifications');
  return (
    <>
      <PageHeader current="notifications" />
      <main className="page">
        <div className="title">
          <div className="title-row">
            <h1>Notifications</h1>
            {list !== null && (
              <button type="button" className="btn btn-primary" onClick={() => setEdited('new')}>
                Add a notification
              </button>
            )}
          </div>
          <p className="soft">
            A message when a sync fails or a clinic needs attention. It names clinics, and never a patient.
          </p>
        </div>
        {isForbidden ? (
          <OnlyForAdministrators />
        ) : (
          error !== null && <ErrorNotice words={error} onAgain={readAgain} />
        )}
        {secrets.map((one) => (
          <Secret
            key={one.id}
            {...one}
            onClose={() => setSecrets((before) => before.filter(({ id }) => id !== one.id))}
          />
        ))}
        {list === null && error === null && !isForbidden && <p className="card empty">Reading…</p>}
        {list?.webhooks.length === 0 && (
          <p className="card empty">
            No notifications yet. Add Slack, Microsoft Teams, Discord, an email address or a program.
          </p>
        )}
        {list !== null && list.webhooks.length > 0 && (
          <ul className="endpoints">
            {list.webhooks.map((endpoint) => (
              <li key={endpoint.id}>
                <EndpointCard
                  api={api}
                  endpoint={endpoint}
                  names={names}
                  onChanged={readAgain}
                  onEdit={() => setEdited(endpoint)}
                  onRemove={() => setRemoved(endpoint)}
                />
              </li>
            ))}
          </ul>
        )}
      </main>
      {edited !== null && (
        <EndpointDialog
          api={api}
          endpoint={edited === 'new' ? null : edited}
          names={names}
          sendsEmail={list?.email === true}
          onSaved={(saved) => {
            setSecrets((before) => [...before, ...secretOf(saved)]);
            readAgain();
          }}
          onClose={() => setEdited(null)}
        />
      )}
      <LazyConfirmDialog
        isOpen={removed !== null}
        title="Delete this notification?"
        action="Delete"
        otherwise="Keep it"
        onConfirm={() => (removed === null ? Promise.resolve() : api.remove(removed.id).then(readAgain))}
        onClose={() => setRemoved(null)}
      >
        {removed !== null && (
          <>
            {kindName(removed.kind)} (<bdi>{targetText(removed)}</bdi>) gets no more messages, and its log is
            deleted.
          </>
        )}
      </LazyConfirmDialog>
    </>
  );
}

function OnlyForAdministrators() {
  return (
    <p className="card empty">
      Only an administrator sees and changes notifications. Ask the administrator of this server.
    </p>
  );
}

/** Of an endpoint that was created on this page. */
interface NewSecret {
  id: number;
  target: string;
  secret: string;
}

function secretOf(saved: WebhookEndpoint | CreatedWebhookEndpoint): NewSecret[] {
  if (!('secret' in saved) || saved.secret === null) return [];
  return [{ id: saved.id, target: targetText(saved), secret: saved.secret }];
}

/** It cannot be read again, so it stays until it is closed. */
function Secret({ target, secret, onClose }: NewSecret & { onClose(): void }) {
  return (
    <div className="notice" data-tone="warn">
      <div>
        <p>
          Copy the secret of <bdi>{target}</bdi> now: with it the program checks the signature, and it is
          shown only once.
        </p>
        <p>
          <code className="secret">{secret}</code>
        </p>
        <button type="button" className="btn btn-small" onClick={onClose}>
          I have copied it
        </button>
      </div>
    </div>
  );
}
