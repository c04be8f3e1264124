/** The server's JSON, by hand. */

export type RunStatus = 'running' | 'finished' | 'stopped' | 'interrupted';

export interface RunSummary {
  id: string;
  name: string;
  status: RunStatus;
  network: string;
  data: string;
  step: number;
  iterations: number | null;
  loss: number | null;
  accuracy: number | null;
  created: number;
  seconds: number;
  live: boolean;
  error: string | null;
}

export interface ReceptiveField {
  size: [number, number];
  stride: [number, number];
  offset: [number, number];
}

export interface LayerInfo {
  index: number;
  name: string;
  kind: string;
  filters: number;
  grid: [number, number];
  positions: number;
  receptive_field: ReceptiveField | null;
  parameters: number;
  rectify: string;
  output: boolean;
  between: string[];
}

export interface Control {
  pause: boolean;
  stop: boolean;
}

export interface RunDetail extends RunSummary {
  parameters: number;
  multiply_adds: number | null;
  classes: string[];
  input: [number, number, number] | null;
  batch: number | null;
  seed: number | null;
  training_inputs: number | null;
  settings: string;
  network_toml: string;
  window: number;
  layers: LayerInfo[];
  control: Control | null;
  paused: boolean;
  problems: string[];
}

export interface Validations {
  step: number[];
  accuracy: (number | null)[];
  loss: (number | null)[];
}

export interface Scalars {
  step: number[];
  loss: (number | null)[];
  train_accuracy: (number | null)[];
  validations: Validations;
  iterations_per_second: number | null;
}

export interface LayerCourse {
  layer: number;
  step: number[];
  from: number[];
  drift: (number | null)[];
  noise: (number | null)[];
  change: (number | null)[];
  mean: (number | null)[];
  silent_share: number[];
  stable: boolean[];
}

export interface Course {
  layers: LayerCourse[];
  map_steps: number[];
}

export interface Separability {
  neighbour_purity: number;
  ridge_accuracy: number;
}

export type Severity = 'high' | 'medium' | 'low' | 'info';

export interface LayerSummary {
  layer: number;
  from: number;
  to: number;
  instances: number;
  instances_possible: number;
  instances_sampled: number;
  invalid: number;
  silent: number;
  counts: number[];
  change: number[] | null;
  mean: number | null;
  drift: number | null;
  noise: number | null;
  trend: number | null;
  stable: boolean;
  stable_since: number | null;
  dead: number;
  always_on: number;
  weakening: number;
  redundant_groups: number;
  effective_filters: number | null;
  separability: Separability | null;
  findings: Record<Severity, number>;
}

export interface Overview {
  step: number;
  at: number | null;
  layers: LayerSummary[];
}

export type FindingKind =
  | 'stable'
  | 'dead'
  | 'always_on'
  | 'weakening'
  | 'undetected'
  | 'redundant'
  | 'oversized'
  | 'unnecessary_layer'
  | 'missing_layer'
  | 'invalid';

export interface Finding {
  id: string;
  kind: FindingKind;
  layer: string | null;
  layer_index: number | null;
  filters: number[] | null;
  instances: number[] | null;
  severity: Severity;
  evidence: Record<string, number | null>;
  text: string;
  suggestion: string | null;
}

export interface Findings {
  step: number;
  findings: Finding[];
}

export type PlanActionKind = 'remove_filters' | 'merge_filters' | 'resize_layer' | 'remove_layer' | 'add_layer';

export interface PlanAction {
  action: PlanActionKind;
  layer: string;
  filters?: number[];
  size?: number;
  reason: string;
  evidence: Record<string, number>;
  confidence: number;
}

export interface PlanCost {
  parameters: number;
  macs: number;
}

export interface PlanReply {
  plan: { version: number; actions: PlanAction[] };
  before: PlanCost;
  after: PlanCost;
  exact: boolean;
}

export interface Starting {
  networks: string[];
  data: string[];
}

export interface NewRun {
  network: string;
  data: string;
  iterations: number | null;
  lr: number | null;
  batch: number | null;
  seed: number | null;
  name: string | null;
}

export type ViewName = 'overview' | 'layer' | 'filter_map' | 'input_map' | 'activations';

export type ClientMessage =
  | { type: 'subscribe'; run: string; layer: number | null; views: ViewName[]; since: number | null }
  | { type: 'unsubscribe' };

export interface RunMessage {
  run: string;
  status: RunStatus;
  paused: boolean;
  step: number;
  iterations: number | null;
  loss: number | null;
  smoothed_loss: number | null;
  train_accuracy: number | null;
  iterations_per_second: number | null;
  eta_seconds: number | null;
  cost_share: number | null;
  thinned: boolean;
  problems: string[];
  version: number;
}

export interface ScalarsMessage {
  run: string;
  step: number[];
  loss: (number | null)[];
  train_accuracy: (number | null)[];
  validations: Validations;
}

export type ServerMessage =
  | ({ type: 'run' } & RunMessage)
  | ({ type: 'scalars' } & ScalarsMessage)
  | ({ type: 'overview'; run: string; findings_changed: boolean } & Overview)
  | { type: 'runs_changed' }
  | { type: 'error'; error: string };
