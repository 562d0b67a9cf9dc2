/** The content of `/` when its address names no organization. */

import { type FormEvent, useEffect, useId, useState } from 'react';
import type { OrganizationList } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { addressOf, parseOrganizationId } from './address.ts';

export interface ChooseOrganizationProps {
  api: Api;
  /** The invalid organization in the address. */
  asked: string | null;
}

export function ChooseOrganization({ api, asked }: ChooseOrganizationProps) {
  const [text, setText] = useState(asked ?? '');
  const [isRefused, setIsRefused] = useState(asked !== null);
  const inputId = useId();
  const hintId = useId();

  const open = (event: FormEvent): void => {
    event.preventDefault();
    const organizationId = parseOrganizationId(text);
    if (organizationId === undefined) setIsRefused(true);
    else window.location.assign(addressOf(organizationId));
  };
  return (
    <>
      <PageHeader current="dashboard" />
      <main className="page choose">
        <h1>Which clinic?</h1>
        <p className="soft">Open the dashboard of one organization, or look at all of them at once.</p>
        <form className="card choose-form" onSubmit={open} noValidate>
          <label htmlFor={inputId}>Organization id</label>
          <div className="choose-row">
            <input
              id={inputId}
              inputMode="numeric"
              autoComplete="off"
              placeholder="123"
              value={text}
              aria-describedby={hintId}
              aria-invalid={isRefused}
              onChange={(event) => {
                setText(event.target.value);
                setIsRefused(false);
              }}
            />
            <button type="submit" className="btn btn-primary">
              Open
            </button>
          </div>
          <p
            id={hintId}
            className={isRefused ? 'hint hint-bad' : 'hint'}
            role={isRefused ? 'alert' : undefined}
          >
            {isRefused
              ? 'An organization id is a whole number, such as 123.'
              : 'A whole number. The demo uses 123.'}
          </p>
        </form>
        <Registered api={api} />
      </main>
    </>
  );
}

const SHOWN = 8;

/** The registered organizations, so that no id has to be remembered. */
function Registered({ api }: { api: Api }) {
  const [organizations, setOrganizations] = useState<OrganizationList['organizations']>([]);
  useEffect(() => {
    let isCurrent = true;
    // Without the list an id can still be typed; the next page shows that the server is unreachable.
    api.organizations().then(
      (list) => isCurrent && setOrganizations(list.organizations),
      () => {},
    );
    return () => {
      isCurrent = false;
    };
  }, [api]);
  return (
    <nav className="registered" aria-label="Organizations">
      <ul>
        {organizations.slice(0, SHOWN).map(({ organization_id: id, name }) => (
          <li key={id}>
            <a className="card registered-link" href={addressOf(id)}>
              <span>{name ?? `Organization ${id}`}</span>
              <span className="soft">{id}</span>
              <Icon name="next" />
            </a>
          </li>
        ))}
      </ul>
      <p>
        <a href={`${BASE_PATH}/ops`}>
          {organizations.length > SHOWN
            ? `See all ${organizations.length} organizations`
            : 'See all organizations'}
        </a>
      </p>
    </nav>
  );
}
