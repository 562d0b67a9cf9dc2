/** What `/` shows when its address names no organization. */
import { type FormEvent, useId, useState } from 'react';
import { Masthead } from '../look/masthead.tsx';
import { addressOf, parseOrganizationId } from './address.ts';

export interface ChooseOrganizationProps {
  /** What the address named, though it cannot be an organization. */
  asked: string | null;
}

export function ChooseOrganization({ asked }: ChooseOrganizationProps) {
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
      <Masthead current="dashboard" />
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
            {isRefused ? 'An organization id is a whole number, such as 123.' : 'The demo’s clinic is 123.'}
          </p>
        </form>
        <p>
          <a href="/ops">See all organizations</a>
        </p>
      </main>
    </>
  );
}
