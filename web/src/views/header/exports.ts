/** What the header's export menu offers: the run's data, beside the pictures that each view exports itself. */

import type { IconName } from '../../components/Icon.svelte';
import { fileName, saveText } from '../../lib/download';
import { csvOf } from '../../lib/table';
import { redesign, run } from '../../state';
import { curvesTable, layersTable } from '../overview/tables';

interface Item {
  label: string;
  icon: IconName;
  act: () => void;
}

export function exportItems(): Item[] {
  const csv = (label: string, name: string, text: () => string): Item => ({
    label,
    icon: 'table',
    act: () => saveText(text(), `${fileName(name)}.csv`, 'text/csv'),
  });
  const json = (label: string, name: string, value: () => unknown): Item => ({
    label,
    icon: 'download',
    act: () => saveText(JSON.stringify(value(), null, 2), `${fileName(name)}.json`, 'application/json'),
  });
  return [
    csv('Curves (CSV)', 'curves', () => csvOf(curvesTable())),
    csv('Layers (CSV)', 'layers', () => csvOf(layersTable())),
    json('Findings (JSON)', 'findings', () => ({ step: run.findingsStep, findings: run.findings })),
    json('Redesign plan (JSON)', 'plan', () => ({ version: 1, actions: redesign.actions })),
  ];
}
