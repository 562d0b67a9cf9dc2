/**
 * The settings for a clinic's administrator, in three tabs: the clinic, its schedule, and its key. Loaded when opened.
 *
 * Input that is not saved is kept while tabs change, and the person is asked before it is lost.
 */
import { Tabs } from '@base-ui/react/tabs';
import { type RefObject, useEffect, useRef, useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { DialogFrame } from '../ui/dialog-frame.tsx';
import { useDiscardQuestion } from '../ui/discard-question.tsx';
import { KeyForm } from './key-form.tsx';
import type { SettingsErrors } from './settings-draft.ts';
import { SettingsForm } from './settings-form.tsx';
import { useSettingsDraft } from './use-settings-draft.ts';

export type SettingsPart = 'clinic' | 'schedule' | 'key';

export interface SettingsDialogProps {
  api: Api;
  organization: Organization;
  part: SettingsPart;
  /** The dialog sets it: whether the settings may close. When they may not, the person is asked. */
  mayClose: RefObject<(() => boolean) | null>;
  onPart(part: SettingsPart): void;
  onSaved(): void;
  onClose(): void;
}

const TABS: readonly [SettingsPart, string][] = [
  ['clinic', 'Clinic'],
  ['schedule', 'Schedule'],
  ['key', 'API key'],
];

export function SettingsDialog(props: SettingsDialogProps) {
  const { api, organization, part, mayClose: guard, onPart, onSaved, onClose } = props;
  const keyField = useRef<HTMLInputElement>(null);
  const [key, setKey] = useState('');
  const onErrors = (errors: SettingsErrors): void =>
    onPart(errors.schedules === undefined ? 'clinic' : 'schedule');
  const editor = useSettingsDraft(api, organization, { onSaved, onErrors });
  const { mayClose, question } = useDiscardQuestion(editor.isUnsaved || key !== '', onClose);
  useEffect(() => {
    guard.current = mayClose;
    return () => {
      guard.current = null;
    };
  });
  return (
    <DialogFrame
      title="Settings"
      initialFocus={part === 'key' ? keyField : undefined}
      mayClose={mayClose}
      onClose={onClose}
    >
      <Tabs.Root className="settings" value={part} onValueChange={onPart}>
        <Tabs.List className="tabs" aria-label="Settings">
          {TABS.map(([value, words]) => (
            <Tabs.Tab key={value} value={value} className="tab">
              {words}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <SettingsForm editor={editor} isHidden={part === 'key'} />
        <Tabs.Panel value="key" keepMounted>
          <KeyForm
            api={api}
            organization={organization}
            field={keyField}
            text={key}
            onText={setKey}
            onSaved={onSaved}
          />
        </Tabs.Panel>
      </Tabs.Root>
      <OtherPages />
      {question}
    </DialogFrame>
  );
}

function OtherPages() {
  return (
    <p className="soft">
      A chat or an email address can get a message when a sync fails:{' '}
      <a href={`${BASE_PATH}/notifications`}>open the notifications</a>. For another clinic,{' '}
      <a href={`${BASE_PATH}/?org=`}>choose or add one</a>.
    </p>
  );
}
