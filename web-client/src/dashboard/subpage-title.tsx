/** The heading of a page below an organization's dashboard, with the link back to that. */
import { Icon } from '../ui/icon.tsx';
import { addressOf } from './address.ts';

export interface SubpageTitleProps {
  organizationId: number;
  organizationName: string;
  title: string;
}

export function SubpageTitle({ organizationId, organizationName, title }: SubpageTitleProps) {
  return (
    <div className="title">
      <p className="crumb">
        <a href={addressOf(organizationId)}>
          <Icon name="back" /> <bdi>{organizationName}</bdi>
        </a>
      </p>
      <h1>{title}</h1>
    </div>
  );
}
