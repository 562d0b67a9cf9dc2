/** The rows of the console, from the stream and the overview, with what else the stream says. */
import { useMemo, useState } from 'react';
import type { Api } from '../api.ts';
import { createRowReader } from './rows.ts';
import { useEverything } from './use-everything.ts';
import { useNames } from './use-names.ts';
import { useOverview } from './use-overview.ts';

export function useConsoleRows(api: Api) {
  const { everything, connection, lines, earlier, throughput } = useEverything(api);
  const states = useMemo(() => [...everything.values()], [everything]);
  const names = useNames(api, states);
  const { overview, readAgain } = useOverview(api, everything);
  const [readRows] = useState(createRowReader);
  const rows = useMemo(() => readRows(everything, overview, names), [readRows, everything, overview, names]);
  return { rows, names, connection, lines, earlier, throughput, readAgain };
}
