/** The form of an endpoint: its input, what of it is not saved yet, and the errors of the last attempt. */
import { useCallback, useRef, useState } from 'react';
import type { CreatedWebhookEndpoint, WebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { ApiError, messageOf } from '../api.ts';
import { useEndAtUnmount } from '../hooks/use-end-at-unmount.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import {
  draftOf,
  type EndpointDraft,
  type EndpointErrors,
  endpointErrors,
  errorsOf,
  isChanged,
  requestOf,
} from './endpoint-draft.ts';
import type { NotificationApi } from './notification-api.ts';

/** What the server has. */
interface Stored {
  /** Null: nothing yet. */
  id: number | null;
  draft: EndpointDraft;
}

export interface EndpointEditor {
  draft: EndpointDraft;
  /** Always the same function, so that a key draws only its field again, and not the list of all clinics. */
  onDraft(part: Partial<EndpointDraft>): void;
  isNew: boolean;
  isUnsaved: boolean;
  /** `saved`: what was typed since is not saved yet. */
  outcome: 'none' | 'saving' | 'saved';
  /** Of no field. */
  refusal: string | null;
  /** New after each attempt that failed. */
  errors: EndpointErrors;
  save(): void;
}

export interface EndpointHandlers {
  /** Also after the form was closed: a secret is shown only once. */
  onSaved(saved: WebhookEndpoint | CreatedWebhookEndpoint): void;
  /** Everything is saved. */
  onDone(): void;
}

/** @param endpoint null: a new one */
export function useEndpointEditor(
  api: NotificationApi,
  endpoint: WebhookEndpoint | null,
  { onSaved, onDone }: EndpointHandlers,
): EndpointEditor {
  const [stored, setStored] = useState<Stored>(() => ({
    id: endpoint?.id ?? null,
    draft: draftOf(endpoint, Intl.DateTimeFormat().resolvedOptions().timeZone),
  }));
  const [draft, setDraft] = useState(stored.draft);
  const newest = useRef(draft);
  newest.current = draft;
  const [outcome, setOutcome] = useState<EndpointEditor['outcome']>('none');
  const [refusal, setRefusal] = useState<string | null>(null);
  const [errors, setErrors] = useState<EndpointErrors>({});
  const end = useEndAtUnmount();
  const onDraft = useCallback((part: Partial<EndpointDraft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    setRefusal(null);
    setErrors({});
  }, []);
  const keep = ({ id }: WebhookEndpoint): void => {
    if (!isChanged(newest.current, draft)) {
      onDone();
      return;
    }
    setStored({ id, draft });
    setOutcome('saved');
  };
  const refuse = (error: unknown): void => {
    setOutcome('none');
    const found = error instanceof ApiError ? errorsOf(error) : null;
    if (found === null) setRefusal(messageOf(error));
    else setErrors(found);
  };
  const save = (): void => {
    if (outcome === 'saving') return;
    const missing = endpointErrors(draft);
    setErrors(missing);
    if (Object.keys(missing).length > 0) return;
    setRefusal(null);
    setOutcome('saving');
    const request = requestOf(draft);
    const answer = stored.id === null ? api.create(request) : api.change(stored.id, request);
    answer.then(onSaved, () => {});
    end.current = whileCurrent<WebhookEndpoint>(answer, keep, refuse);
  };
  const isUnsaved = isChanged(draft, stored.draft);
  return { draft, onDraft, isNew: stored.id === null, isUnsaved, outcome, refusal, errors, save };
}
