/** Adds or changes an endpoint. Loaded when opened. */
import { type FormEvent, useState } from 'react';
import type { CreatedWebhookEndpoint, WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { messageOf } from '../api.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { draftOf, type EndpointDraft, missingIn, requestOf } from './endpoint-draft.ts';
import { ClinicFields, EventFields, TargetFields, TimeFields } from './endpoint-fields.tsx';
import type { NotificationApi } from './notification-api.ts';

export interface EndpointDialogProps {
  api: NotificationApi;
  /** Null: a new one. */
  endpoint: WebhookEndpoint | null;
  names: ReadonlyMap<number, string>;
  sendsEmail: boolean;
  /** @param created null: one was changed */
  onSaved(created: CreatedWebhookEndpoint | null): void;
  onClose(): void;
}

export function EndpointDialog({ api, endpoint, names, sendsEmail, onSaved, onClose }: EndpointDialogProps) {
  const [draft, setDraft] = useState(() =>
    draftOf(endpoint, Intl.DateTimeFormat().resolvedOptions().timeZone),
  );
  const [isSaving, setIsSaving] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const onDraft = (part: Partial<EndpointDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setRefusal(null);
  };
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isSaving) return;
    const missing = missingIn(draft);
    if (missing !== undefined) return setRefusal(missing);
    setIsSaving(true);
    try {
      const request = requestOf(draft);
      if (endpoint === null) return onSaved(await api.create(request));
      await api.change(endpoint.id, request);
      onSaved(null);
    } catch (error) {
      setRefusal(messageOf(error));
      setIsSaving(false);
    }
  };
  return (
    <DialogFrame
      title={endpoint === null ? 'Add a notification' : 'Change the notification'}
      onClose={onClose}
    >
      <form className="settings" noValidate onSubmit={save}>
        <TargetFields draft={draft} onDraft={onDraft} sendsEmail={sendsEmail} />
        <ClinicFields draft={draft} onDraft={onDraft} names={names} />
        <EventFields draft={draft} onDraft={onDraft} />
        <TimeFields draft={draft} onDraft={onDraft} />
        {refusal !== null && <ErrorNotice words={refusal} />}
        <div className="settings-end">
          <button type="submit" className="btn btn-primary" aria-disabled={isSaving}>
            {isSaving ? 'Saving…' : endpoint === null ? 'Add' : 'Save'}
          </button>
        </div>
      </form>
    </DialogFrame>
  );
}
