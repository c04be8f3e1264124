/** The chosen layer's perplexity histogram as a table. */

import type { Cell, Table } from '../../lib/table';
import { run } from '../../state';

export function perplexityTable(): Table {
  const { layer, summary } = run;
  const filters = layer?.filters ?? 1;
  const bins = summary?.counts.length ?? 0;
  const edge = (bin: number) => 1 + (bin / bins) * (Math.max(2, filters) - 1);
  const rows: Cell[][] = (summary?.counts ?? []).map((count, bin) => [
    edge(bin),
    edge(bin + 1),
    count,
    summary?.change?.[bin] ?? null,
  ]);
  return {
    caption: `Perplexity of ${layer?.name ?? 'no layer'}, iterations ${summary?.from ?? 0} to ${summary?.to ?? 0}`,
    columns: [{ title: 'From' }, { title: 'To' }, { title: 'Instances' }, { title: 'Change of share' }],
    rows,
  };
}
