/** Adds or changes an endpoint. Loaded when opened. */
import { type FormEvent, useCallback, useRef, useState } from 'react';
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

/** What the server has. */
interface Stored {
  /** Null: nothing yet. */
  id: number | null;
  draft: EndpointDraft;
}

export interface EndpointDialogProps {
  api: NotificationApi;
  /** Null: a new one. */
  endpoint: WebhookEndpoint | null;
  names: ReadonlyMap<number, string>;
  sendsEmail: boolean;
  onSaved(saved: WebhookEndpoint | CreatedWebhookEndpoint): void;
  onClose(): void;
}

export function EndpointDialog(props: EndpointDialogProps) {
  const { api, names, sendsEmail, onSaved, onClose } = props;
  const [stored, setStored] = useState<Stored>(() => ({
    id: props.endpoint?.id ?? null,
    draft: draftOf(props.endpoint, Intl.DateTimeFormat().resolvedOptions().timeZone),
  }));
  const [draft, setDraft] = useState(stored.draft);
  const newest = useRef(draft);
  newest.current = draft;
  const [outcome, setOutcome] = useState<'none' | 'saving' | 'saved'>('none');
  /** Of no field. */
  const [refusal, setRefusal] = useState<string | null>(null);
  const [errors, setErrors] = useState<EndpointErrors>({});
  const form = useRef<HTMLFormElement>(null);
  useFocusOnError(form, errors);
  const { mayClose, question } = useDiscardQuestion(isChanged(draft, stored.draft), onClose);
  // Always the same, so that a key draws only its field again, and not the list of all clinics.
  const onDraft = useCallback((part: Partial<EndpointDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setRefusal(null);
    setErrors({});
  }, []);
  const refuse = (error: unknown): void => {
    const found = error instanceof ApiError ? errorsOf(error) : null;
    if (found === null) setRefusal(messageOf(error));
    else setErrors(found);
  };
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (outcome === 'saving') return;
    const missing = endpointErrors(draft);
    setErrors(missing);
    if (Object.keys(missing).length > 0) return;
    setRefusal(null);
    setOutcome('saving');
    try {
      const request = requestOf(draft);
      const saved = await (stored.id === null ? api.create(request) : api.change(stored.id, request));
      onSaved(saved);
      // What was typed during the request is not saved yet.
      if (!isChanged(newest.current, draft)) return onClose();
      setStored({ id: saved.id, draft });
      setOutcome('saved');
    } catch (error) {
      refuse(error);
      setOutcome('none');
    }
  };
  return (
    <DialogFrame
      title={stored.id === null ? 'Add a notification' : 'Change the notification'}
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
          <button type="submit" className="btn btn-primary" aria-disabled={outcome === 'saving'}>
            {outcome === 'saving' ? 'Saving…' : stored.id === null ? 'Add' : 'Save'}
          </button>
          <p role="status">{outcome === 'saved' && 'Saved, without the changes since then.'}</p>
        </div>
      </form>
      {question}
    </DialogFrame>
  );
}
