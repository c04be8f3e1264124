/** The overview's data as tables. */

import { percent, significant } from '../../lib/format';
import { lineName } from '../../lib/scalars';
import type { Cell, Table } from '../../lib/table';
import { run, scalars, selection, session } from '../../state';

const share = (value: Cell) => percent(typeof value === 'number' ? value : null);
const figure = (value: Cell) => significant(typeof value === 'number' ? value : null);

export function curvesTable(): Table {
  const { series } = run;
  const validation = new Map(series.validations.step.map((step, index) => [step, index]));
  const others = scalars.panels.flatMap((panel) =>
    panel.lines.map((line) => ({
      title: `TensorBoard: ${lineName(panel, line)}`,
      values: new Map(line.step.map((step, index) => [step, line.value[index]])),
    })),
  );
  const told = [series.step, series.validations.step, ...others.map(({ values }) => [...values.keys()])];
  const steps = [...new Set(told.flat())].sort((a, b) => a - b);
  const places = new Map(series.step.map((step, index) => [step, index]));
  const rows = steps.map((step): Cell[] => {
    const at = places.get(step);
    const check = validation.get(step);
    return [
      step,
      cell(at === undefined ? undefined : series.loss[at]),
      cell(at === undefined ? undefined : series.smoothLoss[at]),
      cell(at === undefined ? undefined : series.accuracy[at]),
      cell(check === undefined ? undefined : series.validations.accuracy[check]),
      cell(check === undefined ? undefined : series.validations.loss[check]),
      ...others.map(({ values }) => cell(values.get(step))),
    ];
  });
  return {
    caption: 'Training curves',
    columns: [
      { title: 'Iteration' },
      { title: 'Loss', format: figure },
      { title: 'Loss, averaged', format: figure },
      { title: 'Training accuracy', format: share },
      { title: 'Validation accuracy', format: share },
      { title: 'Validation loss', format: figure },
      ...others.map(({ title }) => ({ title, format: figure })),
    ],
    rows,
    selected: (row) => steps[row] === run.shownStep,
    choose: (row) => session.goTo(steps[row] ?? null),
  };
}

export function layersTable(): Table {
  const rows = run.layers.map((layer): Cell[] => {
    const summary = run.summaryOf(layer.index);
    return [
      layer.name,
      layer.kind,
      layer.filters,
      layer.parameters,
      summary?.instances_sampled ?? null,
      summary?.silent ?? null,
      summary?.mean ?? null,
      summary?.drift ?? null,
      summary?.noise ?? null,
      summary === null ? null : summary.stable ? `since ${summary.stable_since ?? summary.to}` : 'no',
      summary?.dead ?? null,
      summary?.always_on ?? null,
      summary?.weakening ?? null,
      summary?.redundant_groups ?? null,
      summary?.effective_filters ?? null,
    ];
  });
  const titles = ['Layer', 'Kind', 'Filters', 'Parameters', 'Instances', 'Silent', 'Mean perplexity', 'Drift', 'Limit'];
  const states = ['Stable', 'Dead', 'Always on', 'Weakening', 'Redundant groups', 'Effective filters'];
  return {
    caption: `Layers at iteration ${run.shownStep}`,
    columns: [...titles, ...states].map((title) => ({ title })),
    rows,
    selected: (row) => run.layers[row]?.index === selection.layer,
    choose: (row) => selection.chooseLayer(run.layers[row]?.index ?? null),
  };
}

function cell(value: number | undefined): Cell {
  return value === undefined || Number.isNaN(value) ? null : value;
}
