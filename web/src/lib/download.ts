/** Hands files to the viewer. */

import { run, selection } from '../state';

/** `lenet-fc1-600-input-map`: what is shown, fit for a file's name. */
export function fileName(view: string): string {
  const parts = [run.detail?.name ?? 'run', run.layer?.name ?? '', String(selection.step ?? run.step), view];
  return parts
    .filter((part) => part !== '')
    .join('-')
    .replace(/[^A-Za-z0-9._-]+/g, '-');
}

export function saveText(text: string, name: string, type: string): void {
  saveBlob(new Blob([text], { type }), name);
}

export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export async function savePng(canvas: HTMLCanvasElement, name: string): Promise<void> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob !== null) saveBlob(blob, name);
}
