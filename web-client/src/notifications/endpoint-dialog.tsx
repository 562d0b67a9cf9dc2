/** Adds or changes an endpoint. Loaded when opened. */
import { type FormEvent, useRef, useState } from 'react';
import type { CreatedWebhookEndpoint, WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { ApiError, messageOf } from '../api.ts';
import { useFocusOnError } from '../dashboard/field.tsx';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { useDiscardQuestion } from '../ui/discard-question.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import {
  draftOf,
  type EndpointDraft,
  type EndpointErrors,
  endpointErrors,
  errorsOf,
  isChanged,
  requestOf,
} from './endpoint-draft.ts';
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
  const [initial] = useState(() => draftOf(endpoint, Intl.DateTimeFormat().resolvedOptions().timeZone));
  const [draft, setDraft] = useState(initial);
  const [isSaving, setIsSaving] = useState(false);
  /** Of no field. */
  const [refusal, setRefusal] = useState<string | null>(null);
  const [errors, setErrors] = useState<EndpointErrors>({});
  const form = useRef<HTMLFormElement>(null);
  useFocusOnError(form, errors);
  const { mayClose, question } = useDiscardQuestion(isChanged(draft, initial), onClose);
  const onDraft = (part: Partial<EndpointDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setRefusal(null);
    setErrors({});
  };
  const refuse = (error: unknown): void => {
    const found = error instanceof ApiError ? errorsOf(error) : null;
    if (found === null) setRefusal(messageOf(error));
    else setErrors(found);
  };
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isSaving) return;
    const missing = endpointErrors(draft);
    setErrors(missing);
    if (Object.keys(missing).length > 0) return;
    setRefusal(null);
    setIsSaving(true);
    try {
      const request = requestOf(draft);
      if (endpoint === null) return onSaved(await api.create(request));
      await api.change(endpoint.id, request);
      onSaved(null);
    } catch (error) {
      refuse(error);
      setIsSaving(false);
    }
  };
  return (
    <DialogFrame
      title={endpoint === null ? 'Add a notification' : 'Change the notification'}
      mayClose={mayClose}
      onClose={onClose}
    >
      <form ref={form} className="settings" noValidate onSubmit={save}>
        <TargetFields draft={draft} errors={errors} onDraft={onDraft} sendsEmail={sendsEmail} />
        <ClinicFields draft={draft} errors={errors} onDraft={onDraft} names={names} />
        <EventFields draft={draft} errors={errors} onDraft={onDraft} />
        <TimeFields draft={draft} errors={errors} onDraft={onDraft} />
        {refusal !== null && <ErrorNotice words={refusal} />}
        <div className="settings-end">
          <button type="submit" className="btn btn-primary" aria-disabled={isSaving}>
            {isSaving ? 'Saving…' : endpoint === null ? 'Add' : 'Save'}
          </button>
        </div>
      </form>
      {question}
    </DialogFrame>
  );
}
