/** Adds or changes an endpoint. Loaded when opened. */
import { type FormEvent, useRef } from 'react';
import type { CreatedWebhookEndpoint, WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { useFocusOnError } from '../dashboard/field.tsx';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { useDiscardQuestion } from '../ui/discard-question.tsx';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { ClinicFields, EventFields, TargetFields, TimeFields } from './endpoint-fields.tsx';
import type { NotificationApi } from './notification-api.ts';
import { useEndpointEditor } from './use-endpoint-editor.ts';

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
  const { api, endpoint, names, sendsEmail, onSaved, onClose } = props;
  const editor = useEndpointEditor(api, endpoint, { onSaved, onDone: onClose });
  const { draft, onDraft, isNew, isUnsaved, outcome, refusal, errors } = editor;
  const form = useRef<HTMLFormElement>(null);
  useFocusOnError(form, errors);
  const { mayClose, question } = useDiscardQuestion(isUnsaved, onClose);
  const save = (event: FormEvent): void => {
    event.preventDefault();
    editor.save();
  };
  return (
    <DialogFrame
      title={isNew ? 'Add a notification' : 'Change the notification'}
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
            {outcome === 'saving' ? 'Saving…' : isNew ? 'Add' : 'Save'}
          </button>
          <p role="status">{outcome === 'saved' && 'Saved, without the changes since then.'}</p>
        </div>
      </form>
      {question}
    </DialogFrame>
  );
}
