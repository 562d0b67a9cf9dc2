/** The rows of the console, from the stream and the overview, with what else the stream says. */
import { useMemo, useState } from 'react';
import type { Api } from '../api.ts';
import { createRowReader, type OverviewRows } from './rows.ts';
import { useEverything } from './use-everything.ts';
import { useNames } from './use-names.ts';
import { useOverview } from './use-overview.ts';

export function useConsoleRows(api: Api) {
  const { everything, connection, lines, earlier, throughput } = useEverything(api);
  const states = useMemo(() => [...everything.values()], [everything]);
  const listed = useNames(api, states);
  const { overview, readAgain } = useOverview(api, everything);
  const names = useMemo(() => withNamesOf(overview, listed), [overview, listed]);
  const [readRows] = useState(createRowReader);
  const rows = useMemo(() => readRows(everything, overview, names), [readRows, everything, overview, names]);
  return { rows, names, connection, lines, earlier, throughput, readAgain };
}

/** The overview is read at an interval, so it knows the new name of a clinic first. */
function withNamesOf(overview: OverviewRows, listed: ReadonlyMap<number, string>): Map<number, string> {
  const names = new Map(listed);
  for (const { organization_id: id, name } of overview.values()) {
    if (name === null) names.delete(id);
    else names.set(id, name);
  }
  return names;
}
