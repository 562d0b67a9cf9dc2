/** Registers a clinic with its accepted key, and then opens its dashboard. */
import { useEffect, useRef, useState } from 'react';
import { type Api, ApiError, messageOf } from '../api.ts';
import { addressOf, parseOrganizationId } from './address.ts';
import { type NewClinicDraft, type NewClinicErrors, newClinicErrors } from './new-clinic.ts';

/** `registered`: its key is not stored, or its fields were changed since; the id stays. */
type Progress = 'none' | 'adding' | 'registered' | 'added';

export interface AddClinic {
  progress: Progress;
  errors: NewClinicErrors;
  /** Of the server, about no field. */
  refusal: string | null;
  add(): Promise<void>;
}

/** @param draft as typed now: what was typed during the requests is not saved yet, so the dashboard does not open */
export function useAddClinic(api: Api, apiKey: string, draft: NewClinicDraft): AddClinic {
  const [progress, setProgress] = useState<Progress>('none');
  const [errors, setErrors] = useState<NewClinicErrors>({});
  const [refusal, setRefusal] = useState<string | null>(null);
  /** After an attempt that failed later, its id is not taken by another clinic. */
  const registered = useRef<number | null>(null);
  const newest = useRef(draft);
  newest.current = draft;
  // After the render that ended the warning about unsaved input.
  useEffect(() => {
    if (progress === 'added' && registered.current !== null)
      window.location.assign(addressOf(registered.current));
  }, [progress]);

  const add = async (): Promise<void> => {
    const found = newClinicErrors(draft);
    const id = parseOrganizationId(draft.id);
    setErrors(found);
    setRefusal(null);
    if (id === undefined || Object.keys(found).length > 0) return;
    setProgress('adding');
    try {
      if (registered.current !== id && (await isTaken(api, id))) {
        setErrors({ id: `Organization ${id} is registered already. Choose another id.` });
        return setProgress('none');
      }
      await api.saveOrganization(id, changeOf(draft));
      registered.current = id;
      await api.saveCheckedKey(id, apiKey);
      setProgress(newest.current === draft ? 'added' : 'registered');
    } catch (error) {
      setRefusal(messageOf(error));
      setProgress(registered.current === null ? 'none' : 'registered');
    }
  };
  return { progress, errors, refusal, add };
}

function changeOf({ name, country, timeZone }: NewClinicDraft) {
  return { name: name.trim(), country: country.trim(), time_zone: timeZone };
}

/** @throws ApiError when the server does not say */
async function isTaken(api: Api, id: number): Promise<boolean> {
  try {
    await api.organization(id);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND') return false;
    throw error;
  }
}
