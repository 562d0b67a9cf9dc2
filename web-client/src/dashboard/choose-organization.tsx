/** The content of `/` when its address names no organization. */

import { type FormEvent, useEffect, useId, useState } from 'react';
import { formatCount } from '#contract/count.ts';
import type { OrganizationList } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { useMay } from '../auth/rights.ts';
import { BASE_PATH } from '../base-path.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { addressOf, addressOfAdd, parseOrganizationId } from './address.ts';

type Organizations = OrganizationList['organizations'];

export interface ChooseOrganizationProps {
  api: Api;
  /** The invalid organization in the address. Null: a server with one clinic opens it. Empty: it is to be chosen. */
  asked: string | null;
}

export function ChooseOrganization({ api, asked }: ChooseOrganizationProps) {
  const [text, setText] = useState(asked ?? '');
  const [isRefused, setIsRefused] = useState(asked !== null && asked !== '');
  const listing = useOrganizations(api);
  const organizations = listing.kind === 'known' ? listing.organizations : [];
  const inputId = useId();
  const hintId = useId();

  const only = asked === null && organizations.length === 1 ? organizations[0] : undefined;
  useEffect(() => {
    // In place of this page, so that Back does not return to it.
    if (only !== undefined) window.location.replace(addressOf(only.organization_id));
  }, [only]);

  const open = (event: FormEvent): void => {
    event.preventDefault();
    const organizationId = parseOrganizationId(text);
    if (organizationId === undefined) setIsRefused(true);
    else window.location.assign(addressOf(organizationId));
  };
  // Nothing to choose from appears before it is known whether there is a choice.
  if (only !== undefined || (asked === null && listing.kind === 'reading'))
    return <PageHeader current="dashboard" />;
  return (
    <>
      <PageHeader current="dashboard" />
      <main className="page choose">
        <h1>Which clinic?</h1>
        <p className="soft">Open the dashboard of one organization, or look at all of them at once.</p>
        {listing.kind === 'known' && organizations.length === 0 && <FirstClinic />}
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
        <Registered organizations={organizations} />
      </main>
    </>
  );
}

const SHOWN = 8;

type Listing = { kind: 'reading' } | { kind: 'unreadable' } | { kind: 'known'; organizations: Organizations };

function useOrganizations(api: Api): Listing {
  const [listing, setListing] = useState<Listing>({ kind: 'reading' });
  useEffect(
    () =>
      whileCurrent(
        api.organizations(),
        ({ organizations }) => setListing({ kind: 'known', organizations }),
        // Without the list an id can still be typed; the next page shows that the server is unreachable.
        () => setListing({ kind: 'unreadable' }),
      ),
    [api],
  );
  return listing;
}

function FirstClinic() {
  if (useMay('admin') !== true) return null;
  return (
    <section className="card choose-first">
      <h2>Add your first clinic</h2>
      <p className="soft">Paste its Cliniko API key: that is all that a sync needs.</p>
      <a className="btn btn-primary" href={addressOfAdd()}>
        Add a clinic
      </a>
    </section>
  );
}

/** The registered organizations, so that no id has to be remembered. */
function Registered({ organizations }: { organizations: Organizations }) {
  const mayAdd = useMay('admin') === true && organizations.length > 0;
  return (
    <nav className="registered" aria-label="Organizations">
      <ul>
        {organizations.slice(0, SHOWN).map(({ organization_id: id, name }) => (
          <li key={id}>
            <a className="card registered-link" href={addressOf(id)}>
              <bdi>{name ?? `Organization ${id}`}</bdi>
              <span className="soft">{id}</span>
              <Icon name="next" />
            </a>
          </li>
        ))}
      </ul>
      <p>
        <a href={`${BASE_PATH}/ops`}>
          {organizations.length > SHOWN
            ? `See all ${formatCount(organizations.length)} organizations`
            : 'See all organizations'}
        </a>
      </p>
      {mayAdd && (
        <p>
          <a href={addressOfAdd()}>Add a clinic</a>
        </p>
      )}
    </nav>
  );
}
