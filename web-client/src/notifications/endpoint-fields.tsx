/** The fields of an endpoint. */
import { memo, type ReactNode, useDeferredValue, useId, useMemo, useState } from 'react';
import { formatCount } from '#contract/count.ts';
import { Field } from '../dashboard/field.tsx';
import { timeZones } from '../dashboard/settings-draft.ts';
import { type EndpointDraft, type EndpointErrors, toggled, withKind } from './endpoint-draft.ts';
import { EVENT_NAMES, EVENTS, KINDS } from './labels.ts';

export interface DraftProps {
  draft: EndpointDraft;
  errors: EndpointErrors;
  onDraft(part: Partial<EndpointDraft>): void;
}

const HINTS: Record<EndpointDraft['kind'], string> = {
  slack: 'Of an incoming webhook: https://hooks.slack.com/services/…',
  teams: 'Of the workflow “Send webhook alerts to a channel”.',
  discord: 'Of a webhook: https://discord.com/api/webhooks/…',
  email: 'One address. A mailing list reaches several people.',
  standard: 'https, of a program that takes signed JSON.',
};

export function TargetFields({ draft, errors, onDraft, sendsEmail }: DraftProps & { sendsEmail: boolean }) {
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
      <Field
        label={isEmail ? 'Email address' : 'Address (URL)'}
        hint={HINTS[draft.kind]}
        error={errors.target}
      >
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

interface ChoicesProps {
  legend: string;
  error: string | undefined;
  children: ReactNode;
}

/** Fields that share an error. */
function Choices({ legend, error, children }: ChoicesProps) {
  const id = useId();
  return (
    <fieldset className="group" aria-describedby={error === undefined ? undefined : id}>
      <legend>{legend}</legend>
      {children}
      {error !== undefined && (
        <p className="hint hint-bad" id={id} role="alert">
          {error}
        </p>
      )}
    </fieldset>
  );
}

interface CheckProps {
  isChecked: boolean;
  /** The first choice of a group with an error: it gets the focus. */
  isInvalid?: boolean;
  onToggle(): void;
  children: ReactNode;
}

function Check({ isChecked, isInvalid = false, onToggle, children }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={isChecked} aria-invalid={isInvalid} onChange={onToggle} />
      <span>{children}</span>
    </label>
  );
}

/** A shorter list is searched by eye. */
const SEARCHED_FROM = 8;

export function ClinicFields({
  draft,
  errors: { clinics: error },
  onDraft,
  names,
}: DraftProps & { names: ReadonlyMap<number, string> }) {
  const { isForAll, organizations } = draft;
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search.trim().toLowerCase());
  // An endpoint may name one that the list does not have.
  const all = useMemo(() => new Set([...names.keys(), ...organizations]), [names, organizations]);
  return (
    <Choices legend="Clinics" error={error}>
      <Check
        isChecked={isForAll}
        isInvalid={error !== undefined}
        onToggle={() => onDraft({ isForAll: !isForAll })}
      >
        All clinics, also those that are added later
      </Check>
      {!isForAll && all.size > SEARCHED_FROM && (
        <Field
          label="Search the clinics"
          hint={`${formatCount(organizations.length)} of ${formatCount(all.size)} chosen`}
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
        <ClinicList all={all} names={names} wanted={wanted} chosen={organizations} onDraft={onDraft} />
      )}
    </Choices>
  );
}

interface ClinicListProps {
  all: ReadonlySet<number>;
  names: ReadonlyMap<number, string>;
  /** In lower case. */
  wanted: string;
  chosen: readonly number[];
  onDraft(part: Partial<EndpointDraft>): void;
}

/** Thousands are drawn again only when they change, not with each key that is typed beside them. */
const ClinicList = memo(function ClinicList({ all, names, wanted, chosen, onDraft }: ClinicListProps) {
  const nameOf = (id: number) => names.get(id) ?? `Organization ${id}`;
  const shown = [...all].filter((id) => `${nameOf(id)} ${id}`.toLowerCase().includes(wanted));
  const isChosen = new Set(chosen);
  return (
    <div className="check-list">
      {shown.length === 0 && <p className="soft">No clinic matches.</p>}
      {shown
        .sort((one, other) => one - other)
        .map((id) => (
          <Check
            key={id}
            isChecked={isChosen.has(id)}
            onToggle={() => onDraft({ organizations: toggled(chosen, id) })}
          >
            <bdi>{nameOf(id)}</bdi> <span className="soft">{id}</span>
          </Check>
        ))}
    </div>
  );
});

export function EventFields({ draft, errors: { events: error }, onDraft }: DraftProps) {
  const { kind, events } = draft;
  return (
    <Choices legend="When" error={error}>
      {EVENTS.filter((event) => kind === 'standard' || event !== 'patients.changed').map((event, place) => (
        <Check
          key={event}
          isInvalid={error !== undefined && place === 0}
          isChecked={events.includes(event)}
          onToggle={() => onDraft({ events: toggled(events, event) })}
        >
          {EVENT_NAMES[event]}
        </Check>
      ))}
    </Choices>
  );
}

export function TimeFields({ draft, errors: { times: error }, onDraft }: DraftProps) {
  const { digest, isQuiet, from, to, timeZone } = draft;
  return (
    <Choices legend="How" error={error}>
      <Check isChecked={digest} onToggle={() => onDraft({ digest: !digest })}>
        One message for the events of five minutes: “13 clinics failed: Cliniko answered 503”
      </Check>
      <Check
        isChecked={isQuiet}
        isInvalid={error !== undefined}
        onToggle={() => onDraft({ isQuiet: !isQuiet })}
      >
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
    </Choices>
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
