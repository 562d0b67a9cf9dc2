/** The fields of an endpoint. */
import { type ReactNode, useState } from 'react';
import { formatCount } from '#contract/count.ts';
import { Field } from '../dashboard/field.tsx';
import { timeZones } from '../dashboard/settings-draft.ts';
import { type EndpointDraft, toggled, withKind } from './endpoint-draft.ts';
import { EVENT_NAMES, EVENTS, KINDS } from './labels.ts';

export interface DraftProps {
  draft: EndpointDraft;
  onDraft(part: Partial<EndpointDraft>): void;
}

const HINTS: Record<EndpointDraft['kind'], string> = {
  slack: 'Of an incoming webhook: https://hooks.slack.com/services/…',
  teams: 'Of the workflow “Send webhook alerts to a channel”.',
  discord: 'Of a webhook: https://discord.com/api/webhooks/…',
  email: 'One address. A mailing list reaches several people.',
  standard: 'https, of a program that takes signed JSON.',
};

export function TargetFields({ draft, onDraft, sendsEmail }: DraftProps & { sendsEmail: boolean }) {
  const isEmail = draft.kind === 'email';
  const cannotSend = isEmail && !sendsEmail;
  return (
    <fieldset className="group">
      <legend>Where</legend>
      <Field label="Service" hint={cannotSend ? 'This server needs SMTP_URL and SMTP_FROM for it.' : ''}>
        {(ids) => (
          <select
            {...ids}
            className="select"
            value={draft.kind}
            onChange={(event) =>
              onDraft(withKind(draft, KINDS.find(([kind]) => kind === event.target.value)?.[0] ?? 'slack'))
            }
          >
            {KINDS.map(([kind, name]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={isEmail ? 'Email address' : 'Address (URL)'} hint={HINTS[draft.kind]}>
        {(ids) => (
          <input
            {...ids}
            type={isEmail ? 'email' : 'url'}
            autoComplete="off"
            spellCheck={false}
            maxLength={2_000}
            value={draft.target}
            onChange={(event) => onDraft({ target: event.target.value })}
          />
        )}
      </Field>
    </fieldset>
  );
}

interface CheckProps {
  isChecked: boolean;
  onToggle(): void;
  children: ReactNode;
}

function Check({ isChecked, onToggle, children }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={isChecked} onChange={onToggle} />
      <span>{children}</span>
    </label>
  );
}

/** A shorter list is searched by eye. */
const SEARCHED_FROM = 8;

export function ClinicFields({ draft, onDraft, names }: DraftProps & { names: ReadonlyMap<number, string> }) {
  const { isForAll, organizations } = draft;
  const [search, setSearch] = useState('');
  // An endpoint may name one that the list does not have.
  const ids = [...new Set([...names.keys(), ...organizations])].sort((one, other) => one - other);
  const nameOf = (id: number) => names.get(id) ?? `Organization ${id}`;
  const shown = ids.filter((id) => `${nameOf(id)} ${id}`.toLowerCase().includes(search.trim().toLowerCase()));
  return (
    <fieldset className="group">
      <legend>Clinics</legend>
      <Check isChecked={isForAll} onToggle={() => onDraft({ isForAll: !isForAll })}>
        All clinics, also those that are added later
      </Check>
      {!isForAll && ids.length > SEARCHED_FROM && (
        <Field
          label="Search the clinics"
          hint={`${formatCount(organizations.length)} of ${formatCount(ids.length)} chosen`}
        >
          {(field) => (
            <input
              {...field}
              type="search"
              autoComplete="off"
              value={search}
              onChange={(event) => setSearch(event.target.value)}
            />
          )}
        </Field>
      )}
      {!isForAll && (
        <div className="check-list">
          {shown.length === 0 && <p className="soft">No clinic matches.</p>}
          {shown.map((id) => (
            <Check
              key={id}
              isChecked={organizations.includes(id)}
              onToggle={() => onDraft({ organizations: toggled(organizations, id) })}
            >
              <bdi>{nameOf(id)}</bdi> <span className="soft">{id}</span>
            </Check>
          ))}
        </div>
      )}
    </fieldset>
  );
}

export function EventFields({ draft, onDraft }: DraftProps) {
  const { kind, events } = draft;
  return (
    <fieldset className="group">
      <legend>When</legend>
      {EVENTS.filter((event) => kind === 'standard' || event !== 'patients.changed').map((event) => (
        <Check
          key={event}
          isChecked={events.includes(event)}
          onToggle={() => onDraft({ events: toggled(events, event) })}
        >
          {EVENT_NAMES[event]}
        </Check>
      ))}
    </fieldset>
  );
}

export function TimeFields({ draft, onDraft }: DraftProps) {
  const { digest, isQuiet, from, to, timeZone } = draft;
  return (
    <fieldset className="group">
      <legend>How</legend>
      <Check isChecked={digest} onToggle={() => onDraft({ digest: !digest })}>
        One message for the events of five minutes: “13 clinics failed: Cliniko answered 503”
      </Check>
      <Check isChecked={isQuiet} onToggle={() => onDraft({ isQuiet: !isQuiet })}>
        Quiet hours: messages wait until they end, and come as one
      </Check>
      {isQuiet && (
        <div className="field-pair">
          <TimeOfDay label="From" value={from} onChange={(value) => onDraft({ from: value })} />
          <TimeOfDay label="To" value={to} onChange={(value) => onDraft({ to: value })} />
          <Field label="Time zone">
            {(ids) => (
              <select
                {...ids}
                className="select"
                value={timeZone}
                onChange={(event) => onDraft({ timeZone: event.target.value })}
              >
                {timeZones(timeZone).map((zone) => (
                  <option key={zone}>{zone}</option>
                ))}
              </select>
            )}
          </Field>
        </div>
      )}
    </fieldset>
  );
}

function TimeOfDay({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange(value: string): void;
}) {
  return (
    <Field label={label}>
      {(ids) => (
        <input {...ids} type="time" value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}
